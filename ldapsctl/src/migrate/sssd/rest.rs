//! What is held, enumeration, offline logins, SSH keys, warnings; and the sections of other services.
#![forbid(unsafe_code)]

use super::super::entries::Section;
use super::super::plan::Plan;
use super::super::servers;
use super::Sssd;

/// `pam.offline_days` at most.
const OFFLINE_MAX: u32 = 90;
/// `cache.negative` at most, in seconds.
const NEGATIVE_MAX: u32 = 86_400;

pub(super) fn plan(sssd: &mut Sssd, main: &mut Section, plan: &mut Plan) {
    if let Some(entry) = sssd.domain.take("enumerate")
        && entry.flag() == Some(true)
    {
        plan.set("nss", "enumerate", true, "enumerate");
    }
    if let Some(entry) = sssd.nss.take("entry_negative_timeout")
        && let Some(time) = servers::seconds(&entry, NEGATIVE_MAX)
    {
        plan.set("cache", "negative", time, "entry_negative_timeout");
    }
    offline(sssd, plan);
    warning_days(sssd, plan);
    keys(sssd, plan);
    tickets(sssd, plan);
    services(main, plan);
}

fn offline(sssd: &mut Sssd, plan: &mut Plan) {
    let expiration = sssd.pam.take("offline_credentials_expiration");
    let caches = sssd.domain.take("cache_credentials").and_then(|entry| entry.flag()) == Some(true);
    if !caches {
        plan.needless.extend(expiration.map(|entry| entry.key));
        return;
    }
    let days = expiration.as_ref().and_then(|entry| entry.value.parse::<u32>().ok()).unwrap_or(0);
    if days == 0 || days > OFFLINE_MAX {
        plan.set("pam", "offline_days", OFFLINE_MAX, "cache_credentials");
        plan.leave_key(
            "offline_credentials_expiration",
            "offline logins without an end have no counterpart",
            format!(
                "they end {OFFLINE_MAX} days after the last login that the directory confirmed"
            ),
        );
    } else {
        plan.set("pam", "offline_days", days, "cache_credentials, offline_credentials_expiration");
    }
    plan.leave_key(
        "cache_credentials",
        "the passwords that sssd has cached stay with it",
        "everybody logs in once while the directory can be reached",
    );
}

fn warning_days(sssd: &mut Sssd, plan: &mut Plan) {
    let of_all = sssd.pam.take("pam_pwd_expiration_warning");
    let entry = sssd.domain.take("pwd_expiration_warning").or(of_all);
    if let Some(entry) = entry
        && let Ok(days) = entry.value.parse::<u32>()
        && days > 0
    {
        plan.set("pam", "warn_days", days, &entry.key);
    }
}

fn keys(sssd: &mut Sssd, plan: &mut Plan) {
    let Some(entry) = sssd.domain.take("ldap_user_ssh_public_key") else { return };
    if ldaps_core::config::is_self_writable(&entry.value) {
        plan.leave(
            &entry,
            "people may write that attribute on themselves in Active Directory",
            "use altSecurityIdentities, or allow_self_writable = true under [ssh]",
        );
    } else {
        plan.set("ssh", "attribute", entry.value.as_str(), &entry.key);
    }
}

/// Kerberos: the one thing that people miss in a session.
fn tickets(sssd: &mut Sssd, plan: &mut Plan) {
    let provider = sssd.domain.take("auth_provider");
    let name = provider.as_ref().map_or(sssd.provider.as_str(), |entry| entry.value.as_str());
    if ["ad", "krb5"].contains(&name.to_lowercase().as_str()) {
        plan.leave_key(
            "auth_provider = ad or krb5",
            "a login leaves no Kerberos ticket: passwords are checked over LDAPS",
            "where NFS with sec=krb5 or single sign-on is used, people run kinit, or keep sssd",
        );
    }
}

fn services(main: &mut Section, plan: &mut Plan) {
    let Some(entry) = main.take("services") else { return };
    for service in entry.list() {
        match service.as_str() {
            "nss" | "pam" | "pac" | "ifp" => {}
            "ssh" => plan.leave(
                &entry,
                "sshd gets keys by sss_ssh_authorizedkeys",
                "name `ldapsctl ssh-keys` in its place: etc/ssh/sshd_config.d/ldaps-login-keys.conf is a \
                 sample",
            ),
            "sudo" => plan.leave(
                &entry,
                "sudo rules are not read from the directory",
                "write them into /etc/sudoers.d, by group: %linux-admins ALL=(ALL) ALL",
            ),
            other => plan.leave(&entry, format!("the service {other} has no counterpart"), "see whether it is used"),
        }
    }
}

/// Sections of services that are not ours.
pub(super) fn other_sections(sections: Vec<Section>, plan: &mut Plan) {
    for section in sections {
        let name = format!("[{}]", section.name);
        if section.name.contains('/') {
            plan.leave_key(&name, "accounts of one domain are served", "see whether it is used");
        } else {
            plan.needless.push(name);
        }
    }
}
