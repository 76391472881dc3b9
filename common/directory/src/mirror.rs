//! Everybody, page by page, for a host that keeps a copy of them: the users it serves, the groups of
//! the domain, and which groups each is directly in.
//!
//! All pages of one walk come over one connection from one server, and a walk that loses it is
//! over: the pages of two servers are no whole.

use ldap3_proto::proto::LdapFilter;
use ldaps_core::config;
use ldaps_core::sid::Sid;

use crate::changes::Position;
use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::groups::{self, GroupRecord};
use crate::link::Bound;
use crate::queries::{BATCH, Directory, Page};
use crate::search::{self, Search};
use crate::users::{Depth, UserRecord};

/// Entries in a page where everything of each is wanted: a page is taken apart in one go, and the
/// look-ups of that moment wait for it.
const FULL_PAGE: u16 = 500;
/// Entries in a page of SIDs: AD's own MaxPageSize.
const SID_PAGE: u16 = 1000;
const OF_SID: &[&str] = &["objectSid"];
const MEMBER_OF: &str = "memberOf";
const GROUP_TYPE: &str = "groupType";
/// MS-ADTS 2.2.12.
const GROUP_TYPE_SECURITY_ENABLED: u32 = 0x8000_0000;

/// A user or group, and the DNs of the groups that hold it directly; the primary group is not
/// among them, as in AD's own `memberOf`.
#[derive(Debug, Clone)]
pub struct Linked<Record> {
    /// The user or group.
    pub record: Record,
    /// The DNs of the groups, distribution groups among them.
    pub member_of: Vec<String>,
    /// Whether it is a security group: `tokenGroups` counts, and looks behind, no others.
    pub is_security_group: bool,
}

/// A reading of everybody from one server.
pub struct Walk {
    bound: Bound,
    position: Position,
}

impl Walk {
    /// Up to which change everything was there before the first page: what has changed since then
    /// may or may not be in what the pages say.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The SID of the domain that is read.
    #[must_use]
    pub fn domain(&self) -> Sid {
        self.bound.domain.sid
    }
}

/// Which objects, below which DN.
type Whom<'a> = (&'static str, &'a str, LdapFilter);

impl Directory {
    /// Begins a reading of everybody.
    ///
    /// # Errors
    /// [`DirectoryError`], as of all below.
    pub async fn walk(&self) -> Result<Walk, DirectoryError> {
        // Nobody else's: among others' searches the server would drop what it keeps of this one.
        let bound = self.link.another().await?;
        let position = self.position(&bound, None).await;
        let position = position.inspect_err(|error| self.link.report(error))?;
        Ok(Walk { bound, position })
    }

    /// A page of the users that are served, and of the groups that hold each directly; the first for
    /// an empty cookie.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn walk_users(
        &self,
        walk: &Walk,
        cookie: Vec<u8>,
    ) -> Result<Page<Linked<UserRecord>>, DirectoryError> {
        let mut attributes = self.user_attributes(Depth::Entry);
        attributes.push(MEMBER_OF);
        let page = self.walked(walk, self.all_users(&walk.bound), &attributes, FULL_PAGE, cookie);
        let Page { records, next } = page.await?;
        let linked = |entry: &Entry| Linked::of(entry, self.user_record(entry, Depth::Entry));
        Ok(Page { records: records.iter().filter_map(linked).collect(), next })
    }

    /// A page of the groups of the whole domain that are security groups or served: a way from a user
    /// to a group may lead through any of them.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn walk_groups(
        &self,
        walk: &Walk,
        cookie: Vec<u8>,
    ) -> Result<Page<Linked<GroupRecord>>, DirectoryError> {
        let attributes = group_attributes();
        let whom = ("all groups", walk.bound.domain.head.as_str(), self.all_groups());
        let page = self.walked(walk, whom, &attributes, FULL_PAGE, cookie);
        let Page { records, next } = page.await?;
        let linked = |entry: &Entry| Linked::of(entry, GroupRecord::of(entry));
        Ok(Page { records: records.iter().filter_map(linked).collect(), next })
    }

    /// A page of the SIDs of the users that are served.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn walk_user_sids(
        &self,
        walk: &Walk,
        cookie: Vec<u8>,
    ) -> Result<Page<Sid>, DirectoryError> {
        self.walked_sids(walk, self.all_users(&walk.bound), cookie).await
    }

    /// A page of the SIDs of the groups that are served.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn walk_served_groups(
        &self,
        walk: &Walk,
        cookie: Vec<u8>,
    ) -> Result<Page<Sid>, DirectoryError> {
        let base = self.groups.base.as_deref().unwrap_or(&walk.bound.domain.base);
        let filter = filter::configured(&self.groups.filter);
        self.walked_sids(walk, ("the groups", base, filter), cookie).await
    }

    /// A page of the SIDs of the same groups as [`Directory::walk_groups`].
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn walk_group_sids(
        &self,
        walk: &Walk,
        cookie: Vec<u8>,
    ) -> Result<Page<Sid>, DirectoryError> {
        let whom = ("all groups", walk.bound.domain.head.as_str(), self.all_groups());
        self.walked_sids(walk, whom, cookie).await
    }

    /// The users with these SIDs who are served, and the groups that hold each directly.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn linked_users(
        &self,
        sids: &[Sid],
    ) -> Result<Vec<Linked<UserRecord>>, DirectoryError> {
        let mut attributes = self.user_attributes(Depth::Entry);
        attributes.push(MEMBER_OF);
        let bound = self.link.bound().await?;
        let (what, base, everybody) = self.all_users(&bound);
        let mut found = Vec::with_capacity(sids.len());
        for batch in sids.chunks(BATCH) {
            let filter = filter::both(everybody.clone(), with_sids(batch));
            let search = Search::below(what, base, filter, &attributes);
            let entries = self.whole(&bound, &search).await?;
            found.extend(
                entries.iter().filter_map(|e| Linked::of(e, self.user_record(e, Depth::Entry))),
            );
        }
        found.retain(|user| sids.contains(&user.record.sid));
        Ok(found)
    }

    /// The groups with these SIDs that are security groups or served, and the groups that hold each
    /// directly.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn linked_groups(
        &self,
        sids: &[Sid],
    ) -> Result<Vec<Linked<GroupRecord>>, DirectoryError> {
        let attributes = group_attributes();
        let bound = self.link.bound().await?;
        let mut found = Vec::with_capacity(sids.len());
        for batch in sids.chunks(BATCH) {
            let filter = filter::both(self.all_groups(), with_sids(batch));
            let search = Search::below("a group", &bound.domain.head, filter, &attributes);
            let entries = self.whole(&bound, &search).await?;
            found.extend(entries.iter().filter_map(|e| Linked::of(e, GroupRecord::of(e))));
        }
        found.retain(|group| sids.contains(&group.record.sid));
        Ok(found)
    }

    /// The SIDs of the users that are served, and of the groups, that are directly in a group.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn direct_members(
        &self,
        group_dn: &str,
    ) -> Result<(Vec<Sid>, Vec<Sid>), DirectoryError> {
        let bound = self.link.bound().await?;
        let inside = || filter::equals(MEMBER_OF, FilterValue::text(group_dn));
        let (_, base, everybody) = self.all_users(&bound);
        let what = "the members of a group";
        let users = Search::below(what, base, filter::both(everybody, inside()), OF_SID);
        let groups = filter::both(self.all_groups(), inside());
        let groups = Search::below(what, &bound.domain.head, groups, OF_SID);
        Ok((sids(&self.whole(&bound, &users).await?), sids(&self.whole(&bound, &groups).await?)))
    }

    /// The groups that count in `tokenGroups`, and those that are served.
    fn all_groups(&self) -> LdapFilter {
        let security = filter::configured(&config::Groups::default().filter);
        LdapFilter::Or(vec![security, filter::configured(&self.groups.filter)])
    }

    fn all_users<'a>(&'a self, bound: &'a Bound) -> Whom<'a> {
        let base = self.users.base.as_deref().unwrap_or(&bound.domain.base);
        ("all users", base, filter::configured(&self.users.complete_filter()))
    }

    async fn walked_sids(
        &self,
        walk: &Walk,
        whom: Whom<'_>,
        cookie: Vec<u8>,
    ) -> Result<Page<Sid>, DirectoryError> {
        let Page { records, next } = self.walked(walk, whom, OF_SID, SID_PAGE, cookie).await?;
        Ok(Page { records: sids(&records), next })
    }

    async fn walked(
        &self,
        walk: &Walk,
        (what, base, filter): Whom<'_>,
        attributes: &[&str],
        size: u16,
        cookie: Vec<u8>,
    ) -> Result<Page<Entry>, DirectoryError> {
        let search = Search::below(what, base, filter, attributes);
        let (connection, patience) = (&walk.bound.connection, self.link.patience());
        let page = search::page(connection, &search, size, cookie, patience).await;
        let page = page.inspect_err(|error| self.link.report(error))?;
        Ok(Page { records: page.entries, next: page.cookie })
    }

    async fn whole(
        &self,
        bound: &Bound,
        search: &Search<'_>,
    ) -> Result<Vec<Entry>, DirectoryError> {
        let found = search::all(&bound.connection, search, self.link.patience()).await;
        found.inspect_err(|error| self.link.report(error))
    }
}

impl<Record> Linked<Record> {
    fn of(entry: &Entry, record: Option<Record>) -> Option<Self> {
        let dn = |value: &Vec<u8>| String::from_utf8(value.clone()).ok();
        let member_of = entry.values(MEMBER_OF).iter().filter_map(dn).collect();
        let group_type = entry.unsigned(GROUP_TYPE).unwrap_or_default();
        let is_security_group = group_type & GROUP_TYPE_SECURITY_ENABLED != 0;
        Some(Self { record: record?, member_of, is_security_group })
    }
}

fn group_attributes() -> Vec<&'static str> {
    groups::ATTRIBUTES.iter().copied().chain([MEMBER_OF, GROUP_TYPE]).collect()
}

fn with_sids(sids: &[Sid]) -> LdapFilter {
    filter::any_of("objectSid", sids.iter().map(|sid| FilterValue::sid(*sid)))
}

fn sids(entries: &[Entry]) -> Vec<Sid> {
    entries.iter().filter_map(|entry| entry.sid("objectSid")).collect()
}
