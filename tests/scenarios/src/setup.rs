//! `ldapsctl setup` on hosts where nothing is configured: with the CA's certificate as DER, as P7B and as
//! PFX, from DNS, from a name and from a terminal, it ends with somebody logged in by ssh; and `--undo`
//! leaves every file as it was, also after a kill at any moment.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::{NAME, PASSWORD, SERVICE_PASSWORD};
use crate::engine::Output;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product;
use crate::scenario::{Scenario, Stage};
use std::time::Instant;

/// The rows of this file. (Line 1 of issue 5 is the set-up's.)
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "setup-by-dns-with-der", shows: (5, 1), disturbs: false, run: by_dns },
    Scenario { name: "setup-by-name-with-p7b", shows: (5, 1), disturbs: false, run: by_name },
    Scenario {
        name: "setup-at-a-terminal-with-pfx",
        shows: (5, 1),
        disturbs: false,
        run: at_terminal,
    },
    Scenario { name: "setup-killed-anywhere", shows: (5, 1), disturbs: false, run: killed },
    Scenario { name: "setup-edited-since", shows: (5, 1), disturbs: false, run: edited_since },
];

/// The files in which the CA's certificate comes. The PFX holds a server's key, as those that are
/// exported do.
const FORMS: &str = "cd /root && openssl x509 -in ca.pem -outform der -out ca.cer && \
    openssl crl2pkcs7 -nocrl -certfile ca.pem -outform der -out ca.p7b && \
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout leaf.key -out leaf.pem -subj /CN=somebody -addext basicConstraints=critical,CA:FALSE 2>/dev/null && \
    openssl pkcs12 -export -inkey leaf.key -in leaf.pem -certfile ca.pem -passout pass:Export.Pass.1 -out ca.pfx && \
    rm ca.pem leaf.key leaf.pem";

/// Everything of the host that is compared: kind, mode, owner, content. Left out: what systemd, the
/// logins and debconf write by themselves (/var/lib/systemd, lastlog and wtmpdb, /var/cache, /var/log),
/// and home directories, which stay.
const SNAPSHOT: &str = "cd /; leave='-path var/lib/systemd -o -path var/lib/lastlog -o -path var/lib/wtmpdb'; \
    in='etc usr/local usr/share/ca-certificates usr/share/pam-configs var/lib root opt srv'; \
    find $in \\( $leave \\) -prune -o -printf '%p %y %m %U:%G %l\\n' | sort; \
    find $in \\( $leave \\) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum";

/// A host with the package, the CA's files and the secret on it, and nothing configured.
///
/// # Errors
/// When it does not come up.
pub fn bare<'run>(stage: &Stage<'run>) -> Check<Host<'run>> {
    let host = stage.fresh_host()?;
    product::install(&host, stage.deb())?;
    host.write("/root/ca.pem", &stage.dc.ca()?, "root:root", "0644")?;
    host.must(FORMS)?;
    host.write("/root/secret", &format!("{SERVICE_PASSWORD}\n"), "root:root", "0600")?;
    Ok(host)
}

/// Switches off whatever `setup` is to switch on.
pub const ALL_OFF: &str = "pam-auth-update --disable ldaps mkhomedir && sed -i 's/ ldaps$//' /etc/nsswitch.conf && \
    sed -i 's/^UsePAM yes/UsePAM no/; s/^KbdInteractiveAuthentication yes/KbdInteractiveAuthentication no/' /etc/ssh/sshd_config.d/scenarios.conf && \
    systemctl reload ssh && systemctl disable -q ldapsd && \
    ! grep -q ldaps /etc/nsswitch.conf /etc/pam.d/common-* && ! grep -q mkhomedir /etc/pam.d/common-session";

fn snapshot(host: &Host<'_>) -> Check<String> {
    host.must(SNAPSHOT)
}

/// What the daemon keeps of whom it knows changes by itself while it runs.
fn without_the_daemons_own(snapshot: &str) -> String {
    let lines = snapshot.lines().filter(|line| !line.contains("var/lib/ldapsd"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_as_it_was(host: &Host<'_>, before: &str, when: &str) -> Check<usize> {
    are_the_same(before, &snapshot(host)?, when)?;
    Ok(before.lines().count())
}

fn are_the_same(before: &str, after: &str, when: &str) -> Check {
    ensure(after == before, || {
        let one_sided = |one: &str, other: &str, sign: &str| {
            let other: std::collections::HashSet<&str> = other.lines().collect();
            let lines = one.lines().filter(|line| !other.contains(line));
            lines.take(15).map(|line| format!("{sign} {line}")).collect::<Vec<_>>().join("\n")
        };
        format!("{when}:\n{}\n{}", one_sided(before, after, "-"), one_sided(after, before, "+"))
    })
}

fn setup(host: &Host<'_>, words: &str) -> Check<Output> {
    host.sh(&format!("ldapsctl setup {words}"))
}

fn must_setup(host: &Host<'_>, words: &str) -> Check<String> {
    let output = setup(host, words)?;
    ensure(output.ok(), || {
        format!("'ldapsctl setup {words}' ended with {}:\n{}", output.code, output.evidence())
    })?;
    ensure(!output.evidence().contains(SERVICE_PASSWORD), || {
        format!("the secret is shown:\n{}", output.evidence())
    })?;
    Ok(output.out)
}

/// Alice is in, mallory is not; a second run changes nothing; what is undone is as it was, and shut.
fn works_and_goes_back(host: &Host<'_>, words: &str, before: &str) -> Check<usize> {
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    stays_out(host, Way::SshPassword, "mallory", PASSWORD)?;
    gets_in(host, Way::SshPassword, "localbob", "Local.Pass.1")?;
    host.must("test \"$(stat -c '%U:%G %a' /etc/ldaps/secret)\" = 'root:ldapsd 640' && ldapsctl check-config")?;
    let set_up = without_the_daemons_own(&snapshot(host)?);
    let again = must_setup(host, words)?;
    ensure(again.contains("Nothing is left to do"), || {
        format!("a second run does something:\n{again}")
    })?;
    let after = without_the_daemons_own(&snapshot(host)?);
    are_the_same(&set_up, &after, "a second run changed files")?;
    undone(host, before)
}

fn undone(host: &Host<'_>, before: &str) -> Check<usize> {
    must_setup(host, "--undo --yes")?;
    let lines = is_as_it_was(host, before, "--undo left a difference")?;
    host.must("! systemctl is-active -q ldapsd && ! getent passwd alice")?;
    gets_in(host, Way::SshKey, "localbob", "")?;
    let again = must_setup(host, "--undo --yes")?;
    ensure(again.contains("nothing to take back"), || again.clone())?;
    Ok(lines)
}

const BY_DNS: &str = "--yes --domain corp.example --ca /root/ca.cer --bind-dn svc-linux@corp.example \
    --bind-secret-file /root/secret --allow @linux-users --sshd --offline-days 14";

fn by_dns(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    stage.dc.name_servers(&[&format!("{NAME}:0")])?;
    host.must(&format!("echo 'nameserver {}' >/etc/resolv.conf", stage.dc.address()?))?;
    host.must(ALL_OFF)?;
    let before = snapshot(&host)?;
    let start = Instant::now();
    let said = must_setup(&host, BY_DNS)?;
    let took = start.elapsed();
    for word in
        ["domain = \"corp.example\"", "offline_days = 14", "alice gets in by sshd", "people"]
    {
        ensure(said.contains(word), || format!("{word:?} is not in:\n{said}"))?;
    }
    host.must("systemctl is-enabled -q ldapsd && sshd -T | grep -qx 'usepam yes' && sshd -T | grep -qx 'kbdinteractiveauthentication yes' && grep -q mkhomedir /etc/pam.d/common-session")?;
    gets_in(&host, Way::SshKeyboard, "alice", PASSWORD)?;
    let lines = works_and_goes_back(&host, BY_DNS, &before)?;
    Ok(format!(
        "by SRV, all switched on, in {took:.1?}; undone: {lines} lines about files are the same"
    ))
}

const BY_NAME: &str = "--yes --domain corp.example --ca /root/ca.p7b --bind-dn svc-linux@corp.example \
    --bind-secret-file - --allow @linux-users </root/secret";

/// DNS has no SRV records; the domain's own name leads to the domain controller.
fn by_name(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    host.must(&format!("echo '{} corp.example' >>/etc/hosts", stage.dc.address()?))?;
    let before = snapshot(&host)?;
    must_setup(&host, BY_NAME)?;
    host.must("grep -qx 'uri = \\[\"ldaps://dc1.corp.example\"\\]' /etc/ldaps/ldaps.toml")?;
    let lines = works_and_goes_back(&host, BY_NAME, &before)?;
    Ok(format!("by the domain's own name; undone: {lines} lines about files are the same"))
}

/// What is typed: a domain that DNS does not know, a leaf for a CA, a wrong password, a group that is none.
const DIALOG: &str = "Domain of Active Directory|corp.example\n\
    One domain controller|dc1.corp.example\n\
    File with the certificate|/root/secret\n\
    File with the certificate|/root/ca.pfx\n\
    Password of /root/ca.pfx|Export.Pass.1\n\
    Service account|svc-linux@corp.example\n\
    Password of svc-linux|Wrong.Pass.1\n\
    Service account that may read users and groups, as in svc-linux@corp.example [svc-linux@corp.example]|\n\
    Password of svc-linux|Service.Pass.1\n\
    Who may log in|@linux-usres\n\
    Who may log in|@linux-users\n\
    For how many days|0\n\
    Do it?|y";

fn dialog(host: &Host<'_>, answers: &str, words: &[&str]) -> Check<Output> {
    let script = include_str!("../../containers/setup/dialog");
    host.write("/var/tmp/dialog", script, "root:root", "0755")?;
    let environment = [format!("DIALOG={answers}"), "TERM=dumb".to_owned()];
    let command =
        [&["timeout", "-k", "1", "120", "/var/tmp/dialog", "30", "ldapsctl", "setup"], words];
    host.exec(&environment, &command.concat(), "")
}

fn at_terminal(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    let before = snapshot(&host)?;
    let declined = dialog(&host, &DIALOG.replace("Do it?|y", "Do it?|n"), &[])?;
    ensure(declined.code == 1, || {
        format!("declined, it ended with {}:\n{}", declined.code, declined.evidence())
    })?;
    is_as_it_was(&host, &before, "declined, it changed something")?;
    let output = dialog(&host, DIALOG, &[])?;
    ensure(output.ok(), || format!("it ended with {}:\n{}", output.code, output.evidence()))?;
    for word in ["data 52e", "Not taken", "linux-usres", "people"] {
        ensure(output.out.contains(word), || format!("{word:?} is not in:\n{}", output.out))?;
    }
    ensure(
        !output.out.contains("Service.Pass.1") && !output.out.contains("Export.Pass.1"),
        || format!("a password is shown:\n{}", output.out),
    )?;
    let lines = works_and_goes_back(&host, "--yes", &before)?;
    Ok(format!("asked 13 times; undone: {lines} lines about files are the same"))
}

/// Of the renames so many are passed by: each moment costs ten seconds, and each image begins at
/// another one.
const STEP: usize = 3;

/// Kills it at its renames, by which every file is put in place and every change is written down
/// beforehand; and while each of the programs that it calls is at work.
fn killed(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    host.must(ALL_OFF)?;
    let words = BY_NAME.replace("--domain corp.example", "--uri ldaps://dc1.corp.example --sshd");
    let before = snapshot(&host)?;
    let (mut kills, mut at) = (0, 1 + usize::from(host.container().contains("bookworm")));
    loop {
        let output = host.sh(&format!(
            "strace -qq -o /dev/null -e trace=/^rename -e inject=/^rename:signal=KILL:when={at} ldapsctl setup {words}"
        ))?;
        if output.ok() {
            break;
        }
        ensure(output.code == 137, || {
            format!("killed at rename {at}, it ended with {}:\n{}", output.code, output.evidence())
        })?;
        kills += 1;
        at += STEP;
        must_setup(&host, "--undo --yes")?;
        is_as_it_was(&host, &before, &format!("killed at rename {at} and undone"))?;
        ensure(at < 200, || "it never came to its end".to_owned())?;
    }
    ensure(at > 15, || format!("only {at} renames were seen"))?;
    undone(&host, &before)?;
    for (program, when) in [
        ("update-ca-certificates", "true"),
        ("pam-auth-update", "true"),
        ("systemctl", "[ \"$1\" = restart ]"),
    ] {
        for then in ["exit 1", "exec \"/usr/sbin/$(basename \"$0\")\" \"$@\""] {
            let real = then.replace(
                "/usr/sbin",
                if program == "systemctl" { "/usr/bin" } else { "/usr/sbin" },
            );
            let otherwise = format!(
                "#!/bin/sh\nif {when}; then kill -9 $PPID; {real}; fi\nexec /usr/bin/$(basename \"$0\") \"$@\"\n"
            );
            host.write(&format!("/var/tmp/killers/{program}"), &otherwise, "root:root", "0755")?;
            let output = host.sh(&format!("PATH=/var/tmp/killers:$PATH ldapsctl setup {words}"))?;
            ensure(!output.ok() && output.code != 1, || {
                format!(
                    "killed by {program}, it ended with {}:\n{}",
                    output.code,
                    output.evidence()
                )
            })?;
            // The program it had called works on.
            host.must(&format!("rm -r /var/tmp/killers; while pgrep -x {program} >/dev/null; do sleep 0.1; done; sleep 0.3"))?;
            must_setup(&host, "--undo --yes")?;
            is_as_it_was(
                &host,
                &before,
                &format!("killed while {program} was at work ({then}) and undone"),
            )?;
            kills += 1;
        }
    }
    Ok(format!("killed at {kills} moments, and undone each time"))
}

/// What an administrator did meanwhile stays, and is told of.
fn edited_since(stage: &Stage<'_>) -> Check<String> {
    let host = bare(stage)?;
    host.write("/etc/ldap/ldap.conf", &format!("URI ldaps://{NAME}\nBASE DC=corp,DC=example\nTLS_CACERT /etc/ssl/certs/ca-certificates.crt\n"), "root:root", "0644")?;
    host.must("sed -i 's/ ldaps$//' /etc/nsswitch.conf")?;
    let before = snapshot(&host)?;
    let words = BY_NAME.replace("--domain corp.example ", "");
    must_setup(&host, &words)?;
    host.must("! grep -q '^uri\\|^domain\\|^base' /etc/ldaps/ldaps.toml && echo '# mine' >>/etc/ldaps/ldaps.toml && echo '# mine' >>/etc/nsswitch.conf")?;
    gets_in(&host, Way::SshPassword, "alice", PASSWORD)?;
    let output = setup(&host, "--undo --yes")?;
    ensure(
        output.code == 1
            && output.out.contains("KEEP /etc/ldaps/ldaps.toml")
            && output.out.contains("KEEP /etc/nsswitch.conf"),
        || format!("--undo ended with {}:\n{}", output.code, output.evidence()),
    )?;
    host.must("tail -n 1 /etc/ldaps/ldaps.toml | grep -qx '# mine' && tail -n 1 /etc/nsswitch.conf | grep -qx '# mine' && test ! -e /etc/ldaps/secret && ! ls /usr/local/share/ca-certificates/*.crt")?;
    // Once they take their own back, so is the rest.
    host.must("rm /etc/ldaps/ldaps.toml && sed -i '/# mine/d' /etc/nsswitch.conf")?;
    must_setup(&host, "--undo --yes")?;
    let lines = is_as_it_was(&host, &before, "afterwards")?;
    Ok(format!(
        "two edited files were kept and told of; then {lines} lines about files are the same"
    ))
}
