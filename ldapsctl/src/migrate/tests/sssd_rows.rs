//! sssd.conf

use super::super::source::Kind;
use super::{Row, check_rows, loaded, planned};

/// What rows leave unsaid. A row goes on in the domain's section.
const BEFORE: &str = "[sssd]\ndomains = corp.example\n[domain/corp.example]\nid_provider = ldap\n\
    ldap_schema = ad\nldap_uri = ldaps://dc1.corp.example\nldap_default_bind_dn = svc@corp.example\n";

const ROWS: &[Row] = &[
    Row {
        name: "servers, the service account, trust",
        old: "ldap_uri = ldaps://dc1.corp.example, ldap://dc2.corp.example:389\n\
              ldap_backup_uri = ldaps://dc3.corp.example:3269\nldap_search_base = DC=corp,DC=example\n\
              ldap_tls_cacert = @@/ca.pem\nldap_tls_reqcert = never\nldap_network_timeout = 3\nldap_opt_timeout = 99\n",
        lines: &[
            "uri = [\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example\", \"ldaps://dc3.corp.example\"]",
            "bind_dn = \"svc@corp.example\"",
            "base = \"DC=corp,DC=example\"",
            "ca = \"@@/ca.pem\"",
            "connect_timeout = \"3s\"",
            "operation_timeout = \"30s\"",
        ],
        left: &[
            "ldap_uri (sssd.conf:8)|ldap://dc2.corp.example:389 speaks LDAP without TLS|port 636",
            "ldap_backup_uri|Global Catalog",
            "ldap_tls_reqcert|always verified",
        ],
    },
    Row {
        name: "servers by DNS",
        old: "ldap_uri = _srv_, ldaps://dc1.corp.example\ndns_discovery_domain = site.corp.example\n",
        lines: &["domain = \"site.corp.example\""],
        left: &[],
    },
    Row {
        name: "ids from SIDs, where sssd has them by default",
        old: "ldap_id_mapping = true\n",
        lines: &["[ids]\nmapping = \"sid\"  # ldap_id_mapping\n\n"],
        left: &[],
    },
    Row {
        name: "ids from SIDs in another range",
        old: "ldap_id_mapping = True\nldap_idmap_range_min = 100000\nldap_idmap_range_max = 1000100000\n\
              ldap_idmap_range_size = 50000\n",
        lines: &["range_min = 100000", "range_max = 1000100000", "range_size = 50000"],
        left: &[],
    },
    Row {
        name: "the domain that has the first slice",
        old: "ldap_id_mapping = true\nldap_idmap_default_domain_sid = S-1-5-21-1-2-3\n",
        lines: &["range_min = 200000", "range_max = 400000", "range_size = 200000"],
        left: &["ldap_idmap_default_domain_sid|first slice|--keep-ids"],
    },
    Row {
        name: "numbers of the directory",
        old: "ldap_id_mapping = false\nmin_id = 10000\nmax_id = 20000\n",
        lines: &["mapping = \"posix\"", "min_id = 10000"],
        left: &["max_id|no highest"],
    },
    Row {
        name: "numbers of other attributes",
        old: "ldap_user_uid_number = employeeNumber\nmin_id = 500\n",
        lines: &["mapping = \"posix\""],
        left: &["ldap_user_uid_number|uidNumber here", "min_id|below 1000"],
    },
    Row {
        name: "private groups",
        old: "ldap_id_mapping = true\nauto_private_groups = true\n",
        lines: &["primary_group = \"private\""],
        left: &[],
    },
    Row {
        name: "private groups for some",
        old: "auto_private_groups = hybrid\n",
        lines: &[],
        left: &["auto_private_groups|for some"],
    },
    Row {
        name: "one primary group for all",
        old: "ldap_id_mapping = true\noverride_gid = 5000\n",
        lines: &["[users.of_group.\"domain users\"]\ngid = 5000", "min_id = 5000"],
        left: &[],
    },
    Row {
        name: "homes and shells where the directory has none",
        old: "fallback_homedir = /home/%d/%u\ndefault_shell = /bin/bash\n",
        lines: &[
            "home = \"/home/%d/%u\"",
            "home_attribute = \"unixHomeDirectory\"",
            "shell = \"/bin/bash\"",
            "shell_attribute = \"loginShell\"",
            "gecos = \"name\"",
        ],
        left: &[],
    },
    Row {
        name: "homes and shells for all alike, as realmd writes them",
        old: "override_homedir = /home/%f\noverride_shell = /bin/sh\n",
        lines: &[
            "home = \"/home/%u@%d\"",
            "home_attribute = \"\"",
            "shell = \"/bin/sh\"",
            "shell_attribute = \"\"",
        ],
        left: &[],
    },
    Row {
        name: "a home by the first letter, other attributes, no default shell",
        old: "override_homedir = /home/%l/%u\nldap_user_home_directory = homeDirectory\nldap_user_shell = msSFU30LoginShell\n",
        lines: &[
            "home_attribute = \"homeDirectory\"",
            "shell_attribute = \"msSFU30LoginShell\"",
            "shell = \"/bin/sh\"",
        ],
        left: &["override_homedir|%l has no counterpart", "fallback_homedir|/home/%u"],
    },
    Row {
        name: "what is said of all domains, in [nss]",
        old: "[nss]\nfallback_homedir = /srv/%u\ndefault_shell = /bin/dash\nallowed_shells = /bin/bash, /bin/dash\n\
              shell_fallback = /bin/sh\nvetoed_shells = /bin/csh\nentry_negative_timeout = 30\nfilter_users = root, postgres\n",
        lines: &[
            "home = \"/srv/%u\"",
            "shell = \"/bin/dash\"",
            "allowed_shells = [\"/bin/bash\", \"/bin/dash\"]",
            "negative = \"30s\"",
        ],
        left: &[
            "allowed_shells|nologin",
            "shell_fallback",
            "vetoed_shells",
            "filter_users|withheld",
        ],
    },
    Row {
        name: "everybody, since nothing is said",
        old: "",
        lines: &["[access]\nallow = [\"*\"]  # sssd's access_provider is permit by default\n"],
        left: &["case_sensitive (true by default)|lower case"],
    },
    Row {
        name: "the simple rules",
        old: "access_provider = simple\nsimple_allow_users = alice, bob@corp.example\nsimple_allow_groups = Linux Users, CORP\\Admins\n\
              simple_deny_users = eve\nsimple_deny_groups = guests\n",
        lines: &[
            "allow = [\"alice\", \"bob\", \"@Linux Users\", \"@Admins\"]",
            "deny = [\"eve\", \"@guests\"]",
        ],
        left: &[],
    },
    Row {
        name: "the simple rules with denials alone",
        old: "access_provider = simple\nsimple_deny_users = eve\n",
        lines: &["allow = [\"*\"]", "deny = [\"eve\"]"],
        left: &[],
    },
    Row {
        name: "somebody of another domain",
        old: "access_provider = simple\nsimple_allow_users = alice, carol@other.example\n",
        lines: &["allow = [\"alice\"]"],
        left: &["simple_allow_users|other.example"],
    },
    Row {
        name: "a filter",
        old: "access_provider = ldap\nldap_access_filter = memberOf=CN=linux,DC=corp,DC=example\n",
        lines: &["allow = [\"*\"]", "filter = \"(memberOf=CN=linux,DC=corp,DC=example)\""],
        left: &[],
    },
    Row {
        name: "AD's word on expired accounts alone",
        old: "access_provider = ldap\nldap_access_order = expire\nldap_account_expire_policy = ad\n",
        lines: &["allow = [\"*\"]"],
        left: &[],
    },
    Row {
        name: "a filter that is missing",
        old: "access_provider = ldap\n",
        lines: &["allow = []  # sssd lets nobody in without ldap_access_filter"],
        left: &[],
    },
    Row {
        name: "a search base with a filter",
        old: "ldap_user_search_base = OU=People,DC=corp,DC=example?subtree?(department=IT)\n\
              ldap_group_search_base = OU=Groups,DC=corp,DC=example??(cn=linux*)\n",
        lines: &[
            "[users]\nbase = \"OU=People,DC=corp,DC=example\"",
            "condition = \"(department=IT)\"",
            "[groups]\nbase = \"OU=Groups,DC=corp,DC=example\"",
            "filter = \"(&(|(sAMAccountType=268435456)(sAMAccountType=536870912))(cn=linux*))\"",
        ],
        left: &[],
    },
    Row {
        name: "offline logins, lists, keys, warnings",
        old: "cache_credentials = True\nenumerate = true\nldap_user_ssh_public_key = sshPublicKey\npwd_expiration_warning = 14\n\
              [pam]\noffline_credentials_expiration = 30\n",
        lines: &[
            "offline_days = 30",
            "enumerate = true",
            "[ssh]\nattribute = \"sshPublicKey\"",
            "warn_days = 14",
        ],
        left: &["cache_credentials|logs in once"],
    },
    Row {
        name: "offline logins without an end",
        old: "cache_credentials = True\n",
        lines: &["offline_days = 90"],
        left: &["offline_credentials_expiration|90 days"],
    },
    Row {
        name: "names with the domain, times, other services",
        old: "use_fully_qualified_names = True\nfull_name_format = %2$s+%1$s\nentry_cache_timeout = 600\ncase_sensitive = preserving\n\
              sudo_provider = ad\nldap_sudo_search_base = OU=sudo\ndyndns_update = true\nldap_group_nesting_level = 2\nmade_up_key = 1\n\
              [sssd]\nservices = nss, pam, ssh, sudo, autofs\n[sudo]\n[autofs]\n",
        lines: &[],
        left: &[
            "use_fully_qualified_names|crontabs",
            "full_name_format",
            "entry_cache_timeout|`positive` under [cache]",
            "case_sensitive (sssd.conf|lower case",
            "sudo_provider|sudoers.d",
            "services|ldapsctl ssh-keys",
            "services|sudo rules",
            "services|autofs",
            "dyndns_update",
            "ldap_group_nesting_level|any depth",
            "made_up_key (sssd.conf:16)|does not know it",
        ],
    },
    Row {
        name: "a second domain",
        old: "[domain/other.example]\nid_provider = ldap\n[domain/corp.example/sub.corp.example]\nad_server = x\n",
        lines: &["uri = [\"ldaps://dc1.corp.example\"]"],
        left: &[
            "[domain/other.example]|--domain other.example",
            "[domain/corp.example/sub.corp.example]",
        ],
    },
];

#[test]
fn what_sssd_gave_is_lost() {
    check_rows(Kind::Sssd, BEFORE, ROWS);
}

/// As `realm join` writes it.
const REALMD: &str = "[sssd]\ndomains = corp.example\nconfig_file_version = 2\nservices = nss, pam\n\n\
    [domain/corp.example]\nad_domain = corp.example\nkrb5_realm = CORP.EXAMPLE\nrealmd_tags = manages-system joined-with-adcli\n\
    cache_credentials = True\nid_provider = ad\nkrb5_store_password_if_offline = True\ndefault_shell = /bin/bash\n\
    ldap_id_mapping = True\nuse_fully_qualified_names = True\nfallback_homedir = /home/%u@%d\naccess_provider = ad\n";

#[test]
fn a_host_that_realm_has_joined_is_not_understood() {
    check_rows(
        Kind::Sssd,
        REALMD,
        &[Row {
            name: "realm join",
            old: "",
            lines: &[
                "domain = \"corp.example\"",
                "bind_dn = \"svc-linux@corp.example\"  # TO BE MADE",
                "mapping = \"sid\"",
                "home = \"/home/%u@%d\"",
                "shell = \"/bin/bash\"",
                "# Without that rule: allow = [\"*\"]",
            ],
            left: &[
                "the service account|--bind-dn",
                "CA|--ca",
                "Kerberos ticket",
                "ad_gpo_access_control (enforcing by default)|allow = [\"*\"]",
                "use_fully_qualified_names",
            ],
        }],
    );
    let plan = planned(
        Kind::Sssd,
        &format!("{REALMD}ad_gpo_access_control = disabled\nad_access_filter = (department=IT)\n"),
    );
    let toml = plan.toml("x");
    assert!(
        toml.contains("allow = [\"*\"]  # access_provider = ad\nfilter = \"(department=IT)\""),
        "{toml}"
    );
}

#[test]
fn a_slice_of_ones_own_is_another_range() {
    let old =
        format!("{BEFORE}ldap_id_mapping = true\nldap_idmap_default_domain_sid = S-1-5-21-1-2-3\n");
    let ids = loaded(&planned(Kind::Sssd, &old).toml("x"), "first slice").config.ids;
    let space =
        ldaps_core::idmap::IdSpace::new(ids.range_min, ids.range_max, ids.range_size).unwrap();
    let domain = "S-1-5-21-1-2-3".parse().unwrap();
    let map = ldaps_core::idmap::IdMap::new(space, domain, ids.on_collision).unwrap();
    assert_eq!(map.id_of("S-1-5-21-1-2-3-1107".parse().unwrap()), Ok(201_107));
}
