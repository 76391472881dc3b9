//! The attributes this directory knows: how each is compared, and which are made up on demand.
//!
//! An attribute that is not listed can still be stored: it is text. Listed names give AD's spelling.
#![forbid(unsafe_code)]

/// How an attribute's values are compared (AD's attributeSyntax, as far as it matters here).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Text, compared loosely.
    Text,
    /// A signed decimal number.
    Integer,
    /// Bytes, compared exactly; objectSid may also be asked for as `S-1-...`.
    Octets,
    /// A distinguished name.
    Name,
    /// GeneralizedTime, compared as text.
    Time,
    /// objectCategory: a DN that may be asked for by its class's short name.
    Category,
}

/// One attribute type.
#[derive(Debug)]
pub struct AttributeType {
    /// AD's spelling of the name.
    pub name: &'static str,
    /// How values compare.
    pub syntax: Syntax,
    /// Made up when asked for by name; never stored, never part of `*`, never matched by a filter.
    pub constructed: bool,
}

const fn stored(name: &'static str, syntax: Syntax) -> AttributeType {
    AttributeType { name, syntax, constructed: false }
}

const fn made_up(name: &'static str, syntax: Syntax) -> AttributeType {
    AttributeType { name, syntax, constructed: true }
}

use Syntax::{Category, Integer, Name, Octets, Text, Time};

/// The table. To add an attribute, add a line.
pub const ATTRIBUTES: &[AttributeType] = &[
    stored("accountExpires", Integer),
    stored("adminCount", Integer),
    stored("badPasswordTime", Integer),
    stored("badPwdCount", Integer),
    stored("c", Text),
    stored("cn", Text),
    stored("company", Text),
    stored("dc", Text),
    stored("department", Text),
    stored("description", Text),
    stored("displayName", Text),
    stored("distinguishedName", Name),
    stored("dNSHostName", Text),
    stored("dnsRoot", Text),
    stored("employeeID", Text),
    stored("employeeNumber", Text),
    stored("gecos", Text),
    stored("gidNumber", Integer),
    stored("givenName", Text),
    stored("groupType", Integer),
    stored("homeDirectory", Text),
    stored("info", Text),
    stored("instanceType", Integer),
    stored("invocationId", Octets),
    stored("ipPhone", Text),
    stored("l", Text),
    stored("lDAPAdminLimits", Text),
    stored("lastLogon", Integer),
    stored("lockOutObservationWindow", Integer),
    stored("lockoutDuration", Integer),
    stored("lockoutThreshold", Integer),
    stored("lockoutTime", Integer),
    stored("loginShell", Text),
    stored("logonCount", Integer),
    stored("logonHours", Octets),
    stored("mail", Text),
    stored("manager", Name),
    stored("maxPwdAge", Integer),
    stored("member", Name),
    stored("memberOf", Name),
    stored("memberUid", Text),
    stored("minPwdAge", Integer),
    stored("minPwdLength", Integer),
    stored("mobile", Text),
    stored("name", Text),
    stored("nCName", Name),
    stored("nETBIOSName", Text),
    stored("objectCategory", Category),
    stored("objectClass", Text),
    stored("objectGUID", Octets),
    stored("objectSid", Octets),
    stored("operatingSystem", Text),
    stored("ou", Text),
    stored("primaryGroupID", Integer),
    stored("proxyAddresses", Text),
    stored("pwdHistoryLength", Integer),
    stored("pwdLastSet", Integer),
    stored("pwdProperties", Integer),
    stored("sAMAccountName", Text),
    stored("sAMAccountType", Integer),
    stored("servicePrincipalName", Text),
    stored("sn", Text),
    stored("sshPublicKeys", Text),
    stored("street", Text),
    stored("telephoneNumber", Text),
    stored("title", Text),
    stored("uid", Text),
    stored("uidNumber", Integer),
    stored("unicodePwd", Octets),
    stored("unixHomeDirectory", Text),
    stored("uSNChanged", Integer),
    stored("uSNCreated", Integer),
    stored("userAccountControl", Integer),
    stored("userPassword", Octets),
    stored("userPrincipalName", Text),
    stored("userWorkstations", Text),
    stored("whenChanged", Time),
    stored("whenCreated", Time),
    made_up("canonicalName", Text),
    made_up("msDS-PrincipalName", Text),
    made_up("msDS-User-Account-Control-Computed", Integer),
    made_up("msDS-UserPasswordExpiryTimeComputed", Integer),
    made_up("primaryGroupToken", Integer),
    made_up("tokenGroups", Octets),
    made_up("tokenGroupsGlobalAndUniversal", Octets),
    made_up("tokenGroupsNoGCAcceptable", Octets),
];

/// The attribute of this name in any case, if the table has it.
pub fn find(name: &str) -> Option<&'static AttributeType> {
    ATTRIBUTES.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// How values of this attribute compare; text where the table does not say.
pub fn syntax_of(name: &str) -> Syntax {
    find(name).map_or(Text, |attribute| attribute.syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_case_and_stands_once() {
        assert_eq!(find("samaccountname").map(|found| found.name), Some("sAMAccountName"));
        for attribute in ATTRIBUTES {
            let same =
                ATTRIBUTES.iter().filter(|other| other.name.eq_ignore_ascii_case(attribute.name));
            assert_eq!(same.count(), 1, "{}", attribute.name);
        }
    }
}
