//! Two servers that stand for each other, and a client that knows both.

use ldaps_directory::Directory;
use test_directory::{Directory as Data, Options, TestDirectory};

use crate::outages::PATIENT;
use crate::rig::{Extra, Rig};

/// See the module.
pub struct Two {
    pub first: Rig,
    pub second: TestDirectory,
}

impl Two {
    /// dc1, and the second with other data or the same.
    pub fn new(second: Data) -> Self {
        let first = Rig::new();
        let pki = first.server.pki().clone();
        let identity = Some(pki.for_name("dc2.corp.example").unwrap());
        let options = Options { pki: Some(pki), identity, ..Options::default() };
        Self { first, second: TestDirectory::start(second, options).unwrap() }
    }

    /// A client that is told of both, dc1 first.
    pub fn directory(&self) -> Directory {
        let (one, two) = (self.first.server.port(), self.second.port());
        let lines = format!(
            "{PATIENT}uri = [\"ldaps://dc1.corp.example:{one}\", \"ldaps://dc2.corp.example:{two}\"]\n\
             [directory.address]\n\"dc1.corp.example\" = \"127.0.0.1\"\n\
             \"dc2.corp.example\" = \"127.0.0.1\"\n"
        );
        self.first.with(Extra { directory: &lines, ..Extra::default() })
    }
}

/// The name of the server in use; empty if there is none.
pub fn connected(directory: &Directory) -> String {
    directory.status().connected.map(|server| server.name).unwrap_or_default()
}
