//! Whether the daemon, which has dropped root, reaches the files of its configuration: root's tools read
//! all of them and see nothing.
#![forbid(unsafe_code)]

use super::errors::{Finding, Place};
use super::{Config, Sources};
use rustix::fs::getxattr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The daemon's user and group.
const DAEMON: &str = "ldapsd";
/// What the unit hides from the daemon whatever its mode is (ProtectHome=, systemd.exec(5)).
const HIDDEN: [&str; 3] = ["/root", "/home", "/run/user"];
const READ: u32 = 0o4;
const SEARCH: u32 = 0o1;

/// Everything that the configuration consists of or names and that the daemon's user cannot read, with
/// what mends it. Nothing where there is no such user. `root` is the root of the host's file system.
#[must_use]
pub fn unreadable_by_daemon(config: &Config, sources: &Sources, root: &Path) -> Vec<Finding> {
    let Some(daemon) = Daemon::of(root) else { return Vec::new() };
    let (tls, secret) = (&config.tls, &config.directory.bind_secret);
    let own_dir = sources.ldaps_toml.parent().unwrap_or(Path::new("/"));
    let is_credential = sources.credentials.as_ref().is_some_and(|dir| secret.starts_with(dir));
    let files = [Some(&sources.ldaps_toml), Some(&sources.ldap_conf), tls.ca_file.as_ref()];
    let files = files.into_iter().flatten().chain(&tls.crl_file);
    let mut found: Vec<Finding> = files
        .filter_map(|path| daemon.barred(path, READ)?.finding(path, own_dir, Kind::File))
        .collect();
    // systemd gives a credential to whom it is for.
    if !is_credential && let Some(bar) = daemon.barred(secret, READ) {
        found.extend(bar.finding(secret, own_dir, Kind::Secret));
    }
    let dirs = tls.ca_dirs.iter();
    found.extend(dirs.filter_map(|path| {
        daemon.barred(path, READ | SEARCH)?.finding(path, own_dir, Kind::Directory)
    }));
    found
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Kind {
    File,
    Secret,
    Directory,
}

/// What keeps the daemon from a file.
enum Bar {
    /// Its own mode.
    Own,
    /// That of a directory on the way.
    Above(PathBuf),
    /// The unit's sandbox.
    Hidden(&'static str),
}

impl Bar {
    fn finding(&self, path: &Path, own_dir: &Path, kind: Kind) -> Option<Finding> {
        let shown = path.display();
        let why = match self {
            Bar::Own => described(path)?,
            Bar::Above(dir) => format!("the directory {} {}", dir.display(), described(dir)?),
            Bar::Hidden(dir) => format!("the unit's sandbox hides {dir} from it"),
        };
        let why = why.strip_prefix("has").map_or(why.clone(), |rest| format!("it has{rest}"));
        let remedy = match (self, kind) {
            (Bar::Own, Kind::File) => format!("run: chmod 0644 {shown}"),
            (Bar::Own, Kind::Directory) => format!("run: chmod 0755 {shown}"),
            (Bar::Own, Kind::Secret) => {
                format!("run: chown root:{DAEMON} {shown} && chmod 0640 {shown}")
            }
            (Bar::Above(dir), _) if dir == own_dir => {
                format!("run: chmod 0755 {}", dir.display())
            }
            (Bar::Above(_) | Bar::Hidden(_), _) => elsewhere(path, own_dir, kind),
        };
        let problem = format!("the daemon (user {DAEMON}) cannot read this: {why}");
        Some(Finding { place: Place::file(path), problem, remedy })
    }
}

/// A directory of somebody else's is not to be opened to all: what is needed is copied out of it.
fn elsewhere(path: &Path, own_dir: &Path, kind: Kind) -> String {
    let name = path.file_name().unwrap_or_default();
    let (shown, copy) = (path.display(), own_dir.join(name));
    let how = match kind {
        Kind::File => "install -m 0644",
        Kind::Secret => "install -g ldapsd -m 0640",
        Kind::Directory => "cp -r",
    };
    let copy = copy.display();
    format!("run: {how} {shown} {copy}; and name {copy} in ldaps.toml in its place")
}

/// Whose it is, and its mode.
fn described(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let (mode, uid, gid) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
    Some(format!("has mode {mode:04o}, and belongs to uid {uid} and gid {gid}"))
}

/// The daemon's user.
struct Daemon {
    uid: u32,
    gids: Vec<u32>,
}

impl Daemon {
    /// Out of the files, because a look-up by name would come back to the daemon through NSS. None:
    /// there is no such user yet.
    fn of(root: &Path) -> Option<Daemon> {
        let passwd = fs::read_to_string(root.join("etc/passwd")).ok()?;
        let mut users = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = users.find(|fields| fields.first() == Some(&DAEMON))?;
        let (uid, gid) = (user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?);
        let groups = fs::read_to_string(root.join("etc/group")).unwrap_or_default();
        let gid_of_member = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let is_member = fields.get(3)?.split(',').any(|name| name == DAEMON);
            is_member.then(|| fields.get(2)?.parse().ok())?
        };
        let gids = std::iter::once(gid).chain(groups.lines().filter_map(gid_of_member)).collect();
        Some(Daemon { uid, gids })
    }

    /// What keeps it from `path`. None also where there is no such file: that is said elsewhere.
    fn barred(&self, path: &Path, wanted: u32) -> Option<Bar> {
        let real = fs::canonicalize(path).ok()?;
        if let Some(dir) = HIDDEN.into_iter().find(|dir| real.starts_with(dir)) {
            return Some(Bar::Hidden(dir));
        }
        // A link is followed from the directory where it stands.
        for path in [path, &real] {
            let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
            above.reverse();
            if let Some(dir) = above.into_iter().find(|dir| !self.may(SEARCH, dir)) {
                return Some(Bar::Above(dir.to_owned()));
            }
        }
        (!self.may(wanted, &real)).then_some(Bar::Own)
    }

    /// As far as owner and mode go; an access control list is believed to say yes.
    fn may(&self, wanted: u32, path: &Path) -> bool {
        let Ok(metadata) = fs::metadata(path) else { return true };
        let mode = metadata.mode();
        let bits = if metadata.uid() == self.uid {
            mode >> 6
        } else if self.gids.contains(&metadata.gid()) {
            mode >> 3
        } else {
            mode
        };
        bits & wanted == wanted || has_access_list(path)
    }
}

fn has_access_list(path: &Path) -> bool {
    let mut list = [0_u8; 512];
    getxattr(path, c"system.posix_acl_access", &mut list).is_ok_and(|length| length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    /// What keeps the daemon from `dir/file`, for these modes and somebody of neither owner nor group.
    fn found(dir_mode: u32, file_mode: u32) -> Option<Finding> {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("ldaps");
        let file = dir.join("ldaps.toml");
        fs::create_dir(&dir).unwrap();
        fs::write(&file, "").unwrap();
        for (path, mode) in [(temporary.path(), 0o755), (&dir, dir_mode), (&file, file_mode)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let daemon = Daemon { uid: 64_998, gids: vec![64_998] };
        daemon.barred(&file, READ)?.finding(&file, &dir, Kind::File)
    }

    #[test]
    fn a_file_that_root_alone_reads_is_taken_for_one_that_the_daemon_reads() {
        assert_eq!(found(0o755, 0o644), None);
        for (dir, file, problem, remedy) in [
            (0o755, 0o600, "it has mode 0600", "run: chmod 0644 "),
            (0o755, 0o640, "it has mode 0640", "run: chmod 0644 "),
            (0o700, 0o644, "/ldaps has mode 0700", "run: chmod 0755 "),
            (0o744, 0o600, "/ldaps has mode 0744", "run: chmod 0755 "),
        ] {
            let found = found(dir, file).unwrap_or_else(|| panic!("{dir:o} {file:o}"));
            assert!(found.problem.contains(problem), "{found}");
            assert!(found.problem.contains("the daemon (user ldapsd) cannot read"), "{found}");
            assert!(found.remedy.starts_with(remedy), "{found}");
        }
    }

    #[test]
    fn a_directory_of_somebody_elses_is_opened_to_all_for_a_certificate() {
        let bar = Bar::Hidden("/root");
        let finding = bar.finding(Path::new("/root/ca.pem"), Path::new("/etc/ldaps"), Kind::File);
        let remedy = finding.unwrap().remedy;
        assert!(
            remedy.starts_with("run: install -m 0644 /root/ca.pem /etc/ldaps/ca.pem;"),
            "{remedy}"
        );
        assert!(!remedy.contains("chmod"), "{remedy}");
    }
}
