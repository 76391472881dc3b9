//! The lines for the host's log. They may say everything but a password.
#![forbid(unsafe_code)]

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::protocol::request_id::RequestId;
use pam::constants::PamResultCode;

use crate::codes::Phase;
use crate::host::Place;

/// How urgent a line is: syslog(3)'s names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The daemon or the host is in trouble.
    Error,
    /// The administrator should look.
    Warning,
    /// Somebody was refused.
    Notice,
    /// Somebody was let in.
    Info,
    /// Asked for with the argument `debug`.
    Debug,
}

/// What a line is about.
pub struct Login<'a> {
    /// PAM_USER; it has passed the checks of a name, so it holds no control character.
    pub user: &'a str,
    /// The uid that `getpwnam_r` gave.
    pub uid: u32,
    /// PAM's items.
    pub place: &'a Place,
    /// Which question was asked.
    pub phase: Phase,
}

/// The line for a verdict, with the name that finds the daemon's side of it in the log.
#[must_use]
pub fn verdict_line(
    login: &Login<'_>,
    verdict: Verdict,
    code: &PamResultCode,
    why: Option<&str>,
    request: Option<RequestId>,
) -> (Level, String) {
    let (level, outcome) = match verdict {
        Verdict::Granted => (Level::Info, granted(login.phase).to_owned()),
        Verdict::ChangeFirst => (Level::Info, change_first(login.phase).to_owned()),
        Verdict::Refused(refusal) if login.phase.is_change() => {
            (Level::Notice, format!("password not changed: {refusal}"))
        }
        Verdict::Refused(refusal) => (Level::Notice, format!("refused: {refusal}")),
        Verdict::Unavailable if login.phase.is_change() => {
            (Level::Error, "password change without an answer".to_owned())
        }
        Verdict::Unavailable => (Level::Error, "refused, not judged".to_owned()),
        Verdict::NotOurs => (Level::Notice, not_ours(login.phase).to_owned()),
    };
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let request = request.map(|name| format!(" request={name}")).unwrap_or_default();
    let (user, uid, place) = (login.user, login.uid, login.place);
    let line = format!(
        "{user} {outcome}{why}; uid={uid} service={} rhost={} tty={} ruser={} code={code:?}{request}",
        shown(&place.service),
        shown(&place.rhost),
        shown(&place.tty),
        shown(&place.ruser),
    );
    (level, line)
}

fn granted(phase: Phase) -> &'static str {
    match phase {
        Phase::Auth => "authenticated",
        Phase::Account => "allowed",
        Phase::OldPassword => "gave the current password, to change it",
        Phase::NewPassword => "has changed the password",
    }
}

fn change_first(phase: Phase) -> &'static str {
    match phase {
        Phase::Auth => "authenticated, with a password that has to be changed",
        Phase::Account => "has to change the password first",
        Phase::OldPassword => "gave the current password, which has to be changed",
        Phase::NewPassword => "password not changed: ldapsd answered another question",
    }
}

fn not_ours(phase: Phase) -> &'static str {
    match phase {
        Phase::Auth | Phase::OldPassword | Phase::NewPassword => {
            "left to other modules: the directory has no such account with this id"
        }
        Phase::Account => {
            "refused: the id is one of the directory's, and the directory has no such account"
        }
    }
}

/// Text from outside (a remote host name, say) as it may stand in a line of a log: no control
/// character, so that nobody writes a second line there.
#[must_use]
pub fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_core::refusal::Refusal;
    use pam::constants::PamResultCode::*;

    fn line(phase: Phase, verdict: Verdict, rhost: &str) -> (Level, String) {
        let place = Place { service: "sshd".into(), rhost: rhost.into(), ..Place::default() };
        let login = Login { user: "alice", uid: 200_000, place: &place, phase };
        verdict_line(&login, verdict, &PAM_ACCT_EXPIRED, None, Some(RequestId::from_random(7)))
    }

    #[test]
    fn the_line_of_a_refusal_lacks_what_the_administrator_looks_for() {
        let verdict = Verdict::Refused(Refusal::AccountDisabled);
        let (level, line) = line(Phase::Auth, verdict, "10.0.0.9");
        assert_eq!(level, Level::Notice);
        assert_eq!(
            line,
            "alice refused: the account is disabled (AD: data 533); uid=200000 service=sshd \
             rhost=10.0.0.9 tty= ruser= code=PAM_ACCT_EXPIRED request=00000007"
        );
    }

    #[test]
    fn a_remote_name_writes_a_second_line_into_the_log() {
        let (_, line) = line(Phase::Auth, Verdict::Granted, "a\nroot authenticated\x1b[2J");
        assert!(!line.contains(char::is_control), "{line:?}");
    }

    #[test]
    fn trouble_with_the_daemon_is_logged_below_error() {
        assert_eq!(line(Phase::Account, Verdict::Unavailable, "").0, Level::Error);
        assert_eq!(line(Phase::Account, Verdict::Granted, "").0, Level::Info);
        assert_eq!(line(Phase::Account, Verdict::NotOurs, "").0, Level::Notice);
    }
}
