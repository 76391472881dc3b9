//! SSH public keys of people, for sshd's `AuthorizedKeysCommand`: read from AD each time, from
//! memory while no server answers.

mod line;

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ldaps_core::names::UserName;
use ldaps_core::sid::Sid;
use ldaps_directory::DirectoryError;
use lru::LruCache;
use tokio::time::{Instant, timeout};

use crate::budget::Asker;
use crate::host::Host;
use crate::lookups::LOGIN_MEMORY;
use crate::lookups::memory::Key;

/// What marks a key in altSecurityIdentities, which holds other identities too.
const MARK: &str = "SSHKey:";
/// The attribute in which only marked values are keys.
const SHARED_ATTRIBUTE: &str = "altSecurityIdentities";
/// Keys of one person that are given out.
const KEYS_MAX: usize = 100;
/// People whose keys are remembered, the least recent forgotten first.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// How long AD is waited for where there are keys from before: sshd is waiting too.
const PATIENCE: Duration = Duration::from_secs(2);

/// The keys that AD gave, and when.
pub(crate) struct SshKeys(Mutex<LruCache<Sid, (Vec<String>, Instant)>>);

impl Default for SshKeys {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl SshKeys {
    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn keep(&self, sid: Sid, keys: &[String]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(sid, (keys.to_vec(), Instant::now()));
    }

    /// What was known, as long as it may decide about a login.
    fn known(&self, sid: Sid) -> Option<Vec<String>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (keys, read) = known.get(&sid)?;
        (read.elapsed() < LOGIN_MEMORY).then(|| keys.clone())
    }
}

/// The keys of the user of this name, as lines of an authorized_keys file; none for whom this host
/// does not know from the directory.
///
/// # Errors
/// [`DirectoryError`], where AD has not said and does not say.
pub(crate) async fn of_user(
    host: &Host,
    asker: Asker<'_>,
    name: &str,
) -> Result<Vec<String>, DirectoryError> {
    let Ok(name) = UserName::parse(name.as_bytes()) else { return Ok(Vec::new()) };
    let Some(user) = host.lookups.user(Key::UserName(name), asker).await? else {
        return Ok(Vec::new());
    };
    let (sid, attribute) = (user.record.sid, host.config.ssh.attribute.as_str());
    let known = host.ssh_keys.known(sid);
    // By the SID: the DN may be somebody else's by now.
    let asked = host.directory.values_of(sid, attribute);
    let answer = match known {
        None => asked.await,
        Some(known) => match timeout(PATIENCE, asked).await {
            Ok(Ok(values)) => Ok(values),
            Ok(Err(_)) | Err(_) => return Ok(known),
        },
    };
    let keys = keys(&user.record.dn, attribute, &answer?);
    host.ssh_keys.keep(sid, &keys);
    Ok(keys)
}

/// The valid keys among the values of an attribute.
fn keys(dn: &str, attribute: &str, values: &[Vec<u8>]) -> Vec<String> {
    let shared = attribute.eq_ignore_ascii_case(SHARED_ATTRIBUTE);
    let mut keys = Vec::new();
    for value in values {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let marked = text.get(..MARK.len()).filter(|mark| mark.eq_ignore_ascii_case(MARK));
        let key = match (marked, shared) {
            (Some(mark), _) => &text[mark.len()..],
            (None, false) => text,
            (None, true) => continue,
        };
        match line::parse(key) {
            Ok(line) if keys.len() < KEYS_MAX => keys.push(line),
            Ok(_) => {
                tracing::warn!("{dn} has more than {KEYS_MAX} SSH keys: the rest is left out");
                break;
            }
            Err(why) => tracing::warn!("a value of {attribute} of {dn} is no SSH key: {why}"),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the right form: 32 bytes of key.
    const KEY: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn another_identity_comes_out_as_a_key_or_a_key_does_not() {
        let values = [
            format!("SSHKey:{KEY} alice@work"),
            format!("sshkey: {KEY}"),
            KEY.to_owned(),
            "X509:<I>DC=example,DC=corp<S>CN=alice".to_owned(),
            "Kerberos:alice@EXAMPLE.COM".to_owned(),
            "SSHKey:rubbish".to_owned(),
            "SSHKe\u{e9}".to_owned(),
        ];
        let values: Vec<Vec<u8>> = values.into_iter().map(String::into_bytes).collect();
        let with_comment = format!("{KEY} alice@work");
        let in_shared = keys("CN=alice", "ALTSecurityIdentities", &values);
        assert_eq!(in_shared, [with_comment.as_str(), KEY]);
        let in_own = keys("CN=alice", "sshPublicKey", &values);
        assert_eq!(in_own, [with_comment.as_str(), KEY, KEY]);
        let many = vec![KEY.as_bytes().to_vec(); KEYS_MAX + 5];
        assert_eq!(keys("CN=alice", "sshPublicKey", &many).len(), KEYS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_taken_away_opens_for_ever() {
        let keys = SshKeys::default();
        let sid: Sid = "S-1-5-21-1-2-3-1107".parse().unwrap();
        assert_eq!(keys.known(sid), None);
        keys.keep(sid, &[KEY.to_owned()]);
        assert_eq!(keys.known(sid), Some(vec![KEY.to_owned()]));
        keys.keep(sid, &[]);
        assert_eq!(keys.known(sid), Some(vec![]));
        tokio::time::advance(LOGIN_MEMORY + Duration::from_secs(1)).await;
        assert_eq!(keys.known(sid), None);
    }
}
