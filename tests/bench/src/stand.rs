//! Four hosts on one domain controller, each with one source of names and nothing else: the
//! product, sssd, nslcd, and the floor.

#![forbid(unsafe_code)]

use crate::floor::CA_FILE;
use scenarios::dc::Dc;
use scenarios::engine::Engine;
use scenarios::host::Host;
use scenarios::images::{self, Base};
use scenarios::outcome::{Check, Failure, ensure};
use scenarios::product;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the loops' program is in every container.
pub const LOOPS: &str = "/usr/local/bin/loops";
/// Where this very program is in the floor's container.
pub const FLOOR: &str = "/usr/local/bin/floor";

/// /etc/pam.d/other on all hosts.
const OTHER: [&str; 5] = [
    "auth required pam_deny.so",
    "account required pam_deny.so",
    "password required pam_deny.so",
    "session required pam_deny.so",
    "",
];

/// Whose answers are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Constants, or a program that does nothing but ask the domain controller.
    Floor,
    /// The product.
    Ours,
    /// sssd.
    Sssd,
    /// nslcd.
    Nslcd,
}

impl Source {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Floor, Self::Ours, Self::Sssd, Self::Nslcd];

    /// Its name in nsswitch.conf.
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ours => "ldaps",
            Self::Sssd => "sss",
            Self::Nslcd => "ldap",
        }
    }

    /// Its name in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ours => "ldaps-login",
            Self::Sssd => "sssd",
            Self::Nslcd => "nslcd",
        }
    }

    /// Its PAM module; the floor has none.
    fn pam_module(self) -> Option<&'static str> {
        match self {
            Self::Floor => None,
            Self::Ours => Some("pam_ldaps.so"),
            Self::Sssd => Some("pam_sss.so"),
            Self::Nslcd => Some("pam_ldap.so"),
        }
    }

    /// What pgrep knows its processes by.
    fn processes(self) -> Option<&'static str> {
        match self {
            Self::Floor => None,
            Self::Ours => Some("^ldapsd"),
            Self::Sssd => Some("^sssd"),
            Self::Nslcd => Some("^nslcd"),
        }
    }
}

/// The domain controller and the hosts, all running.
pub struct Stand<'engine> {
    hosts: Vec<(Source, Host<'engine>)>,
    /// How many groups alice has.
    pub groups_of_alice: usize,
    /// alice's uid on each host.
    uids: Vec<(Source, String)>,
}

impl<'engine> Stand<'engine> {
    /// Brings them up.
    ///
    /// # Errors
    /// When one does not come up.
    pub fn up(engine: &'engine Engine, base: &Base, deb: &Path) -> Check<Self> {
        let dc = Dc::start(engine, &images::domain_controller(engine, base)?, "bench")?;
        let members: Vec<String> = (1..=15).map(|number| format!("user{number:04}")).collect();
        dc.samba_tool(&["group", "add", "bench15"])?;
        dc.samba_tool(&["group", "addmembers", "bench15", &members.join(",")])?;
        let ours = Host::start(engine, &images::host(engine, base)?, "bench-ours", dc.network())?;
        product::install(&ours, deb)?;
        product::write_configuration(&ours, &dc, &product::Configuration::default())?;
        product::restart_until_it_answers(&ours)?;
        let groups = ours.must("id -G alice | wc -w")?;
        let groups_of_alice =
            groups.parse().map_err(|_| Failure::new(format!("alice has '{groups}' groups")))?;

        let peers = images::peers(engine, base)?;
        let mut hosts = vec![(Source::Ours, ours)];
        for source in [Source::Floor, Source::Sssd, Source::Nslcd] {
            let name = format!("bench-{}", source.service());
            let host = Host::without_init(engine, &peers, &name, dc.network())?;
            host.write(CA_FILE, &dc.ca()?, "root:root", "0644")?;
            hosts.push((source, host));
        }
        let programs = Programs::build(groups_of_alice)?;
        let mut stand = Self { hosts, groups_of_alice, uids: Vec::new() };
        for (source, host) in &stand.hosts {
            programs.install(*source, host)?;
            if matches!(source, Source::Sssd | Source::Nslcd) {
                host.must(&format!("/opt/peers/start {} {}", source.service(), dc.domain_sid()?))?;
            }
            prepare(*source, host)?;
            stand.uids.push((*source, host.must("getent passwd alice | cut -d: -f3")?));
        }
        Ok(stand)
    }

    /// The host of this source.
    ///
    /// # Errors
    /// There is none.
    pub fn host(&self, source: Source) -> Check<&Host<'engine>> {
        let found = self.hosts.iter().find(|(of_host, _)| *of_host == source);
        found.map(|(_, host)| host).ok_or_else(|| Failure::new(format!("no host for {source:?}")))
    }

    /// alice's uid on that host.
    #[must_use]
    pub fn uid(&self, source: Source) -> &str {
        self.uids.iter().find(|(of_host, _)| *of_host == source).map_or("", |(_, uid)| uid)
    }

    /// The resident memory of all processes of a source, in KiB; None: it has no process.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn memory(&self, source: Source) -> Check<Option<f64>> {
        let Some(processes) = source.processes() else { return Ok(None) };
        let script = format!(
            "for p in $(pgrep '{processes}'); do grep VmRSS: /proc/$p/status; done | awk '{{ sum += $2 }} END {{ print sum }}'"
        );
        let sum = self.host(source)?.must(&script)?;
        sum.parse().map(Some).map_err(|_| Failure::new(format!("VmRSS of {source:?} is '{sum}'")))
    }

    /// The versions that were measured.
    ///
    /// # Errors
    /// When dpkg knows none.
    pub fn versions(&self) -> Check<Vec<(Source, String)>> {
        let packages =
            [(Source::Ours, "ldaps-login"), (Source::Sssd, "sssd-ldap"), (Source::Nslcd, "nslcd")];
        let version = |(source, package): &(Source, &str)| {
            let script = format!("dpkg-query -W -f '${{Version}}' {package}");
            Ok((*source, self.host(*source)?.must(&script)?))
        };
        packages.iter().map(version).collect()
    }
}

/// From here on the host knows one source alone.
fn prepare(source: Source, host: &Host<'_>) -> Check {
    let service = source.service();
    if let Some(module) = source.pam_module() {
        let pam = format!("auth required {module}\naccount required {module}\n");
        host.write("/etc/pam.d/bench", &pam, "root:root", "0644")?;
        // Each pam_start reads this too, and loads its modules: on one host more than on another.
        host.write("/etc/pam.d/other", &OTHER.join("\n"), "root:root", "0644")?;
    }
    let nsswitch = format!("passwd: {service}\ngroup: {service}\nhosts: files dns\n");
    host.write("/etc/nsswitch.conf", &nsswitch, "root:root", "0644")
}

/// The C programs, compiled on this machine.
struct Programs(PathBuf);

impl Drop for Programs {
    fn drop(&mut self) {
        // Left behind, they are two files in the temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Programs {
    fn build(groups: usize) -> Check<Self> {
        let dir = std::env::temp_dir().join(format!("ldaps-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", dir.display())))?;
        let it = Self(dir);
        it.compile(&["loops.c", "-lpam"], "loops")?;
        let groups = format!("-DGIDS={groups}");
        it.compile(&["-shared", "-fPIC", &groups, "nss_floor.c"], "libnss_floor.so.2")?;
        Ok(it)
    }

    fn compile(&self, arguments: &[&str], made: &str) -> Check {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("loops");
        let output = Command::new("cc")
            .current_dir(sources)
            .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(self.0.join(made))
            .args(arguments)
            .output()
            .map_err(|error| Failure::new(format!("cannot run cc: {error}")))?;
        let said = || format!("{made} was not made:\n{}", String::from_utf8_lossy(&output.stderr));
        ensure(output.status.success(), said)
    }

    fn install(&self, source: Source, host: &Host<'_>) -> Check {
        host.copy_in(&self.0.join("loops"), LOOPS)?;
        if source == Source::Floor {
            let own = std::env::current_exe()
                .map_err(|error| Failure::new(format!("where is this program? {error}")))?;
            host.copy_in(&own, FLOOR)?;
            host.copy_in(&self.0.join("libnss_floor.so.2"), "/usr/lib/libnss_floor.so.2")?;
            // In the loader's cache, as the packages of the others are.
            host.must("ldconfig")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loops against this machine's own names: what does not compile or time is found without
    /// a container.
    #[test]
    fn the_loops_do_not_compile_or_take_a_wrong_answer_for_a_right_one() {
        let programs = Programs::build(40).unwrap_or_else(|failure| panic!("{failure}"));
        let run = |words: &[&str]| {
            Command::new(programs.0.join("loops")).args(words).output().expect("it runs")
        };
        for good in [
            ["getpwnam", "10", "3", "root"],
            ["getgrnam", "10", "3", "root"],
            ["first", "1", "3", "root"],
            ["missing", "10", "3", "zz-nobody"],
        ] {
            let output = run(&good);
            assert!(output.status.success(), "{good:?}");
            assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3, "{good:?}");
        }
        for bad in [
            ["getpwnam", "1", "1", "zz-nobody"],
            ["missing", "1", "1", "root"],
            ["other", "1", "1", "root"],
        ] {
            assert!(!run(&bad).status.success(), "{bad:?}");
        }
    }
}
