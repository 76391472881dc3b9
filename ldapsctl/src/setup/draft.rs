//! `ldaps.toml` as it is to be: a new one is short and explains itself; one that is there keeps every
//! line and comment that is not concerned.
#![forbid(unsafe_code)]

use ldaps_core::config::{ServerUri, Servers, Subject};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// What is to hold.
pub struct Wanted {
    /// Where the domain controllers are; None: as it is said already, here or in ldap.conf.
    pub servers: Option<Servers>,
    /// Addresses of some of them.
    pub addresses: BTreeMap<String, IpAddr>,
    /// The service account.
    pub bind_dn: String,
    /// Where searches start, if not as it is already.
    pub base: Option<String>,
    /// The file of CAs, if not as it is already.
    pub ca: Option<PathBuf>,
    /// Who may log in.
    pub allow: Vec<Subject>,
    /// For how many days without a domain controller, if not as it is already.
    pub offline_days: Option<u32>,
}

/// What an `ldaps.toml` says of the things that are asked for here.
#[derive(Debug, Default, PartialEq)]
pub struct Stated {
    /// `uri` or `domain` is there.
    pub servers: bool,
    /// `bind_dn`
    pub bind_dn: Option<String>,
    /// `bind_secret`
    pub bind_secret: Option<PathBuf>,
    /// `ca`
    pub ca: Option<PathBuf>,
    /// `access.allow`
    pub allow: Option<Vec<String>>,
    /// `pam.offline_days`
    pub offline_days: Option<u32>,
}

/// Parses the text.
///
/// # Errors
/// What is wrong with it, with the line.
pub fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse::<DocumentMut>().map_err(|error| error.to_string())
}

/// Reads what it says, as far as it says it in the right form: the rest is said by the configuration
/// reader.
pub fn stated(document: &DocumentMut) -> Stated {
    let item = |section: &str, key: &str| document.get(section)?.as_table_like()?.get(key);
    let text = |section, key| item(section, key)?.as_str().map(str::to_owned);
    let allow = item("access", "allow").map(|item| match item.as_array() {
        Some(array) => array.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => item.as_str().map(str::to_owned).into_iter().collect(),
    });
    Stated {
        servers: item("directory", "uri").or(item("directory", "domain")).is_some(),
        bind_dn: text("directory", "bind_dn"),
        bind_secret: text("directory", "bind_secret").map(PathBuf::from),
        ca: text("tls", "ca").map(PathBuf::from),
        allow,
        offline_days: item("pam", "offline_days")
            .and_then(Item::as_integer)
            .and_then(|days| u32::try_from(days).ok()),
    }
}

/// The text with all that is wanted in it.
///
/// # Errors
/// A sentence about a section that is none.
pub fn write(document: &DocumentMut, wanted: &Wanted) -> Result<String, String> {
    match document.as_table().is_empty() {
        true => Ok(format!("{document}{}", new(wanted))),
        false => {
            let mut document = document.clone();
            edit(&mut document, wanted)?;
            Ok(document.to_string())
        }
    }
}

fn new(wanted: &Wanted) -> String {
    let mut text = String::from(
        "# People from Active Directory on this host. Written by `ldapsctl setup`; every key: man ldaps.toml.\n\
         # After a change: ldapsctl check-config && systemctl reload ldapsd\n\n\
         [directory]\n",
    );
    match &wanted.servers {
        Some(Servers::Domain(domain)) => {
            text += "# The domain controllers are those that DNS names for this domain.\n";
            let _ = writeln!(text, "domain = {}", quoted(domain));
        }
        Some(Servers::Uris(uris)) => {
            text += "# The domain controllers, by the names in their certificates; tried in this order.\n";
            let _ = writeln!(text, "uri = {}", list(uris.iter().map(ServerUri::to_string)));
        }
        None => text += "# The domain controllers are those of URI in /etc/ldap/ldap.conf.\n",
    }
    text += "# The service account; its password is in /etc/ldaps/secret.\n";
    let _ = writeln!(text, "bind_dn = {}", quoted(&wanted.bind_dn));
    if let Some(base) = &wanted.base {
        let _ = writeln!(text, "base = {}", quoted(base));
    }
    if !wanted.addresses.is_empty() {
        text += "\n# Where they are, as DNS does not know their names.\n[directory.address]\n";
        for (name, address) in &wanted.addresses {
            let _ = writeln!(text, "{} = \"{address}\"", quoted(name));
        }
    }
    if let Some(ca) = &wanted.ca {
        let _ = writeln!(
            text,
            "\n[tls]\n# Who signs their certificates.\nca = {}",
            quoted(&ca.display().to_string())
        );
    }
    text += "\n[access]\n# Who may log in: users, @groups (those inside them, too), or \"*\" for everybody.\n";
    let _ = writeln!(text, "allow = {}", list(wanted.allow.iter().map(Subject::to_string)));
    if let Some(days) = wanted.offline_days.filter(|days| *days > 0) {
        text += "\n[pam]\n# For so many days, who has logged in before may do so while no domain controller answers.\n";
        let _ = writeln!(text, "offline_days = {days}");
    }
    text
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Array>().to_string()
}

fn edit(document: &mut DocumentMut, wanted: &Wanted) -> Result<(), String> {
    let before = stated(document);
    let directory = section(document, "directory")?;
    match &wanted.servers {
        Some(Servers::Domain(domain)) => {
            directory.remove("uri");
            set(directory, "domain", Value::from(domain.as_str()));
        }
        Some(Servers::Uris(uris)) => {
            directory.remove("domain");
            let uris: Array = uris.iter().map(ServerUri::to_string).collect();
            set(directory, "uri", Value::from(uris));
        }
        None => {}
    }
    if before.bind_dn.as_ref() != Some(&wanted.bind_dn) {
        set(directory, "bind_dn", Value::from(wanted.bind_dn.as_str()));
    }
    if let Some(base) = &wanted.base {
        set(directory, "base", Value::from(base.as_str()));
    }
    if !wanted.addresses.is_empty() {
        let address = directory.entry("address").or_insert(Item::Table(Table::new()));
        let address = address.as_table_like_mut().ok_or("directory.address is no section.")?;
        for (name, ip) in &wanted.addresses {
            set(address, name, Value::from(ip.to_string()));
        }
    }
    if let Some(ca) = &wanted.ca {
        set(section(document, "tls")?, "ca", Value::from(ca.display().to_string()));
    }
    let allow: Vec<String> = wanted.allow.iter().map(Subject::to_string).collect();
    if before.allow.as_ref() != Some(&allow) {
        set(
            section(document, "access")?,
            "allow",
            Value::from(allow.into_iter().collect::<Array>()),
        );
    }
    if let Some(days) = wanted.offline_days
        && before.offline_days.unwrap_or(0) != days
    {
        set(section(document, "pam")?, "offline_days", Value::from(i64::from(days)));
    }
    Ok(())
}

/// A section, made where there is none.
///
/// # Errors
/// When something else has its name.
pub fn section<'d>(
    document: &'d mut DocumentMut,
    name: &str,
) -> Result<&'d mut dyn TableLike, String> {
    let item = document.entry(name).or_insert(Item::Table(Table::new()));
    item.as_table_like_mut()
        .ok_or_else(|| format!("{name:?} in ldaps.toml is no section: [{name}]."))
}

/// Gives a key a value and leaves alone what stands around it; a value that is there already, too.
pub fn set(table: &mut dyn TableLike, key: &str, new: Value) {
    let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) else {
        table.insert(key, Item::Value(new));
        return;
    };
    if same(old, &new) {
        return;
    }
    let decor = old.decor().clone();
    *old = new;
    *old.decor_mut() = decor;
}

/// Whether two values say the same, however they are written; one text is a list of one.
fn same(old: &Value, new: &Value) -> bool {
    let texts = |value: &Value| match value {
        Value::Array(array) => array.iter().map(|it| it.as_str().map(str::to_owned)).collect(),
        other => vec![other.as_str().map(str::to_owned)],
    };
    match (old.as_integer(), new.as_integer()) {
        (None, None) => texts(old) == texts(new),
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            servers: Some(Servers::Domain("corp.example".to_owned())),
            addresses: BTreeMap::new(),
            bind_dn: "svc@corp.example".to_owned(),
            base: None,
            ca: None,
            allow: vec![Subject::parse("@linux-users").unwrap()],
            offline_days: None,
        }
    }

    fn written(before: &str, wanted: &Wanted) -> String {
        write(&parse(before).unwrap(), wanted).unwrap()
    }

    #[test]
    fn a_new_file_says_what_is_a_default_or_leaves_out_what_is_not() {
        let text = written("", &wanted());
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "[directory]",
                "domain = \"corp.example\"",
                "bind_dn = \"svc@corp.example\"",
                "[access]",
                "allow = [\"@linux-users\"]"
            ]
        );
    }

    #[test]
    fn writing_it_again_changes_something() {
        let addresses = BTreeMap::from([("dc1.corp.example".to_owned(), [10, 0, 0, 5].into())]);
        let uri = ldaps_core::config::server_uri("ldaps://dc1.corp.example").unwrap();
        let all = Wanted {
            servers: Some(Servers::Uris(vec![uri])),
            addresses,
            base: Some("OU=x,DC=corp,DC=example".to_owned()),
            ca: Some(PathBuf::from("/etc/ldaps/ca.pem")),
            offline_days: Some(14),
            bind_dn: "CORP\\svc".to_owned(),
            ..wanted()
        };
        let text = written("", &all);
        assert_eq!(written(&text, &all), text);
    }

    #[test]
    fn a_comment_or_a_line_of_the_administrators_is_lost() {
        let before = "# mine\n[directory]\nuri = \"ldaps://old.corp.example\" # the old one\nbind_dn = 'CORP\\old' # why\n\
                      connect_timeout = \"2s\"\n\n[access.sudo] # few\nallow = [\"@admins\"]\n";
        let text = written(before, &wanted());
        for line in [
            "# mine",
            "bind_dn = \"svc@corp.example\" # why",
            "connect_timeout = \"2s\"",
            "[access.sudo] # few",
            "allow = [\"@admins\"]",
            "domain = \"corp.example\"",
            "[access]",
            "allow = [\"@linux-users\"]",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
        assert!(!text.contains("old.corp.example"), "{text}");
        assert!(parse(&text).is_ok(), "{text}");
    }

    #[test]
    fn a_value_that_is_written_otherwise_and_says_the_same_is_changed() {
        let before = "directory = { domain = 'corp.example', bind_dn = 'svc@corp.example' }\n\
                      access.allow = '@linux-users'\n";
        assert_eq!(written(before, &wanted()), before);
    }
}
