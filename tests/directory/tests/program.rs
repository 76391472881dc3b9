//! The program: what it writes, what it says, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

struct Running(Child, PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

fn start(name: &str) -> Running {
    let dir = std::env::temp_dir().join(format!("test-directory-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("secret"), "left over from an earlier run").unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_test-directory"))
        .arg("--dir")
        .arg(&dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Running(child, dir)
}

#[test]
fn it_writes_ca_and_secret_says_ready_listens_and_ends_cleanly_on_sigterm() {
    let mut running = start("run");
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.split_once("ldaps://dc1.corp.example:").unwrap().1.split_once(' ').unwrap().0;
    assert!(line.starts_with("ready: "), "{line}");
    std::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let ca = std::fs::read_to_string(running.1.join("ca.pem")).unwrap();
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"), "{ca}");
    assert_eq!(std::fs::read_to_string(running.1.join("secret")).unwrap(), "Service.Pass.1");
    let mode = std::fs::metadata(running.1.join("secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "ldapsd refuses a looser secret");
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_directory_that_cannot_be_written_is_one_sentence_and_a_failure() {
    let missing = "/nonexistent/directory";
    let output = Command::new(env!("CARGO_BIN_EXE_test-directory"))
        .args(["--dir", missing])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("test-directory: cannot write /nonexistent/directory/binds: "),
        "{said}"
    );
}
