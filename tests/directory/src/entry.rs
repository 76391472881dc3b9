//! One object as a search result: which attributes are shown, ranges of long ones, constructed ones.
#![forbid(unsafe_code)]

use ldap3_proto::proto::{LdapPartialAttribute, LdapSearchResultEntry};

use crate::account;
use crate::clock;
use crate::data::Directory;
use crate::object::{Object, ObjectId};
use crate::schema;

/// Values of one attribute in one answer: AD's MaxValRange.
pub const MAX_VALUES: usize = 1500;

/// An attribute as a client asks for it: a name, and the range option if it has one.
struct Wanted<'a> {
    name: &'a str,
    range: Option<(usize, Option<usize>)>,
}

impl<'a> Wanted<'a> {
    /// Reads `member` or `member;range=1500-*`; other options are ignored, as AD ignores them.
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';');
        let name = parts.next().unwrap_or_default();
        let range = parts.find_map(|option| {
            let (key, bounds) = option.split_once('=')?;
            let (low, high) =
                bounds.split_once('-').filter(|_| key.eq_ignore_ascii_case("range"))?;
            let high = if high == "*" { None } else { Some(high.parse().ok()?) };
            Some((low.parse().ok()?, high))
        });
        Self { name, range }
    }
}

/// The entry with the attributes asked for: none or `*` is everything stored, `1.1` nothing.
pub(crate) fn render(
    directory: &Directory,
    id: ObjectId,
    asked: &[String],
    types_only: bool,
) -> LdapSearchResultEntry {
    let Some(object) = directory.get(id) else {
        return LdapSearchResultEntry { dn: String::new(), attributes: Vec::new() };
    };
    let mut attributes = Vec::new();
    if asked.is_empty() || asked.iter().any(|name| name == "*") {
        for name in everything(object) {
            push(directory, id, object, &Wanted { name: &name, range: None }, &mut attributes);
        }
    }
    for wanted in asked.iter().map(|text| Wanted::parse(text)) {
        let shown = |shown: &LdapPartialAttribute| {
            shown.atype.split(';').next() == Some(spelling(wanted.name))
        };
        if !attributes.iter().any(shown) {
            push(directory, id, object, &wanted, &mut attributes);
        }
    }
    if types_only {
        attributes.iter_mut().for_each(|attribute| attribute.vals.clear());
    }
    LdapSearchResultEntry { dn: object.dn.to_string(), attributes }
}

/// Names of all that is stored, links and the object's own name included.
fn everything(object: &Object) -> Vec<String> {
    let mut names: Vec<String> = object.stored().map(|attribute| attribute.name.clone()).collect();
    names.extend(["distinguishedName", "member", "memberOf"].map(str::to_owned));
    names
}

fn spelling(name: &str) -> &str {
    schema::find(name).map_or(name, |attribute| attribute.name)
}

fn push(
    directory: &Directory,
    id: ObjectId,
    object: &Object,
    wanted: &Wanted<'_>,
    attributes: &mut Vec<LdapPartialAttribute>,
) {
    if !object.may_read(wanted.name) {
        return;
    }
    let mut values = values_of(directory, id, object, wanted.name);
    if values.is_empty() {
        return;
    }
    let name = spelling(wanted.name).to_owned();
    if wanted.range.is_none() && values.len() <= MAX_VALUES {
        attributes.push(LdapPartialAttribute { atype: name, vals: values });
        return;
    }
    let (low, high) = wanted.range.unwrap_or((0, None));
    if low >= values.len() {
        return;
    }
    let end = values
        .len()
        .min(low + MAX_VALUES)
        .min(high.map_or(usize::MAX, |high| high.saturating_add(1)));
    let upper = if end == values.len() { "*".to_owned() } else { (end - 1).to_string() };
    let part = values.drain(low.min(end)..end).collect();
    if wanted.range.is_none() {
        // Asked for without a range, the plain name comes too, empty.
        attributes.push(LdapPartialAttribute { atype: name.clone(), vals: Vec::new() });
    }
    attributes
        .push(LdapPartialAttribute { atype: format!("{name};range={low}-{upper}"), vals: part });
}

/// The values of an attribute: stored, linked or made up.
fn values_of(directory: &Directory, id: ObjectId, object: &Object, name: &str) -> Vec<Vec<u8>> {
    let names = |ids: &mut dyn Iterator<Item = &ObjectId>| {
        ids.filter_map(|id| directory.get(*id))
            .map(|linked| linked.dn.to_string().into_bytes())
            .collect()
    };
    match name.to_ascii_lowercase().as_str() {
        "distinguishedname" => vec![object.dn.to_string().into_bytes()],
        "member" => names(&mut object.members.iter()),
        "memberof" => names(&mut object.member_of.iter()),
        _ if schema::find(name).is_some_and(|attribute| attribute.constructed) => {
            constructed(directory, id, object, name)
        }
        _ => object.values(name).to_vec(),
    }
}

fn constructed(directory: &Directory, id: ObjectId, object: &Object, name: &str) -> Vec<Vec<u8>> {
    let number = |value: i64| vec![value.to_string().into_bytes()];
    let is_account = object.integer("userAccountControl").is_some();
    match name.to_ascii_lowercase().as_str() {
        "msds-user-account-control-computed" if is_account => {
            number(account::computed_control(directory, object, clock::filetime_now()))
        }
        "msds-userpasswordexpirytimecomputed" if is_account => {
            number(account::password_expiry(directory, object))
        }
        "canonicalname" => vec![canonical_name(directory, object).into_bytes()],
        "msds-principalname" => {
            let account = object.text("sAMAccountName");
            account
                .map(|account| format!("{}\\{account}", directory.netbios).into_bytes())
                .into_iter()
                .collect()
        }
        "primarygrouptoken" if object.has_class("group") => {
            let sid = object.values("objectSid").first();
            let rid = sid.and_then(|sid| sid.last_chunk::<4>()).map(|rid| u32::from_le_bytes(*rid));
            rid.map(|rid| number(i64::from(rid))).unwrap_or_default()
        }
        "tokengroups" | "tokengroupsnogcacceptable" => token_groups(directory, id, |_| true),
        "tokengroupsglobalanduniversal" => token_groups(directory, id, |group| {
            group.integer("groupType").unwrap_or(0) & (2 | 8) != 0
        }),
        _ => Vec::new(),
    }
}

/// The SIDs of a logon token: the transitive closure over security groups, the primary group and the cycles in it.
fn token_groups(
    directory: &Directory,
    id: ObjectId,
    wanted: impl Fn(&Object) -> bool,
) -> Vec<Vec<u8>> {
    let groups = directory.groups_of(id, true);
    let entries =
        groups.iter().filter(|group| **group != id).filter_map(|group| directory.get(*group));
    entries
        .filter(|group| wanted(group))
        .flat_map(|group| group.values("objectSid").iter().cloned())
        .collect()
}

/// `corp.example/People/Alice Archer`.
fn canonical_name(directory: &Directory, object: &Object) -> String {
    let mut steps = Vec::new();
    let mut name = Some(object.dn.clone());
    while let Some(dn) = name.filter(|dn| dn.depth() > directory.base.depth()) {
        steps.extend(dn.leaf().map(|(_, value)| value.replace('/', "\\/")));
        name = dn.parent();
    }
    steps.reverse();
    format!("{}/{}", directory.dns_domain, steps.join("/"))
}
