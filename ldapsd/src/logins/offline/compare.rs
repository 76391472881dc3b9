//! A password held against the kept one, while no domain controller answers.

use std::time::{Duration, SystemTime};

use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_core::sid::Sid;

use super::day::day;
use crate::host::Host;
use crate::logins::Decision;
use crate::offline::record::Record;
use crate::offline::tries::{self, Try};

/// The longest wait that somebody is held for; the modules' own patience is 30 s. Whoever has to
/// wait longer is told so.
const HELD: Duration = Duration::from_secs(8);

/// Compares the password with the kept one. The try is counted before, on the disk: whoever cuts
/// the power to a machine gets no more of them.
pub(super) async fn compare(host: &Host, sid: Sid, password: &Password) -> Decision {
    let now = SystemTime::now();
    let Some(record) = host.offline.of(sid) else {
        return Decision::refused(Refusal::NotTheSavedPassword);
    };
    let ended = || {
        let why = "what was saved was ended, or replaced, before the password was compared";
        Decision::refused_because(Refusal::NotTheSavedPassword, why.to_owned())
    };
    match tries::next(&record, now) {
        Try::Never => {
            let why =
                format!("{} wrong passwords while no domain controller answered", record.wrong);
            return Decision::refused_because(Refusal::TooManyAttempts, why).telling(
                "Too many wrong passwords. Please connect to your organisation's network first.",
            );
        }
        Try::After(wait) if wait > HELD => {
            let why = format!(
                "the next try after {} wrong ones is in {} s",
                record.wrong,
                wait.as_secs()
            );
            let seconds = wait.as_secs().saturating_add(1);
            return Decision::refused_because(Refusal::TooManyAttempts, why)
                .telling(format!("Too many wrong passwords. Please wait {seconds} seconds."));
        }
        Try::After(wait) => tokio::time::sleep(wait).await,
    }
    let tried = |record: &Record| record.tried(SystemTime::now());
    let Some(record) = host.offline.change(&record, tried).await else { return ended() };
    if !host.offline.matches(&record, password).await {
        let why = format!("not the password saved on {}", day(record.saved_at(), now));
        return Decision::refused_because(Refusal::NotTheSavedPassword, why);
    }
    if host.offline.change(&record, Record::opened).await.is_none() {
        return ended();
    }
    host.offline.vouch(sid);
    Decision::granted(format!("the password is the one saved on {}", day(record.saved_at(), now)))
}
