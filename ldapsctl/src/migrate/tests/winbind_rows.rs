//! smb.conf and pam_winbind.conf

use super::super::source::Kind;
use super::{Row, check_rows, loaded, planned};
use ldaps_core::idmap::{IdMap, IdSpace};

const BEFORE: &str = "[global]\nworkgroup = CORP\nRealm = CORP.EXAMPLE\nsecurity = ads\n";

const ROWS: &[Row] = &[
    Row {
        name: "ids of the directory, homes too",
        old: "idmap config * : backend = tdb\nidmap config * : range = 3000-7999\nidmap config CORP:backend = ad\n\
              idmap config CORP : range = 10000-999999\nidmap config CORP : schema_mode = rfc2307\n\
              idmap config CORP : unix_nss_info = yes\nidmap config CORP : unix_primary_group = yes\n\
              winbind use default domain = yes\n",
        lines: &[
            "domain = \"corp.example\"",
            "mapping = \"posix\"",
            "min_id = 10000",
            "home_attribute = \"unixHomeDirectory\"",
            "shell_attribute = \"loginShell\"",
            "bind_dn = \"svc-linux@corp.example\"",
        ],
        left: &["the service account", "CA|--ca"],
    },
    Row {
        name: "primary groups otherwise than gidNumber",
        old: "idmap config CORP : backend = ad\nidmap config CORP : range = 500-999999\nidmap config CORP : schema_mode = sfu\n",
        lines: &["min_id = 1000", "home = \"/home/CORP/%u\"", "shell = \"/bin/false\""],
        left: &[
            "unix_primary_group|gidNumber",
            "schema_mode|RFC 2307",
            "winbind use default domain (no)|crontabs",
        ],
    },
    Row {
        name: "RIDs in a range",
        old: "idmap config CORP : backend = rid\nidmap config CORP : range = 100000-199999\n\
              template homedir = /home/%D/%U\ntemplate shell = /bin/bash\nwinbind enum users = yes\n",
        lines: &[
            "mapping = \"sid\"",
            "range_min = 100000",
            "range_max = 200000",
            "range_size = 100000",
            "home = \"/home/CORP/%u\"",
            "shell = \"/bin/bash\"",
            "enumerate = true",
        ],
        left: &[],
    },
    Row {
        name: "ranges in the order of domains",
        old: "idmap config * : backend = autorid\nidmap config * : range = 1000000-19999999\nidmap config * : rangesize = 1000000\n",
        lines: &["range_min = 2000000  # SUPPOSED", "range_max = 3000000", "range_size = 1000000"],
        left: &[
            "idmap config * : backend (smb.conf:5)|net idmap get ranges|1000000 + its number * 1000000",
        ],
    },
    Row {
        name: "ids out of a table of the host",
        old: "idmap config * : backend = tdb\nidmap config * : range = 10000-20000\n",
        lines: &["mapping = \"sid\""],
        left: &["tdb, a table of this host|--keep-ids"],
    },
    Row {
        name: "who may log in, offline logins",
        old: "idmap config CORP : backend = rid\nidmap config CORP : range = 100000-199999\npassword server = dc1.corp.example\n\
              [share]\npath = /srv\n--- pam_winbind.conf\n[global]\nrequire_membership_of = CORP\\Linux Users, CORP\\Admins\n\
              cached_login = yes\nwarn_pwd_expire = 14\nkrb5_auth = yes\nmkhomedir = yes\n",
        lines: &[
            "uri = [\"ldaps://dc1.corp.example\"]",
            "allow = [\"@Linux Users\", \"@Admins\"]",
            "offline_days = 90",
            "warn_days = 14",
        ],
        left: &[
            "krb5_auth|Kerberos ticket",
            "mkhomedir|pam_mkhomedir",
            "/etc/pam.d|grep -r require",
        ],
    },
];

#[test]
fn what_winbind_gave_is_lost() {
    check_rows(Kind::Winbind, BEFORE, ROWS);
}

#[test]
fn a_rid_in_a_range_is_another_id() {
    for (more, rid, wanted) in
        [("", 1107, 101_107), ("idmap config CORP : base_rid = 1000\n", 1107, 100_107)]
    {
        let old = format!(
            "{BEFORE}idmap config CORP : backend = rid\nidmap config CORP : range = 100000-199999\n{more}"
        );
        let ids = loaded(&planned(Kind::Winbind, &old).toml("x"), "rid").config.ids;
        let space = IdSpace::new(ids.range_min, ids.range_max, ids.range_size).unwrap();
        let map = IdMap::new(space, "S-1-5-21-1-2-3".parse().unwrap(), ids.on_collision).unwrap();
        let sid = format!("S-1-5-21-1-2-3-{rid}").parse().unwrap();
        assert_eq!(map.id_of(sid), Ok(wanted), "{more}");
    }
}
