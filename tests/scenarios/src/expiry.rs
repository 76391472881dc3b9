//! Passwords that grow old: people are told in time, and what needs no password goes on.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{Dc, PASSWORD};
use crate::host::{Host, JournalMark};
use crate::outcome::{Check, all, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use crate::talk::talk_at;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "told-in-time-and-once", shows: (3, 1), disturbs: false, run: told_in_time },
    Scenario {
        name: "expired-password-stops-no-key-nor-job",
        shows: (3, 1),
        disturbs: false,
        run: goes_on,
    },
    Scenario {
        name: "expired-password-stops-them-where-wanted",
        shows: (3, 1),
        disturbs: true,
        run: stopped,
    },
];

/// Half a day more than 24 days of the 30 that a password may live (populate.py's "Thirty Days").
const FIVE_DAYS_LEFT: &str = "588";
/// More than 30 days, in hours.
pub const TOO_OLD: &str = "744";

fn told_in_time(stage: &Stage<'_>) -> Check<String> {
    let (host, dc) = (stage.host()?, &stage.dc);
    for user in ["warned", "never"] {
        dc.password(user, &["age", FIVE_DAYS_LEFT])?;
    }
    let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = Vec::new();
    for way in [Way::Login, Way::SshKeyboard, Way::SshPassword, Way::Su] {
        checks.push(Box::new(move || {
            let talk = talk_at(host, way, "warned", &[PASSWORD])?;
            ensure(talk.entered("warned"), || format!("{way:?}: not in:\n{}", talk.seen))?;
            talk.says_once("Your password expires in 5 days.")
                .or_else(|failure| ensure(false, || format!("{way:?}: {failure}")))
        }));
        checks.push(Box::new(move || {
            let talk = talk_at(host, way, "never", &[PASSWORD])?;
            ensure(talk.entered("never") && !talk.seen.contains("expire"), || {
                format!("{way:?}, of a password that never expires:\n{}", talk.seen)
            })
        }));
    }
    all(checks)?;
    Ok("login, ssh both ways, su: 'Your password expires in 5 days.', once".to_owned())
}

/// Runs a job of keyexp's by cron, and says whether it was run.
fn job(host: &Host<'_>) -> Check<bool> {
    let script = "rm -f /var/tmp/cron-keyexp /var/tmp/cron-last; install -m 0777 /dev/null /var/tmp/cron-keyexp; \
        printf '@reboot keyexp id -un >/var/tmp/cron-keyexp\\n@reboot root sleep 2; id -un >/var/tmp/cron-last\\n' >/etc/cron.d/scenarios; \
        systemctl stop cron; rm -f /run/crond.reboot; systemctl start cron; \
        for try in $(seq 100); do [ ! -s /var/tmp/cron-last ] || break; sleep 0.1; done; \
        rm -f /etc/cron.d/scenarios; test -s /var/tmp/cron-last";
    host.must(script)?;
    Ok(host.must("cat /var/tmp/cron-keyexp")? == "keyexp")
}

fn expire(dc: &Dc<'_>, host: &Host<'_>) -> Check<JournalMark> {
    dc.password("keyexp", &["age", TOO_OLD])?;
    host.journal_mark()
}

fn goes_on(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let mark = expire(&stage.dc, host)?;
    let before = stage.dc.binds_of_people()?;
    gets_in(host, Way::SshKey, "keyexp", "")?;
    let by_key = host.journal_line(&mark, &["keyexp", "service=sshd", "granted", "expired"])?;
    ensure(job(host)?, || "cron did not run the job of keyexp, whose password expired".to_owned())?;
    let by_cron = host.journal_line(&mark, &["keyexp", "service=cron", "granted", "expired"])?;
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || format!("a key and a job cost {binds} binds"))?;
    Ok(format!("{by_key}\n{by_cron}"))
}

fn stopped(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let configuration = Configuration {
        more: "[pam]\npassword_state_without_auth = \"deny\"\n",
        ..Configuration::default()
    };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    let mark = expire(&stage.dc, host)?;
    stays_out(host, Way::SshKey, "keyexp", "")?;
    host.journal_line(&mark, &["keyexp", "service=sshd", "refused", "expired"])?;
    ensure(!job(host)?, || "cron ran the job of keyexp in spite of \"deny\"".to_owned())?;
    let line = host.journal_line(&mark, &["keyexp", "service=cron", "refused", "expired"])?;
    // Whose password is good is not meant.
    gets_in(host, Way::SshKey, "alice", "")?;
    Ok(line)
}
