//! Logging in while the domain controller is silent: who has been let in before is, by the same
//! password, and nobody else.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::changes::NEW;
use crate::dc::{Dc, PASSWORD};
use crate::host::Host;
use crate::outcome::{Check, all, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use crate::talk::talk_at;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "offline-by-every-door", shows: (3, 1), disturbs: true, run: every_door },
    Scenario { name: "offline-after-a-power-cut", shows: (3, 1), disturbs: true, run: power_cut },
    Scenario { name: "offline-ends-with-what-ad-says", shows: (3, 1), disturbs: true, run: ends },
];

/// AD takes the password before a change for an hour after it, too, so nothing is saved in that
/// time; the accounts of a fresh domain are younger.
pub const LONG_SET: &[&str] = &["age", "48"];

/// A laptop, on which these people have logged in once.
fn laptop<'stage>(
    stage: &'stage Stage<'_>,
    people: &[&'static str],
) -> Check<&'stage Host<'stage>> {
    let host = stage.host()?;
    // Who is deleted may be found out by another look-up than the login's.
    let more = "[pam]\noffline_days = 14\n\n[cache]\npoll = \"2s\"\n";
    let configuration = Configuration { more, ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    for user in people {
        stage.dc.password(user, LONG_SET)?;
    }
    all(people
        .iter()
        .map(|user| -> Box<dyn FnOnce() -> Check + Send + '_> {
            Box::new(move || gets_in(host, Way::SshPassword, user, PASSWORD))
        })
        .collect())?;
    Ok(host)
}

/// What is read by who is in by a saved password of today.
fn told(host: &Host<'_>) -> Check<String> {
    let today = host.must("LC_ALL=C date '+%-d %B'")?;
    Ok(format!("Offline: using the password saved on {today}."))
}

const DOORS: &[Way] = &[Way::Login, Way::Su, Way::SshKeyboard, Way::SshPassword];

fn every_door(stage: &Stage<'_>) -> Check<String> {
    let host = laptop(stage, &["offline"])?;
    let (told, mark) = (&told(host)?, host.journal_mark()?);
    let binds = stage.dc.binds_of_people()?;
    stage.dc.pause(true)?;
    // The first to come pays the one deadline of a server that has gone silent.
    for way in DOORS {
        let talk = talk_at(host, *way, "offline", &[PASSWORD])?;
        ensure(talk.entered("offline"), || format!("{way:?}, offline: not in:\n{}", talk.seen))?;
        talk.says_once(told).or_else(|failure| ensure(false, || format!("{way:?}: {failure}")))?;
    }
    stays_out(host, Way::Su, "offline", "Wrong.Pass.1")?;
    let wrong =
        host.journal_line(&mark, &["auth refused", "user=offline", "not the password saved"])?;
    // dora was never here while the domain controller answered: that is no wrong password.
    stays_out(host, Way::Su, "dora", PASSWORD)?;
    let of_dora = host.journal_since(&mark)?;
    let of_dora: Vec<_> = of_dora.lines().filter(|line| line.contains("dora")).collect();
    ensure(!of_dora.iter().any(|line| line.contains("password")), || of_dora.join("\n"))?;
    stage.dc.pause(false)?;
    let sent = stage.dc.binds_of_people()? - binds;
    ensure(sent == 0, || format!("{sent} binds were sent to a silent domain controller"))?;
    back_online(stage, host)?;
    Ok(format!("{DOORS:?}: '{told}'; {wrong}"))
}

/// With the domain controller back, it decides, and nothing is said of offline.
fn back_online(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    product::restart_until_it_answers(host)?;
    let binds = stage.dc.binds_for("offline")?;
    let talk = talk_at(host, Way::SshKeyboard, "offline", &[PASSWORD])?;
    let sent = stage.dc.binds_for("offline")? - binds;
    ensure(talk.entered("offline") && !talk.seen.contains("Offline") && sent == 1, || {
        format!("with the domain controller back, {sent} binds:\n{}", talk.seen)
    })
}

fn power_cut(stage: &Stage<'_>) -> Check<String> {
    let host = laptop(stage, &["offline"])?;
    let known = "getent passwd offline; id offline";
    let before = host.must(known)?;
    stage.dc.pause(true)?;
    host.must("systemctl kill --signal=KILL ldapsd; sleep 0.2; systemctl reset-failed ldapsd; systemctl start ldapsd")?;
    let after = host.must(known)?;
    ensure(before == after, || format!("known before:\n{before}\nand after:\n{after}"))?;
    let talk = talk_at(host, Way::Login, "offline", &[PASSWORD])?;
    ensure(talk.entered("offline"), || format!("not in after a power cut:\n{}", talk.seen))?;
    talk.says_once(&told(host)?)?;
    ensure(!talk.seen.contains("cannot find name"), || talk.seen.clone())?;
    stays_out(host, Way::Su, "offline", "Wrong.Pass.1")?;
    Ok(after)
}

/// Who, and what happens in AD.
type End = (&'static str, fn(&Dc<'_>) -> Check);

const ENDS: &[End] = &[
    ("offdisabled", |dc| dc.samba_tool(&["user", "disable", "offdisabled"])),
    ("offchanged", |dc| dc.password("offchanged", &["set", NEW])),
    ("offrules", |dc| dc.samba_tool(&["group", "removemembers", "linux-users", "offrules"])),
    ("offprotected", |dc| {
        dc.samba_tool(&["group", "addmembers", "Protected Users", "offprotected"])
    }),
    ("offdeleted", |dc| dc.samba_tool(&["user", "delete", "offdeleted"])),
];

fn ends(stage: &Stage<'_>) -> Check<String> {
    let people: Vec<&'static str> = ENDS.iter().map(|(user, _)| *user).chain(["offline"]).collect();
    let host = laptop(stage, &people)?;
    let saved = "ls /var/lib/ldapsd/offline | wc -l";
    let before: usize = host.must(saved)?.parse().unwrap_or_default();
    ensure(before >= people.len(), || format!("{before} passwords of {} are saved", people.len()))?;
    let mark = host.journal_mark()?;
    for (_, happens) in ENDS {
        happens(&stage.dc)?;
    }
    // Each comes once more, and AD has its say.
    for (user, _) in ENDS {
        host.sh(&format!(
            "SSHPASS={PASSWORD} sshpass -e ssh -o PubkeyAuthentication=no -l {user} 127.0.0.1 true"
        ))?;
    }
    let mut lines = Vec::new();
    for (user, _) in ENDS {
        lines.push(host.journal_line(&mark, &[user, "can no longer log in offline"])?);
    }
    stage.dc.pause(true)?;
    for (user, _) in ENDS {
        stays_out(host, Way::SshPassword, user, PASSWORD)?;
    }
    gets_in(host, Way::SshPassword, "offline", PASSWORD)?;
    Ok(lines.join("\n"))
}
