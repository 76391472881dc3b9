//! `ldapsctl doctor` on a live host that is broken in one way after another: it names the cause first,
//! what it says mends it is done, and alice is in again.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in};
use crate::dc::{Certificate, PASSWORD, SERVICE_PASSWORD};
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};
use crate::product::CA_FILE;
use crate::remedies;
use crate::scenario::{Scenario, Stage};
use std::time::Duration;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "doctor-finds-what-was-broken",
        shows: (5, 2),
        disturbs: true,
        run: |stage| all(stage, BREAKAGES),
    },
    Scenario {
        name: "doctors-own-words-mend-it",
        shows: (5, 2),
        disturbs: true,
        run: |stage| all(stage, remedies::ROWS),
    },
];

/// One way of breaking a host.
pub struct Breakage {
    /// In words.
    pub what: &'static str,
    /// How.
    pub break_it: Act,
    /// What the first fault or warning says.
    pub named: &'static str,
    /// And back.
    pub mend: Mend,
}

/// What is done.
pub enum Act {
    /// A line of shell on the host.
    Shell(&'static str),
    /// Something at the domain controller, or with its help.
    Elsewhere(fn(&Stage<'_>, &Host<'_>) -> Check),
}

/// How it is mended.
pub enum Mend {
    /// By `doctor --fix --yes`.
    Fix,
    /// By the commands that doctor prints, as they stand.
    Printed,
    /// By them, with this put for a word in capitals that stands for what only the administrator knows.
    Filled(&'static str, &'static str),
    /// By an edit that doctor prints in these words, and that this line of shell makes; then by the
    /// commands that it prints, if any.
    Edit(&'static str, &'static str),
    /// The other way round.
    ThenEdit(&'static str, &'static str),
    /// By whoever can, as doctor says.
    ByHand(Act),
}

const DOCTOR: &str = "ldapsctl doctor --user alice";
const RELOAD: &str = "systemctl reload ldapsd";

const BREAKAGES: &[Breakage] = &[
    Breakage {
        what: "the daemon stopped",
        break_it: Act::Shell("systemctl stop ldapsd"),
        named: "daemon: ",
        mend: Mend::Fix,
    },
    Breakage {
        what: "the daemon hung",
        break_it: Act::Shell("pkill -STOP -x ldapsd; sleep 4"),
        named: "gives no sign of life",
        mend: Mend::Fix,
    },
    Breakage {
        what: "the daemon not enabled",
        break_it: Act::Shell("systemctl disable ldapsd"),
        named: "systemd: ldapsd.service is not enabled",
        mend: Mend::Printed,
    },
    Breakage {
        what: "a secret that all may read",
        break_it: Act::Shell("chmod 0644 /etc/ldaps/secret"),
        named: "has mode 0644",
        mend: Mend::Fix,
    },
    Breakage {
        what: "another password than the service account's",
        break_it: Act::Shell("echo Wrong.Pass.1 >/etc/ldaps/secret"),
        named: "service account: ",
        mend: Mend::ByHand(Act::Elsewhere(right_secret)),
    },
    Breakage {
        what: "another CA",
        break_it: Act::Elsewhere(stranger),
        named: "leads to no CA that is trusted here",
        mend: Mend::ByHand(Act::Shell(
            "ldapsctl cert import /root/right-ca.pem --into /etc/ldaps/corp-ca.pem --yes && systemctl reload ldapsd",
        )),
    },
    Breakage {
        what: "a certificate out of date",
        break_it: Act::Elsewhere(|stage, _| stage.dc.show(Certificate::Expired)),
        named: "has expired",
        mend: Mend::ByHand(Act::Elsewhere(|stage, _| stage.dc.show(Certificate::Good))),
    },
    Breakage {
        what: "a certificate for another name",
        break_it: Act::Elsewhere(|stage, _| stage.dc.show(Certificate::WrongName)),
        named: "is for other.corp.example, not for",
        mend: Mend::ByHand(Act::Elsewhere(|stage, _| stage.dc.show(Certificate::Good))),
    },
    Breakage {
        what: "the PAM profile switched off",
        break_it: Act::Shell("pam-auth-update --package --remove ldaps"),
        named: "pam_ldaps.so is not in the auth stack",
        mend: Mend::Fix,
    },
    Breakage {
        what: "not on the lines of nsswitch.conf",
        break_it: Act::Shell("sed -i 's/ ldaps//' /etc/nsswitch.conf"),
        named: "ldaps is not on the line",
        mend: Mend::Printed,
    },
    Breakage {
        what: "not on the lines of nsswitch.conf, mended by itself",
        break_it: Act::Shell("sed -i 's/ ldaps//' /etc/nsswitch.conf"),
        named: "ldaps is not on the line",
        mend: Mend::Fix,
    },
    Breakage {
        what: "no home directories",
        break_it: Act::Shell("pam-auth-update --package --remove mkhomedir"),
        named: "home directories: ",
        mend: Mend::Fix,
    },
    Breakage {
        what: "sshd without PAM",
        break_it: Act::Shell(
            "echo 'UsePAM no' >/etc/ssh/sshd_config.d/50-no.conf; systemctl reload ssh",
        ),
        named: "UsePAM is not \"yes\"",
        mend: Mend::Printed,
    },
    Breakage {
        what: "a PAM file edited by hand, and a jump forgotten",
        break_it: Act::Shell(
            "sed -i '/pam_unix/s/success=2/success=1/' /etc/pam.d/common-auth; grep -q success=1.*pam_unix /etc/pam.d/common-auth",
        ),
        named: "PAM: ",
        mend: Mend::ByHand(Act::Shell("DEBIAN_FRONTEND=noninteractive pam-auth-update --force")),
    },
    Breakage {
        what: "a firewall that refuses",
        break_it: Act::Shell(
            "iptables -A OUTPUT -p tcp --dport 636 -j REJECT --reject-with tcp-reset; systemctl restart ldapsd",
        ),
        named: "refused",
        mend: Mend::ByHand(Act::Shell("iptables -F OUTPUT; systemctl restart ldapsd")),
    },
    Breakage {
        what: "a firewall that drops",
        break_it: Act::Shell(
            "iptables -A OUTPUT -p tcp --dport 636 -j DROP; systemctl restart ldapsd",
        ),
        // "no answer" or "did not answer": whichever time is over first, the address's or the whole one.
        named: "answer within",
        mend: Mend::ByHand(Act::Shell("iptables -F OUTPUT; systemctl restart ldapsd")),
    },
    Breakage {
        what: "the domain controller silent",
        break_it: Act::Elsewhere(|stage, _| stage.dc.pause(true)),
        named: "did not answer within",
        mend: Mend::ByHand(Act::Elsewhere(|stage, _| stage.dc.pause(false))),
    },
    Breakage {
        what: "no DNS",
        break_it: Act::Shell(
            "cp /etc/resolv.conf /root/resolv.conf; echo 'nameserver 127.0.0.99' >/etc/resolv.conf",
        ),
        named: "the name dc1.corp.example has no address",
        mend: Mend::ByHand(Act::Shell(
            "cat /root/resolv.conf >/etc/resolv.conf; rm /root/resolv.conf",
        )),
    },
];

fn stranger(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    host.write("/root/right-ca.pem", &stage.dc.ca()?, "root:root", "0644")?;
    host.write(CA_FILE, &stage.dc.stranger_ca()?, "root:root", "0644")?;
    host.must(RELOAD).map(drop)
}

fn right_secret(_: &Stage<'_>, host: &Host<'_>) -> Check {
    let content = format!("{SERVICE_PASSWORD}\n");
    host.write("/etc/ldaps/secret", &content, "root:ldapsd", "0640")?;
    host.must(RELOAD).map(drop)
}

impl Act {
    fn done(&self, stage: &Stage<'_>, host: &Host<'_>) -> Check {
        match self {
            Act::Shell(script) => host.must(script).map(drop),
            Act::Elsewhere(act) => act(stage, host),
        }
    }
}

fn all(stage: &Stage<'_>, breakages: &[Breakage]) -> Check<String> {
    let host = stage.host()?;
    host.write(EDITOR, EDIT, "root:root", "0755")?;
    host.must(KEEP)?;
    // The directory has people whose state is hidden, for other scenarios: that is said always.
    let usual = bad_lines(&host.sh(DOCTOR)?.out);
    let mut troubles = Vec::new();
    for breakage in breakages {
        if let Err(failure) = one(stage, host, breakage, &usual) {
            troubles.push(format!("{}: {failure}", breakage.what));
            // The next row is to find what it breaks, and not this.
            host.sh(TIDY)?;
            host.sh(PUT_BACK)?;
            if let Err(failure) = stage.heal() {
                troubles.push(format!("after that: {failure}"));
                break;
            }
        }
    }
    host.sh(TIDY)?;
    ensure(troubles.is_empty(), || troubles.join("\n"))?;
    Ok(format!("{} times broken, named and mended, and alice in again", breakages.len()))
}

/// Who writes the right password into the file that `sudoedit` is called for, or takes the line at
/// fault out of another.
const EDITOR: &str = "/var/tmp/editor";
const EDIT: &str = "#!/bin/sh\ncase $1 in *secret*) echo Service.Pass.1 >\"$1\";; *) sed -i /^NoNewPrivileges/d \"$1\";; esac\n";

/// What is broken of the host beside what every scenario puts right.
const KEEP: &str =
    "mkdir -p /var/tmp/kept && cp -a /etc/nsswitch.conf /etc/login.defs /etc/subuid /var/tmp/kept";
const PUT_BACK: &str = "cp -a /var/tmp/kept/* /etc; rm -f /etc/systemd/system/ldapsd.service.d/broken.conf; \
    systemctl unmask ldapsd; systemctl daemon-reload; userdel oldie; groupdel oldies; \
    DEBIAN_FRONTEND=noninteractive pam-auth-update --force --enable ldaps mkhomedir";

const TIDY: &str = "rm -f /etc/ssh/sshd_config.d/50-no.conf /etc/ssh/sshd_config.d/00-ldaps-login.conf /root/right-ca.pem; \
                    systemctl reload ssh";

fn one(stage: &Stage<'_>, host: &Host<'_>, breakage: &Breakage, usual: &[String]) -> Check {
    breakage.break_it.done(stage, host)?;
    let said = host.sh(DOCTOR)?.out;
    let bad = bad_lines(&said);
    let first = bad.iter().find(|line| !usual.contains(line)).map_or("nothing", String::as_str);
    ensure(first.contains(breakage.named), || {
        format!("{:?} is not what doctor says first:\n{}", breakage.named, bad.join("\n"))
    })?;
    let commands = commands(&said, breakage.named);
    match &breakage.mend {
        Mend::Fix => {
            let fixed = host.sh("ldapsctl doctor --fix --yes")?;
            ensure(fixed.out.contains("  done."), || fixed.evidence())?;
        }
        Mend::Printed => {
            ensure(!commands.is_empty(), || format!("no command is printed:\n{said}"))?;
            carry_out(host, &commands)?;
        }
        Mend::Filled(word, with) => {
            ensure(commands.iter().any(|it| it.contains(word)), || {
                format!("no {word} is in the commands {commands:?} of:\n{said}")
            })?;
            let fill = |it: &String| it.replace(word, with);
            carry_out(host, &commands.iter().map(fill).collect::<Vec<_>>())?;
        }
        Mend::Edit(words, shell) => {
            tells(&said, breakage.named, words)?;
            host.must(shell)?;
            carry_out(host, &commands)?;
        }
        Mend::ThenEdit(words, shell) => {
            tells(&said, breakage.named, words)?;
            carry_out(host, &commands)?;
            host.must(shell)?;
        }
        Mend::ByHand(act) => act.done(stage, host)?,
    }
    content(host, usual)
}

fn bad_lines(said: &str) -> Vec<String> {
    let bad = |line: &&str| line.starts_with("FAULT") || line.starts_with("WARNING");
    said.lines().filter(bad).map(str::to_owned).collect()
}

/// The remedies of what is named as the cause: what follows from it points there, in words.
fn remedies_of<'said>(said: &'said str, named: &str) -> Vec<&'said str> {
    let mut wanted = false;
    let mut remedies = Vec::new();
    for line in said.lines() {
        match line.trim_start().strip_prefix("remedy: ") {
            Some(remedy) if wanted => remedies.push(remedy),
            Some(_) => {}
            None if line.starts_with(' ') => {}
            None => wanted = !bad_lines(line).is_empty() && line.contains(named),
        }
    }
    remedies
}

/// What stands as a command in them, each once; of what is said to be an alternative, where there is
/// nothing before it.
fn commands(said: &str, named: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for remedy in remedies_of(said, named) {
        let before = commands.len();
        for part in remedy.split("; ") {
            if (part.starts_with("or ") || part.starts_with("or, ")) && commands.len() > before {
                break;
            }
            commands.extend(command_in(part).filter(|it| !commands.contains(it)));
        }
    }
    commands
}

/// From the first word that begins one to the end, but for a remark behind it.
fn command_in(part: &str) -> Option<String> {
    let begins = |word: &str| {
        let at = |it: &str| part.find(it).filter(|at| *at == 0 || part[..*at].ends_with(' '));
        at(word)
    };
    let from = BEGINNINGS.iter().filter_map(|word| begins(word)).min()?;
    let command = part.get(from..)?;
    let to = [" (", ", and "].iter().filter_map(|end| command.find(end)).min();
    Some(command.get(..to.unwrap_or(command.len()))?.to_owned())
}

/// How commands begin.
const BEGINNINGS: &[&str] = &[
    "sudo ",
    "sudoedit ",
    "echo '",
    "chown ",
    "chmod ",
    "cp ",
    "openssl ",
    "pam-auth-update ",
    "systemctl ",
    "journalctl ",
    "ldapsctl cert ",
];

fn tells(said: &str, named: &str, words: &str) -> Check {
    let remedies = remedies_of(said, named);
    ensure(remedies.iter().any(|it| it.contains(words)), || {
        format!("{words:?} is in none of the remedies {remedies:?} of:\n{said}")
    })
}

fn carry_out(host: &Host<'_>, commands: &[String]) -> Check {
    let as_at_a_terminal =
        |command: &String| host.must(&format!("export SUDO_EDITOR={EDITOR}; {command}")).map(drop);
    commands.iter().try_for_each(as_at_a_terminal)
}

/// Doctor finds nothing that is not always there, and alice gets in.
fn content(host: &Host<'_>, usual: &[String]) -> Check {
    let mut last = Vec::new();
    for _ in 0..8 {
        last = bad_lines(&host.sh(DOCTOR)?.out);
        if last.iter().all(|line| usual.contains(line)) {
            return gets_in(host, Way::SshPassword, "alice", PASSWORD);
        }
        std::thread::sleep(Duration::from_secs(3));
    }
    Err(Failure::new(format!("it was mended, and doctor is not content:\n{}", last.join("\n"))))
}
