//! What becomes of sssd's keys that no line of ldaps.toml stands for: **a new key is a new line here**.
//! From the manual pages sssd.conf(5), sssd-ldap(5), sssd-ad(5), sssd-krb5(5).
#![forbid(unsafe_code)]

use super::super::entries::Fate::{Left, Needless};
use super::super::entries::Fates;

/// `[sssd]`
pub(super) const MAIN: Fates = &[
    ("config_file_version", Needless),
    ("debug*", Needless),
    ("timeout", Needless),
    ("reconnection_retries", Needless),
    ("user", Needless),
    ("monitor_*", Needless),
    ("disable_netlink", Needless),
    ("krb5_rcache_dir", Needless),
    ("domain_resolution_order", Needless),
    (
        "default_domain_suffix",
        Left(
            "a name without a domain is of the one domain that is served",
            "nothing, if it names that one",
        ),
    ),
    (
        "re_expression",
        Left(
            "names are read as alice, alice@corp.example (userPrincipalName) and CORP\\alice",
            "nothing, if people type those",
        ),
    ),
    (
        "certificate_verification",
        Left("smart cards are not read here", "keep sssd where they are used"),
    ),
];

/// `[domain/NAME]`
pub(super) const DOMAIN: Fates = &[
    ("debug*", Needless),
    ("timeout", Needless),
    ("description", Needless),
    ("realmd_tags", Needless),
    ("domain_type", Needless),
    ("chpass_provider", Needless),
    ("session_provider", Needless),
    ("hostid_provider", Needless),
    ("selinux_provider", Needless),
    ("ldap_default_authtok*", Needless),
    ("ldap_referrals", Needless),
    ("ldap_page_size", Needless),
    ("ldap_deref*", Needless),
    ("ldap_disable_*", Needless),
    ("ldap_connection_*", Needless),
    ("ldap_enumeration_*", Needless),
    ("ldap_purge_*", Needless),
    ("ldap_rootdse_*", Needless),
    ("ldap_library_*", Needless),
    ("ldap_ignore_unreadable_references", Needless),
    ("ldap_use_tokengroups", Needless),
    ("ldap_account_expire_policy", Needless),
    ("ldap_pwd_policy", Needless),
    ("ldap_force_upper_case_realm", Needless),
    ("ldap_search_timeout", Needless),
    ("ldap_sasl_*", Needless),
    ("ldap_krb5_*", Needless),
    ("ldap_idmap_helper_table_size", Needless),
    ("ldap_idmap_default_domain", Needless),
    ("ldap_idmap_autorid_compat", Needless),
    ("ldap_user_objectsid", Needless),
    ("ldap_group_objectsid", Needless),
    ("ldap_user_primary_group", Needless),
    ("ldap_user_principal", Needless),
    ("ldap_user_email", Needless),
    ("ldap_user_modify_timestamp", Needless),
    ("ldap_user_shadow_*", Needless),
    ("ldap_user_krb_*", Needless),
    ("ldap_user_ad_*", Needless),
    ("ldap_user_member_of", Needless),
    ("ldap_user_uuid", Needless),
    ("ldap_group_uuid", Needless),
    ("ldap_group_member", Needless),
    ("ldap_group_modify_timestamp", Needless),
    ("ldap_group_type", Needless),
    ("dns_resolver_*", Needless),
    ("lookup_family_order", Needless),
    ("entry_cache_nowait_percentage", Needless),
    ("refresh_expired_interval", Needless),
    ("cached_auth_timeout", Needless),
    ("cache_credentials_minimal_first_factor_length", Needless),
    ("account_cache_expiration", Needless),
    ("ad_enable_gc", Needless),
    ("ad_hostname", Needless),
    ("ad_site", Needless),
    ("ad_use_ldaps", Needless),
    ("krb5_*", Needless),
    ("fallback_homedir", Needless),
    ("homedir_substring", Needless),
    (
        "entry_cache_*",
        Left(
            "its counterpart is `positive` under [cache], whose default holds: changes are seen in seconds",
            "nothing",
        ),
    ),
    (
        "ldap_group_nesting_level",
        Left(
            "groups in groups count to any depth",
            "`--prove` shows who is in more groups than before",
        ),
    ),
    (
        "ldap_group_name",
        Left(
            "groups are called by their sAMAccountName",
            "mend what names groups otherwise: sudoers, sshd_config",
        ),
    ),
    (
        "ldap_user_object_class",
        Left("users are who matches `filter` under [users]", "compare with `--prove`"),
    ),
    (
        "ldap_group_object_class",
        Left("groups are what matches `filter` under [groups]", "compare with `--prove`"),
    ),
    ("ldap_id_use_start_tls", Left("LDAPS is spoken in its place", "port 636 has to be reachable")),
    (
        "ldap_tls_cipher_suite",
        Left(
            "ciphers are the system's",
            "`minimum` under [tls] asks for TLS 1.3; the rest is OpenSSL's own configuration",
        ),
    ),
    (
        "ldap_tls_cert",
        Left("no client certificate is shown", "the service account's password is enough for AD"),
    ),
    (
        "ldap_tls_key",
        Left("no client certificate is shown", "the service account's password is enough for AD"),
    ),
    (
        "ldap_sudo_*",
        Left("sudo rules are not read from the directory", "write them into /etc/sudoers.d"),
    ),
    (
        "sudo_provider",
        Left("sudo rules are not read from the directory", "write them into /etc/sudoers.d"),
    ),
    (
        "ldap_autofs_*",
        Left("automounter maps are not read from the directory", "write them into /etc/auto.*"),
    ),
    (
        "autofs_provider",
        Left("automounter maps are not read from the directory", "write them into /etc/auto.*"),
    ),
    ("ldap_netgroup_*", Left("netgroups are not served", "use groups")),
    ("ldap_service_*", Left("/etc/services is not served", "nothing, on most hosts")),
    ("subdomains_provider", Left("accounts of one domain are served", "see whether it is used")),
    ("subdomain_*", Left("accounts of one domain are served", "see whether it is used")),
    ("ad_enabled_domains", Left("accounts of one domain are served", "see whether it is used")),
    ("subid_provider", Left("subordinate ids stand in /etc/subuid", "write them there")),
    (
        "dyndns_*",
        Left("the host's DNS records are not kept", "let DHCP, or a job of the host's own, do it"),
    ),
    (
        "ad_gpo_*",
        Left(
            "group policies are not read",
            "write under [access] who may log in, for each service",
        ),
    ),
    (
        "ad_maximum_machine_account_password_age",
        Left(
            "nothing renews the machine account's password once sssd is gone",
            "where the host stays joined for others (Samba), they renew it; or else leave the domain",
        ),
    ),
    (
        "ad_machine_account_password_renewal_opts",
        Left(
            "nothing renews the machine account's password once sssd is gone",
            "where the host stays joined for others (Samba), they renew it; or else leave the domain",
        ),
    ),
    (
        "re_expression",
        Left(
            "names are read as alice, alice@corp.example (userPrincipalName) and CORP\\alice",
            "nothing, if people type those",
        ),
    ),
    ("proxy_*", Left("there is no proxy provider", "see whether it is used")),
    ("local_auth_policy", Left("smart cards are not read here", "keep sssd where they are used")),
];

/// `[nss]`
pub(super) const NSS: Fates = &[
    ("debug*", Needless),
    ("reconnection_retries", Needless),
    ("fd_limit", Needless),
    ("memcache_*", Needless),
    ("enum_cache_timeout", Needless),
    ("entry_cache_nowait_percentage", Needless),
    ("get_domains_timeout", Needless),
    ("filter_users_in_groups", Needless),
    ("fallback_homedir", Needless),
    ("homedir_substring", Needless),
    ("pwfield", Needless),
    (
        "filter_users",
        Left(
            "names of the host are withheld by themselves, and there is no list of others",
            "a `condition` under [users], such as (!(sAMAccountName=name)), withholds an account",
        ),
    ),
    (
        "filter_groups",
        Left(
            "names of the host are withheld by themselves, and there is no list of others",
            "a `filter` under [groups] withholds a group",
        ),
    ),
    (
        "vetoed_shells",
        Left("there is a list of the shells that are allowed", "`allowed_shells` under [users]"),
    ),
    (
        "user_attributes",
        Left("there is no InfoPipe", "[profile] gives applications attributes, by ldapsctl user"),
    ),
];

/// `[pam]`
pub(super) const PAM: Fates = &[
    ("debug*", Needless),
    ("reconnection_retries", Needless),
    ("pam_verbosity", Needless),
    ("pam_id_timeout", Needless),
    ("pam_response_filter", Needless),
    ("pam_account_*", Needless),
    (
        "offline_failed_login_*",
        Left("wrong passwords while offline wait longer each time, and stop at 20", "nothing"),
    ),
    ("pam_cert_*", Left("smart cards are not read here", "keep sssd where they are used")),
    ("pam_p11_*", Left("smart cards are not read here", "keep sssd where they are used")),
    (
        "pam_gssapi_*",
        Left("sudo by Kerberos ticket has no counterpart", "people type their password"),
    ),
    (
        "pam_trusted_users",
        Left(
            "root may ask for anybody, and everybody for themselves",
            "[pam.callers] names others",
        ),
    ),
    ("pam_public_domains", Left("accounts of one domain are served", "nothing")),
    (
        "pam_app_services",
        Left("application domains are not there", "[profile] gives applications attributes"),
    ),
];
