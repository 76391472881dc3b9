//! `ldapsctl why NAME`: how a login would be decided, step by step.
#![forbid(unsafe_code)]

use std::io;

use crate::{pam_codes, terminal};
use ldaps_core::protocol::admin::{Speaks, WhyAnswer, WhyReport};
use ldaps_core::protocol::messages::Verdict;
use serde::Serialize;

/// The report and what the PAM module makes of it, for programs.
#[derive(Serialize)]
pub struct Shown<'a> {
    #[serde(flatten)]
    report: &'a WhyReport,
    /// Whether somebody with the right password gets in, if only to change it.
    pub lets_in: bool,
    /// PAM's codes; None where PAM is not asked, for there is nobody.
    pam: Option<Codes>,
    /// Whether glibc gives anybody's programs the name; None: it was not asked.
    in_glibc: Option<bool>,
}

impl Shown<'_> {
    /// What the daemon shows reaches no program where glibc does not ask it.
    #[must_use]
    pub fn knowing_glibc(mut self, is_there: impl Fn(&str) -> bool) -> Self {
        self.in_glibc = self.report.found.as_ref().map(|found| is_there(&found.entry.name));
        self.lets_in &= self.in_glibc != Some(false);
        self
    }
}

/// PAM's codes, in the order of the answers.
#[derive(Serialize)]
struct Codes {
    auth: &'static str,
    account: &'static str,
    account_without_password: &'static str,
}

impl<'a> From<&'a WhyReport> for Shown<'a> {
    fn from(report: &'a WhyReport) -> Self {
        let pam = report.answers.as_ref().map(|answers| Codes {
            auth: pam_codes::of_auth(answers.auth.verdict),
            account: pam_codes::of_account(answers.account.verdict),
            account_without_password: pam_codes::of_account(
                answers.account_without_password.verdict,
            ),
        });
        Self { report, lets_in: lets_in(report), pam, in_glibc: None }
    }
}

/// Whether somebody with the right password gets in, if only to change it.
fn lets_in(report: &WhyReport) -> bool {
    let yes = |answer: &WhyAnswer| match answer.verdict {
        Verdict::Granted | Verdict::ChangeFirst => true,
        Verdict::Refused(_) | Verdict::Unavailable | Verdict::NotOurs => false,
    };
    report.answers.as_ref().is_some_and(|answers| yes(&answers.auth) && yes(&answers.account))
}

/// The column of what there is to say.
const TEXTS: usize = 17;

/// The report, for a person who is in a hurry: the verdict first.
#[must_use]
pub fn describe(shown: &Shown<'_>) -> String {
    let report = shown.report;
    let WhyReport { name, service, .. } = report;
    let is_absent = shown.in_glibc == Some(false);
    let verdict = match is_absent {
        true => "NO, no program on this host knows the name".to_owned(),
        false => headline(report),
    };
    let verdict = format!("{name}, service {service}: {verdict}\n\n");
    let mut text = terminal::wrapped(&verdict, terminal::width(io::stdout()), 0);
    let mut lines = Lines { text: &mut text, last: String::new() };
    if let Some(found) = &report.found {
        let by = found.attribute.as_ref().map(|by| format!(", found by {by}")).unwrap_or_default();
        lines.line("name", Speaks::For, &format!("{}{by}", found.form));
        lines.line("name", Speaks::Neither, &found.dn);
        lines.line("name", Speaks::Neither, &found.sid);
    }
    if is_absent {
        let text = "getent passwd finds nobody of that name: is ldaps on the lines passwd and group of \
                    /etc/nsswitch.conf? sudo ldapsctl doctor";
        lines.line("NSS", Speaks::Against, text);
    }
    for step in &report.steps {
        lines.line(&step.about, step.speaks, &step.text);
    }
    match &report.answers {
        None => lines.line("PAM", Speaks::Against, "knows nobody of that name (PAM_USER_UNKNOWN)"),
        Some(answers) => {
            let (auth, account) = (pam_codes::of_auth, pam_codes::of_account);
            lines.answer("auth, with the right password", &answers.auth, auth);
            lines.answer("account, after that", &answers.account, account);
            let without = &answers.account_without_password;
            lines.answer("account, by SSH key, cron or root's su", without, account);
        }
    }
    text
}

/// The verdict, in one line.
fn headline(report: &WhyReport) -> String {
    let Some(answers) = &report.answers else { return "NO, nobody of that name here".to_owned() };
    let password = [&answers.auth, &answers.account].into_iter().find_map(objection);
    let key = objection(&answers.account_without_password);
    let change = match answers.account.verdict {
        Verdict::ChangeFirst => ", which has to be changed at once",
        Verdict::Granted | Verdict::Refused(_) | Verdict::Unavailable | Verdict::NotOurs => "",
    };
    match (password, key) {
        (None, None) => format!("YES, by SSH key and with the password{change}"),
        (Some(why), None) => format!("NOT with the password ({why}); by SSH key YES"),
        (None, Some(why)) => format!("NOT by SSH key ({why}); with the password YES{change}"),
        (Some(why), Some(_)) => format!("NO, {why}"),
    }
}

fn objection(answer: &WhyAnswer) -> Option<&str> {
    match answer.verdict {
        Verdict::Granted | Verdict::ChangeFirst => None,
        Verdict::Refused(_) | Verdict::Unavailable | Verdict::NotOurs => Some(&answer.why),
    }
}

/// Lines of a mark, what it is about, and what there is to say.
struct Lines<'a> {
    text: &'a mut String,
    last: String,
}

impl Lines<'_> {
    /// A line; what it is about is written once for all lines that follow each other.
    fn line(&mut self, about: &str, speaks: Speaks, text: &str) {
        let mark = match speaks {
            Speaks::For => "ok",
            Speaks::Against => "NO",
            Speaks::Neither => "  ",
        };
        let label = if self.last == about { "" } else { about };
        let line = format!("  {label:9}  {mark}  {text}");
        *self.text += &terminal::wrapped(&line, terminal::width(io::stdout()), TEXTS);
        self.text.push('\n');
        about.clone_into(&mut self.last);
    }

    fn answer(&mut self, when: &str, answer: &WhyAnswer, code: fn(Verdict) -> &'static str) {
        let speaks = match objection(answer) {
            None => Speaks::For,
            Some(_) => Speaks::Against,
        };
        let code = code(answer.verdict);
        self.line("PAM", speaks, &format!("{when}: {code}: {}", answer.why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldaps_core::entries::PasswdEntry;
    use ldaps_core::protocol::admin::{FoundAs, WhyAnswers, WhyStep};
    use ldaps_core::refusal::Refusal;

    fn answer(verdict: Verdict, why: &str) -> WhyAnswer {
        WhyAnswer { verdict, why: why.to_owned() }
    }

    fn report(auth: WhyAnswer, account: WhyAnswer, by_key: WhyAnswer) -> WhyReport {
        let step = |about: &str, speaks, text: &str| WhyStep {
            about: about.to_owned(),
            speaks,
            text: text.to_owned(),
        };
        WhyReport {
            name: "locked".to_owned(),
            service: "sshd".to_owned(),
            found: Some(FoundAs {
                form: "a short name".to_owned(),
                attribute: Some("sAMAccountName".to_owned()),
                dn: "CN=Locked Out,DC=corp,DC=example".to_owned(),
                sid: "S-1-5-21-1-2-3-1124".to_owned(),
                entry: PasswdEntry {
                    name: "locked".to_owned(),
                    uid: 201_124,
                    gid: 200_513,
                    gecos: String::new(),
                    home: "/home/locked".to_owned(),
                    shell: "/bin/bash".to_owned(),
                },
            }),
            steps: vec![
                step("account", Speaks::For, "not disabled"),
                step("account", Speaks::For, "not expired"),
                step("password", Speaks::Against, "the account is locked out (AD: data 775)"),
                step("rules", Speaks::For, "allowed by \"@linux-users\""),
            ],
            answers: Some(WhyAnswers { auth, account, account_without_password: by_key }),
        }
    }

    #[test]
    fn the_verdict_and_the_step_that_decides_are_not_seen_at_a_glance() {
        let no = || answer(Verdict::Refused(Refusal::LockedOut), "locked out");
        let report = report(no(), no(), answer(Verdict::Granted, "allowed"));
        let expected = "locked, service sshd: NOT with the password (locked out); by SSH key YES

  name       ok  a short name, found by sAMAccountName
                 CN=Locked Out,DC=corp,DC=example
                 S-1-5-21-1-2-3-1124
  account    ok  not disabled
             ok  not expired
  password   NO  the account is locked out (AD: data 775)
  rules      ok  allowed by \"@linux-users\"
  PAM        NO  auth, with the right password: PAM_MAXTRIES: locked out
             NO  account, after that: PAM_PERM_DENIED: locked out
             ok  account, by SSH key, cron or root's su: PAM_SUCCESS: allowed
";
        let shown = Shown::from(&report);
        assert_eq!(describe(&shown), expected);
        assert!(!shown.lets_in);
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(json["pam"]["auth"], "PAM_MAXTRIES");
        assert_eq!(json["pam"]["account_without_password"], "PAM_SUCCESS");
        assert_eq!(json["answers"]["auth"]["verdict"]["Refused"], "LockedOut");
        assert_eq!((&json["lets_in"], &json["name"]), (&false.into(), &"locked".into()));
    }

    #[test]
    fn a_name_that_no_program_knows_is_said_to_get_in() {
        let yes = || answer(Verdict::Granted, "allowed");
        let report = report(yes(), yes(), yes());
        let shown = Shown::from(&report).knowing_glibc(|_| false);
        let text = describe(&shown);
        assert!(!shown.lets_in);
        assert!(text.starts_with("locked, service sshd: NO, no program on this host"), "{text}");
        assert!(text.contains("/etc/nsswitch.conf"), "{text}");
        let shown = Shown::from(&report).knowing_glibc(|name| name == "locked");
        assert!(shown.lets_in);
        assert!(!describe(&shown).contains("nsswitch"));
    }

    #[test]
    fn a_headline_says_yes_for_no() {
        let yes = || answer(Verdict::Granted, "allowed");
        let change = || answer(Verdict::ChangeFirst, "expired");
        let no = || answer(Verdict::Refused(Refusal::NotAllowed), "no rule");
        let table = [
            (yes(), yes(), yes(), "YES, by SSH key and with the password", true),
            (
                change(),
                change(),
                yes(),
                "YES, by SSH key and with the password, which has to be changed at once",
                true,
            ),
            (yes(), no(), no(), "NO, no rule", false),
            (no(), yes(), yes(), "NOT with the password (no rule); by SSH key YES", false),
            (yes(), yes(), no(), "NOT by SSH key (no rule); with the password YES", true),
        ];
        for (auth, account, by_key, headline, let_in) in table {
            let report = report(auth, account, by_key);
            assert_eq!(super::headline(&report), headline);
            assert_eq!(lets_in(&report), let_in, "{headline}");
        }
        let nobody = WhyReport { found: None, answers: None, ..report(yes(), yes(), yes()) };
        assert!(!lets_in(&nobody));
        assert!(describe(&Shown::from(&nobody)).contains("PAM_USER_UNKNOWN"));
    }
}
