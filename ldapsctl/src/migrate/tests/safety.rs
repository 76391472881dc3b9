//! What must not happen, whatever the old configuration says.

use super::super::source::Kind;
use super::{loaded, notes, planned};

const SSSD: &str =
    "[sssd]\ndomains = corp.example\n[domain/corp.example]\nid_provider = ldap\nldap_schema = ad\n";
const NSLCD: &str = "uri ldaps://dc1.corp.example\nbinddn svc@corp.example\n";
const SMB: &str =
    "[global]\nworkgroup = CORP\nrealm = corp.example\n--- pam_winbind.conf\n[global]\n";

/// Rules that have no counterpart: with the rest alone, more people would get in than before.
const RULES: &[(Kind, &str, &str)] = &[
    (Kind::Sssd, SSSD, "access_provider = ipa\n"),
    (
        Kind::Sssd,
        SSSD,
        "access_provider = ldap\nldap_access_order = filter, host\nldap_access_filter = (a=b)\n",
    ),
    (Kind::Sssd, SSSD, "access_provider = ldap\nldap_access_filter = (mobile=1)\n"),
    (Kind::Sssd, SSSD, "access_provider = ldap\nldap_access_filter = (a=b\n"),
    (Kind::Sssd, SSSD, "access_provider = simple\nsimple_deny_users = eve@other.example\n"),
    (Kind::Sssd, SSSD, "access_provider = ad\n"),
    (
        Kind::Sssd,
        SSSD,
        "access_provider = ad\nad_gpo_access_control = permissive\nad_access_filter = DOM:other.example:(a=b)\n",
    ),
    (Kind::Sssd, SSSD, "ldap_user_search_base = OU=a,DC=b??(info=linux)\n"),
    (Kind::Nslcd, NSLCD, "pam_authz_search (&(objectClass=posixAccount)(host=$hostname))\n"),
    (Kind::Nslcd, NSLCD, "pam_authz_search (&(sAMAccountName=$username)(mobile=1))\n"),
    (Kind::Nslcd, NSLCD, "filter passwd (description=linux\n"),
    (Kind::Winbind, SMB, "require_membership_of = S-1-5-21-1-2-3-1107\n"),
];

#[test]
fn a_rule_that_cannot_be_carried_over_lets_everybody_in() {
    for (kind, before, rule) in RULES {
        let plan = planned(*kind, &format!("{before}{rule}"));
        let toml = plan.toml("x");
        assert!(plan.is_closed(), "{rule}\n{toml}");
        let access = loaded(&toml, rule).config.access;
        assert_eq!(access.allow, [], "{rule}\n{toml}");
        assert!(
            notes(&plan).iter().any(|note| note.contains("[access]") || note.contains("log in")),
            "{rule}"
        );
    }
}

#[test]
fn a_password_is_printed() {
    for (kind, old) in [
        (Kind::Sssd, format!("{SSSD}ldap_default_authtok = Geheim.1\n")),
        (
            Kind::Sssd,
            format!(
                "{SSSD}ldap_default_authtok_type = obfuscated_password\nldap_default_authtok = Geheim.1\n"
            ),
        ),
        (Kind::Nslcd, format!("{NSLCD}bindpw Geheim.1\nrootpwmodpw Geheim.1\n")),
    ] {
        let plan = planned(kind, &old);
        let said = format!("{}{}{}", plan.toml("x"), notes(&plan).concat(), plan.needless.concat());
        assert!(!said.contains("Geheim"), "{said}");
    }
    let plan = planned(Kind::Nslcd, &format!("{NSLCD}bindpw Geheim.1\n"));
    assert_eq!(plan.secret.as_ref().map(|secret| secret.as_str()), Some("Geheim.1"));
}

#[test]
fn a_value_breaks_out_of_its_quotes() {
    let plan = planned(Kind::Nslcd, "uri ldaps://dc1.corp.example\nbinddn CN=a\\\"b,DC=x\n");
    let config = loaded(&plan.toml("x\n[access]"), "quotes").config;
    assert_eq!(config.directory.bind_dn, "CN=a\\\"b,DC=x");
}
