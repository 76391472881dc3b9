//! What the copy is of, across a restart: who is directly in which group, and up to which change
//! everything is known. The users and groups themselves are in `known/accounts`, which is on the
//! disk before this is written.
//!
//! ```text
//! | LDPSmir1 | checksum, 16 bytes | postcard |
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};
use ldaps_directory::{Position, Server};
use serde::{Deserialize, Serialize};

use super::graph::Graph;

const MAGIC: &[u8; 8] = b"LDPSmir1";
const SUM: usize = 16;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) graph: Arc<Graph>,
    pub(crate) position: Position,
    /// When the copy was complete, in seconds since 1970.
    pub(crate) done: u64,
}

/// How it stands in the file. `configuration` is that of the accounts.
#[derive(Serialize, Deserialize)]
struct Written<G> {
    configuration: [u8; 16],
    server: (String, u16, Option<IpAddr>),
    invocation: Vec<u8>,
    usn: i64,
    done: u64,
    graph: G,
}

impl Saved {
    /// Writes it in place of what was there; it is on the disk when this returns.
    ///
    /// # Errors
    /// Of the file system; what was there stays.
    pub(crate) fn write(&self, path: &Path, configuration: [u8; 16]) -> io::Result<()> {
        let Position { server, invocation, usn, .. } = &self.position;
        let written = Written {
            configuration,
            server: (server.name.clone(), server.port, server.address),
            invocation: invocation.clone(),
            usn: *usn,
            done: self.done,
            graph: &*self.graph,
        };
        let body = postcard::to_stdvec(&written).map_err(io::Error::other)?;
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(MAGIC)?;
        file.write_all(&checksum(&body))?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// What was written under this configuration; None: nothing, or something else, or damaged.
    pub(crate) fn read(path: &Path, configuration: [u8; 16]) -> Option<Self> {
        let file = fs::read(path).ok()?;
        let (sum, body) = file.strip_prefix(MAGIC)?.split_first_chunk::<SUM>()?;
        if checksum(body) != *sum {
            return None;
        }
        let written: Written<Graph> = postcard::from_bytes(body).ok()?;
        let (name, port, address) = written.server;
        let server = Server { name, port, address };
        (written.configuration == configuration).then(|| Self {
            graph: Arc::new(written.graph),
            position: Position::of_before(server, written.invocation, written.usn),
            done: written.done,
        })
    }
}

fn checksum(body: &[u8]) -> [u8; SUM] {
    Blake2b::<U16>::digest(body).into()
}
