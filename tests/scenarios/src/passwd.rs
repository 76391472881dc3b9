//! `passwd`: who may change what, and what they read where AD refuses.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::changes::NEW;
use crate::dc::PASSWORD;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use crate::talk::{talk, talk_at};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "passwd-by-oneself-and-by-root", shows: (3, 1), disturbs: false, run: passwd },
    Scenario {
        name: "passwd-of-local-users-is-theirs",
        shows: (3, 1),
        disturbs: false,
        run: local,
    },
    Scenario {
        name: "a-refused-password-is-explained",
        shows: (3, 1),
        disturbs: true,
        run: refused,
    },
    Scenario { name: "pwquality-before-us", shows: (3, 1), disturbs: false, run: pwquality },
];

/// What root makes of it.
const BY_ROOT: &str = "Another.Vexed.82";

fn passwd(stage: &Stage<'_>) -> Check<String> {
    let (host, dc) = (stage.host()?, &stage.dc);
    dc.password("changer", &["set", PASSWORD])?;
    let (binds, (changes, resets)) = (dc.binds_for("changer")?, dc.changes_of("changer")?);
    let mark = host.journal_mark()?;
    let own = talk(host, "changer", &["passwd"], &[PASSWORD, NEW, NEW])?;
    ensure(own.ok && own.seen.contains("updated successfully"), || {
        format!("changer's passwd:\n{}", own.seen)
    })?;
    let line = host.journal_line(&mark, &["changer", "service=passwd", "password was changed"])?;
    // root may not do without the current password, nor with a wrong one.
    let wrong = talk(host, "root", &["passwd", "changer"], &["Not.It.1", BY_ROOT, BY_ROOT])?;
    ensure(!wrong.ok && wrong.seen.contains("The current password is wrong."), || {
        format!("root's passwd changer, with a wrong password:\n{}", wrong.seen)
    })?;
    let right = talk(host, "root", &["passwd", "changer"], &[NEW, BY_ROOT, BY_ROOT])?;
    ensure(right.ok && right.seen.to_lowercase().contains("current"), || {
        format!("root's passwd changer:\n{}", right.seen)
    })?;
    let (binds, after) = (dc.binds_for("changer")? - binds, dc.changes_of("changer")?);
    ensure(after == (changes + 2, resets) && binds == 3, || {
        format!(
            "three runs of passwd cost {binds} binds; changes and resets from {changes}, {resets} to {after:?}"
        )
    })?;
    gets_in(host, Way::SshPassword, "changer", BY_ROOT)?;
    stays_out(host, Way::SshPassword, "changer", NEW)?;
    Ok(line)
}

fn local(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let shadow = || host.must("getent shadow localbob");
    let before = shadow()?;
    // strace, as root, lets passwd be set-uid all the same.
    let trace = ["strace", "-u", "localbob", "-f", "-qq", "-e", "trace=connect", "-o"];
    let mut command = trace.to_vec();
    command.extend(["/var/tmp/trace", "passwd"]);
    let own = talk(host, "root", &command, &["Local.Pass.1", NEW, NEW])?;
    let connected = host.must("cat /var/tmp/trace")?;
    let after = shadow()?;
    let entered = gets_in(host, Way::SshPassword, "localbob", NEW);
    let by_root = talk(host, "root", &["passwd", "localbob"], &["Local.Pass.1", "Local.Pass.1"])?;
    host.must("echo localbob:Local.Pass.1 | chpasswd")?;
    ensure(own.ok && after != before, || format!("localbob's passwd:\n{}", own.seen))?;
    entered?;
    ensure(by_root.ok, || format!("root's passwd localbob:\n{}", by_root.seen))?;
    ensure(!connected.contains("/run/ldapsd"), || {
        format!("passwd of a local user asked the daemon:\n{connected}")
    })?;
    Ok("localbob's by himself and by root; the daemon was not asked".to_owned())
}

/// The domain's rules at that moment, who, the answers, and what the person must read.
type Refusal = (&'static [&'static str], &'static str, [&'static str; 3], &'static str);

/// That a password must not contain the user's name is a rule that Samba does not know.
const REFUSALS: &[Refusal] = &[
    (
        &["--min-pwd-length=12"],
        "refused",
        [PASSWORD, "Short.12", "Short.12"],
        "The new password needs at least 12 characters; this one has 8.",
    ),
    (&[], "refused", ["Not.It.1", NEW, NEW], "The current password is wrong."),
    (
        &["--min-pwd-age=1"],
        "refused",
        [PASSWORD, NEW, NEW],
        "Your password was changed too recently; it may be changed again to",
    ),
    (
        &["--complexity=on"],
        "refused",
        [PASSWORD, "onlysmallletters", "onlysmallletters"],
        "The new password needs three of these",
    ),
    (
        &[],
        "refused",
        [PASSWORD, PASSWORD, PASSWORD],
        "The new password is the same as the current one.",
    ),
    // A settings object of their own holds, and a plain account may not read it.
    (&["--min-pwd-length=12"], "ownrules", [PASSWORD, "Sh.1", "Sh.1"], "Rules of its own hold"),
];

fn refused(stage: &Stage<'_>) -> Check<String> {
    let (host, dc) = (stage.host()?, &stage.dc);
    let mut failures = Vec::new();
    for (rules, user, answers, told) in REFUSALS {
        dc.policy(&[])?;
        dc.password(user, &["set", PASSWORD])?;
        dc.policy(rules)?;
        let before = dc.changes_of(user)?;
        let mark = host.journal_mark()?;
        let talk = talk(host, user, &["passwd"], answers)?;
        let shown = talk.seen.split_whitespace().collect::<Vec<_>>().join(" ");
        if talk.ok || !shown.contains(told) || dc.changes_of(user)? != before {
            let journal = host.journal_since(&mark)?;
            failures.push(format!(
                "{user} under {rules:?} was not told '{told}':\n{}\n{journal}",
                talk.seen
            ));
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))?;
    Ok(format!("{} refusals, each with its reason", REFUSALS.len()))
}

fn pwquality(stage: &Stage<'_>) -> Check<String> {
    let host = stage.fresh_host()?;
    host.must("DEBIAN_FRONTEND=noninteractive dpkg -i /opt/pwquality/*.deb 2>&1")?;
    product::install(&host, stage.deb())?;
    product::write_configuration(&host, &stage.dc, &Configuration::default())?;
    product::restart_until_it_answers(&host)?;
    let stack =
        host.must("grep -E '^password.*pam_(pwquality|unix|ldaps)' /etc/pam.d/common-password")?;
    ensure(stack.find("pwquality") < stack.find("ldaps"), || {
        format!("pam_pwquality is not before us:\n{stack}")
    })?;
    checked_before_us(stage, &host)?;
    Ok(stack)
}

fn checked_before_us(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    let dc = &stage.dc;
    dc.password("quality", &["set", PASSWORD])?;
    let before = dc.changes_of("quality")?;
    let weak = talk(host, "quality", &["passwd"], &[PASSWORD, "abcabc", "abcabc"])?;
    ensure(
        weak.seen.contains("shorter than 8 characters") && dc.changes_of("quality")? == before,
        || format!("a weak password with pam_pwquality:\n{}", weak.seen),
    )?;
    let own = talk(host, "quality", &["passwd"], &[PASSWORD, NEW, NEW])?;
    ensure(own.ok, || format!("passwd with pam_pwquality:\n{}", own.seen))?;
    dc.password("quality", &["must-change"])?;
    let login = talk_at(host, Way::Login, "quality", &[NEW, BY_ROOT, BY_ROOT])?;
    ensure(login.entered("quality"), || {
        format!("a change at login with pam_pwquality:\n{}", login.seen)
    })?;
    gets_in(host, Way::SshPassword, "quality", BY_ROOT)
}
