//! The tool as a shell sees it: what goes to standard output, what to standard error, and the exit
//! code.
#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests too")]

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn write(path: &Path, content: &str, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs `ldapsctl check-config` on a directory.
fn check_config(dir: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
    command.arg("check-config");
    command.arg("--config").arg(dir.join("ldaps.toml"));
    command.arg("--ldap-conf").arg(dir.join("ldap.conf"));
    result(command.output().unwrap(), dir)
}

fn result(output: Output, dir: &Path) -> (i32, String, String) {
    let text =
        |bytes| String::from_utf8(bytes).unwrap().replace(&format!("{}/", dir.display()), "");
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn configuration(dir: &Path, access: &str) -> String {
    format!(
        "[directory]\nuri = \"ldaps://dc1.corp.example\"\nbind_dn = \"svc@corp.example\"\n\
         bind_secret = \"{}/secret\"\n[access]\n{access}\n",
        dir.display()
    )
}

#[test]
fn a_right_configuration_is_summed_up_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("secret"), "Service.Pass.1", 0o600);
    write(&dir.path().join("ldap.conf"), "TLS_REQCERT never\n", 0o644);
    let toml = configuration(dir.path(), "allow = [\"@linux-users\"]");
    write(&dir.path().join("ldaps.toml"), &toml, 0o644);
    let (code, out, err) = check_config(dir.path());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ldaps.toml: OK."), "{out}");
    assert!(out.contains("@linux-users\n"), "{out}");
    assert!(err.starts_with("warning: ldap.conf:1:13: TLS_REQCERT never is not obeyed"), "{err}");
}

#[test]
fn a_wrong_configuration_says_every_error_on_standard_error_and_nothing_is_ok() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("secret"), "Service.Pass.1", 0o644);
    let toml = configuration(dir.path(), "alow = [\"@linux-users\"]");
    write(&dir.path().join("ldaps.toml"), &toml, 0o644);
    let (code, out, err) = check_config(dir.path());
    assert_eq!((code, out.as_str()), (1, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert!(lines[0].starts_with("ldaps.toml:4:15: directory.bind_secret: "), "{err}");
    assert!(lines[0].contains("chmod 0640 secret"), "{err}");
    assert!(lines[1].starts_with("ldaps.toml:6:1: there is no key \"alow\""), "{err}");
    assert!(lines[3].starts_with("2 errors: ldapsd will not start"), "{err}");
    // The secret itself is in no message.
    assert!(!err.contains("Service.Pass.1"), "{err}");
}

#[test]
fn a_host_that_nobody_has_configured_is_told_how_to_begin() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) = check_config(dir.path());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("not configured") && err.contains("sample"), "{err}");
}

#[test]
fn without_a_daemon_nothing_is_known_and_the_exit_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for question in [&["status"][..], &["user", "alice"], &["why", "alice", "--service", "sudo"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
        command.args(question).arg("--run-dir").arg(dir.path().join("none"));
        let (code, out, err) = result(command.output().unwrap(), dir.path());
        assert_eq!((code, out.as_str()), (3, ""), "{question:?}");
        assert!(err.contains("is ldapsd running?"), "{err}");
        assert!(err.contains("Remedy: `ldapsctl check-config`"), "{err}");
    }
}

#[test]
fn sshd_gives_up_on_a_users_own_keys_when_the_daemon_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["alice", "-x", "CORP\\alice"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
        command.arg("ssh-keys").arg("--run-dir").arg(dir.path().join("none")).arg(name);
        let (code, out, err) = result(command.output().unwrap(), dir.path());
        assert_eq!((code, out.as_str()), (0, ""), "{name}");
        assert!(err.contains("is ldapsd running?"), "{err}");
    }
    let misused = Command::new(env!("CARGO_BIN_EXE_ldapsctl")).arg("ssh-keys").output().unwrap();
    assert_eq!(result(misused, dir.path()).0, 2);
}

#[test]
fn ctrl_c_ends_the_watch_with_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
    command.args(["status", "--watch", "--run-dir"]).arg(dir.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    // It has shown something: the signal is taken by then.
    let mut shown = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut shown).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
