//! Getting in with a password: every door, right and wrong, and how many binds it took.

#![forbid(unsafe_code)]

use crate::attempt::{PASSWORD_WAYS, Way, attempt, gets_in, stays_out};
use crate::dc::PASSWORD;
use crate::outcome::{Check, all, ensure};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "right-password-gets-in",
        shows: (2, 2),
        disturbs: false,
        run: right_password,
    },
    Scenario {
        name: "wrong-password-stays-out",
        shows: (2, 2),
        disturbs: false,
        run: wrong_password,
    },
    Scenario {
        name: "empty-password-is-never-sent",
        shows: (2, 2),
        disturbs: false,
        run: empty_password,
    },
    Scenario {
        name: "outside-allow-costs-no-bind",
        shows: (2, 2),
        disturbs: false,
        run: outside_allow,
    },
    Scenario { name: "sudo-has-rules-of-its-own", shows: (2, 2), disturbs: false, run: sudo_rules },
    Scenario { name: "sshd-junk-is-never-sent", shows: (2, 2), disturbs: false, run: sshd_junk },
    Scenario { name: "ssh-key-needs-a-live-account", shows: (2, 2), disturbs: false, run: ssh_key },
    Scenario { name: "odd-names-log-in", shows: (2, 2), disturbs: false, run: odd_names },
];

/// Tries every door as one account, at the same time, and counts the account's binds.
fn every_door(
    stage: &Stage<'_>,
    user: &'static str,
    password: &'static str,
    lets_in: bool,
) -> Check<u32> {
    let host = stage.host()?;
    let before = stage.dc.binds_for(user)?;
    all(PASSWORD_WAYS
        .iter()
        .map(|way| -> Box<dyn FnOnce() -> Check + Send + '_> {
            let judge = if lets_in { gets_in } else { stays_out };
            Box::new(move || judge(host, *way, user, password))
        })
        .collect())?;
    Ok(stage.dc.binds_for(user)? - before)
}

fn right_password(stage: &Stage<'_>) -> Check<String> {
    let binds = every_door(stage, "bob", PASSWORD, true)?;
    let doors = PASSWORD_WAYS.len();
    ensure(usize::try_from(binds) == Ok(doors), || {
        format!("{doors} logins of bob sent {binds} binds")
    })?;
    // alice is in linux-users by three groups in a circle and no other way.
    gets_in(stage.host()?, Way::SshPassword, "alice", PASSWORD)?;
    Ok(format!("{PASSWORD_WAYS:?}: {binds} binds for {doors} logins; alice by nested groups"))
}

fn wrong_password(stage: &Stage<'_>) -> Check<String> {
    let mark = stage.host()?.journal_mark()?;
    let binds = every_door(stage, "bob", "Wrong.Pass.1", false)?;
    let doors = PASSWORD_WAYS.len();
    ensure(usize::try_from(binds) == Ok(doors), || {
        format!(
            "{doors} wrong passwords of bob sent {binds} binds: each attempt must cost exactly one"
        )
    })?;
    let line = stage.host()?.journal_line(&mark, &["bob", "wrong password", "52e"])?;
    let journal = stage.host()?.journal_since(&mark)?;
    ensure(!journal.contains("Wrong.Pass.1"), || {
        "the password itself is in the journal".to_owned()
    })?;
    Ok(format!("{doors} refusals, {binds} binds; {line}"))
}

fn empty_password(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    // With this an sshd passes an empty password on to PAM, which is the point here.
    host.must("/usr/sbin/sshd -p 2222 -o PermitEmptyPasswords=yes -o PidFile=/run/sshd-empty.pid")?;
    let before = stage.dc.binds_of_people()?;
    let open_sshd = move || -> Check {
        let seen = host.sh(
            "SSHPASS= sshpass -e ssh -p 2222 -o PubkeyAuthentication=no -l bob 127.0.0.1 id -un",
        )?;
        ensure(!seen.ok(), || format!("bob got in with an empty password: {}", seen.evidence()))
    };
    let mut checks: Vec<Box<dyn FnOnce() -> Check + Send + '_>> = vec![Box::new(open_sshd)];
    for way in PASSWORD_WAYS {
        checks.push(Box::new(move || stays_out(host, *way, "bob", "")));
    }
    let held = all(checks);
    host.sh("kill $(cat /run/sshd-empty.pid)")?;
    held?;
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || format!("empty passwords were sent to AD: {binds} binds"))?;
    Ok(format!("{} doors, no bind", PASSWORD_WAYS.len() + 1))
}

fn outside_allow(stage: &Stage<'_>) -> Check<String> {
    let mark = stage.host()?.journal_mark()?;
    let binds = every_door(stage, "mallory", PASSWORD, false)?;
    ensure(binds == 0, || format!("mallory, who is not allowed, cost {binds} binds"))?;
    let line = stage.host()?.journal_line(&mark, &["mallory", "not allow|access rules"])?;
    stays_out(stage.host()?, Way::SshKey, "mallory", "")?;
    Ok(format!("no bind; {line}"))
}

fn sudo_rules(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let before = stage.dc.binds_for("alice")?;
    stays_out(host, Way::Sudo, "alice", PASSWORD)?;
    let binds = stage.dc.binds_for("alice")? - before;
    ensure(binds == 0, || format!("alice is in no group of [access.sudo] and cost {binds} binds"))?;
    Ok("alice may ssh but not sudo, and no bind was sent".to_owned())
}

fn sshd_junk(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let before = stage.dc.binds_of_people()?;
    // dora is a good account in linux-users, but in sshd's DenyUsers: sshd then asks PAM with a
    // string of its own instead of her password.
    all(vec![
        Box::new(move || stays_out(host, Way::SshPassword, "dora", PASSWORD)),
        Box::new(move || stays_out(host, Way::SshKeyboard, "dora", PASSWORD)),
    ])?;
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || format!("sshd's stand-in for a password was sent to AD: {binds} binds"))?;
    // And yet it is sshd alone that keeps her out.
    gets_in(host, Way::Su, "dora", PASSWORD)?;
    Ok("dora refused by sshd, no bind; su lets her in".to_owned())
}

fn ssh_key(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    gets_in(host, Way::SshKey, "alice", "")?;
    let mark = host.journal_mark()?;
    let tried = attempt(host, Way::SshKey, "keydis", "")?;
    ensure(!tried.entered, || {
        format!("keydis, a disabled account, got in with a key:\n{}", tried.seen)
    })?;
    host.journal_line(&mark, &["accepted publickey|accepted key|publickey", "keydis"])
        .or_else(|_| host.journal_line(&mark, &["keydis", "access denied"]))?;
    let line = host.journal_line(&mark, &["keydis", "disabled"])?;
    Ok(format!("alice in by key; {line}"))
}

fn odd_names(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    all(vec![
        Box::new(move || gets_in(host, Way::Su, "jo smith", PASSWORD)),
        Box::new(move || gets_in(host, Way::SshPassword, "jo smith", PASSWORD)),
        Box::new(move || gets_in(host, Way::SshPassword, "zoë", PASSWORD)),
        Box::new(move || gets_in(host, Way::Su, "zoë", PASSWORD)),
    ])?;
    Ok("a name with a space, a DN with a comma, letters beyond ASCII".to_owned())
}
