//! A directory of files, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Rig {
    dir: tempfile::TempDir,
}

/// Exit code, standard output, standard error.
pub type Ran = (i32, String, String);

impl Rig {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `ldapsctl cert` in the directory, with no configuration of this machine.
    pub fn cert(&self, words: &[&str]) -> Ran {
        let output = self.command(words).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
        command.current_dir(self.dir.path()).arg("cert").args(words);
        command.args(["--config", "ldaps.toml", "--ldap-conf", "ldap.conf"]);
        command
    }

    /// A root with a trust store in which the distribution has put one CA.
    pub fn trust_store(&self, shipped: &[u8]) -> Store {
        let root = self.path("root");
        self.file("root/usr/share/ca-certificates/mozilla/Shipped.crt", shipped);
        self.file(
            "root/etc/ca-certificates.conf",
            b"# a comment\nmozilla/Shipped.crt\n!mozilla/Gone.crt\n",
        );
        for dir in
            ["etc/ssl/certs", "usr/local/share/ca-certificates", "etc/ca-certificates/update.d"]
        {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        let store = Store { root };
        store.update();
        store
    }
}

pub struct Store {
    pub root: PathBuf,
}

impl Store {
    pub fn bundle(&self) -> PathBuf {
        self.root.join("etc/ssl/certs/ca-certificates.crt")
    }

    pub fn read(&self) -> String {
        fs::read_to_string(self.bundle()).unwrap()
    }

    pub fn local(&self) -> Vec<String> {
        names_in(&self.root.join("usr/local/share/ca-certificates"))
    }

    /// The distribution's own program, on this root.
    pub fn update(&self) {
        let at = |path: &str| self.root.join(path);
        let status = Command::new("update-ca-certificates")
            .args(["--certsconf".as_ref(), at("etc/ca-certificates.conf").as_os_str()])
            .args(["--certsdir".as_ref(), at("usr/share/ca-certificates").as_os_str()])
            .args(["--localcertsdir".as_ref(), at("usr/local/share/ca-certificates").as_os_str()])
            .args(["--etccertsdir".as_ref(), at("etc/ssl/certs").as_os_str()])
            .args(["--hooksdir".as_ref(), at("etc/ca-certificates/update.d").as_os_str()])
            .stdout(Stdio::null())
            .status();
        let status =
            status.unwrap_or_else(|error| panic!("the package ca-certificates is needed: {error}"));
        assert!(status.success());
    }
}

pub fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
pub fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} wanted in\n{text}");
    }
}
