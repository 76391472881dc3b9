//! When passwords expire, as a domain controller computed it at an earlier login of the same person
//! with the same password.
//!
//! It computes that anew each time it is asked, from the domain's rules and the PSOs of the person's
//! groups (MS-ADTS 3.1.1.4.5.34), and Samba does so at the expense of the bind beside it. Whoever has
//! just been let in by a password knows already that it is neither expired nor locked: all that this
//! is for is the warning some days before, and that does not change from one login to the next.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ldaps_core::sid::Sid;
use ldaps_directory::{AccountState, PasswordState};
use lru::LruCache;
use tokio::time::Instant;

use crate::lookups::memory::KnownUser;

/// A change of the domain's rules shows in the warning within this time: it counts in days.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
/// More people than log in at one host in a day; of more, those of the longest ago are asked for again.
const HELD_MAX: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// See the module.
pub(crate) struct Expiries(Mutex<LruCache<Sid, Computed>>);

struct Computed {
    at: Instant,
    state: AccountState,
}

impl Default for Expiries {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(HELD_MAX)))
    }
}

impl Expiries {
    /// Keeps what AD has just said of an account; nothing, where it says anything against its password.
    pub(super) fn keep(&self, user: &KnownUser) {
        let (sid, state) = (user.record.sid, &user.record.state);
        match speaks_for_the_password(state) {
            true => {
                self.lock().put(sid, Computed { at: Instant::now(), state: state.clone() });
            }
            false => {
                self.lock().pop(&sid);
            }
        }
    }

    /// A user who has just been read without it, with what was computed earlier. None: AD has to be
    /// asked, for it was not of late, or the account or its password have changed since, or may have.
    pub(super) fn complete(&self, user: &Arc<KnownUser>) -> Option<Arc<KnownUser>> {
        let mut user = user.clone();
        let mut held = self.lock();
        let earlier = held.get(&user.record.sid).filter(|it| it.at.elapsed() < GOOD_FOR)?;
        // Without it one password is not told from the next.
        user.record.state.password_last_set()?;
        let state = &mut Arc::make_mut(&mut user).record.state;
        (state.remember_password(&earlier.state) && speaks_for_the_password(state)).then_some(user)
    }

    /// Forgets all of it.
    pub(crate) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Sid, Computed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn speaks_for_the_password(state: &AccountState) -> bool {
    match state.password(SystemTime::now()) {
        PasswordState::Good(_) => !state.is_locked_out(),
        PasswordState::Expired | PasswordState::MustChange | PasswordState::NotRead => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::alice;
    use serde_json::{Value, json};

    /// The year 2100 as a FILETIME.
    const FAR: i64 = 157_469_184_000_000_000;

    /// Alice, with these attributes instead of hers.
    fn with(attributes: &[(&str, Value)]) -> Arc<KnownUser> {
        let user = alice();
        let mut record = serde_json::to_value(&user.record).unwrap();
        for (name, value) in attributes {
            record["state"][*name] = value.clone();
        }
        Arc::new(KnownUser { record: serde_json::from_value(record).unwrap(), ..user })
    }

    fn computed(control: u32, expires: i64) -> (&'static str, Value) {
        ("computed", json!({"control": control, "password_expires": expires}))
    }

    /// Alice's password was set at some time, and this is what a look-up reads of her.
    fn looked_up(set: Value, control: u32) -> Arc<KnownUser> {
        with(&[
            ("computed", Value::Null),
            ("password_last_set", set),
            ("user_account_control", json!(control)),
        ])
    }

    /// The year 2000.
    const SET: i64 = 125_911_584_000_000_000;

    fn logged_in(computed: (&'static str, Value)) -> Expiries {
        let expiries = Expiries::default();
        expiries.keep(&with(&[computed, ("password_last_set", json!(SET))]));
        expiries
    }

    #[tokio::test(start_paused = true)]
    async fn an_expiry_outlives_its_password_or_its_day_or_is_not_remembered() {
        let expiries = logged_in(computed(0, FAR));
        let now = SystemTime::now();
        let again = expiries.complete(&looked_up(json!(SET), 512)).expect("nothing has changed");
        assert!(matches!(again.record.state.password(now), PasswordState::Good(Some(_))));
        for (what, set, control) in [
            ("another password", json!(SET + 1), 512),
            ("to be changed", json!(0), 512),
            ("not shown", Value::Null, 512),
            ("never expires, now", json!(SET), 512 | 0x1_0000),
        ] {
            assert!(expiries.complete(&looked_up(set, control)).is_none(), "{what}");
        }
        assert!(Expiries::default().complete(&looked_up(json!(SET), 512)).is_none(), "a stranger");
        tokio::time::advance(GOOD_FOR).await;
        assert!(expiries.complete(&looked_up(json!(SET), 512)).is_none(), "a day later");
    }

    #[tokio::test]
    async fn what_speaks_against_a_password_is_remembered_for_it() {
        const LOCKED_OUT: u32 = 0x10;
        for against in [computed(0, 0), computed(0, 1), computed(LOCKED_OUT, FAR)] {
            let expiries = logged_in(against.clone());
            assert!(expiries.complete(&looked_up(json!(SET), 512)).is_none(), "{against:?}");

            // Nor does what was said for it before that.
            let expiries = logged_in(computed(0, FAR));
            expiries.keep(&with(&[against.clone(), ("password_last_set", json!(SET))]));
            assert!(expiries.complete(&looked_up(json!(SET), 512)).is_none(), "{against:?}");
        }
    }

    #[test]
    fn a_password_that_has_expired_since_is_remembered_as_good() {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let soon = i64::try_from(since_1970.as_secs()).unwrap() + 2;
        let expiries = logged_in(computed(0, (soon + 11_644_473_600) * 10_000_000));
        assert!(expiries.complete(&looked_up(json!(SET), 512)).is_some());
        std::thread::sleep(Duration::from_secs(2));
        assert!(expiries.complete(&looked_up(json!(SET), 512)).is_none());
    }

    #[tokio::test]
    async fn a_password_that_cannot_be_told_from_the_next_is_taken_for_it() {
        let expiries = Expiries::default();
        let shown_to_nobody = ("password_last_set", Value::Null);
        expiries.keep(&with(&[computed(0, FAR), shown_to_nobody]));
        assert!(expiries.complete(&looked_up(Value::Null, 512)).is_none());
    }
}
