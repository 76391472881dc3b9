//! The rootDSE: what a DC says about itself to anybody, before any bind.
#![forbid(unsafe_code)]

use ldap3_proto::proto::{LdapPartialAttribute, LdapSearchResultEntry};

use crate::clock;
use crate::data::Directory;
use crate::frame;

/// Controls listed in supportedControl: what a Samba 4.22 DC lists, as far as this directory answers or ignores them.
pub(crate) const CONTROLS: &[&str] = &[
    "1.2.840.113556.1.4.319",  // paged results
    "1.2.840.113556.1.4.417",  // show deleted
    "1.2.840.113556.1.4.528",  // notification
    "1.2.840.113556.1.4.529",  // extended DN
    "1.2.840.113556.1.4.801",  // security descriptor flags
    "1.2.840.113556.1.4.1338", // no search references ("domain scope" is 1339)
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
];

/// supportedCapabilities: Active Directory, V51, V60, V61R2, W8.
const CAPABILITIES: &[&str] = &[
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
    "1.2.840.113556.1.4.2237",
];

/// What a read-only DC lists besides: it holds but some of the secrets.
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

/// supportedExtension: who am I, StartTLS, as Samba.
const EXTENSIONS: &[&str] = &["1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.4.1.1466.20037"];

/// The rootDSE with the attributes asked for; none or `*` is all.
pub(crate) fn render(directory: &Directory, asked: &[String]) -> LdapSearchResultEntry {
    let everything = asked.is_empty() || asked.iter().any(|name| name == "*");
    let wanted =
        |name: &str| everything || asked.iter().any(|other| other.eq_ignore_ascii_case(name));
    let all = contents(directory).into_iter();
    let shown = all.filter(|(name, _)| wanted(name)).map(|(name, values)| LdapPartialAttribute {
        atype: name.to_owned(),
        vals: values.into_iter().map(String::into_bytes).collect(),
    });
    LdapSearchResultEntry { dn: String::new(), attributes: shown.collect() }
}

fn contents(directory: &Directory) -> Vec<(&'static str, Vec<String>)> {
    let base = directory.base_dn();
    let configuration = frame::configuration(directory).to_string();
    let schema = format!("CN=Schema,{configuration}");
    let service = frame::service_name(directory).to_string();
    let short = directory.host.split('.').next().unwrap_or_default();
    let principal =
        format!("{}:{}$@{}", directory.dns_domain, short, directory.dns_domain.to_uppercase());
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let mut capabilities = CAPABILITIES.to_vec();
    capabilities.extend(directory.read_only.then_some(PARTIAL_SECRETS));
    let vendor =
        directory.samba.then(|| ("vendorName", list(&["Samba Team (https://www.samba.org)"])));
    let mut all = vec![
        ("configurationNamingContext", vec![configuration.clone()]),
        ("currentTime", vec![clock::generalized_time(clock::unix_now() + directory.clock_ahead)]),
        ("defaultNamingContext", vec![base.clone()]),
        ("dnsHostName", vec![directory.host.clone()]),
        ("domainControllerFunctionality", list(&["7"])),
        ("domainFunctionality", list(&["7"])),
        ("dsServiceName", vec![service]),
        ("forestFunctionality", list(&["7"])),
        ("highestCommittedUSN", vec![directory.usn.to_string()]),
        ("isGlobalCatalogReady", list(&["TRUE"])),
        ("isSynchronized", list(&["TRUE"])),
        ("ldapServiceName", vec![principal]),
        ("namingContexts", vec![base.clone(), configuration, schema.clone()]),
        ("rootDomainNamingContext", vec![base]),
        ("schemaNamingContext", vec![schema.clone()]),
        ("serverName", vec![frame::server_name(directory).to_string()]),
        ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
        ("supportedCapabilities", list(&capabilities)),
        ("supportedControl", list(CONTROLS)),
        ("supportedExtension", list(EXTENSIONS)),
        (
            "supportedLDAPPolicies",
            list(&["MaxPageSize", "MaxValRange", "MaxConnIdleTime", "InitRecvTimeout"]),
        ),
        ("supportedLDAPVersion", list(&["3", "2"])),
        ("supportedSASLMechanisms", list(&["GSSAPI", "GSS-SPNEGO", "EXTERNAL", "DIGEST-MD5"])),
    ];
    all.extend(vendor);
    all
}
