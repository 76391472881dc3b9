//! `[profile]`: what applications are told of people besides what `getent` shows, and which
//! applications.
#![forbid(unsafe_code)]

use super::document::Section;
use super::errors::Fault;
use super::read_policy::is_local_user;
use super::values::AttributeName;

/// What is in every profile, one text each: AD's schema has a single value of them.
pub const STANDING_ATTRIBUTES: [&str; 4] = ["displayName", "givenName", "sn", "mail"];

/// `[profile]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Attributes besides [`STANDING_ATTRIBUTES`], none twice and none of them secret.
    pub attributes: Vec<AttributeName>,
    /// The local users that may read the profile of others.
    pub readers: Vec<String>,
}

/// Secrets, keys, and what opens them. Those that end with "password" or "pwd" or begin with "msLAPS-"
/// are not listed: that alone refuses them. AD gives most of them to nobody or to administrators;
/// a service account with more rights than it should have must not make them everybody's.
///
/// Source: MS-ADTS 3.1.1.4.4 (never read by LDAP), the attributes that MS-ADA1 to MS-ADA3 mark
/// confidential (searchFlags 0x80), and Samba's and LAPS's own.
const SECRET: &[&str] = &[
    "currentValue",
    "initialAuthIncoming",
    "initialAuthOutgoing",
    "krbPrincipalKey",
    "lmPwdHistory",
    "ms-Mcs-AdmPwdHistory",
    "msDS-KeyCredentialLink",
    "msDS-ManagedPasswordId",
    "msDS-ManagedPasswordPreviousId",
    "msFVE-KeyPackage",
    "msKds-RootKeyData",
    "msPKIAccountCredentials",
    "msPKI-CredentialRoamingTokens",
    "msPKIDPAPIMasterKeys",
    "msTPM-OwnerInformation",
    "ntPwdHistory",
    "priorValue",
    "pwdHistory",
    "sambaPasswordHistory",
    "supplementalCredentials",
    "trustAuthIncoming",
    "trustAuthOutgoing",
];

/// Is what this attribute holds for nobody's eyes?
fn is_secret(attribute: &str) -> bool {
    let name = attribute.to_ascii_lowercase();
    name.ends_with("password")
        || name.ends_with("pwd")
        || name.starts_with("mslaps-")
        || SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(attribute))
}

/// `[profile]`
pub(super) fn profile(mut section: Section<'_, '_>) -> Profile {
    let attributes = section.parsed_list("attributes", attribute);
    let readers = section.parsed_list("readers", reader);
    section.finish();
    let mut profile = Profile::default();
    for name in attributes.into_iter().flatten().map(|at| at.value) {
        let same = |other: &str| other.eq_ignore_ascii_case(&name);
        let is_known = STANDING_ATTRIBUTES.into_iter().any(same)
            || profile.attributes.iter().any(|other| same(other));
        if !is_known {
            profile.attributes.push(name);
        }
    }
    profile.readers = readers.into_iter().flatten().map(|at| at.value).collect();
    profile
}

fn attribute(text: &str) -> Result<AttributeName, Fault> {
    let name = AttributeName::parse(text)?;
    // AD answers with the name whatever it was asked by, and a number would hide a secret.
    if name.contains('.') {
        return Err(Fault::new(
            format!("{text:?} is an attribute's number"),
            "write its LDAP display name, such as \"department\"",
        ));
    }
    if is_secret(&name) {
        return Err(Fault::new(
            format!("{text} holds a secret, which no application is told"),
            "take it out, and take the right to read it from the service account",
        ));
    }
    Ok(name)
}

fn reader(text: &str) -> Result<String, Fault> {
    // Whoever runs as nobody has been given no rights; a user namespace shows everybody so.
    if is_local_user(text) && text != "nobody" {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        format!("{text:?} is no local user who could be told of others"),
        "write the user of /etc/passwd that the application runs as, as in \"www-data\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_or_a_fact_about_a_password_is_not() {
        for name in [
            "unicodePwd",
            "userPassword",
            "dBCSPwd",
            "ntPwdHistory",
            "lmPwdHistory",
            "supplementalCredentials",
            "unixUserPassword",
            "msSFU30Password",
            "ms-Mcs-AdmPwd",
            "msLAPS-Password",
            "msLAPS-EncryptedPassword",
            "msLAPS-EncryptedPasswordHistory",
            "msLAPS-EncryptedDSRMPassword",
            "msDS-ManagedPassword",
            "msDS-KeyCredentialLink",
            "msDS-ExecuteScriptPassword",
            "msFVE-RecoveryPassword",
            "sambaNTPassword",
            "trustAuthIncoming",
            "UNICODEPWD",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["mail", "department", "telephoneNumber", "pwdLastSet", "badPwdCount"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
