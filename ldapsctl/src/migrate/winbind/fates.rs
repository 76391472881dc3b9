//! What becomes of keys that no line of ldaps.toml stands for: **a new key is a new line here**. From
//! smb.conf(5), pam_winbind.conf(5). Most of smb.conf is about file shares, and stays as it is.
#![forbid(unsafe_code)]

use super::super::entries::Fate::{Left, Needless};
use super::super::entries::Fates;

/// `[global]` of smb.conf
pub(super) const GLOBAL: Fates = &[
    ("winbind enum *", Needless),
    ("winbind cache time", Needless),
    ("winbind max *", Needless),
    ("winbind reconnect delay", Needless),
    ("winbind request timeout", Needless),
    ("winbind nested groups", Needless),
    (
        "winbind normalize names",
        Left(
            "names are shown as the directory has them, in lower case, with their spaces",
            "mend what names groups otherwise: sudoers, sshd_config",
        ),
    ),
    (
        "winbind expand groups",
        Left("groups in groups count to any depth", "compare with `--prove`"),
    ),
    (
        "winbind offline logon",
        Left(
            "offline logins are `offline_days` under [pam]",
            "write it there, if cached_login stands in /etc/pam.d",
        ),
    ),
    (
        "winbind refresh tickets",
        Left("a login leaves no Kerberos ticket", "people run kinit, or keep winbind"),
    ),
    ("winbind *", Left("it has no counterpart", "see in smb.conf(5) whether it matters here")),
    ("kerberos method", Needless),
    ("dedicated keytab file", Needless),
    // File shares and their protocol are smbd's, and are left alone.
    ("*", Needless),
];

/// `[global]` of pam_winbind.conf
pub(super) const PAM: Fates = &[
    ("debug*", Needless),
    ("silent", Needless),
    ("try_first_pass", Needless),
    ("use_first_pass", Needless),
    ("krb5_auth", Left("a login leaves no Kerberos ticket", "people run kinit, or keep winbind")),
    (
        "krb5_ccache_type",
        Left("a login leaves no Kerberos ticket", "people run kinit, or keep winbind"),
    ),
    (
        "mkhomedir",
        Left("home directories are made by pam_mkhomedir", "pam-auth-update --enable mkhomedir"),
    ),
];
