//! Logins that ask for no password: a key, a cron job, root's su. What AD says of the account
//! holds for them; what is wrong with a password they do not use is a note.

#![forbid(unsafe_code)]

use crate::attempt::{SHOW, Way, attempt};
use crate::dc::PASSWORD;
use crate::expiry::TOO_OLD;
use crate::host::Host;
use crate::outcome::{Check, all, ensure};
use crate::scenario::{Scenario, Stage};
use crate::talk::talk;
use crate::words::{self, Row, row, silent};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "refusals-of-samba-in-plain-words",
        shows: (3, 1),
        disturbs: false,
        run: in_plain_words,
    },
    Scenario {
        name: "cron-su-and-keys-by-the-accounts-state",
        shows: (3, 1),
        disturbs: false,
        run: without_password,
    },
];

const DISABLED: &str = "Your account is disabled. Please ask your administrator.";
const EXPIRED: &str = "Your account has expired. Please ask your administrator.";
const HOURS: &str = "Your account may not log in at this hour.";
const LOCKED: &str =
    "Your account is locked after too many wrong passwords. Please try again later.";
const CHANGE: &str = "Your password has to be changed now.";

/// sudo has rules of its own on this host.
const DOORS: &[Way] = &[Way::Login, Way::Su, Way::SshKeyboard, Way::SshPassword];

const REFUSED: &[Row] = &[
    silent("bob", "Wrong.Pass.1", "wrong password (AD: data 52e)"),
    row("disabled1", "the account is disabled (AD: data 533)", DISABLED),
    row("expired1", "the account has expired (AD: data 701)", EXPIRED),
    row("locky", "the account is locked out (AD: data 775)", LOCKED),
];
const TO_CHANGE: &[Row] = &[
    row(
        "mustchange",
        "the password is right, and the password must be changed first (AD: data 773)",
        CHANGE,
    ),
    row("pwexpired", "the password is right, and the password has expired (AD: data 532)", CHANGE),
];
/// sshd has passwd make the change, which another scenario is about.
const DOORS_TO_CHANGE: &[Way] = &[Way::Login, Way::Su, Way::SshKeyboard];

fn in_plain_words(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.lock_locky()?;
    let refused = words::compare(host, REFUSED, DOORS, words::refused, "auth refused")?;
    let verdict = "auth granted for a password change";
    let to_change = words::compare(host, TO_CHANGE, DOORS_TO_CHANGE, words::to_change, verdict)?;
    Ok(format!("refused: {refused}; to change: {to_change}"))
}

/// An account, what stands at the end of the journal's line, and, where it is refused, what root
/// is shown by `su`.
struct State(&'static str, &'static str, Option<&'static [&'static str]>);

const STATES: &[State] = &[
    State(
        "disabled1",
        "the account is disabled (AD: data 533)",
        Some(&[DISABLED, "su: User account has expired"]),
    ),
    State(
        "expired1",
        "the account has expired (AD: data 701)",
        Some(&[EXPIRED, "su: User account has expired"]),
    ),
    State(
        "nohours",
        "outside of the account's logon hours (AD: data 530)",
        Some(&[HOURS, "su: Permission denied"]),
    ),
    State("keyexp", "for its password, the password has expired (AD: data 532)", None),
    State(
        "mustchange",
        "for its password, the password must be changed first (AD: data 773)",
        None,
    ),
    State("locky", "for its password, the account is locked out (AD: data 775)", None),
];

fn without_password(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    stage.dc.password("keyexp", &["set", PASSWORD])?;
    stage.dc.password("keyexp", &["age", TOO_OLD])?;
    stage.dc.lock_locky()?;
    let (mark, binds) = (host.journal_mark()?, stage.dc.binds_of_people()?);
    jobs(host)?;
    all(STATES
        .iter()
        .map(|state| -> Box<dyn FnOnce() -> Check + Send + '_> {
            Box::new(move || by_su_and_key(host, state))
        })
        .collect())?;
    let binds = stage.dc.binds_of_people()? - binds;
    ensure(binds == 0, || format!("{binds} binds, and no password was asked for"))?;
    let journal = host.journal_since(&mark)?;
    for State(user, why, shown) in STATES {
        let verdict = if shown.is_some() { "refused" } else { "granted" };
        for service in ["cron", "su-l", "sshd"] {
            let begins = format!(": account {verdict} user={user} service={service} ");
            let lines = journal.lines().filter(|line| line.contains(&begins));
            let right = lines.filter(|line| line.ends_with(why)).count();
            ensure(right == 1, || {
                format!("{right} lines, not one, have \"{begins}\" and \"{why}\":\n{journal}")
            })?;
        }
    }
    Ok(format!("{} states by cron, root's su and a key; no bind", STATES.len()))
}

/// A job of each, and one of root's, which is the last to end.
fn jobs(host: &Host<'_>) -> Check {
    let line = |State(user, ..): &State| format!("@reboot {user} id -un >/var/tmp/job-{user}\n");
    let table: String = STATES.iter().map(line).collect();
    let last = "@reboot root sleep 3; id -un >/var/tmp/job-last\n";
    host.must("rm -f /var/tmp/job-*")?;
    for State(user, ..) in STATES {
        host.must(&format!("install -m 0666 /dev/null /var/tmp/job-{user}"))?;
    }
    host.write("/etc/cron.d/scenarios", &(table + last), "root:root", "0644")?;
    host.must(
        "systemctl stop cron; rm -f /run/crond.reboot; systemctl start cron; \
         for try in $(seq 150); do [ ! -s /var/tmp/job-last ] || break; sleep 0.1; done; \
         rm -f /etc/cron.d/scenarios; test -s /var/tmp/job-last",
    )?;
    for State(user, _, shown) in STATES {
        let wrote = host.must(&format!("cat /var/tmp/job-{user}"))?;
        let wanted = if shown.is_some() { "" } else { *user };
        ensure(wrote == wanted, || format!("the job of {user} wrote '{wrote}', not '{wanted}'"))?;
    }
    Ok(())
}

fn by_su_and_key(host: &Host<'_>, State(user, _, shown): &State) -> Check {
    let su = talk(host, "root", &["su", "-", user, "-c", SHOW], &[])?;
    let entered = format!("IN:{user}");
    let wanted: Vec<&str> = match shown {
        Some(lines) => lines.to_vec(),
        None => vec![&entered],
    };
    let seen = words::normal(&su.seen);
    ensure(seen == wanted, || format!("su by root to {user} showed {seen:?}, not {wanted:?}"))?;
    host.must(&format!("cp /root/.ssh/id_ed25519.pub /etc/ssh/keys/{user}"))?;
    let key = attempt(host, Way::SshKey, user, "")?;
    ensure(key.entered == shown.is_none(), || format!("{user} by a key:\n{}", key.seen))
}
