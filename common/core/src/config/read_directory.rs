//! Reads `[directory]` and `[tls]`, with ldap.conf behind them.
#![forbid(unsafe_code)]

use super::Sources;
use super::document::Section;
use super::errors::{At, Fault, Report};
use super::files;
use super::ldap_conf::LdapConf;
use super::types::{CrlCheck, Directory, ServerUri, Servers, Tls, TlsVersion};
use super::values;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEFAULT_SECRET: &str = "/etc/ldaps/secret";
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A look-up may take 5 s in all, and whoever waits for it should hear before that.
const DEFAULT_OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// A PAM module waits 30 s in all: a longer wait for one operation could not be of use.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

/// `[directory]`. None: something in it has been reported without which there is no directory.
pub(super) fn directory(
    mut section: Section<'_, '_>,
    sources: &Sources,
    ldap_conf: &LdapConf,
) -> Option<Directory> {
    let report = section.report;
    let servers = servers(&mut section, ldap_conf);
    let address = addresses(section.section("address"), servers.as_ref());
    let bind_dn = bind_dn(&mut section);
    let bind_secret = bind_secret(&mut section, sources);
    let base = base(&mut section, ldap_conf);
    let connect_timeout = section
        .parsed("connect_timeout", timeout)
        .map(|timeout| timeout.value)
        .or_else(|| ldap_conf.network_timeout(report, LONGEST_TIMEOUT))
        .unwrap_or(DEFAULT_CONNECT_TIMEOUT);
    let operation_timeout = section
        .parsed("operation_timeout", timeout)
        .map(|timeout| timeout.value)
        .or_else(|| ldap_conf.timeout(report, LONGEST_TIMEOUT))
        .unwrap_or(DEFAULT_OPERATION_TIMEOUT);
    section.finish();
    Some(Directory {
        servers: servers?,
        bind_dn: bind_dn?,
        bind_secret,
        base,
        address,
        connect_timeout,
        operation_timeout,
    })
}

fn servers(section: &mut Section<'_, '_>, ldap_conf: &LdapConf) -> Option<Servers> {
    let report = section.report;
    let (has_uri, has_domain) = (section.has("uri"), section.has("domain"));
    let uris = section.parsed_list("uri", values::server_uri);
    let domain = section.parsed("domain", values::domain);
    match (has_uri, has_domain) {
        (true, true) => {
            let place = domain.map_or_else(|| section.place.clone(), |domain| domain.place);
            report.error(
                &place,
                "directory.uri and directory.domain are both given",
                "keep uri to name the servers, or domain to find them by DNS SRV",
            );
            None
        }
        (false, true) => Some(Servers::Domain(domain?.value)),
        (true, false) => {
            let uris = uris?;
            if uris.is_empty() {
                report.error(
                    &section.place,
                    "directory.uri is an empty list",
                    "name at least one server: uri = [\"ldaps://dc1.corp.example\"]",
                );
                return None;
            }
            Some(named_servers(uris, report))
        }
        (false, false) => match ldap_conf.servers(report) {
            Some(uris) if uris.is_empty() => None,
            Some(uris) => Some(named_servers(uris, report)),
            None => {
                report.error(
                    &section.place,
                    "no server is named: neither uri nor domain in [directory], and no usable URI \
                     in ldap.conf",
                    "write uri = [\"ldaps://dc1.corp.example\"] or domain = \"corp.example\" under \
                     [directory]",
                );
                None
            }
        },
    }
}

/// Servers by name; an address instead of a name works only with the right certificate.
fn named_servers(uris: Vec<At<ServerUri>>, report: &Report) -> Servers {
    for At { value, place } in &uris {
        if value.host.parse::<IpAddr>().is_ok() {
            report.warning(
                place,
                format!(
                    "the server is named by its address {}, so its certificate must have that \
                     address among its alternative names, which few have",
                    value.host
                ),
                format!(
                    "write the certificate's name in the URI, and if DNS does not know it, \
                     \"that.name\" = \"{}\" under [directory.address]",
                    value.host
                ),
            );
        }
    }
    Servers::Uris(uris.into_iter().map(|uri| uri.value).collect())
}

fn addresses(mut section: Section<'_, '_>, servers: Option<&Servers>) -> BTreeMap<String, IpAddr> {
    let report = section.report;
    let mut addresses = BTreeMap::new();
    let entries = section.free_texts(|text| {
        text.parse::<IpAddr>().map_err(|_| {
            Fault::new(
                format!("{text:?} is no IP address"),
                "write it as in \"dc1.corp.example\" = \"10.0.0.5\"",
            )
        })
    });
    for (name, address) in entries {
        let host = match values::host_name(&name.value) {
            Ok(host) => host,
            Err(fault) => {
                report.fault(&name.place, "directory.address", fault);
                continue;
            }
        };
        check_is_named(&name, &host, servers, report);
        if let Some(address) = address {
            addresses.insert(host, address.value);
        }
    }
    section.finish();
    addresses
}

/// An address for a server that nothing names would never be used: most likely a slip of the pen.
fn check_is_named(name: &At<String>, host: &str, servers: Option<&Servers>, report: &Report) {
    let Some(Servers::Uris(uris)) = servers else {
        return;
    };
    if uris.iter().any(|uri| uri.host == host) {
        return;
    }
    let hosts: Vec<&str> = uris.iter().map(|uri| uri.host.as_str()).collect();
    report.error(
        &name.place,
        format!("directory.address gives an address to {host:?}, which no URI names"),
        format!("write the name as the URI has it ({})", hosts.join(", ")),
    );
}

fn bind_dn(section: &mut Section<'_, '_>) -> Option<String> {
    if !section.has("bind_dn") {
        section.report.error(
            &section.place,
            "no service account is named: directory.bind_dn is missing",
            "write bind_dn = \"svc-linux@corp.example\" under [directory]",
        );
    }
    section.parsed("bind_dn", values::bind_name).map(|name| name.value)
}

/// The file with the secret; a credential from systemd goes before it.
fn bind_secret(section: &mut Section<'_, '_>, sources: &Sources) -> PathBuf {
    let report = section.report;
    let named = section.parsed("bind_secret", absolute_path);
    if let Some(credential) = sources.secret_credential() {
        return credential;
    }
    let place = named.as_ref().map_or_else(|| section.place.clone(), |named| named.place.clone());
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_SECRET), |named| named.value);
    if let Err(fault) = files::check_secret(&path) {
        report.fault(&place, "directory.bind_secret", fault);
    }
    path
}

fn base(section: &mut Section<'_, '_>, ldap_conf: &LdapConf) -> Option<String> {
    if let Some(base) = section.parsed("base", values::distinguished_name) {
        return Some(base.value);
    }
    let At { value, place } = ldap_conf.base.as_ref()?;
    match values::distinguished_name(value) {
        Ok(base) if !section.has("base") => Some(base),
        Ok(_) => None,
        Err(fault) => {
            let problem = format!("BASE: {} (not used)", fault.problem);
            section.report.warning(place, problem, fault.remedy);
            None
        }
    }
}

fn timeout(text: &str) -> Result<Duration, Fault> {
    let timeout = values::duration(text)?;
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        return Ok(timeout);
    }
    Err(Fault::new(
        format!("{text:?} is too short or too long"),
        "write a time from \"100ms\" to \"30s\"",
    ))
}

fn absolute_path(text: &str) -> Result<PathBuf, Fault> {
    let path = Path::new(text);
    if path.is_absolute() && !text.contains(char::is_control) {
        return Ok(path.to_owned());
    }
    Err(Fault::new(format!("{text:?} is no absolute path"), "write the whole path, from \"/\""))
}

/// `[tls]`. Where it names a CA, ldap.conf's CAs are not trusted; the same for revocation lists.
pub(super) fn tls(mut section: Section<'_, '_>, ldap_conf: &LdapConf) -> Tls {
    let report = section.report;
    let own_ca = section.has("ca") || section.has("ca_dir");
    let mut ca_file = section.parsed("ca", absolute_path);
    let mut ca_dirs = section.parsed_list("ca_dir", absolute_path);
    if !own_ca {
        ca_file = ldap_conf
            .ca_file
            .as_ref()
            .and_then(|value| path_in_ldap_conf("TLS_CACERT", value, report));
        ca_dirs = ldap_conf.ca_dirs.as_ref().map(|value| split_directories(value, report));
    }
    let own_crl = section.has("crl");
    let mut crl_file = section.parsed("crl", absolute_path);
    if !own_crl {
        crl_file = ldap_conf
            .crl_file
            .as_ref()
            .and_then(|value| path_in_ldap_conf("TLS_CRLFILE", value, report));
    }
    let ca_dirs = ca_dirs.unwrap_or_default();
    if let Some(file) = &ca_file {
        check_file(file, "CERTIFICATE", "the CA file", report);
    }
    for dir in &ca_dirs {
        check_directory(dir, report);
    }
    if let Some(file) = &crl_file {
        check_file(file, "X509 CRL", "the revocation list", report);
    }
    let crl_check = crl_check(&mut section, ldap_conf, crl_file.is_some(), !ca_dirs.is_empty());
    let minimum = section
        .parsed("minimum", tls_version)
        .map(|version| version.value)
        .or_else(|| ldap_conf.protocol_min(report))
        .unwrap_or_default();
    section.finish();
    Tls {
        ca_file: ca_file.map(|file| file.value),
        ca_dirs: ca_dirs.into_iter().map(|dir| dir.value).collect(),
        crl_file: crl_file.map(|file| file.value),
        crl_check,
        minimum,
    }
}

fn path_in_ldap_conf(keyword: &str, value: &At<String>, report: &Report) -> Option<At<PathBuf>> {
    match absolute_path(&value.value) {
        Ok(path) => Some(At { value: path, place: value.place.clone() }),
        Err(fault) => {
            report.fault(&value.place, keyword, fault);
            None
        }
    }
}

/// TLS_CACERTDIR is a list with semicolons.
fn split_directories(value: &At<String>, report: &Report) -> Vec<At<PathBuf>> {
    value
        .value
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .filter_map(|part| {
            let part = At { value: part.to_owned(), place: value.place.clone() };
            path_in_ldap_conf("TLS_CACERTDIR", &part, report)
        })
        .collect()
}

fn check_file(file: &At<PathBuf>, label: &str, what: &str, report: &Report) {
    if let Err(fault) = files::check_pem(&file.value, label, what) {
        report.error(&file.place, fault.problem, fault.remedy);
    }
}

fn check_directory(dir: &At<PathBuf>, report: &Report) {
    let shown = dir.value.display();
    match files::check_ca_dir(&dir.value) {
        Ok(true) => {}
        Ok(false) => report.error(
            &dir.place,
            format!("the directory of CAs {shown} has no file with a hashed name, so no CA would be found in it"),
            format!("run: openssl rehash {shown}"),
        ),
        Err(fault) => report.error(&dir.place, fault.problem, fault.remedy),
    }
}

/// What to check against revocation lists: as told; with a list and no word about it, the server.
fn crl_check(
    section: &mut Section<'_, '_>,
    ldap_conf: &LdapConf,
    has_list: bool,
    has_dirs: bool,
) -> CrlCheck {
    let report = section.report;
    let own = section.parsed("crl_check", |text| match text {
        "none" => Ok(CrlCheck::None),
        "peer" => Ok(CrlCheck::Peer),
        "all" => Ok(CrlCheck::All),
        _ => Err(Fault::new(
            format!("{text:?} is not known"),
            "write \"none\", \"peer\" (the server's certificate) or \"all\" (every CA too)",
        )),
    });
    let place = own.as_ref().map_or_else(|| section.place.clone(), |own| own.place.clone());
    let told = own.map(|own| own.value).or_else(|| ldap_conf.crl_check(report));
    let default = if has_list { CrlCheck::Peer } else { CrlCheck::None };
    let check = told.unwrap_or(default);
    if check != CrlCheck::None && !has_list && !has_dirs {
        report.error(
            &place,
            "revocation is to be checked, but there is no revocation list",
            "name one with crl = \"/etc/ldaps/ca.crl.pem\" under [tls], or keep it in ca_dir under \
             a hashed name",
        );
    }
    check
}

fn tls_version(text: &str) -> Result<TlsVersion, Fault> {
    match text {
        "1.2" => Ok(TlsVersion::V1_2),
        "1.3" => Ok(TlsVersion::V1_3),
        _ => Err(Fault::new(
            format!("{text:?} is no TLS version that is good enough"),
            "write \"1.2\" or \"1.3\"",
        )),
    }
}
