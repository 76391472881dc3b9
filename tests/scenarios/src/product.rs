//! The product on a host: installing the package, configuring it, and its daemon's life.

#![forbid(unsafe_code)]

use crate::dc::{self, Dc};
use crate::host::Host;
use crate::outcome::{Check, Failure};
use std::path::Path;
use std::time::Duration;

/// The accounts that the configuration lets in: everybody of linux-users, by nested groups too.
/// `mallory` is not among them. To sudo, only linux-admins (bob).
const ACCESS: &str =
    "[access]\nallow = [\"@linux-users\"]\n\n[access.sudo]\nallow = [\"@linux-admins\"]\n";

/// Where the host keeps the domain's CA.
pub const CA_FILE: &str = "/etc/ldaps/corp-ca.pem";

/// The product's configuration in one scenario.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// The value of TLS_CACERT in /etc/ldap/ldap.conf; the domain's CA where empty.
    pub ca_file: Option<String>,
    /// `[directory.address]`: where dc1.corp.example is.
    pub address: Option<String>,
    /// The line of `[directory]` that says where the servers are; `uri` with one where empty.
    pub servers: Option<&'static str>,
    /// Further sections.
    pub more: &'static str,
}

/// Installs the package; what it depends on is in the image.
///
/// # Errors
/// With dpkg's words, when it does not install.
pub fn install(host: &Host<'_>, deb: &Path) -> Check<String> {
    host.copy_in(deb, "/var/tmp/ldaps-login.deb")?;
    host.must("DEBIAN_FRONTEND=noninteractive dpkg -i /var/tmp/ldaps-login.deb 2>&1")
}

/// Takes the package off again, with its configuration.
///
/// # Errors
/// With dpkg's words, when it fails.
pub fn purge(host: &Host<'_>) -> Check<String> {
    host.must("DEBIAN_FRONTEND=noninteractive dpkg --purge ldaps-login 2>&1")
}

/// Writes the configuration, the secret and the CA, as the README tells an administrator to.
///
/// # Errors
/// When a file cannot be written.
pub fn write_configuration(host: &Host<'_>, dc: &Dc<'_>, configuration: &Configuration) -> Check {
    let ca_file = configuration.ca_file.as_deref().unwrap_or(CA_FILE);
    let address = configuration
        .address
        .as_ref()
        .map(|address| format!("[directory.address]\n\"{}\" = \"{address}\"\n\n", dc::NAME))
        .unwrap_or_default();
    let usual = format!("uri = [\"ldaps://{}\"]", dc::NAME);
    let (servers, more) = (configuration.servers.unwrap_or(&usual), configuration.more);
    let toml = format!(
        "[directory]\n{servers}\nbind_dn = \"svc-linux@corp.example\"\nbind_secret = \"/etc/ldaps/secret\"\n\n{address}{ACCESS}\n{more}"
    );
    host.write(CA_FILE, &dc.ca()?, "root:root", "0644")?;
    host.write("/etc/ldap/ldap.conf", &format!("TLS_CACERT {ca_file}\n"), "root:root", "0644")?;
    host.write("/etc/ldaps/secret", &format!("{}\n", dc::SERVICE_PASSWORD), "root:ldapsd", "0640")?;
    host.write("/etc/ldaps/ldaps.toml", &toml, "root:root", "0644")
}

/// Runs the daemon where there is no systemd, and waits until it answers for alice.
///
/// # Errors
/// With its log, when it does not within 20 s.
pub fn run_until_it_answers(host: &Host<'_>) -> Check {
    host.must("setsid ldapsd --foreground </dev/null >/var/log/ldapsd.log 2>&1 & sleep 0.5")?;
    let answered = host.wait_for("getent passwd alice", Duration::from_secs(20), |host| {
        Ok(host.sh("getent passwd alice")?.ok())
    });
    let Err(failure) = answered else { return Ok(()) };
    let log = host.sh("tail -n 15 /var/log/ldapsd.log")?.evidence();
    Err(Failure::new(format!("{failure}\n{log}")))
}

/// Starts or restarts the daemon, and waits until it answers for alice.
///
/// # Errors
/// With the journal, when it does not within 20 s.
pub fn restart_until_it_answers(host: &Host<'_>) -> Check {
    // The exit code says less than whether it answers in the end.
    host.sh("systemctl reset-failed ldapsd; systemctl restart ldapsd")?;
    let answered = host.wait_for("getent passwd alice", Duration::from_secs(20), |host| {
        Ok(host.sh("getent passwd alice")?.ok())
    });
    let Err(failure) = answered else { return Ok(()) };
    let about = "systemctl status ldapsd --no-pager -n 0; journalctl -u ldapsd -n 15 --no-pager";
    Err(Failure::new(format!("{failure}\n{}", host.sh(about)?.evidence())))
}

/// The names, sizes and hashes of all that the package must leave as it was.
///
/// # Errors
/// When they cannot be read.
pub fn fingerprint_of_etc(host: &Host<'_>) -> Check<String> {
    host.must("cd /etc && find nsswitch.conf pam.d -printf '%p %y %m %u:%g %l\\n' | sort && find nsswitch.conf pam.d -type f | sort | xargs sha256sum")
}
