//! Hosts that move from sssd and from nslcd: `ldapsctl migrate` beside the real ones.

#![forbid(unsafe_code)]

use crate::dc::SERVICE_PASSWORD;
use crate::engine::Output;
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};
use crate::product;
use crate::scenario::{Scenario, Stage};
use std::time::Duration;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a-host-moves-from-sssd", shows: (5, 1), disturbs: false, run: from_sssd },
    Scenario { name: "a-host-moves-from-nslcd", shows: (5, 1), disturbs: false, run: from_nslcd },
];

const SSSD: &str = "/etc/sssd/sssd.conf";
const NSLCD: &str = "/etc/nslcd.conf";

/// All named people (3,000 more of them would show nothing else and take minutes), all groups. Left
/// out is what is another here by design: names with @, a home that leads elsewhere, and a group of
/// mail, through which sssd counts people into the groups behind it and AD does not.
const SSSD_CONF: &str = "[sssd]\nservices = nss, pam\ndomains = corp.example\n\
    [nss]\nfilter_users =\nfilter_groups =\n\
    [domain/corp.example]\nid_provider = ldap\nauth_provider = ldap\naccess_provider = simple\n\
    simple_allow_groups = linux-users\nsimple_deny_users = mallory\n\
    ldap_schema = ad\nldap_id_mapping = true\nldap_referrals = false\ncase_sensitive = false\n\
    ldap_uri = ldaps://dc1.corp.example\nldap_default_bind_dn = svc-linux@corp.example\n\
    ldap_default_authtok = Service.Pass.1\nldap_tls_cacert = /etc/peers/ca.pem\nldap_tls_reqcert = demand\n\
    ldap_search_base = DC=corp,DC=example\n\
    ldap_user_search_base = DC=corp,DC=example?subtree?(&(objectCategory=person)(!(sAMAccountName=user*))(!(sAMAccountName=*@*))(!(sAMAccountName=fallback)))\n\
    ldap_group_search_base = DC=corp,DC=example?subtree?(!(sAMAccountName=mail-list))\n\
    ldap_group_nesting_level = 10\n\
    fallback_homedir = /home/%u\ndefault_shell = /bin/bash\nenumerate = true\n";

/// What is planted into the copy that is planned from, and the words of the table that name it.
const SSSD_FAULTS: &[(&str, &str, &[&str])] = &[
    (
        "fallback_homedir = /home/%u",
        "fallback_homedir = /srv/%u",
        &["user alice", "home", "/home/alice", "/srv/alice"],
    ),
    ("enumerate = true", "ldap_idmap_range_min = 400000", &["user alice", "uid"]),
    ("default_shell = /bin/bash", "default_shell = /bin/sh", &["user alice", "shell", "/bin/bash"]),
    ("(!(sAMAccountName=user*))", "(!(sAMAccountName=ali*))", &["user alice", "no such user"]),
];

const NSLCD_CONF: &str = "uid nslcd\ngid nslcd\nuri ldaps://dc1.corp.example/\nbase DC=corp,DC=example\n\
    binddn svc-linux@corp.example\nbindpw Service.Pass.1\ntls_reqcert demand\ntls_cacertfile /etc/peers/ca.pem\n\
    referrals off\npagesize 1000\nnss_nested_groups yes\nmap passwd uid sAMAccountName\nmap group cn sAMAccountName\n\
    map passwd gecos displayName\nmap passwd homeDirectory \"${unixHomeDirectory:-/home/$sAMAccountName}\"\n\
    map passwd loginShell \"${loginShell:-/bin/bash}\"\n";

/// Numbers of the directory. Twins have one for two, and are nobody here.
const BY_NUMBER: &str = "filter passwd (&(objectClass=user)(uidNumber=*)(!(sAMAccountName=twin*)))\n\
    filter group (&(objectClass=group)(gidNumber=*)(!(sAMAccountName=twins*)))\n";

/// RIDs as numbers, for the named people.
const BY_RID: &str = "map passwd uidNumber objectSid:DOMAIN_SID\nmap passwd gidNumber primaryGroupID\n\
    map group gidNumber objectSid:DOMAIN_SID\n\
    filter passwd (&(sAMAccountType=805306368)(|(sAMAccountName=alice)(sAMAccountName=bob)))\n\
    filter group (|(sAMAccountType=268435456)(sAMAccountType=536870912))\n";

/// A host of the old kind, with the package on it and not configured.
fn host<'run>(stage: &Stage<'run>, conf: &str, content: &str, service: &str) -> Check<Host<'run>> {
    let host = stage.peer_host()?;
    host.write("/etc/peers/ca.pem", &stage.dc.ca()?, "root:root", "0644")?;
    host.write(conf, content, "root:root", "0600")?;
    host.must(&format!("/opt/peers/start {service} {}", stage.dc.domain_sid()?))?;
    product::install(&host, stage.deb())?;
    Ok(host)
}

fn migrate(host: &Host<'_>, arguments: &str) -> Check<Output> {
    let said = host.exec(
        &[],
        &["timeout", "-k", "1", "300", "sh", "-c", &format!("ldapsctl migrate {arguments}")],
        "",
    )?;
    let all = format!("{}{}", said.out, said.err);
    ensure(!all.contains(SERVICE_PASSWORD), || {
        "migrate shows the service account's password".to_owned()
    })?;
    Ok(said)
}

/// Both stacks say the same of everybody; how many these are.
fn equal(host: &Host<'_>, arguments: &str) -> Check<String> {
    let said = migrate(host, arguments)?;
    let line = said.out.lines().find(|line| line.starts_with("All equal: ")).unwrap_or_default();
    ensure(said.ok() && !line.is_empty(), || {
        format!("'migrate {arguments}' ended with {}: {}\n{}", said.code, said.out, said.err)
    })?;
    let left = host.must("ls -d /run/ldapsctl-migrate-* 2>/dev/null; pgrep -x ldapsd || true")?;
    ensure(left.is_empty(), || format!("the comparison leaves behind: {left}"))?;
    Ok(line.to_owned())
}

/// A difference that was planted is in the table, in one line with all of these words.
fn differs(host: &Host<'_>, arguments: &str, words: &[&str]) -> Check {
    let said = migrate(host, arguments)?;
    let named = said.out.lines().any(|line| words.iter().all(|word| line.contains(word)));
    ensure(said.code == 1 && named, || {
        format!(
            "'migrate {arguments}' ended with {}, {words:?} wanted: {}\n{}",
            said.code, said.out, said.err
        )
    })
}

fn from_sssd(stage: &Stage<'_>) -> Check<String> {
    let host = host(stage, SSSD, SSSD_CONF, "sss")?;
    // Who is asked about before its sweep over the domain has ended is said to be in fewer groups.
    host.wait_for("sssd to have read the groups", Duration::from_secs(80), |host| {
        let listed = host.sh("getent -s sss group")?.out;
        let has = |name: &str| listed.lines().any(|line| line.starts_with(name));
        Ok(["linux-users:", "twins-b:", "outer-3000:"].into_iter().all(has))
    })?;
    let seen = equal(&host, "/etc/sssd/sssd.conf --prove --all")?;
    for (line, fault, words) in SSSD_FAULTS {
        ensure(SSSD_CONF.contains(line), || format!("'{line}' is not in the configuration"))?;
        host.write("/root/faulty.conf", &SSSD_CONF.replace(line, fault), "root:root", "0600")?;
        differs(&host, "/root/faulty.conf --prove --every", words)?;
    }
    // Another range, kept account by account.
    let (line, fault, _) = &SSSD_FAULTS[0];
    host.write("/root/faulty.conf", &SSSD_CONF.replace(line, fault), "root:root", "0600")?;
    equal(&host, "/root/faulty.conf --prove --keep-ids --write /root/kept")?;
    host.must("grep -q '^\"alice\" = .*home = \"/home/alice\"' /root/kept/ldaps.toml")?;
    moved(&host, "sss")?;
    let ids = doctor_compares(&host)?;
    Ok(format!("{seen}; doctor: {ids}"))
}

/// The old stack goes, the proposed file comes, and everything is as it was.
fn moved(host: &Host<'_>, service: &str) -> Check {
    let entry = "alice bob homey";
    let before = host.must(&format!("getent -s {service} passwd {entry} | cut -d: -f1-4,6,7"))?;
    let said = migrate(host, "/etc/sssd/sssd.conf --write /etc/ldaps")?;
    ensure(said.ok(), || format!("'migrate --write' ended with {}: {}", said.code, said.err))?;
    let modes = host.must("stat -c '%a %U:%G' /etc/ldaps/ldaps.toml /etc/ldaps/secret")?;
    ensure(modes == "644 root:root\n640 root:ldapsd", || format!("the files' modes are {modes}"))?;
    host.must("ldapsctl check-config")?;
    product::run_until_it_answers(host)?;
    // The old stack has answered that; ours may not be there yet.
    host.wait_for("ldapsd to answer", Duration::from_secs(20), |host| {
        Ok(host.sh("getent -s ldaps passwd alice")?.ok())
    })?;
    let after = host.must(&format!("getent -s ldaps passwd {entry} | cut -d: -f1-4,6,7"))?;
    ensure(before == after, || format!("before:\n{before}\nafter:\n{after}"))?;
    let again = migrate(host, "/etc/sssd/sssd.conf --write /etc/ldaps")?;
    ensure(again.code == 3 && again.err.contains("is there already"), || {
        format!("a second 'migrate --write' ended with {}: {}", again.code, again.err)
    })
}

/// With both on one host, doctor holds their ids against each other, and names one that is another.
fn doctor_compares(host: &Host<'_>) -> Check<String> {
    let said = host.sh("ldapsctl doctor")?.out;
    let same = said.lines().find(|line| line.starts_with("ok      ids: the same as sssd's"));
    let same = same.ok_or_else(|| Failure::new(format!("the ids are not compared:\n{said}")))?;
    host.must(
        "printf '\\n[users.override]\\nalice = { uid = 400777 }\\n' >>/etc/ldaps/ldaps.toml && pkill -x ldapsd; \
         while pgrep -x ldapsd >/dev/null; do sleep 0.1; done; rm -rf /var/lib/ldapsd",
    )?;
    product::run_until_it_answers(host)?;
    host.wait_for("our own id of alice", Duration::from_secs(20), |host| {
        Ok(host.sh("getent -s ldaps passwd alice")?.out.contains(":400777:"))
    })?;
    let said = host.sh("ldapsctl doctor")?.out;
    let named = said.lines().any(|line| {
        line.starts_with("WARNING ids: user alice is ")
            && line.contains("by sssd and 400777 by ldapsd")
    });
    ensure(named && said.contains("sudo ldapsctl migrate --prove"), || {
        format!("doctor does not say that alice has another id than sssd's:\n{said}")
    })?;
    Ok(same.trim_start_matches("ok      ").to_owned())
}

fn from_nslcd(stage: &Stage<'_>) -> Check<String> {
    let numbers = format!("{NSLCD_CONF}{BY_NUMBER}");
    let by_number = host(stage, NSLCD, &numbers, "ldap")?;
    let seen = equal(&by_number, "/etc/nslcd.conf --prove --all")?;
    let faulty = numbers.replace("-/home/$sAMAccountName", "-/srv/$sAMAccountName");
    by_number.write("/root/nslcd.conf", &faulty, "root:root", "0600")?;
    differs(
        &by_number,
        "/root/nslcd.conf --prove",
        &["user alice", "home", "/home/alice", "/srv/alice"],
    )?;
    let rids = format!("{NSLCD_CONF}{BY_RID}").replace("DOMAIN_SID", &stage.dc.domain_sid()?);
    let by_rid = host(stage, NSLCD, &rids, "ldap")?;
    // What the host may not have, gids below 1000, is all that changes.
    let said = migrate(&by_rid, "/etc/nslcd.conf --prove --every")?;
    let is_low_gid = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let gid = words.iter().position(|word| *word == "gid").and_then(|at| words.get(at + 1));
        gid.and_then(|gid| gid.parse::<u32>().ok()).is_some_and(|gid| gid < 1000)
    };
    let table =
        said.out.lines().filter(|line| line.starts_with("  user ") || line.starts_with("  group "));
    let unexpected: Vec<&str> = table.filter(|line| !is_low_gid(line)).collect();
    let row =
        said.out.lines().find(|line| line.starts_with("  group domain users ")).unwrap_or_default();
    ensure(said.code == 1 && row.contains("1000000513") && unexpected.is_empty(), || {
        format!(
            "with RIDs it ended with {}, unexpected {unexpected:?}: {}\n{}",
            said.code, said.out, said.err
        )
    })?;
    Ok(format!("{seen} With RIDs all but gids below 1000"))
}
