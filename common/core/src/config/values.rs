//! Readers for single values: each takes text and gives a checked value or says what is wrong.
#![forbid(unsafe_code)]

use super::errors::Fault;
use super::types::{LDAPS_PORT, ServerUri};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Deref;
use std::time::Duration;

/// The name of an LDAP attribute (RFC 4512 `oid`): a keyword or a dotted number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeName(String);

impl AttributeName {
    /// A name from this source code, known to be right.
    pub(super) fn known(name: &str) -> AttributeName {
        AttributeName(name.to_owned())
    }

    /// Checks a name.
    ///
    /// # Errors
    /// Anything but letters, digits and hyphens behind a letter, or a dotted number.
    pub fn parse(text: &str) -> Result<AttributeName, Fault> {
        if is_attribute_name(text) {
            return Ok(AttributeName(text.to_owned()));
        }
        Err(Fault::new(
            format!("{text:?} is no attribute name"),
            "write the LDAP display name of one attribute, such as \"sAMAccountName\" or \"mail\"",
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for AttributeName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is this an attribute's keyword or dotted number (RFC 4512 1.4)?
pub(super) fn is_attribute_name(text: &str) -> bool {
    let keyword = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    keyword || (text.contains('.') && text.split('.').all(number))
}

/// Reads one `ldaps://host[:port]`.
///
/// # Errors
/// Another scheme, a port that carries no LDAPS or no whole directory, a path, a bad host.
pub fn server_uri(text: &str) -> Result<ServerUri, Fault> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Fault::new(
            format!("{text:?} is no URI"),
            "write \"ldaps://\" and the server's name, as its certificate has it",
        ));
    };
    if text.contains(char::is_whitespace) {
        return Err(Fault::new(
            format!("{text:?} holds more than one URI"),
            "write a list: [\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example\"]",
        ));
    }
    check_scheme(text, scheme, rest)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '@']) {
        return Err(Fault::new(
            format!("{text:?} has more than a host and a port"),
            "leave the rest out; the search base is `base`",
        ));
    }
    let (host, port) = split_port(authority);
    let port = match port {
        None => LDAPS_PORT,
        Some(port) => ldaps_port(text, port)?,
    };
    Ok(ServerUri { host: host_name(host)?, port })
}

fn check_scheme(text: &str, scheme: &str, rest: &str) -> Result<(), Fault> {
    if scheme.eq_ignore_ascii_case("ldaps") {
        return Ok(());
    }
    if scheme.eq_ignore_ascii_case("ldap") {
        let host = split_port(rest.trim_end_matches('/')).0;
        return Err(Fault::new(
            format!("{text:?} is LDAP without TLS from the first byte, and only LDAPS is spoken"),
            format!("write \"ldaps://{host}\" (port {LDAPS_PORT})"),
        ));
    }
    Err(Fault::new(format!("{text:?}: the scheme {scheme:?} is not known"), "only \"ldaps://\" is"))
}

/// Splits `host:port`, `[v6]:port`; what is no port stays with the host.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => (authority, None),
        };
    }
    match authority.rsplit_once(':') {
        // More than one colon and no brackets: an IPv6 address, not a port.
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn ldaps_port(text: &str, port: &str) -> Result<u16, Fault> {
    match port.parse::<u16>() {
        Ok(389) => Err(Fault::new(
            format!("{text:?}: port 389 speaks LDAP without TLS from the first byte"),
            "leave the port out: LDAPS is on 636",
        )),
        Ok(3268 | 3269) => Err(Fault::new(
            format!(
                "{text:?}: port {port} is the Global Catalog, which holds a part of each object"
            ),
            "leave the port out: the whole directory is on 636",
        )),
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Fault::new(
            format!("{text:?}: {port:?} is no port"),
            "leave it out (636), or write a number from 1 to 65535",
        )),
    }
}

/// Reads a host name or an IP address; gives it in lower case.
///
/// # Errors
/// Neither.
pub(super) fn host_name(text: &str) -> Result<String, Fault> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    if text.parse::<Ipv6Addr>().is_err() && is_dns_name(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Fault::new(
        format!("{text:?} is neither a host name nor an IP address"),
        "write the server's full name, as its certificate has it, such as dc1.corp.example",
    ))
}

/// Reads a DNS domain; gives it in lower case without a final dot.
///
/// # Errors
/// A name of one label, an address, a URI.
pub(super) fn domain(text: &str) -> Result<String, Fault> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if is_dns_name(name) && name.contains('.') && name.parse::<IpAddr>().is_err() {
        return Ok(name.to_ascii_lowercase());
    }
    Err(Fault::new(
        format!("{text:?} is no DNS domain"),
        "write the domain's DNS name, such as \"corp.example\" (not its NetBIOS name, not a URI)",
    ))
}

/// Underscores are no part of host names, but some domains have them all the same.
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (1..=253).contains(&text.len()) && text.split('.').all(label)
}

/// Checks a distinguished name's form (RFC 4514): `attribute=value` parts with commas between.
///
/// # Errors
/// What is missing in which part.
pub(super) fn distinguished_name(text: &str) -> Result<String, Fault> {
    let fault = |problem: String| {
        Fault::new(
            format!("{text:?} is no distinguished name: {problem}"),
            "write it as in \"OU=People,DC=corp,DC=example\"",
        )
    };
    for part in split_unescaped(text, ',') {
        let Some((attribute, value)) = part.split_once('=') else {
            return Err(fault(format!("{:?} has no '='", part.trim())));
        };
        if !is_attribute_name(attribute.trim()) {
            return Err(fault(format!("{:?} is no attribute name", attribute.trim())));
        }
        if value.trim().is_empty() {
            return Err(fault(format!("{:?} has no value", attribute.trim())));
        }
    }
    if text.contains(|c: char| c.is_control()) {
        return Err(fault("it contains a control character".to_owned()));
    }
    Ok(text.trim().to_owned())
}

/// Splits at a separator that no backslash precedes.
fn split_unescaped(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (offset, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.push(&text[start..offset]);
            start = offset + character.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Reads the service account's name in one of the forms AD binds without guessing: a DN, a user
/// principal name, or `DOMAIN\name`.
///
/// # Errors
/// A bare name: AD would try display names too, and may find another account.
pub(super) fn bind_name(text: &str) -> Result<String, Fault> {
    let parts = |separator| {
        text.split_once(separator)
            .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
    };
    if text.contains('=') {
        return distinguished_name(text);
    }
    if text.trim() == text && !text.contains(char::is_control) && (parts('@') || parts('\\')) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        format!("{text:?} does not say which account in which domain"),
        "write a user principal name (\"svc-linux@corp.example\"), 'CORP\\svc-linux' in single \
         quotes, or the account's distinguished name",
    ))
}

/// Reads `"500ms"`, `"10s"`, `"5min"`, `"2h"`.
///
/// # Errors
/// No unit, another unit, no number.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds_per_unit = match unit.trim() {
        "ms" => Some(1),
        "s" => Some(1000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    number
        .zip(milliseconds_per_unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            Fault::new(
                format!("{text:?} is no length of time"),
                "write a whole number and its unit: \"500ms\", \"10s\", \"5min\", \"2h\"",
            )
        })
}

/// A home directory with places for what differs: `%u` name, `%U` uid, `%d` domain, `%%` a `%`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeTemplate(String);

impl Default for HomeTemplate {
    fn default() -> HomeTemplate {
        HomeTemplate("/home/%u".to_owned())
    }
}

impl HomeTemplate {
    /// Checks a template.
    ///
    /// # Errors
    /// Not absolute, an unknown `%`, one home for all users, characters a passwd field cannot hold.
    pub fn parse(text: &str) -> Result<HomeTemplate, Fault> {
        if names_the_user(text)? {
            return Ok(HomeTemplate(text.to_owned()));
        }
        Err(Fault::new(
            format!("{text:?} would give all users one home directory"),
            "put %u (user name) or %U (uid) into it, as in \"/home/%u\"",
        ))
    }

    /// Checks the template of one user alone, which need not name the user.
    ///
    /// # Errors
    /// As for [`HomeTemplate::parse`].
    pub(super) fn of_one(text: &str) -> Result<HomeTemplate, Fault> {
        names_the_user(text).map(|_| HomeTemplate(text.to_owned()))
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The home directory of one user. `name` must be a checked user name (no `/`, no `:`).
    #[must_use]
    pub fn expand(&self, name: &str, uid: u32, domain: &str) -> String {
        let mut home = String::with_capacity(self.0.len() + name.len());
        let mut characters = self.0.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                home.push(character);
                continue;
            }
            match characters.next() {
                Some('u') => home.push_str(name),
                Some('U') => home.push_str(&uid.to_string()),
                Some('d') => home.push_str(domain),
                _ => home.push('%'),
            }
        }
        home
    }
}

/// Checks a template; whether it says who the user is.
fn names_the_user(text: &str) -> Result<bool, Fault> {
    passwd_path(text)?;
    let mut characters = text.chars();
    let mut names_the_user = false;
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        match characters.next() {
            Some('u' | 'U') => names_the_user = true,
            Some('d' | '%') => {}
            other => {
                let shown: String = other.into_iter().collect();
                return Err(Fault::new(
                    format!("\"%{shown}\" in {text:?} stands for nothing"),
                    "there are %u (user name), %U (uid), %d (domain) and %% (a percent sign)",
                ));
            }
        }
    }
    Ok(names_the_user)
}

/// Checks a path for a field of passwd: absolute, nothing that ends or splits the field.
///
/// # Errors
/// Which of these it is.
pub(super) fn passwd_path(text: &str) -> Result<String, Fault> {
    passwd_text(text)?;
    if !text.starts_with('/') || text.split('/').any(|part| part == "..") {
        return Err(Fault::new(
            format!("{text:?} is no absolute path"),
            "write the whole path, from \"/\", without \"..\"",
        ));
    }
    Ok(text.to_owned())
}

/// Checks a text for a field of passwd: nothing that ends or splits the field.
///
/// # Errors
/// A colon, or a control character.
pub(super) fn passwd_text(text: &str) -> Result<String, Fault> {
    if text.contains(':') || text.contains(char::is_control) {
        return Err(Fault::new(
            format!("{text:?} holds a colon or a control character, which end a passwd field"),
            "leave them out",
        ));
    }
    Ok(text.to_owned())
}
