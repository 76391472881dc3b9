//! The attributes that people may write on their own object in Active Directory.
//!
//! Whoever finds a login by such an attribute, or decides by it who is a user, lets people rename
//! themselves into somebody else, or admit themselves.
//!
//! Source: the default security descriptor of the class `user` grants SELF ("PS") the right to write
//! the property sets Personal-Information {77B5B886-944A-11D1-AEBD-0000F80367C1}, Web-Information
//! {E45795B3-9455-11D1-AEBD-0000F80367C1} and Phone-and-Mail-Options
//! {E45795B2-9455-11D1-AEBD-0000F80367C1}, which has no members. An attribute belongs to a set by its
//! attributeSecurityGUID. Both are in Microsoft's schema files for Windows Server 2016 (MS-ADSC,
//! MS-ADA1 to MS-ADA3), as Samba ships them: setup/ad-schema/AD_DS_{Classes,Attributes}__Windows_Server_2016.ldf.
#![forbid(unsafe_code)]

use super::errors::{At, Place, Report};
use super::filter::LdapFilter;

/// Members of Personal-Information, sorted without regard to case.
const PERSONAL_INFORMATION: &[&str] = &[
    "assistant",
    "c",
    "facsimileTelephoneNumber",
    "homePhone",
    "homePostalAddress",
    "info",
    "internationalISDNNumber",
    "ipPhone",
    "l",
    "mobile",
    "msDS-cloudExtensionAttribute1",
    "msDS-cloudExtensionAttribute10",
    "msDS-cloudExtensionAttribute11",
    "msDS-cloudExtensionAttribute12",
    "msDS-cloudExtensionAttribute13",
    "msDS-cloudExtensionAttribute14",
    "msDS-cloudExtensionAttribute15",
    "msDS-cloudExtensionAttribute16",
    "msDS-cloudExtensionAttribute17",
    "msDS-cloudExtensionAttribute18",
    "msDS-cloudExtensionAttribute19",
    "msDS-cloudExtensionAttribute2",
    "msDS-cloudExtensionAttribute20",
    "msDS-cloudExtensionAttribute3",
    "msDS-cloudExtensionAttribute4",
    "msDS-cloudExtensionAttribute5",
    "msDS-cloudExtensionAttribute6",
    "msDS-cloudExtensionAttribute7",
    "msDS-cloudExtensionAttribute8",
    "msDS-cloudExtensionAttribute9",
    "msDS-ExternalDirectoryObjectId",
    "msDS-FailedInteractiveLogonCount",
    "msDS-FailedInteractiveLogonCountAtLastSuccessfulLogon",
    "msDS-GeoCoordinatesAltitude",
    "msDS-GeoCoordinatesLatitude",
    "msDS-GeoCoordinatesLongitude",
    "msDS-HostServiceAccount",
    "msDS-LastFailedInteractiveLogonTime",
    "msDS-LastSuccessfulInteractiveLogonTime",
    "msDS-SupportedEncryptionTypes",
    "mSMQDigests",
    "mSMQSignCertificates",
    "otherFacsimileTelephoneNumber",
    "otherHomePhone",
    "otherIpPhone",
    "otherMobile",
    "otherPager",
    "otherTelephone",
    "pager",
    "personalTitle",
    "physicalDeliveryOfficeName",
    "postalAddress",
    "postalCode",
    "postOfficeBox",
    "preferredDeliveryMethod",
    "primaryInternationalISDNNumber",
    "primaryTelexNumber",
    "registeredAddress",
    "st",
    "street",
    "streetAddress",
    "telephoneNumber",
    "teletexTerminalIdentifier",
    "telexNumber",
    "thumbnailPhoto",
    "userCert",
    "userCertificate",
    "userSharedFolder",
    "userSharedFolderOther",
    "userSMIMECertificate",
    "x121Address",
];

/// Members of Web-Information.
const WEB_INFORMATION: &[&str] = &["url", "wWWHomePage"];

/// May people write this attribute on themselves, as Active Directory comes?
#[must_use]
pub fn is_self_writable(attribute: &str) -> bool {
    PERSONAL_INFORMATION
        .iter()
        .chain(WEB_INFORMATION)
        .any(|name| name.eq_ignore_ascii_case(attribute))
}

/// Judges every attribute of a filter as [`judge`] does.
pub(super) fn judge_filter(key: &str, filter: &At<LdapFilter>, forced: bool, report: &Report) {
    for attribute in filter.value.attributes() {
        judge(key, attribute, &filter.place, forced, report);
    }
}

/// Refuses an attribute that people may write on themselves, or takes note of it where
/// `allow_self_writable` is on. `key` is where it is named, with its section.
pub(super) fn judge(key: &str, attribute: &str, place: &Place, forced: bool, report: &Report) {
    if !is_self_writable(attribute) {
        return;
    }
    let section = key.split('.').next().unwrap_or(key);
    let problem = format!(
        "{key}: in Active Directory people may write {attribute} on themselves, so anybody could \
         choose the value that counts here"
    );
    match forced {
        true => report.self_writable(
            place,
            problem,
            format!(
                "take that right away in AD, from SELF, for {attribute}; or take an attribute that \
                 only administrators write, and allow_self_writable out of [{section}]"
            ),
        ),
        false => report.error(
            place,
            problem,
            format!(
                "take an attribute that only administrators write, or, where your domain has taken \
                 that right away, set allow_self_writable = true under [{section}]"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_the_issue_are_refused_and_those_of_a_login_are_not() {
        for name in ["ipPhone", "info", "mobile", "street", "wWWHomePage", "IPPHONE"] {
            assert!(is_self_writable(name), "{name}");
        }
        for name in [
            "sAMAccountName",
            "userPrincipalName",
            "mail",
            "sAMAccountType",
            "memberOf",
            "uidNumber",
            "gidNumber",
            "unixHomeDirectory",
            "loginShell",
            "displayName",
            "department",
        ] {
            assert!(!is_self_writable(name), "{name}");
        }
    }
}
