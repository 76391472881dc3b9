//! What every domain has before anybody puts people in: its head, its containers, its configuration.
#![forbid(unsafe_code)]

use crate::clock::{TICKS_PER_DAY, TICKS_PER_SECOND};
use crate::data::Directory;
use crate::dn::Dn;

/// The Configuration naming context of the domain.
pub(crate) fn configuration(directory: &Directory) -> Dn {
    directory.base.child("CN", "Configuration")
}

/// The DC's NTDS Settings object: rootDSE's dsServiceName, whose invocationId names the database.
pub(crate) fn service_name(directory: &Directory) -> Dn {
    server_name(directory).child("CN", "NTDS Settings")
}

/// The DC's server object in its site.
pub(crate) fn server_name(directory: &Directory) -> Dn {
    let short = directory.host.split('.').next().unwrap_or("dc1").to_ascii_uppercase();
    configuration(directory)
        .child("CN", "Sites")
        .child("CN", "Default-First-Site-Name")
        .child("CN", "Servers")
        .child("CN", &short)
}

/// Numbers of the domain's password and lockout policy; durations are negative ticks of 100 ns.
const POLICY: &[(&str, i64)] = &[
    ("lockoutThreshold", 0),
    ("lockoutDuration", -1800 * TICKS_PER_SECOND),
    ("lockOutObservationWindow", -1800 * TICKS_PER_SECOND),
    ("minPwdLength", 7),
    ("minPwdAge", -TICKS_PER_DAY),
    ("maxPwdAge", -42 * TICKS_PER_DAY),
    ("pwdHistoryLength", 24),
    ("pwdProperties", 1),
];

/// Classes and the schema object that stands for them in objectCategory, where it is not the class's own name.
const CATEGORIES: &[(&str, &str)] = &[
    ("user", "Person"),
    ("inetOrgPerson", "Person"),
    ("contact", "Person"),
    ("organizationalUnit", "Organizational-Unit"),
    ("domainDNS", "Domain-DNS"),
    ("nTDSDSA", "NTDS-DSA"),
    ("crossRef", "Cross-Ref"),
];

/// The DN that objectCategory holds for objects of this class, and that `(objectCategory=person)` means.
pub(crate) fn category(directory: &Directory, class: &str) -> Dn {
    let special = CATEGORIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(class));
    let name = special.map_or_else(
        || {
            class
                .chars()
                .take(1)
                .flat_map(char::to_uppercase)
                .chain(class.chars().skip(1))
                .collect()
        },
        |(_, category)| (*category).to_owned(),
    );
    configuration(directory).child("CN", "Schema").child("CN", &name)
}

/// Places the frame in an empty directory.
pub(crate) fn build(directory: &mut Directory) {
    let base = directory.base.clone();
    let sid = directory.sid.clone();
    let head = directory.place_with_sid(base.clone(), &["top", "domain", "domainDNS"], Some(&sid));
    for (name, value) in POLICY {
        directory.put_integer(head, name, *value);
    }
    directory.place(base.child("OU", "Domain Controllers"), &["top", "organizationalUnit"], None);
    for container in ["Users", "Computers", "System", "ForeignSecurityPrincipals"] {
        directory.place(base.child("CN", container), &["top", "container"], None);
    }
    directory.place(base.child("CN", "Builtin"), &["top", "builtinDomain"], None);
    build_configuration(directory);
}

fn build_configuration(directory: &mut Directory) {
    let configuration = configuration(directory);
    directory.place(configuration.clone(), &["top", "configuration"], None);
    directory.place(configuration.child("CN", "Sites"), &["top", "sitesContainer"], None);
    let partitions = configuration.child("CN", "Partitions");
    directory.place(partitions.clone(), &["top", "crossRefContainer"], None);
    let (netbios, domain, base) =
        (directory.netbios.clone(), directory.dns_domain.clone(), directory.base_dn());
    let cross_reference =
        directory.place(partitions.child("CN", &netbios), &["top", "crossRef"], None);
    directory.put_text(cross_reference, "nETBIOSName", &netbios);
    directory.put_text(cross_reference, "dnsRoot", &domain);
    directory.put_text(cross_reference, "nCName", &base);
    build_server(directory);
    let queries = configuration
        .child("CN", "Services")
        .child("CN", "Windows NT")
        .child("CN", "Directory Service")
        .child("CN", "Query-Policies")
        .child("CN", "Default Query Policy");
    let policy = directory.place(queries, &["top", "queryPolicy"], None);
    let limits = ["MaxPageSize=1000", "MaxValRange=1500", "MaxConnIdleTime=900"];
    directory.put(
        policy,
        "lDAPAdminLimits",
        limits.iter().map(|limit| limit.as_bytes().to_vec()).collect(),
    );
}

/// The DC's own objects: where its name is, and the invocationId that names its copy of the database.
pub(crate) fn build_server(directory: &mut Directory) {
    let server = directory.place(server_name(directory), &["top", "server"], None);
    let host = directory.host.clone();
    directory.put_text(server, "dNSHostName", &host);
    let settings =
        directory.place(service_name(directory), &["top", "applicationSettings", "nTDSDSA"], None);
    // Fixed for a host: this database is always "the same one", unless a test edits it.
    let mut invocation = host.into_bytes();
    invocation.resize(16, 0xAD);
    directory.put(settings, "invocationId", vec![invocation]);
}
