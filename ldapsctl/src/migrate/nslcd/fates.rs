//! What becomes of nslcd's keywords that no line of ldaps.toml stands for: **a new keyword is a new
//! line here**. From nslcd.conf(5).
#![forbid(unsafe_code)]

use super::super::entries::Fate::{Left, Needless};
use super::super::entries::Fates;

pub(super) const ALL: Fates = &[
    ("threads", Needless),
    ("uid", Needless),
    ("gid", Needless),
    ("log", Needless),
    ("ldap_version", Needless),
    ("idle_timelimit", Needless),
    ("reconnect_*", Needless),
    ("pagesize", Needless),
    ("referrals", Needless),
    ("deref", Needless),
    ("scope", Needless),
    ("ssl", Needless),
    ("cache", Needless),
    ("validnames", Needless),
    ("reconnect_invalidate", Needless),
    ("nss_initgroups_ignoreusers", Needless),
    ("nss_getgrent_skipmembers", Needless),
    ("pam_authc_search", Needless),
    ("pam_authc_ppolicy", Needless),
    ("map group member", Needless),
    ("map group memberuid", Needless),
    ("map group userpassword", Needless),
    ("map passwd userpassword", Needless),
    ("map passwd objectsid", Needless),
    ("map shadow *", Needless),
    ("filter shadow", Needless),
    ("base shadow", Needless),
    ("scope shadow", Needless),
    (
        "scope *",
        Left("searches go through the whole tree below the base", "compare with `--prove`"),
    ),
    (
        "ignorecase",
        Left(
            "names are shown in lower case, and any spelling finds them",
            "mend crontabs and sudoers that name accounts with capitals",
        ),
    ),
    ("rootpwmoddn", Left("root changes nobody's password", "do that in Active Directory")),
    ("rootpwmodpw", Left("root changes nobody's password", "do that in Active Directory")),
    (
        "sasl_*",
        Left(
            "the service account binds with its password over LDAPS",
            "give it one: bind_dn, bind_secret",
        ),
    ),
    ("krb5_ccname", Left("no Kerberos is spoken", "give the service account a password")),
    (
        "tls_cert",
        Left("no client certificate is shown", "the service account's password is enough for AD"),
    ),
    (
        "tls_key",
        Left("no client certificate is shown", "the service account's password is enough for AD"),
    ),
    ("tls_ciphers", Left("ciphers are the system's", "`minimum` under [tls] asks for TLS 1.3")),
    ("tls_randfile", Needless),
    (
        "tls_reqsan",
        Left("the name must stand among the certificate's alternative names", "nothing"),
    ),
    (
        "pam_password_prohibit_message",
        Left("people may change their passwords", "take `passwd` from them"),
    ),
    (
        "map *",
        Left("that attribute is not read, or that map is not served", "see whether it is used"),
    ),
    ("base *", Left("that map is not served: users and groups are", "see whether it is used")),
    ("filter *", Left("that map is not served: users and groups are", "see whether it is used")),
];
