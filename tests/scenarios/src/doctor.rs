//! `ldapsctl doctor` on a live host that is broken in one way after another: it names the cause first,
//! what it says mends it is done, and alice is in again.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in};
use crate::dc::{Certificate, PASSWORD, SERVICE_PASSWORD};
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};
use crate::product::CA_FILE;
use crate::scenario::{Scenario, Stage};
use std::time::Duration;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "doctor-finds-what-was-broken",
    shows: (5, 2),
    disturbs: true,
    run: all_breakages,
}];

/// One way of breaking a host.
struct Breakage {
    what: &'static str,
    break_it: Act,
    /// What the first fault or warning says.
    named: &'static str,
    mend: Mend,
}

/// What is done.
enum Act {
    /// A line of shell on the host.
    Shell(&'static str),
    /// Something at the domain controller, or with its help.
    Elsewhere(fn(&Stage<'_>, &Host<'_>) -> Check),
}

/// How it is mended.
enum Mend {
    /// By `doctor --fix --yes`.
    Fix,
    /// By the commands that doctor prints, as they stand.
    Printed,
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

fn all_breakages(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    // The directory has people whose state is hidden, for other scenarios: that is said always.
    let usual = bad_lines(&host.sh(DOCTOR)?.out);
    let mut troubles = Vec::new();
    for breakage in BREAKAGES {
        if let Err(failure) = one(stage, host, breakage, &usual) {
            troubles.push(format!("{}: {failure}", breakage.what));
            // The next row is to find what it breaks, and not this.
            stage.heal()?;
            host.sh(&format!("{TIDY}; DEBIAN_FRONTEND=noninteractive pam-auth-update --force --enable ldaps mkhomedir"))?;
        }
    }
    host.sh(TIDY)?;
    ensure(troubles.is_empty(), || troubles.join("\n"))?;
    Ok(format!("{} times broken, named and mended, and alice in again", BREAKAGES.len()))
}

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
    match &breakage.mend {
        Mend::Fix => {
            let fixed = host.sh("ldapsctl doctor --fix --yes")?;
            ensure(fixed.out.contains("  done."), || fixed.evidence())?;
        }
        Mend::Printed => printed(host, &said, breakage.named)?,
        Mend::ByHand(act) => act.done(stage, host)?,
    }
    content(host, usual)
}

fn bad_lines(said: &str) -> Vec<String> {
    let bad = |line: &&str| line.starts_with("FAULT") || line.starts_with("WARNING");
    said.lines().filter(bad).map(str::to_owned).collect()
}

/// Runs what stands as a command in the remedies of what is named as the cause: what follows from it
/// points there, in words.
fn printed(host: &Host<'_>, said: &str, named: &str) -> Check {
    let mut wanted = false;
    let mut commands = Vec::new();
    for line in said.lines() {
        match line.trim_start().strip_prefix("remedy: ") {
            Some(remedy) if wanted => {
                let until = remedy.find("; or").unwrap_or(remedy.len());
                commands.push(remedy.get(..until).unwrap_or_default().to_owned());
            }
            Some(_) => {}
            None if line.starts_with(' ') => {}
            None => wanted = !bad_lines(line).is_empty() && line.contains(named),
        }
    }
    ensure(!commands.is_empty(), || format!("no remedy is printed:\n{said}"))?;
    commands.iter().try_for_each(|command| host.must(command).map(drop))
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
