//! What a login tried by `ldapsctl test` looks like.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::protocol::tools::Decided;
use serde::Serialize;

use super::codes;
use crate::pam_codes;

/// A login as it went.
#[derive(Debug, Default, Serialize)]
pub struct Shown {
    pub user: String,
    pub service: String,
    /// As whom NSS knows the name.
    pub name: Option<String>,
    pub uid: Option<u32>,
    /// Whether somebody with this password gets in, if only to change it.
    pub lets_in: bool,
    /// The last code of PAM's, which decides.
    pub code: String,
    pub meaning: String,
    /// The names of the login in the logs.
    pub requests: Vec<String>,
    /// How often a password was asked for.
    pub questions: u32,
    pub steps: Vec<Step>,
    /// Why the daemon's part is not shown, where it is not.
    pub without_daemon: Option<String>,
}

/// One call of a program that logs somebody in.
#[derive(Debug, Default, Serialize)]
pub struct Step {
    pub what: String,
    /// How long it took, the person's typing aside.
    pub took_us: u64,
    /// How long libpam would have held a refusal back; not waited here.
    pub held_back_us: u64,
    /// PAM's code.
    pub code: Option<String>,
    /// In words.
    pub meaning: String,
    /// What PAM told the person.
    pub told: Vec<String>,
    /// What the daemon decided meanwhile.
    pub decided: Vec<OfDaemon>,
}

/// One decision of the daemon.
#[derive(Debug, Serialize)]
pub struct OfDaemon {
    pub request: String,
    pub phase: String,
    pub verdict: String,
    /// The code that the PAM module makes of it.
    pub code: &'static str,
    pub why: String,
    pub dc: Option<String>,
    pub took_us: u64,
    /// In words, and in microseconds.
    pub steps: Vec<(String, Option<u64>)>,
}

impl From<Decided> for OfDaemon {
    fn from(decided: Decided) -> Self {
        let verdict = match decided.verdict {
            Verdict::Granted => "granted",
            Verdict::ChangeFirst => "granted for a password change",
            Verdict::Refused(_) => "refused",
            Verdict::Unavailable => "impossible now",
            Verdict::NotOurs => "left to others",
        };
        let code = match decided.phase.as_str() {
            "auth" => pam_codes::of_auth(decided.verdict),
            _ => pam_codes::of_account(decided.verdict),
        };
        Self {
            request: decided.request.to_string(),
            phase: decided.phase,
            verdict: verdict.to_owned(),
            code,
            why: decided.why,
            dc: decided.dc,
            took_us: decided.took_us,
            steps: decided.steps,
        }
    }
}

/// For a person: the end first, then how it came to it.
#[must_use]
pub fn describe(shown: &Shown) -> String {
    let Shown { user, service, code, meaning, .. } = shown;
    let head = if shown.lets_in { "YES" } else { "NO" };
    let mut text = format!("{user}, service {service}: {head} ({code}: {meaning})\n\n");
    for step in &shown.steps {
        let code = step.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        line(&mut text, &step.what, Some(step.took_us), &format!("{code}{}", step.meaning));
        for told in &step.told {
            line(&mut text, "", None, &format!("the person reads: {}", one_line(told)));
        }
        if step.held_back_us > 0 {
            let seconds = step.held_back_us / 1_000_000;
            let words = format!("a program would wait about {seconds} s before it says no");
            line(&mut text, "", None, &words);
        }
        for decided in &step.decided {
            of_daemon(&mut text, decided);
        }
    }
    if shown.questions == 0 && shown.lets_in {
        text += "\nNo password was asked for: a module of this service lets root do without one, as \
                 pam_rootok does for su.\n";
    }
    if let Some(why) = &shown.without_daemon {
        let _ = writeln!(text, "\nWhat ldapsd did is not shown: {why}");
    }
    if let [first, others @ ..] = shown.requests.as_slice() {
        let others: String = others.iter().map(|name| format!(" {name}")).collect();
        let _ = writeln!(text, "\nIn the logs: request={first}{others}  (ldapsctl log {first})");
    }
    text
}

fn of_daemon(text: &mut String, decided: &OfDaemon) {
    let OfDaemon { phase, verdict, why, dc, took_us, .. } = decided;
    let dc = dc.as_ref().map(|dc| format!(" (with {dc})")).unwrap_or_default();
    line(text, "  ldapsd", Some(*took_us), &format!("{phase} {verdict}{dc}: {}", one_line(why)));
    for (what, took) in &decided.steps {
        line(text, "", *took, &format!("  {}", one_line(what)));
    }
}

fn line(text: &mut String, label: &str, took_us: Option<u64>, words: &str) {
    let took = took_us.map(milliseconds).unwrap_or_default();
    let _ = writeln!(text, "  {label:<14} {took:>9}  {words}");
}

/// 12.3 ms.
fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

/// The code and meaning of PAM's answer.
pub fn answer(what: &str, code: i32) -> Step {
    let (name, meaning) = codes::of(code);
    let (code, meaning) = (Some(name.to_owned()), meaning.to_owned());
    Step { what: what.to_owned(), code, meaning, ..Step::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_shown_without_what_decided_it() {
        let decided = OfDaemon {
            request: "7kq2m9xa".to_owned(),
            phase: "auth".to_owned(),
            verdict: "refused".to_owned(),
            code: "PAM_PERM_DENIED",
            why: "no access rule\nallows".to_owned(),
            dc: Some("dc1".to_owned()),
            took_us: 12_345,
            steps: vec![("the account read".to_owned(), Some(1_250))],
        };
        let mut step = answer("authenticate", 7);
        step.took_us = 13_000;
        step.held_back_us = 2_000_000;
        step.told.push("Bad\nluck".to_owned());
        step.decided.push(decided);
        let shown = Shown {
            user: "alice".to_owned(),
            service: "sshd".to_owned(),
            code: "PAM_AUTH_ERR".to_owned(),
            meaning: "no".to_owned(),
            requests: vec!["7kq2m9xa".to_owned()],
            steps: vec![step],
            ..Shown::default()
        };
        let text = describe(&shown);
        for part in [
            "alice, service sshd: NO (PAM_AUTH_ERR: no)\n",
            "  authenticate     13.0 ms  PAM_AUTH_ERR: no: the name",
            "the person reads: Bad luck\n",
            "would wait about 2 s",
            "    ldapsd         12.3 ms  auth refused (with dc1): no access rule allows\n",
            "  1.2 ms    the account read\n",
            "request=7kq2m9xa  (ldapsctl log 7kq2m9xa)\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
    }
}
