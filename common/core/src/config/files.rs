//! The files the configuration consists of or names: whose they are, who may change or read them,
//! and whether they hold what they should.
#![forbid(unsafe_code)]

use super::errors::Fault;
use rustix::process::{getegid, geteuid};
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// No configuration file, CA bundle or revocation list is longer. The largest in use, a system's
/// store, has a quarter of a megabyte; revocation lists of big CAs have several.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The daemon's user and group, which may own and read the secret.
const DAEMON: &str = "ldapsd";

const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;
const OTHER_ANY: u32 = 0o007;
const GROUP_READ: u32 = 0o040;

/// Checks that nobody but root or the running user can change what `path` says.
pub(super) fn check_unchangeable(path: &Path, metadata: &Metadata) -> Result<(), Fault> {
    let shown = path.display();
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() {
        return Err(Fault::new(
            format!("the file belongs to uid {owner}, who can change it"),
            format!("run: chown root:root {shown}"),
        ));
    }
    if metadata.mode() & (GROUP_WRITE | OTHER_WRITE) != 0 {
        return Err(Fault::new(
            format!(
                "its mode {:04o} lets others than its owner change it",
                metadata.mode() & 0o7777
            ),
            format!("run: chmod go-w {shown}"),
        ));
    }
    Ok(())
}

/// Checks the file with the service account's secret: root's or the daemon's, and readable by nobody
/// else.
pub(super) fn check_secret(path: &Path) -> Result<(), Fault> {
    let shown = path.display();
    let tighten = format!("run: chown root:{DAEMON} {shown} && chmod 0640 {shown}");
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::new(
            format!("the secret's file {shown} does not exist"),
            format!("write the service account's password into it, then {tighten}"),
        ),
        _ => unreadable("the secret's file", path, &error),
    })?;
    if !metadata.is_file() {
        return Err(Fault::new(
            format!("{shown} is no regular file"),
            "name a file that holds the service account's password and nothing else",
        ));
    }
    let mode = metadata.mode() & 0o7777;
    let (owner, group) = (metadata.uid(), metadata.gid());
    if mode & (OTHER_ANY | GROUP_WRITE) != 0 {
        return Err(Fault::new(
            format!(
                "{shown} has mode {mode:04o}, which gives the secret to others or lets them change it"
            ),
            tighten,
        ));
    }
    let owners = [Some(0), Some(geteuid().as_raw()), id_in_file("/etc/passwd")];
    if !owners.contains(&Some(owner)) {
        return Err(Fault::new(
            format!("{shown} belongs to uid {owner}, neither root nor the daemon"),
            tighten,
        ));
    }
    let groups = [Some(0), Some(getegid().as_raw()), id_in_file("/etc/group")];
    if mode & GROUP_READ != 0 && !groups.contains(&Some(group)) {
        return Err(Fault::new(
            format!("{shown} can be read by the group with gid {group}, which is not the daemon's"),
            tighten,
        ));
    }
    Ok(())
}

/// The same for what decides whom to trust, named by its path.
fn check_trusted(what: &str, path: &Path) -> Result<(), Fault> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(what, path, &error))?;
    check_unchangeable(path, &metadata).map_err(|fault| {
        let problem = format!("{what} {}: {}", path.display(), fault.problem);
        Fault::new(problem, fault.remedy)
    })
}

/// Checks that a file can be read, that nobody else can change it, and that it holds at least one
/// PEM block with this label.
pub(super) fn check_pem(path: &Path, label: &str, what: &str) -> Result<(), Fault> {
    check_trusted(what, path)?;
    let content = read(path).map_err(|error| unreadable(what, path, &error))?;
    let shown = path.display();
    let marker = format!("-----BEGIN {label}-----");
    if contains(&content, marker.as_bytes()) {
        return Ok(());
    }
    // A DER certificate or revocation list is one SEQUENCE longer than 127 bytes.
    if content.starts_with(&[0x30, 0x82]) || content.starts_with(&[0x30, 0x83]) {
        let command = if label == "X509 CRL" { "crl" } else { "x509" };
        return Err(Fault::new(
            format!("{what} {shown} is in DER, not in PEM"),
            format!(
                "run: openssl {command} -inform der -in {shown} -out {shown}.pem, and name that file"
            ),
        ));
    }
    Err(Fault::new(
        format!("{what} {shown} contains no \"{marker}\""),
        "name the file in PEM (text) that your certificate authority publishes".to_owned(),
    ))
}

/// Checks a directory of CA certificates. `Ok(false)`: OpenSSL will find nothing in it, because no
/// file has a hashed name such as `5ed36f99.0`.
pub(super) fn check_ca_dir(path: &Path) -> Result<bool, Fault> {
    let what = "the directory of CAs";
    check_trusted(what, path)?;
    let entries = fs::read_dir(path).map_err(|error| unreadable(what, path, &error))?;
    let is_hashed = |name: &str| {
        name.split_once('.').is_some_and(|(hash, number)| {
            hash.len() == 8
                && hash.bytes().all(|b| b.is_ascii_hexdigit())
                && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    Ok(entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_hashed)))
}

/// Reads a file, up to [`MAX_FILE_BYTES`].
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut content)?;
    Ok(content)
}

/// Why a file cannot be read, and what to do about it.
pub(super) fn unreadable(what: &str, path: &Path, error: &io::Error) -> Fault {
    let shown = path.display();
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => format!("put the file there, or name another than {shown}"),
        io::ErrorKind::PermissionDenied => {
            format!(
                "run this as root, and let the daemon's group read it: namei -l {shown} shows who may"
            )
        }
        _ => format!("look at it with: ls -l {shown}"),
    };
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Fault::new(format!("{what} {shown} cannot be read: {reason}"), remedy)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The daemon's id in /etc/passwd or /etc/group: the third field in both. Read as a file, because
/// a look-up by name would come back to the daemon through NSS.
fn id_in_file(file: &str) -> Option<u32> {
    let content = fs::read_to_string(file).ok()?;
    let line = content
        .lines()
        .find(|line| line.strip_prefix(DAEMON).is_some_and(|rest| rest.starts_with(':')))?;
    line.split(':').nth(2)?.parse().ok()
}
