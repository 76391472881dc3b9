//! The line in the journal: who, through what, from where, what was decided, why, how long it took.

use std::fmt::Write as _;
use std::time::Duration;

use ldaps_core::protocol::messages::{Login, Verdict};

use super::Decision;
use crate::peer::Peer;

/// Longest text of PAM that is repeated.
const TEXT_MAX: usize = 100;

/// Writes the line.
pub(crate) fn report(
    phase: &str,
    login: &Login<'_>,
    peer: Peer,
    decision: &Decision,
    server: Option<&str>,
    number: u64,
    took: Duration,
) {
    let line = line(phase, login, peer, decision, server, number, took);
    match decision.verdict {
        Verdict::Granted | Verdict::ChangeFirst | Verdict::NotOurs => tracing::info!("{line}"),
        Verdict::Refused(_) => tracing::warn!("{line}"),
        Verdict::Unavailable => tracing::error!("{line}"),
    }
}

fn line(
    phase: &str,
    login: &Login<'_>,
    peer: Peer,
    decision: &Decision,
    server: Option<&str>,
    number: u64,
    took: Duration,
) -> String {
    let verdict = match decision.verdict {
        Verdict::Granted => "granted",
        Verdict::Refused(_) => "refused",
        Verdict::Unavailable => "impossible now",
        Verdict::NotOurs => "left to others",
        Verdict::ChangeFirst => "granted for a password change",
    };
    let mut line =
        format!("{phase} {verdict} user={} service={}", shown(login.user), shown(login.service));
    let dc = server.unwrap_or_default();
    for (key, value) in
        [("rhost", login.rhost), ("tty", login.tty), ("ruser", login.ruser), ("dc", dc)]
    {
        if !value.is_empty() {
            let _ = write!(line, " {key}={}", shown(value));
        }
    }
    // Root's programs are the usual ones; of any other it has to be known who asked.
    if peer.uid != 0 {
        let _ = write!(line, " caller={}", peer.uid);
    }
    let _ = write!(
        line,
        " uid={} request={number} took={} ms: {}",
        login.uid,
        took.as_millis(),
        decision.why
    );
    line
}

/// Text from outside, made harmless: no control character reaches a terminal, no space or quote
/// makes one field look like two.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(TEXT_MAX).collect();
    match short.is_empty()
        || short.contains(|c: char| c.is_whitespace() || c == '"' || c.is_control())
    {
        true => format!("{short:?}"),
        false => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_core::refusal::Refusal;

    #[test]
    fn a_stranger_writes_a_line_of_the_journal() {
        let login = Login {
            user: "alice",
            uid: 200_500,
            service: "sshd",
            rhost: "10.0.0.9\nauth granted user=root",
            tty: "ssh",
            ruser: "",
        };
        let decision = Decision::refused(Refusal::WrongPassword);
        let told = |uid| {
            let (peer, took) = (Peer { uid, pid: None }, Duration::from_millis(5));
            line("auth", &login, peer, &decision, Some("dc1.corp.example"), 7, took)
        };
        assert!(told(33).contains(" dc=dc1.corp.example caller=33 uid=200500 "));
        assert_eq!(
            told(0),
            "auth refused user=alice service=sshd rhost=\"10.0.0.9\\nauth granted user=root\" \
             tty=ssh dc=dc1.corp.example uid=200500 request=7 took=5 ms: wrong password (AD: data 52e)"
        );
    }
}
