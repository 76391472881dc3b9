//! `ldapsctl check-config`: reads the configuration as the daemon does, and says what it means.
#![forbid(unsafe_code)]

use crate::output::{Table, print, print_error};
use ldaps_core::config::{
    self, Access, Config, CrlCheck, IdMapping, PrimaryGroup, STANDING_ATTRIBUTES, Servers, Sources,
    Subject, TlsVersion, Warning, Workstations,
};
use ldaps_core::idmap::OnCollision;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Checks the configuration: a summary of what is in force and 0, or all errors and 1.
#[must_use]
pub fn run(sources: &Sources) -> ExitCode {
    match config::load(sources) {
        Ok(loaded) => {
            let file = sources.ldaps_toml.display();
            let barred = config::unreadable_by_daemon(&loaded.config, sources, Path::new("/"));
            if !barred.is_empty() {
                let lines: String = barred.iter().map(|finding| format!("{finding}\n")).collect();
                print_error(&format!("{lines}\nldapsd cannot start like that.\n"));
                return ExitCode::FAILURE;
            }
            print(&format!("{file}: OK. In force with it:\n{}", describe(&loaded.config)));
            print_error(&describe_warnings(loaded.warnings.iter()));
            ExitCode::SUCCESS
        }
        Err(errors) if errors.is_unconfigured() => {
            print_error(&format!("{errors}\n"));
            ExitCode::FAILURE
        }
        Err(errors) => {
            let count = match errors.errors().len() {
                1 => "one error".to_owned(),
                n => format!("{n} errors"),
            };
            print_error(&format!(
                "{errors}\n\n{count}: ldapsd will not start with this configuration; one that runs \
                 keeps the last good one.\n"
            ));
            ExitCode::FAILURE
        }
    }
}

fn describe_warnings<'w>(warnings: impl Iterator<Item = &'w Warning>) -> String {
    warnings.map(|warning| format!("warning: {warning}\n")).collect()
}

fn describe(config: &Config) -> String {
    let mut table = Table::default();
    describe_directory(config, &mut table);
    describe_trust(config, &mut table);
    describe_accounts(config, &mut table);
    describe_looks(config, &mut table);
    describe_access(&config.access, &mut table);
    describe_rest(config, &mut table);
    table.render()
}

fn describe_directory(config: &Config, table: &mut Table) {
    let directory = &config.directory;
    match &directory.servers {
        Servers::Uris(uris) => table.lines(
            "servers",
            uris.iter().map(|uri| match directory.address.get(&uri.host) {
                Some(address) => format!("{uri}, reached at {address}"),
                None => uri.to_string(),
            }),
        ),
        Servers::Domain(domain) => {
            table.line("servers", format!("those that DNS SRV gives for {domain}"));
            let addresses = directory.address.iter();
            table.lines("", addresses.map(|(host, address)| format!("{host} at {address}")));
        }
    }
    table.line("bind as", &directory.bind_dn);
    table.line("secret in", directory.bind_secret.display().to_string());
    table.line("base", directory.base.as_deref().unwrap_or("the directory's own"));
    table.line(
        "timeouts",
        format!(
            "{} to connect, {} for an operation",
            time(directory.connect_timeout),
            time(directory.operation_timeout)
        ),
    );
}

fn describe_trust(config: &Config, table: &mut Table) {
    let tls = &config.tls;
    let trusted = tls.ca_file.iter().chain(&tls.ca_dirs).map(|path| path.display().to_string());
    let mut trusted: Vec<String> = trusted.collect();
    if trusted.is_empty() {
        trusted.push("the system's store".to_owned());
    }
    table.lines("CAs trusted", trusted);
    let what = match tls.crl_check {
        CrlCheck::None => "not checked",
        CrlCheck::Peer => "of the server's certificate checked",
        CrlCheck::All => "of the server's certificate and of every CA checked",
    };
    let list = match (&tls.crl_file, tls.crl_check) {
        (_, CrlCheck::None) => String::new(),
        (Some(file), _) => format!(" against {}", file.display()),
        (None, _) => " against the lists in the directories of CAs".to_owned(),
    };
    table.line("revocation", format!("{what}{list}"));
    let minimum = match tls.minimum {
        TlsVersion::V1_2 => "1.2",
        TlsVersion::V1_3 => "1.3",
    };
    table.line("TLS", format!("{minimum} or newer; chain and name are always verified"));
}

fn describe_accounts(config: &Config, table: &mut Table) {
    let ids = &config.ids;
    let source = match ids.mapping {
        IdMapping::Sid => format!(
            "from SIDs, {} to {}, {} in a slice{}",
            ids.range_min,
            ids.range_max.saturating_sub(1),
            ids.range_size,
            match ids.on_collision {
                OnCollision::Refuse => "",
                OnCollision::Shift => ", shifted where that is taken",
            }
        ),
        IdMapping::Posix => "from uidNumber and gidNumber".to_owned(),
    };
    table.line("ids", format!("{source}; none below {}", ids.min_id));
    let under = |base: &Option<String>| match base {
        Some(base) => format!(" under {base}"),
        None => String::new(),
    };
    let users = &config.users;
    table.line("users", format!("{}{}", users.complete_filter(), under(&users.base)));
    let at: Vec<&str> = users.login.at.iter().map(|name| name.as_str()).collect();
    let at = match at.as_slice() {
        [] => "names with @ are not found".to_owned(),
        at => format!("names with @ by {}", at.join(", then ")),
    };
    table.line("found by", format!("{}; {at}", users.login.bare));
    table.line("home, shell", format!("{}, {}", users.home.as_str(), users.shell));
    let groups = &config.groups;
    table.line("groups", format!("{}{}", groups.filter, under(&groups.base)));
}

fn describe_looks(config: &Config, table: &mut Table) {
    let users = &config.users;
    let attributes = [("home", &users.home_attribute), ("shell", &users.shell_attribute)];
    let named = attributes.iter().filter_map(|(what, name)| Some((what, name.as_ref()?)));
    table.lines(
        "attributes",
        named.map(|(what, name)| format!("{what} from {name} where there is one")),
    );
    if let Some(allowed) = &users.allowed_shells {
        table.line("allowed shells", allowed.join(", "));
    }
    if users.primary_group == PrimaryGroup::Private {
        table.line("primary group", "one of each user's own");
    }
    let of_users = users.looks.of_user.keys().map(|name| format!("user {name}"));
    let of_groups = users.looks.of_group.iter().map(|(name, _)| format!("members of {name}"));
    let gids = config.groups.gids.keys().map(|name| format!("group {name}"));
    table.lines("overridden", of_users.chain(of_groups).chain(gids));
    table.lines(
        "local groups",
        config.local_groups.iter().map(|(local, granted_by)| {
            let granted_by: Vec<&str> = granted_by.iter().map(String::as_str).collect();
            format!("{local}, for members of {}", granted_by.join(", "))
        }),
    );
}

fn describe_access(access: &Access, table: &mut Table) {
    table.line("may log in", names(&access.allow));
    if !access.deny.is_empty() {
        table.line("may never", names(&access.deny));
    }
    if let Some(filter) = &access.filter {
        table.line("must match", filter.as_str());
    }
    for (service, rule) in &access.services {
        let allow = rule.allow.as_ref().unwrap_or(&access.allow);
        let mut text = names(allow);
        if !rule.deny.is_empty() {
            text += &format!("; never {}", names(&rule.deny));
        }
        if let Some(filter) = &rule.filter {
            text += &format!("; must match {filter} too");
        }
        table.line(&format!("by {service}"), text);
    }
}

fn describe_rest(config: &Config, table: &mut Table) {
    let callers = config.pam.callers.iter();
    let callers =
        callers.map(|(user, services)| format!("{user} may, for {}", services.join(", ")));
    table.lines("check others", callers);
    if config.pam.workstations == Workstations::Enforce {
        let name = config.pam.workstation_name.as_deref().unwrap_or("named by its host name");
        table.line("\"Log On To\"", format!("is obeyed; this host is {name} there"));
    }
    table.line("SSH keys", format!("from {}", config.ssh.attribute));
    let (attributes, readers) = (&config.profile.attributes, &config.profile.readers);
    if !attributes.is_empty() || !readers.is_empty() {
        let names: Vec<&str> =
            STANDING_ATTRIBUTES.into_iter().chain(attributes.iter().map(|name| &**name)).collect();
        let readers = readers.iter().map(|reader| format!("and {reader} of anybody"));
        let told = format!("{}: told to root, to people of themselves", names.join(", "));
        table.lines("profile", [told].into_iter().chain(readers));
    }
    if config.nss.enumerate {
        table.line("lists", "getent passwd and getent group list the whole directory");
    }
    let cache = &config.cache;
    table.line(
        "held",
        format!(
            "changes asked for every {}, all seen again within {}, \"not found\" {}, at most {} of \
             these",
            time(cache.poll),
            time(cache.positive),
            time(cache.negative),
            cache.negative_max
        ),
    );
}

fn names(subjects: &[Subject]) -> String {
    let name = |subject: &Subject| match subject {
        Subject::Everyone => "everybody".to_owned(),
        Subject::User(_) | Subject::Group(_) => subject.to_string(),
    };
    match subjects {
        [] => "nobody".to_owned(),
        subjects => subjects.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

/// A time as the configuration writes it.
fn time(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    for (unit, size) in [("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
        if milliseconds >= size && milliseconds.is_multiple_of(size) {
            return format!("{} {unit}", milliseconds / size);
        }
    }
    format!("{milliseconds} ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn write(dir: &std::path::Path, name: &str, content: &str) {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    fn described(toml: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "ldaps-secret", "Service.Pass.1");
        write(dir.path(), "ldaps.toml", toml);
        let sources = Sources {
            ldaps_toml: dir.path().join("ldaps.toml"),
            ldap_conf: dir.path().join("ldap.conf"),
            credentials: Some(dir.path().to_owned()),
        };
        let loaded = config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
        describe(&loaded.config)
    }

    #[test]
    fn the_summary_says_what_is_in_force() {
        let text = described(
            "[directory]\nuri = [\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example:1636\"]\n\
             bind_dn = \"svc-linux@corp.example\"\nconnect_timeout = \"500ms\"\n\
             [directory.address]\n\"dc1.corp.example\" = \"10.0.0.5\"\n\
             [users]\ncondition = \"(department=IT)\"\n\
             [access]\nallow = [\"@linux-users\", \"bob\"]\ndeny = [\"eve\"]\n\
             filter = \"(title=*)\"\n\
             [access.sudo]\nallow = []\n[access.sshd]\ndeny = [\"*\"]\nfilter = \"(employeeType=x)\"\n\
             [pam]\nworkstations = \"enforce\"\n\
             [pam.callers]\nwww-data = [\"django\"]\n\
             [profile]\nattributes = \"title\"\nreaders = \"www-data\"\n[nss]\nenumerate = true\n",
        );
        for line in [
            "  servers       ldaps://dc1.corp.example, reached at 10.0.0.5\n",
            "                ldaps://dc2.corp.example:1636\n",
            "  bind as       svc-linux@corp.example\n",
            "  base          the directory's own\n",
            "  timeouts      500 ms to connect, 4 s for an operation\n",
            "  CAs trusted   the system's store\n",
            "  revocation    not checked\n",
            "  ids           from SIDs, 200000 to 2000199999, 200000 in a slice; none below 200000\n",
            "  users         (&(sAMAccountType=805306368)(department=IT))\n",
            "  found by      sAMAccountName; names with @ by userPrincipalName\n",
            "  may log in    @linux-users, bob\n",
            "  may never     eve\n",
            "  by sudo       nobody\n",
            "  must match    (title=*)\n",
            "  by sshd       @linux-users, bob; never everybody; must match (employeeType=x) too\n",
            "  \"Log On To\"   is obeyed; this host is named by its host name there\n",
            "  check others  www-data may, for django\n",
            "  profile       displayName, givenName, sn, mail, title: told to root, to people of \
             themselves\n",
            "                and www-data of anybody\n",
            "  lists         getent passwd and getent group list the whole directory\n",
            "  held          changes asked for every 10 s, all seen again within 10 min, \"not found\" 1 min, at most 10000 of these\n",
        ] {
            assert!(text.contains(line), "{line:?} wanted in\n{text}");
        }
    }

    #[test]
    fn a_domain_and_posix_ids_are_named_as_such() {
        let text = described(
            "[directory]\ndomain = \"corp.example\"\nbase = \"DC=corp,DC=example\"\n\
             bind_dn = 'CORP\\svc'\n[ids]\nmapping = \"posix\"\n[users.login]\nat = []\n",
        );
        for part in [
            "those that DNS SRV gives for corp.example\n",
            "  base         DC=corp,DC=example\n",
            "from uidNumber and gidNumber; none below 1000\n",
            "names with @ are not found\n",
            "may log in   nobody\n",
        ] {
            assert!(text.contains(part), "{part:?} wanted in\n{text}");
        }
    }
}
