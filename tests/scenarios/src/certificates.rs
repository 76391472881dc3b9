//! Certificates that must not be believed, each named in the journal with what is wrong and
//! what to do; and a server that DNS does not know.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{Certificate, NAME, PASSWORD};
use crate::host::{Host, JournalMark};
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use std::time::Duration;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "ca-file-missing", shows: (2, 4), disturbs: true, run: ca_missing },
    Scenario { name: "wrong-ca-on-the-host", shows: (2, 4), disturbs: true, run: wrong_ca },
    Scenario {
        name: "certificate-by-a-stranger",
        shows: (2, 4),
        disturbs: true,
        run: |stage| {
            refused(
                stage,
                Certificate::OtherCa,
                &["dc1.corp.example", "Somebody Else's CA", "corp-ca.pem|tls_cacert|[tls] ca"],
            )
        },
    },
    Scenario {
        name: "certificate-for-another-name",
        shows: (2, 4),
        disturbs: true,
        run: |stage| {
            refused(
                stage,
                Certificate::WrongName,
                &[
                    "other.corp.example",
                    "dc1.corp.example",
                    "name",
                    "[directory.address]|uri|reissue|issue",
                ],
            )
        },
    },
    Scenario {
        name: "certificate-expired",
        shows: (2, 4),
        disturbs: true,
        run: |stage| {
            refused(
                stage,
                Certificate::Expired,
                &["dc1.corp.example", "expired", "2021", "renew|new certificate|replace"],
            )
        },
    },
    Scenario { name: "a-good-connection-turns-bad", shows: (2, 4), disturbs: true, run: turns_bad },
    Scenario { name: "reached-by-address", shows: (2, 5), disturbs: true, run: by_address },
];

/// Restarts the daemon: whatever it had held is gone, and its first words are in the journal.
fn restart(host: &Host<'_>) -> Check<JournalMark> {
    let mark = host.journal_mark()?;
    host.sh("systemctl reset-failed ldapsd; systemctl restart ldapsd")?;
    Ok(mark)
}

/// Nobody gets in, by key neither, no bind is sent, and one line has all the words.
fn nobody_gets_in(stage: &Stage<'_>, mark: &JournalMark, words: &[&str]) -> Check<String> {
    stays_out(stage.host()?, Way::SshKey, "alice", "")?;
    no_password_gets_in(stage, mark, words)
}

/// The same for passwords alone. (By key a daemon that has seen the account's state a moment
/// ago may let it in while no domain controller can be believed.)
fn no_password_gets_in(stage: &Stage<'_>, mark: &JournalMark, words: &[&str]) -> Check<String> {
    let host = stage.host()?;
    let before = stage.dc.binds_of_people()?;
    stays_out(host, Way::SshPassword, "alice", PASSWORD)?;
    stays_out(host, Way::Su, "bob", PASSWORD)?;
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || {
        format!("{binds} binds were sent over a connection that must not be believed")
    })?;
    host.journal_line(mark, words)
}

fn refused(stage: &Stage<'_>, certificate: Certificate, words: &[&str]) -> Check<String> {
    stage.host()?;
    stage.dc.show(certificate)?;
    let mark = restart(stage.host()?)?;
    nobody_gets_in(stage, &mark, words)
}

fn ca_missing(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let configuration = Configuration {
        ca_file: Some("/etc/ldaps/not-there.pem".to_owned()),
        ..Configuration::default()
    };
    product::write_configuration(host, &stage.dc, &configuration)?;
    let mark = restart(host)?;
    nobody_gets_in(stage, &mark, &["/etc/ldaps/not-there.pem", "tls_cacert|ldap.conf"])
}

fn wrong_ca(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    host.write("/etc/ldaps/stranger.pem", &stage.dc.stranger_ca()?, "root:root", "0644")?;
    let configuration = Configuration {
        ca_file: Some("/etc/ldaps/stranger.pem".to_owned()),
        ..Configuration::default()
    };
    product::write_configuration(host, &stage.dc, &configuration)?;
    let mark = restart(host)?;
    nobody_gets_in(
        stage,
        &mark,
        &["dc1.corp.example", "Corp Example Test CA", "/etc/ldaps/stranger.pem|tls_cacert"],
    )
}

fn turns_bad(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    let mark = host.journal_mark()?;
    // The restart cuts the daemon's connections; the next ones meet the expired certificate.
    stage.dc.show(Certificate::Expired)?;
    let line = no_password_gets_in(stage, &mark, &["dc1.corp.example", "expired"])?;
    stage.dc.show(Certificate::Good)?;
    host.wait_for("logins to work again by themselves", Duration::from_secs(40), |host| {
        Ok(gets_in(host, Way::SshPassword, "alice", PASSWORD).is_ok())
    })?;
    Ok(format!("refused while it was bad ({line}), in again without a restart"))
}

fn by_address(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    let (network, address) = stage.dc.nameless_network()?;
    host.on_network(stage.dc.network(), false)?;
    host.on_network(&network, true)?;
    let unknown = host.sh(&format!("getent hosts {NAME}"))?;
    ensure(!unknown.ok(), || format!("DNS still knows {NAME}: {}", unknown.out))?;
    let hosts_file = host.must("sha256sum /etc/hosts")?;
    let configuration =
        Configuration { address: Some(address.clone()), ..Configuration::default() };
    product::write_configuration(host, &stage.dc, &configuration)?;
    product::restart_until_it_answers(host)?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    ensure(host.must("sha256sum /etc/hosts")? == hosts_file, || {
        "/etc/hosts was changed".to_owned()
    })?;
    // The address must not loosen the name: a certificate for another name is still refused.
    stage.dc.show(Certificate::WrongName)?;
    let mark = restart(host)?;
    nobody_gets_in(stage, &mark, &["other.corp.example"])?;
    Ok(format!("alice in by {address}, /etc/hosts untouched, another name refused there too"))
}
