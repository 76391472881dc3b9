//! What applications are told of a person besides what look-ups show (`[profile]`): names, mail,
//! and the attributes that the configuration names, read from AD each time.

use ldaps_core::config::{Profile as Settings, STANDING_ATTRIBUTES};
use ldaps_core::protocol::admin::{Profile, ProfileValue};
use ldaps_directory::DirectoryError;

use crate::host::Host;
use crate::lookups::local_names::Names;
use crate::lookups::memory::KnownUser;
use crate::peer::Peer;

/// The user's profile, or why this caller is not told.
///
/// # Errors
/// [`DirectoryError`]: AD could not be asked.
pub(crate) async fn for_caller(
    host: &Host,
    peer: Peer,
    user: &KnownUser,
) -> Result<Result<Profile, String>, DirectoryError> {
    let settings = &host.config.profile;
    if !may_read(peer.uid, user.entry.uid, &*host.lookups.local_names()?, settings) {
        let why = "only root, the users themselves, and the local users that [profile] readers in \
                   ldaps.toml names are told people's profiles";
        return Ok(Err(why.to_owned()));
    }
    let names = STANDING_ATTRIBUTES.into_iter();
    let names: Vec<&str> = names.chain(settings.attributes.iter().map(|name| &**name)).collect();
    let found = host.directory.attributes(&user.record.dn, &names).await?;
    let found = found.unwrap_or_else(|| vec![Vec::new(); names.len()]);
    Ok(Ok(made_of(&names, found)))
}

/// Whether a process with this uid is told the profile of the user with that one.
fn may_read(uid: u32, of: u32, local: &Names, settings: &Settings) -> bool {
    let is_reader = || {
        let name = local.user_of(uid);
        name.is_some_and(|name| settings.readers.iter().any(|reader| reader == name))
    };
    uid == 0 || uid == of || is_reader()
}

/// The profile of these attributes, of which the standing ones are the first.
fn made_of(names: &[&str], values: Vec<Vec<Vec<u8>>>) -> Profile {
    let mut values = values.into_iter().map(|all| all.into_iter().map(value).collect::<Vec<_>>());
    let standing = STANDING_ATTRIBUTES.map(|_| {
        let texts = values.next().unwrap_or_default().into_iter().filter_map(|value| match value {
            ProfileValue::Text(text) if !text.is_empty() => Some(text),
            ProfileValue::Text(_) | ProfileValue::Bytes(_) => None,
        });
        { texts }.next()
    });
    let more = names.iter().skip(STANDING_ATTRIBUTES.len()).map(|name| (*name).to_owned());
    Profile { standing, more: more.zip(values).collect() }
}

/// Text is UTF-8 without NUL, which no database that an application has would take.
fn value(bytes: Vec<u8>) -> ProfileValue {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => ProfileValue::Text(text),
        Ok(text) => ProfileValue::Bytes(text.into_bytes()),
        Err(error) => ProfileValue::Bytes(error.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_reads_anothers_profile() {
        let local = Names::of(&[("root", 0), ("www-data", 33), ("daemon", 1)], &[]);
        let settings = Settings { readers: vec!["www-data".to_owned()], ..Settings::default() };
        let table =
            [(0, true), (200_500, true), (33, true), (1, false), (200_501, false), (65_534, false)];
        for (uid, may) in table {
            assert_eq!(may_read(uid, 200_500, &local, &settings), may, "{uid}");
        }
        assert!(!may_read(33, 200_500, &local, &Settings::default()), "nobody has named it");
    }
}
