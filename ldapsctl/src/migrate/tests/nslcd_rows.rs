//! nslcd.conf

use super::super::source::Kind;
use super::{Row, check_rows, loaded, planned};
use ldaps_core::idmap::{IdMap, IdSpace};

const BEFORE: &str = "uri ldaps://dc1.corp.example/\nbase DC=corp,DC=example\nbinddn svc@corp.example\nbindpw Service.Pass.1\n";

const ROWS: &[Row] = &[
    Row {
        name: "servers, the service account, trust, times",
        old: "uri ldap://dc2.corp.example/ ldaps://dc3.corp.example:636\ntls_cacertfile @@/ca.pem\ntls_reqcert allow\n\
              ssl start_tls\nbind_timelimit 5\ntimelimit 0\n",
        lines: &[
            "uri = [\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example\", \"ldaps://dc3.corp.example\"]",
            "base = \"DC=corp,DC=example\"",
            "bind_dn = \"svc@corp.example\"",
            "ca = \"@@/ca.pem\"",
            "connect_timeout = \"5s\"",
        ],
        left: &["uri (nslcd.conf:5)|without TLS", "tls_reqcert|always verified", "ssl|STARTTLS"],
    },
    Row {
        name: "servers by DNS",
        old: "uri DNS:corp.example\n",
        lines: &["domain = \"corp.example\""],
        left: &[],
    },
    Row {
        name: "ids of the directory",
        old: "nss_min_uid 5000\nmap passwd uid sAMAccountName\nmap passwd homeDirectory unixHomeDirectory\nmap group cn sAMAccountName\n",
        lines: &[
            "mapping = \"posix\"",
            "min_id = 5000",
            "home_attribute = \"unixHomeDirectory\"",
            "shell_attribute = \"loginShell\"",
            "gecos = \"gecos\"",
        ],
        left: &["nss_nested_groups (off)|more groups", "nss_disable_enumeration|enumerate = true"],
    },
    Row {
        name: "ids of other attributes, with an offset, below 1000",
        old: "map passwd uidNumber employeeNumber\nnss_uid_offset 100\nnss_min_uid 500\n",
        lines: &["mapping = \"posix\""],
        left: &[
            "map passwd uidnumber|uidNumber here",
            "nss_uid_offset|as they are",
            "map passwd uid|sAMAccountName",
        ],
    },
    Row {
        name: "RIDs as ids",
        old: "map passwd uidNumber objectSid:S-1-5-21-1-2-3\nmap group gidNumber objectSid:S-1-5-21-1-2-3\nmap passwd gidNumber primaryGroupID\n",
        lines: &[
            "mapping = \"sid\"",
            "range_min = 0",
            "range_size = 1000000000",
            "min_id = 1000",
            "\"domain users\" = { gid = 1000000513 }  # was 513",
        ],
        left: &["gids below 1000|513|chgrp -h 1000000513"],
    },
    Row {
        name: "RIDs with an offset as ids",
        old: "map passwd uidNumber objectSid:S-1-5-21-1-2-3\nmap group gidNumber objectSid:S-1-5-21-1-2-3\nnss_uid_offset 10000\nnss_gid_offset 10000\n",
        lines: &["range_min = 10000", "range_max = 1000010000"],
        left: &[],
    },
    Row {
        name: "homes, shells and names by expressions",
        old: "map passwd uid sAMAccountName\nmap passwd homeDirectory \"/srv/100%/$sAMAccountName\"\nmap passwd loginShell \"/bin/bash\"\nmap passwd gecos displayName\n",
        lines: &[
            "home = \"/srv/100%%/%u\"",
            "home_attribute = \"\"",
            "shell = \"/bin/bash\"",
            "shell_attribute = \"\"",
            "gecos = \"displayName\"",
        ],
        left: &[],
    },
    Row {
        name: "an attribute, and an expression where there is none",
        old: "map passwd homeDirectory \"${unixHomeDirectory:-/home/$uid}\"\nmap passwd loginShell \"${loginShell:-/bin/sh}\"\nmap passwd gecos \"$cn ($mail)\"\n",
        lines: &[
            "home_attribute = \"unixHomeDirectory\"",
            "home = \"/home/%u\"",
            "shell_attribute = \"loginShell\"",
            "shell = \"/bin/sh\"",
        ],
        left: &["map passwd gecos|one attribute"],
    },
    Row {
        name: "expressions without a counterpart",
        old: "map passwd homeDirectory \"/home/$department/$uid\"\nmap passwd loginShell \"${a:+/bin/sh}\"\n",
        lines: &[],
        left: &["map passwd homedirectory|expression", "map passwd loginshell|expression"],
    },
    Row {
        name: "filters and bases",
        old: "filter passwd (&(objectClass=user)(department=IT))\nbase passwd OU=People,DC=corp,DC=example\n\
              base group OU=Groups,DC=corp,DC=example\nfilter group (objectClass=group)\nscope sub\nfilter shadow (a=b)\n",
        lines: &[
            "[users]",
            "filter = \"(&(objectClass=user)(department=IT))\"",
            "base = \"OU=People,DC=corp,DC=example\"",
            "[groups]\nbase = \"OU=Groups,DC=corp,DC=example\"",
        ],
        left: &["filter group|distribution groups"],
    },
    Row {
        name: "the manual's filter for AD is the default here",
        old: "filter passwd (&(objectClass=user)(!(objectClass=computer)))\n",
        lines: &["allow = [\"*\"]"],
        left: &[],
    },
    Row {
        name: "who may log in",
        old: "pam_authz_search (&(objectClass=user)(sAMAccountName=$username)(memberOf=CN=a,DC=corp,DC=example))\n\
              pam_authz_search (&(sAMAccountName=$username)(department=IT))\n",
        lines: &[
            "allow = [\"*\"]",
            "filter = \"(&(&(objectClass=user)(memberOf=CN=a,DC=corp,DC=example))(department=IT))\"",
        ],
        left: &[],
    },
    Row {
        name: "what is not ours",
        old: "rootpwmodpw Geheim.1\nsasl_mech GSSAPI\nignorecase yes\nmap netgroup cn x\nthreads 5\nmade_up 1\n",
        lines: &[],
        left: &[
            "rootpwmodpw",
            "sasl_mech",
            "ignorecase",
            "map netgroup cn",
            "made_up (nslcd.conf:10)|does not know",
        ],
    },
];

#[test]
fn what_nslcd_gave_is_lost() {
    check_rows(Kind::Nslcd, BEFORE, ROWS);
}

#[test]
fn a_rid_as_an_id_is_another() {
    for (offset, rid, wanted) in
        [(0, 1107, 1107), (10_000, 1107, 11_107), (10_000, 999_999_999, 1_000_009_999)]
    {
        let old = format!(
            "{BEFORE}map passwd uidNumber objectSid:S-1-5-21-1-2-3\nnss_uid_offset {offset}\nnss_gid_offset {offset}\n"
        );
        let ids = loaded(&planned(Kind::Nslcd, &old).toml("x"), "RIDs").config.ids;
        let space = IdSpace::new(ids.range_min, ids.range_max, ids.range_size).unwrap();
        let map = IdMap::new(space, "S-1-5-21-1-2-3".parse().unwrap(), ids.on_collision).unwrap();
        let sid = format!("S-1-5-21-1-2-3-{rid}").parse().unwrap();
        assert_eq!(map.id_of(sid), Ok(wanted), "{offset} {rid}");
    }
}
