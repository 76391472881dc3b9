//! SSH public keys from AD, by a real sshd and the sample that the package brings for it.

#![forbid(unsafe_code)]

use crate::attempt::{Way, enter, gets_in, stays_out};
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "ssh-keys-of-ad-open-and-nothing-else",
    shows: (3, 1),
    disturbs: true,
    run: with_sample,
}];

const SAMPLE: &str = include_str!("../../../etc/ssh/sshd_config.d/ldaps-login-keys.conf");
const PLACE: &str = "/etc/ssh/sshd_config.d/ldaps-login-keys.conf";
const ATTRIBUTE: &str = "altSecurityIdentities";

fn with_sample(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    host.write(PLACE, SAMPLE, "root:root", "0644")?;
    host.must("systemctl reload ssh || systemctl restart ssh")?;
    let seen = keys(stage, host);
    host.must(&format!("rm {PLACE}; systemctl reload ssh || systemctl restart ssh"))?;
    seen
}

fn keys(stage: &Stage<'_>, host: &Host<'_>) -> Check<String> {
    let dc = &stage.dc;
    let key = host.must("cut -d' ' -f1,2 /root/.ssh/id_ed25519.pub")?;
    let marked = format!("SSHKey:{key} keyed@work");
    stays_out(host, Way::SshKey, "keyed", "")?;
    let more = [
        marked.as_str(),
        // Other identities, rubbish, and what would run a command of the value's choice.
        "Kerberos:keyed@CORP.EXAMPLE",
        "SSHKey:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAArubbish",
        &format!("SSHKey:command=\"touch /tmp/pwned\" {key}"),
        &format!("SSHKey:{key} of\nssh-ed25519 AAAA second-line"),
    ];
    dc.attribute("keyed", ATTRIBUTE, &more)?;
    let printed =
        host.must("setpriv --reuid nobody --regid nogroup --clear-groups ldapsctl ssh-keys keyed")?;
    // The last of them stays one line: what is behind the key is a comment.
    let expected = format!("{key} keyed@work\n{key} of ssh-ed25519 AAAA second-line");
    ensure(sorted(&printed) == sorted(&expected), || format!("sshd would be given:\n{printed}"))?;
    gets_in(host, Way::SshKey, "keyed", "")?;
    let by_alias = enter(host, Way::SshKey, "keyed@corp.example", "", "echo IN:$(id -un)")?;
    ensure(by_alias.out.contains("IN:keyed\n"), || {
        format!("keyed@corp.example, by key:\n{}", by_alias.evidence())
    })?;
    // The rules and the account's state stand before a key as before a password.
    dc.attribute("mallory", ATTRIBUTE, &[&marked])?;
    dc.attribute("disabled1", ATTRIBUTE, &[&marked])?;
    for user in ["mallory", "disabled1"] {
        stays_out(host, Way::SshKey, user, "")?;
    }
    without_answer(stage, host)?;
    dc.attribute("keyed", ATTRIBUTE, &[])?;
    stays_out(host, Way::SshKey, "keyed", "")?;
    Ok(printed)
}

/// AD keeps values in no order.
fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

/// Who has come before comes again while the domain controller is silent.
fn without_answer(stage: &Stage<'_>, host: &Host<'_>) -> Check {
    stage.dc.pause(true)?;
    let entered = gets_in(host, Way::SshKey, "keyed", "");
    stage.dc.pause(false)?;
    entered?;
    crate::product::restart_until_it_answers(host)
}
