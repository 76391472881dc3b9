//! A password that must be changed: at the prompt, and the person is in.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{Dc, PASSWORD};
use crate::expiry::TOO_OLD;
use crate::host::Host;
use crate::outcome::{Check, all, ensure};
use crate::scenario::{Scenario, Stage};
use crate::talk::{Talk, talk_at};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "changed-at-the-prompt-and-in",
        shows: (3, 1),
        disturbs: false,
        run: |stage| at_all(stage, AT_THE_PROMPT, &[PASSWORD, NEW, NEW]),
    },
    Scenario {
        name: "sshd-runs-passwd-and-asks-again",
        shows: (3, 1),
        disturbs: false,
        // sshd asks for the password, and then the passwd that it runs does.
        run: |stage| at_all(stage, BY_SSHD, &[PASSWORD, PASSWORD, NEW, NEW]),
    },
];

/// What everybody here changes their password to; pam_pwquality likes it, too.
pub const NEW: &str = "Quartz.Vexed.81";

/// Account, the state that its password is put into, the door, and whether the person is in
/// afterwards, and how many binds that takes.
struct Row(&'static str, &'static [&'static str], Way, bool, u32);

const MUST_CHANGE: &[&str] = &["must-change"];
const EXPIRED: &[&str] = &["age", TOO_OLD];

const AT_THE_PROMPT: &[Row] = &[
    Row("mclogin", MUST_CHANGE, Way::Login, true, 1),
    Row("mcsu", MUST_CHANGE, Way::Su, true, 1),
    Row("mckeyboard", MUST_CHANGE, Way::SshKeyboard, true, 1),
    Row("exlogin", EXPIRED, Way::Login, true, 1),
    Row("exsu", EXPIRED, Way::Su, true, 1),
    Row("exkeyboard", EXPIRED, Way::SshKeyboard, true, 1),
];

const BY_SSHD: &[Row] = &[
    Row("mcpass", MUST_CHANGE, Way::SshPassword, false, 2),
    Row("expass", EXPIRED, Way::SshPassword, false, 2),
];

/// All rows at the same time; their evidence in the journal where one fails.
fn at_all(stage: &Stage<'_>, rows: &'static [Row], answers: &'static [&str]) -> Check<String> {
    let (host, dc) = (stage.host()?, &stage.dc);
    all(rows
        .iter()
        .map(|row| -> Box<dyn FnOnce() -> Check + Send + '_> {
            Box::new(move || at(host, dc, row, answers))
        })
        .collect())?;
    let seen: Vec<String> = rows.iter().map(|row| format!("{} by {:?}", row.0, row.2)).collect();
    Ok(seen.join(", "))
}

fn at(host: &Host<'_>, dc: &Dc<'_>, row: &Row, answers: &[&str]) -> Check {
    let Row(user, state, way, stays, binds_wanted) = *row;
    dc.password(user, &["set", PASSWORD])?;
    dc.password(user, state)?;
    let (binds, changes) = (dc.binds_for(user)?, dc.changes_of(user)?);
    let mark = host.journal_mark()?;
    let Talk { seen, .. } = &talk_at(host, way, user, answers)?;
    let told = |what: String| -> Check<String> {
        let journal = host.journal_since(&mark)?;
        let of_user: Vec<&str> = journal.lines().filter(|line| line.contains(user)).collect();
        Ok(format!("{user} by {way:?}: {what}; shown:\n{seen}\njournal:\n{}", of_user.join("\n")))
    };
    let entered = seen.lines().any(|line| line.trim() == format!("IN:{user}"));
    let (after, binds) = (dc.changes_of(user)?, dc.binds_for(user)? - binds);
    let changed = (after.0 - changes.0, after.1 - changes.1);
    if entered != stays || changed != (1, 0) || binds != binds_wanted {
        let what = told(format!("in: {entered}, binds: {binds}, changes and resets: {changed:?}"))?;
        return ensure(false, || what);
    }
    gets_in(host, Way::SshPassword, user, NEW)?;
    stays_out(host, Way::SshPassword, user, PASSWORD)
}
