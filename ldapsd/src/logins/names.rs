//! The name of each login: one for the password, the account after it and a change that follows, so
//! that one word finds all of its lines.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ldaps_core::protocol::messages::{Login, PamRequest};
use ldaps_core::protocol::request_id::RequestId;
use lru::LruCache;
use tokio::time::Instant;

use crate::peer::Peer;

/// Logins under way that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// Longest time between two phases of one login: somebody may be thinking of a new password.
const PATIENCE: Duration = Duration::from_secs(600);

/// One login is one process asking about one account: there it is that libpam runs its phases.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Asked {
    pid: i32,
    caller: u32,
    account: u32,
    service: String,
}

/// The logins under way.
pub(crate) struct LoginNames(Mutex<LruCache<Asked, (RequestId, Instant)>>);

impl Default for LoginNames {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl LoginNames {
    /// The name of the login that a request belongs to.
    pub(crate) fn of(&self, peer: Peer, request: &PamRequest<'_>) -> RequestId {
        // The keys of a RandomState are the kernel's random bytes, another one's for each.
        let fresh = RequestId::from_random(RandomState::new().build_hasher().finish());
        // The kernel shows no number of a process outside of our PID namespace.
        let Some(pid) = peer.pid.filter(|pid| *pid > 0) else { return fresh };
        let Login { uid, service, .. } = request.login();
        let asked = Asked { pid, caller: peer.uid, account: uid, service: service.to_owned() };
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = under_way.get(&asked).filter(|(_, at)| at.elapsed() < PATIENCE);
        let name = match before {
            Some((name, _)) if !begins(request) => *name,
            _ => fresh,
        };
        under_way.put(asked, (name, Instant::now()));
        name
    }
}

/// Whether a request begins a login, whatever its process has asked before.
fn begins(request: &PamRequest<'_>) -> bool {
    match request {
        PamRequest::Authenticate { .. } | PamRequest::Account { authenticated: false, .. } => true,
        PamRequest::Account { authenticated: true, .. }
        | PamRequest::CheckOldPassword { .. }
        | PamRequest::ChangePassword { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_logins_have_one_name_or_one_has_two() {
        let names = LoginNames::default();
        let peer = |pid| Peer { uid: 0, pid: Some(pid) };
        let login = |uid, service| Login { user: "a", uid, service, rhost: "", tty: "", ruser: "" };
        let auth = PamRequest::Authenticate { login: login(1, "sshd"), password: b"x" };
        let after = PamRequest::Account { login: login(1, "sshd"), authenticated: true };
        let by_key = PamRequest::Account { login: login(1, "sshd"), authenticated: false };
        let change = PamRequest::CheckOldPassword { login: login(1, "sshd"), old: b"x" };
        let other = PamRequest::Account { login: login(2, "sshd"), authenticated: true };

        let first = names.of(peer(7), &auth);
        assert_eq!(names.of(peer(7), &after), first, "the account phase of the same login");
        assert_eq!(names.of(peer(7), &change), first, "its change");
        assert_ne!(names.of(peer(8), &after), first, "another process");
        assert_ne!(names.of(peer(7), &other), first, "another account");
        assert_ne!(names.of(peer(7), &by_key), first, "a login without a password");
        let again = names.of(peer(7), &auth);
        assert_ne!(again, first, "the next try");
        tokio::time::advance(PATIENCE).await;
        assert_ne!(names.of(peer(7), &after), again, "the number of a process that is long gone");
        let unseen = Peer { uid: 0, pid: None };
        assert_ne!(names.of(unseen, &auth), names.of(unseen, &after));
    }
}
