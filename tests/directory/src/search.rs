//! Searches: base and scope, pages and limits, and the references that AD hangs at the end.
#![forbid(unsafe_code)]

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapOp, LdapResult, LdapResultCode, LdapSearchRequest, LdapSearchResultReference,
    LdapSearchScope,
};

use crate::answer;
use crate::data::Directory;
use crate::dn::Dn;
use crate::entry;
use crate::filter::Filter;
use crate::frame;
use crate::matching::Matcher;
use crate::object::{Object, ObjectId};
use crate::rootdse;
use crate::sid::Sid;

/// Entries in one answer: AD's MaxPageSize.
pub const MAX_PAGE: usize = 1000;

/// What a search sends back: entries and references, the result, and its controls.
pub(crate) struct Found {
    pub(crate) parts: Vec<LdapOp>,
    pub(crate) result: LdapResult,
    pub(crate) controls: Vec<LdapControl>,
}

impl Found {
    fn only(result: LdapResult) -> Self {
        Self { parts: Vec::new(), result, controls: Vec::new() }
    }
}

/// A page asked for: how many entries, and after which object.
struct Page {
    size: usize,
    after: Option<ObjectId>,
}

/// Whether the request is a read of the rootDSE, the one thing that needs no bind.
pub(crate) fn is_rootdse(request: &LdapSearchRequest) -> bool {
    request.base.is_empty() && request.scope == LdapSearchScope::Base
}

/// Carries out a search. `bound` says whether a bind came before; `references` whether to hang references on.
pub(crate) fn search(
    directory: &Directory,
    request: &LdapSearchRequest,
    filter: &Filter,
    controls: &[LdapControl],
    bound: bool,
    references: bool,
) -> Found {
    if let Some(refused) = unsupported(controls) {
        return Found::only(refused);
    }
    if is_rootdse(request) {
        let root = LdapOp::SearchResultEntry(rootdse::render(directory, &request.attrs));
        return Found { parts: vec![root], ..Found::only(answer::success()) };
    }
    if !bound {
        return Found::only(answer::bind_first());
    }
    let base = match find_base(directory, &request.base) {
        Ok(base) => base,
        Err(refused) => return Found::only(refused),
    };
    if request.scope != LdapSearchScope::Base && request.attrs.iter().any(|name| is_base_only(name))
    {
        // Samba's words; a Windows DC gives the same code.
        let words = "Cannot provide tokenGroups attribute, this is not a BASE search";
        return Found::only(answer::result(LdapResultCode::OperationsError, words));
    }
    let page = match page_of(controls) {
        Ok(page) => page,
        Err(refused) => return Found::only(refused),
    };
    let mut found = collect(directory, request, filter, &base, page.as_ref());
    let last = !found.controls.iter().any(|control| matches!(control, LdapControl::SimplePagedResults { cookie, .. } if !cookie.is_empty()));
    let suppressed = controls.iter().any(|control| matches!(control, LdapControl::Unknown { oid, .. } if oid == "1.2.840.113556.1.4.1339"));
    if references
        && last
        && !suppressed
        && request.scope == LdapSearchScope::Subtree
        && base == directory.base
    {
        found.parts.extend(continuations(directory));
    }
    found
}

fn is_base_only(name: &str) -> bool {
    name.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("tokenGroups"))
}

/// A critical control that this directory does not know.
fn unsupported(controls: &[LdapControl]) -> Option<LdapResult> {
    let unknown = |control: &LdapControl| matches!(control, LdapControl::Unknown { oid, criticality: true, .. } if !rootdse::CONTROLS.contains(&oid.as_str()));
    controls.iter().any(unknown).then(|| {
        let words =
            "00000057: LdapErr: DSID-0C090FCC, comment: Error processing control, data 0, v4563";
        answer::result(LdapResultCode::UnavailableCriticalExtension, words)
    })
}

/// The object that a base names: a DN, `<GUID=...>` or `<SID=...>`.
fn find_base(directory: &Directory, text: &str) -> Result<Dn, LdapResult> {
    let special = text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>'));
    if let Some((kind, value)) = special.and_then(|inner| inner.split_once('=')) {
        let id = alternative(directory, kind, value);
        let dn = id.and_then(|id| directory.get(id)).map(|object| object.dn.clone());
        return dn.ok_or_else(|| answer::no_such_object(""));
    }
    let dn = Dn::parse(text).ok_or_else(|| answer::bad_name(text))?;
    if let Some(object) = directory.id_of_dn(&dn).and_then(|id| directory.get(id)) {
        return Ok(object.dn.clone());
    }
    let mut above = dn.parent();
    while let Some(parent) = above {
        if directory.id_of_dn(&parent).is_some() {
            return Err(answer::no_such_object(&parent.to_string()));
        }
        above = parent.parent();
    }
    let domain: Vec<&str> =
        text.split(',').filter_map(|step| step.trim().strip_prefix("DC=")).collect();
    Err(answer::elsewhere(&domain.join("."), text))
}

fn alternative(directory: &Directory, kind: &str, value: &str) -> Option<ObjectId> {
    if kind.eq_ignore_ascii_case("SID") {
        let sid = Sid::parse(value).map(|sid| sid.to_bytes()).or_else(|| from_hex(value))?;
        return directory.id_of_sid(&sid);
    }
    let guid = guid_bytes(value).filter(|_| kind.eq_ignore_ascii_case("GUID"))?;
    directory
        .objects_after(None)
        .find(|(_, object)| object.values("objectGUID").first().is_some_and(|known| *known == guid))
        .map(|(id, _)| id)
}

/// A GUID's bytes as stored, from plain hex or from the text form, whose first three groups are little-endian.
fn guid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = from_hex(&text.replace('-', ""))?;
    if text.contains('-') && bytes.len() == 16 {
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    Some(bytes)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(pair).collect()
}

/// The page that the paging control asks for; an error for a cookie that is not ours.
fn page_of(controls: &[LdapControl]) -> Result<Option<Page>, LdapResult> {
    let asked = controls.iter().find_map(|control| match control {
        LdapControl::SimplePagedResults { size, cookie } => Some((*size, cookie)),
        _ => None,
    });
    let Some((size, cookie)) = asked else { return Ok(None) };
    let after = match (cookie.len(), cookie.first_chunk::<8>()) {
        (0, _) => None,
        (8, Some(bytes)) => Some(ObjectId(u64::from_be_bytes(*bytes))),
        _ => return Err(answer::unwilling(0x2040)),
    };
    Ok(Some(Page { size: usize::try_from(size).unwrap_or(0), after }))
}

fn collect(
    directory: &Directory,
    request: &LdapSearchRequest,
    filter: &Filter,
    base: &Dn,
    page: Option<&Page>,
) -> Found {
    let limit = match page {
        Some(page) => page.size.min(MAX_PAGE),
        None if request.sizelimit > 0 => MAX_PAGE.min(request.sizelimit as usize),
        None => MAX_PAGE,
    };
    let mut ids =
        select(directory, request, filter, base, page.and_then(|page| page.after), limit + 1);
    let more = ids.len() > limit;
    ids.truncate(limit);
    let last = ids.last().copied();
    let show = |id: ObjectId| entry::render(directory, id, &request.attrs, request.typesonly);
    let parts = ids.into_iter().map(|id| LdapOp::SearchResultEntry(show(id))).collect();
    match page {
        Some(page) => {
            // A page of size 0 gives the search up.
            let goes_on = more && page.size > 0;
            let cookie =
                last.filter(|_| goes_on).map_or(Vec::new(), |id| id.0.to_be_bytes().to_vec());
            let controls = vec![LdapControl::SimplePagedResults { size: 0, cookie }];
            Found { parts, result: answer::success(), controls }
        }
        None if more => Found {
            parts,
            result: answer::result(
                LdapResultCode::SizeLimitExceeded,
                "00002023: SvcErr: DSID-031A127A, problem 5010 (UNAVAIL_EXTENSION), data 0\n",
            ),
            controls: Vec::new(),
        },
        None => Found { parts, ..Found::only(answer::success()) },
    }
}

/// The first `count` objects in scope that the filter selects, in order of creation.
fn select(
    directory: &Directory,
    request: &LdapSearchRequest,
    filter: &Filter,
    base: &Dn,
    after: Option<ObjectId>,
    count: usize,
) -> Vec<ObjectId> {
    let matcher = Matcher::new(directory, filter);
    let scope = Scope::new(directory, base, &request.scope);
    let selected = |id: ObjectId, object: &Object| {
        after.is_none_or(|after| id > after)
            && scope.holds(object)
            && matcher.matches(id, object) == Some(true)
    };
    if request.scope == LdapSearchScope::Base {
        let base =
            directory.id_of_dn(base).and_then(|id| directory.get(id).map(|object| (id, object)));
        return base
            .filter(|(id, object)| selected(*id, object))
            .map(|(id, _)| id)
            .into_iter()
            .collect();
    }
    match matcher.candidates(directory) {
        Some(ids) => {
            let objects =
                ids.into_iter().filter_map(|id| directory.get(id).map(|object| (id, object)));
            objects
                .filter(|(id, object)| selected(*id, object))
                .map(|(id, _)| id)
                .take(count)
                .collect()
        }
        None => {
            let objects = directory.objects_after(after);
            objects
                .filter(|(id, object)| selected(*id, object))
                .map(|(id, _)| id)
                .take(count)
                .collect()
        }
    }
}

/// The part of the tree that a search covers.
pub(crate) struct Scope {
    base: Dn,
    kind: LdapSearchScope,
    /// The Configuration naming context, when it is below the base but a tree of its own.
    cut: Option<Dn>,
}

impl Scope {
    pub(crate) fn new(directory: &Directory, base: &Dn, kind: &LdapSearchScope) -> Self {
        let configuration = frame::configuration(directory);
        let cut = (!base.is_within(&configuration)).then_some(configuration);
        Self { base: base.clone(), kind: kind.clone(), cut }
    }

    pub(crate) fn holds(&self, object: &Object) -> bool {
        let dn = &object.dn;
        let covered = match self.kind {
            LdapSearchScope::Base => dn.depth() == self.base.depth(),
            LdapSearchScope::OneLevel => dn.depth() == self.base.depth() + 1,
            LdapSearchScope::Subtree => true,
            LdapSearchScope::Children => dn.depth() > self.base.depth(),
        };
        covered
            && dn.is_within(&self.base)
            && !self.cut.as_ref().is_some_and(|cut| dn.is_within(cut))
    }
}

/// The references to other naming contexts, which lead to servers that a client has no business at.
fn continuations(directory: &Directory) -> Vec<LdapOp> {
    let (domain, base) = (&directory.dns_domain, directory.base_dn());
    let uris = [
        format!("ldaps://ForestDnsZones.{domain}/DC=ForestDnsZones,{base}"),
        format!("ldaps://DomainDnsZones.{domain}/DC=DomainDnsZones,{base}"),
        format!("ldaps://{domain}/CN=Configuration,{base}"),
    ];
    let reference =
        |uri| LdapOp::SearchResultReference(LdapSearchResultReference { uris: vec![uri] });
    uris.into_iter().map(reference).collect()
}
