//! The terminal sessions of the docs: a host set up, a login that fails, its cause found and mended.
//! `--record` plays them and writes them there; the scenario plays them and holds the docs to them.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in};
use crate::dc::{NAME, PASSWORD, SERVICE_PASSWORD};
use crate::host::Host;
use crate::offline::LONG_SET;
use crate::outcome::{Check, ensure};
use crate::recorded;
use crate::scenario::{Scenario, Stage};
use crate::setup::{ALL_OFF, bare};
use std::time::Duration;

/// The row that plays them.
pub const RECORDED: &str = "sessions-in-the-docs";

/// The rows of this file.
pub const SCENARIOS: &[Scenario] =
    &[Scenario { name: RECORDED, shows: (5, 3), disturbs: true, run: sessions }];

/// The system that they are recorded on: another one's sshd has other words.
const SYSTEM: &str = "debian-trixie";
const COLUMNS: &str = "80";

/// What is typed at a terminal, and what was answered there.
struct Typed {
    /// The prompt: `#` is root's.
    prompt: &'static str,
    command: &'static str,
    /// Each question, by a part of it, a bar, and what is typed.
    answers: &'static str,
    code: i32,
}

const fn root(command: &'static str, code: i32) -> Typed {
    Typed { prompt: "#", command, answers: "", code }
}

const SET_UP: &[Typed] = &[Typed {
    prompt: "#",
    command: "ldapsctl setup",
    answers: "Domain of Active Directory|\n\
        File with the certificate|/root/corp-ca.pfx\n\
        Password of /root/corp-ca.pfx|Export.Pass.1\n\
        Service account|svc-linux@corp.example\n\
        Password of svc-linux|Wrong.Pass.1\n\
        Service account that may read users and groups, as in svc-linux@corp.example [svc-linux@corp.example]|\n\
        Password of svc-linux|Service.Pass.1\n\
        Who may log in|@linux-users\n\
        Make home directories|\n\
        Change that|y\n\
        For how many days|14\n\
        Do it?|y",
    code: 0,
}];

/// The directory has password settings that are hidden, for other rows: a warning.
const DOCTOR: &[Typed] = &[root("ldapsctl doctor --user alice", 4)];

const REFUSED: &[Typed] = &[Typed {
    prompt: "$",
    command: "ssh -o NumberOfPasswordPrompts=1 alice@host1",
    answers: "Password:|Secret.123\npassword:|Secret.123",
    code: 255,
}];

const LOOKED_AT: &[Typed] = &[
    root("ldapsctl log --user alice", 0),
    root("ldapsctl why alice", 3),
    root("ldapsctl doctor", 1),
];

const MENDED: &[Typed] = &[
    root("sudoedit /etc/ldaps/secret", 0),
    root("sudo systemctl reload ldapsd", 0),
    root("ldapsctl why alice", 0),
    Typed { prompt: "$", command: "ssh alice@host1 id", answers: "Password:|Secret.123", code: 0 },
];

const ONE_PERSON: &[Typed] = &[
    Typed {
        prompt: "$",
        command: "ssh -o NumberOfPasswordPrompts=1 mallory@host1",
        answers: "Password:|Secret.123\npassword:|Secret.123",
        code: 255,
    },
    root("ldapsctl log --user mallory", 0),
    root("ldapsctl why mallory", 1),
];

/// AD's new password of the service account, and who writes it into the file: an editor has no words of
/// its own here.
const NEW_SECRET: &str = "New.Service.Pass.2";
const EDITOR: &str = "#!/bin/sh\necho New.Service.Pass.2 >\"$1\"\n";

fn sessions(stage: &Stage<'_>) -> Check<String> {
    if !stage.is_on(SYSTEM) {
        return Ok(format!("they are of {SYSTEM}: not played here"));
    }
    let played = played(stage);
    // Whatever came of it, the other rows' secret is the old one.
    set_secret(stage, SERVICE_PASSWORD)?;
    played
}

fn played(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    prepare(stage, &host)?;
    let record = |page, name, typed| -> Check<usize> {
        let shown = shown(&host, typed)?;
        recorded::session(page, name, &shown, stage.records())?;
        Ok(shown.lines().count())
    };
    let mut lines = record("setup.md", "setup", SET_UP)?;
    stage.dc.password("alice", LONG_SET)?;
    gets_in(&host, Way::SshPassword, "alice", PASSWORD)?;
    // It is saved a moment after the login, and `why` tells of it.
    host.wait_for("alice's password to be saved", Duration::from_secs(20), |host| {
        Ok(host.sh("ldapsctl why alice")?.out.contains("the password saved on"))
    })?;
    lines += record("failed-login.md", "well", DOCTOR)?;
    // Twice: Samba takes the password before the last one for a while.
    set_secret(stage, "New.Service.Pass.1")?;
    set_secret(stage, NEW_SECRET)?;
    host.must(
        "journalctl --rotate -q; journalctl --vacuum-time=1s -q; systemctl restart ldapsd; sleep 2",
    )?;
    lines += record("failed-login.md", "refused", REFUSED)?;
    lines += record("failed-login.md", "looked-at", LOOKED_AT)?;
    lines += record("failed-login.md", "mended", MENDED)?;
    lines += record("failed-login.md", "one-person", ONE_PERSON)?;
    let what = if stage.records() { "written into" } else { "the same as in" };
    Ok(format!("{lines} lines, {what} docs/setup.md and docs/failed-login.md"))
}

fn set_secret(stage: &Stage<'_>, password: &str) -> Check {
    stage.dc.samba_tool(&["user", "setpassword", "svc-linux", &format!("--newpassword={password}")])
}

/// A host that DNS serves, with all that `setup` can switch on switched off, and that ssh knows.
fn prepare(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    stage.dc.name_servers(&[&format!("{NAME}:0")])?;
    let resolver = format!(
        "printf 'search corp.example\\nnameserver {}\\n' >/etc/resolv.conf",
        stage.dc.address()?
    );
    host.must(&resolver)?;
    host.must(ALL_OFF)?;
    host.must("mv /root/ca.pfx /root/corp-ca.pfx && ssh-keyscan -t ed25519 host1 2>/dev/null >/etc/ssh/ssh_known_hosts && test -s /etc/ssh/ssh_known_hosts")?;
    host.write("/var/tmp/editor", EDITOR, "root:root", "0755")?;
    host.write(
        "/var/tmp/dialog",
        include_str!("../../containers/setup/dialog"),
        "root:root",
        "0755",
    )
}

/// Everything that stands on the terminal in the end.
fn shown(host: &Host<'_>, all: &[Typed]) -> Check<String> {
    let mut shown = String::new();
    for Typed { prompt, command, answers, code } in all {
        let environment = [
            format!("DIALOG={answers}"),
            format!("COLUMNS_THERE={COLUMNS}"),
            "TERM=dumb".to_owned(),
            "SUDO_EDITOR=/var/tmp/editor".to_owned(),
            "LC_ALL=C.UTF-8".to_owned(),
        ];
        let mut words = vec!["timeout", "-k", "1", "120"];
        if *prompt == "$" {
            words.extend(["/opt/host/as", "localbob"]);
        }
        words.extend(["/var/tmp/dialog", "30"]);
        words.extend(command.split(' '));
        let output = host.exec(&environment, &words, "")?;
        let seen = format!("{}{}", output.out, output.err).replace('\r', "");
        ensure(output.code == *code && !seen.contains("\ndialog: "), || {
            format!("'{command}' ended with {}, and not with {code}:\n{seen}", output.code)
        })?;
        let is_told = [PASSWORD, SERVICE_PASSWORD, NEW_SECRET].iter().any(|it| seen.contains(it));
        ensure(!is_told, || format!("'{command}' shows a password:\n{seen}"))?;
        shown += &format!("{prompt} {command}\n");
        if !seen.trim().is_empty() {
            shown += &format!("{}\n", seen.trim_end());
        }
    }
    Ok(shown)
}
