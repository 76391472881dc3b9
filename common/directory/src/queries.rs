//! What is asked of the directory, in the words of those who ask: a user by any name, a group by
//! its SID, the groups of a user, a bind.

use ldap3_proto::proto::LdapFilter;
use ldaps_core::config;
use ldaps_core::names::{GroupName, fold};
use ldaps_core::secret::Password;
use ldaps_core::sid::Sid;

use crate::domain::Domain;
use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::groups::{self, GroupRecord};
use crate::link::{Link, LinkStatus, Settings};
use crate::password::{self, ChangeOutcome};
use crate::policy::{self, PasswordPolicy, PolicyOfAccount};
use crate::question::{Amount, Place, Query};
use crate::users::{self, Depth, UserRecord};

/// Values in one filter: AD's default MaxValRange is far above, and each is an index look-up.
pub(crate) const BATCH: usize = 100;
/// "1.1" asks for no attribute (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: &[&str] = &["1.1"];

/// One domain, over however many servers it has.
pub struct Directory {
    pub(crate) link: Link,
    pub(crate) users: config::Users,
    pub(crate) groups: config::Groups,
}

/// One page of an enumeration.
#[derive(Debug)]
pub struct Page<Record> {
    /// What is on it.
    pub records: Vec<Record>,
    /// The cookie of the next page; empty on the last.
    pub next: Vec<u8>,
}

impl Directory {
    /// A directory that nothing has been asked of yet.
    #[must_use]
    pub fn new(settings: Settings, users: config::Users, groups: config::Groups) -> Self {
        Self { link: Link::new(settings), users, groups }
    }

    /// Connects, and connects again whenever no server answers; to be run beside the questions.
    pub async fn keep_connected(&self) {
        self.link.probe().await;
    }

    /// How the connection is.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        self.link.status()
    }

    /// The domain.
    ///
    /// # Errors
    /// [`DirectoryError`], as for every question.
    pub async fn domain(&self) -> Result<std::sync::Arc<Domain>, DirectoryError> {
        Ok(self.link.bound().await?.domain)
    }

    /// The group of this name.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn group_by_name(
        &self,
        name: &GroupName,
    ) -> Result<Option<GroupRecord>, DirectoryError> {
        let value = FilterValue::text(name.as_str());
        let found = self.groups(filter::equals("sAMAccountName", value)).await?;
        Ok(found.into_iter().find(|group| fold(&group.sam_account_name) == name.as_str()))
    }

    /// The groups with these names, as far as there are such.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_by_name(&self, names: &[&str]) -> Result<Vec<GroupRecord>, DirectoryError> {
        let mut found = Vec::new();
        for batch in names.chunks(BATCH) {
            let values = batch.iter().map(|name| FilterValue::text(name));
            found.extend(self.groups(filter::any_of("sAMAccountName", values)).await?);
        }
        found.retain(|group| names.contains(&fold(&group.sam_account_name).as_str()));
        Ok(found)
    }

    /// The SIDs of every group a user is in, nested and primary included, as AD itself computes
    /// them; None if AD does not show them (an object always has some).
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn token_groups(&self, dn: &str) -> Result<Option<Vec<Sid>>, DirectoryError> {
        // MS-ADTS 3.1.1.4.5.19: constructed, and only for a base search of one object.
        let query = Query::of_object("the groups of a user", dn, &["tokenGroups"]);
        let found = query.ask(&self.link).await?.entries;
        let Some(entry) = found.first() else { return Ok(None) };
        groups::token_groups(entry)
    }

    /// A page of all users, of at most this size; the first for an empty cookie. For who asks nothing
    /// else before the next one.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn users_page(
        &self,
        size: u16,
        cookie: Vec<u8>,
    ) -> Result<Page<UserRecord>, DirectoryError> {
        self.page_of_users(Amount::Page(size, cookie)).await
    }

    /// The same for groups.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_page(
        &self,
        size: u16,
        cookie: Vec<u8>,
    ) -> Result<Page<GroupRecord>, DirectoryError> {
        self.page_of_groups(Amount::Page(size, cookie)).await
    }

    /// A page of all users for a list that goes on when others have asked other things.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn listed_users(
        &self,
        size: u16,
        cookie: Vec<u8>,
    ) -> Result<Page<UserRecord>, DirectoryError> {
        self.page_of_users(Amount::ListPage(size, cookie)).await
    }

    /// The same for groups.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn listed_groups(
        &self,
        size: u16,
        cookie: Vec<u8>,
    ) -> Result<Page<GroupRecord>, DirectoryError> {
        self.page_of_groups(Amount::ListPage(size, cookie)).await
    }

    async fn page_of_users(&self, amount: Amount) -> Result<Page<UserRecord>, DirectoryError> {
        let attributes = self.user_attributes(Depth::Entry);
        let everybody = filter::configured(&self.users.complete_filter());
        let query = Query { amount, ..self.for_users(everybody, &attributes) };
        let page = query.ask(&self.link).await?;
        let records =
            page.entries.iter().filter_map(|e| self.user_record(e, Depth::Entry)).collect();
        Ok(Page { records, next: page.cookie })
    }

    async fn page_of_groups(&self, amount: Amount) -> Result<Page<GroupRecord>, DirectoryError> {
        let query = Query { amount, ..self.for_groups(filter::configured(&self.groups.filter)) };
        let page = query.ask(&self.link).await?;
        let records = page.entries.iter().filter_map(GroupRecord::of).collect();
        Ok(Page { records, next: page.cookie })
    }

    /// Changes the password of this DN, once, through the service account's connection.
    ///
    /// # Errors
    /// [`DirectoryError`]: AD said nothing, or nothing about the account.
    pub async fn change_password(
        &self,
        dn: &str,
        old: &Password,
        new: &Password,
    ) -> Result<ChangeOutcome, DirectoryError> {
        let bound = self.link.writable().await?;
        password::change(&bound.connection, dn, old, new, self.link.patience()).await
    }

    /// Whether the object with this DN matches a filter, as the service account sees it: what it
    /// may not read does not match.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn matches(
        &self,
        dn: &str,
        condition: &config::LdapFilter,
    ) -> Result<bool, DirectoryError> {
        let query = Query {
            filter: filter::configured(condition),
            ..Query::of_object("whether an account matches a filter", dn, NO_ATTRIBUTES)
        };
        Ok(!query.ask(&self.link).await?.entries.is_empty())
    }

    /// The values of one attribute of the account with this SID, wherever it is now; none where it
    /// has none, or they may not be read.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn values_of(
        &self,
        sid: Sid,
        attribute: &str,
    ) -> Result<Vec<Vec<u8>>, DirectoryError> {
        let attributes = [attribute];
        let base = format!("<SID={sid}>");
        let query = Query::of_object("the values of an attribute", &base, &attributes);
        let found = query.ask(&self.link).await?.entries;
        Ok(found.first().map(|entry| entry.values(attribute).to_vec()).unwrap_or_default())
    }

    /// The values of several attributes of this DN, in the order asked: none where it has none, or
    /// they may not be read. None where there is no such object.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn attributes(
        &self,
        dn: &str,
        attributes: &[&str],
    ) -> Result<Option<Vec<Vec<Vec<u8>>>>, DirectoryError> {
        let query = Query::of_object("attributes of a user", dn, attributes);
        let found = query.ask(&self.link).await?.entries;
        let all =
            |entry: &Entry| attributes.iter().map(|name| entry.values(name).to_vec()).collect();
        Ok(found.first().map(all))
    }

    /// The rules for the password of this DN.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn password_policy(&self, dn: &str) -> Result<PolicyOfAccount, DirectoryError> {
        let what = "the rules for passwords";
        let user = Query::of_object(what, dn, &["msDS-ResultantPSO"]).ask(&self.link).await?;
        if let Some(pso) = user.entries.first().and_then(|user| user.text("msDS-ResultantPSO")) {
            let pso = Query::of_object(what, pso, policy::OF_PSO).ask(&self.link).await?;
            let rules = pso.entries.first().and_then(PasswordPolicy::of_pso);
            return Ok(rules.map_or(PolicyOfAccount::HiddenPso, PolicyOfAccount::Known));
        }
        let head = self.domain().await?.head.clone();
        let head = Query::of_object(what, &head, policy::OF_DOMAIN).ask(&self.link).await?;
        let rules = head.entries.first().map(PasswordPolicy::of_domain).unwrap_or_default();
        Ok(PolicyOfAccount::Known(rules))
    }

    /// The user whose attribute has this value, folded; None also where several have it.
    pub(crate) async fn user_where(
        &self,
        attribute: &str,
        asked: &str,
        depth: Depth,
    ) -> Result<Option<UserRecord>, DirectoryError> {
        let filter = filter::equals(attribute, FilterValue::text(asked));
        let entries = self.user_entries(filter, attribute, depth).await?;
        // AD finds more than was asked for: é for e, and Samba a name with a space behind it.
        let same = |entry: &&Entry| {
            entry
                .values(attribute)
                .iter()
                .any(|value| std::str::from_utf8(value).is_ok_and(|value| fold(value) == asked))
        };
        let exact = entries.iter().filter(same).filter_map(|entry| self.user_record(entry, depth));
        Ok(the_only(exact.collect(), attribute))
    }

    pub(crate) async fn users(
        &self,
        filter: LdapFilter,
    ) -> Result<Vec<UserRecord>, DirectoryError> {
        let entries = self.user_entries(filter, "objectSid", Depth::Entry).await?;
        Ok(entries.iter().filter_map(|e| self.user_record(e, Depth::Entry)).collect())
    }

    async fn user_entries(
        &self,
        filter: LdapFilter,
        besides: &str,
        depth: Depth,
    ) -> Result<Vec<Entry>, DirectoryError> {
        let mut attributes = users::attributes(&self.users, depth);
        if !attributes.iter().any(|name| name.eq_ignore_ascii_case(besides)) {
            attributes.push(besides);
        }
        let query = self.for_users(self.user_filter(filter), &attributes);
        Ok(query.ask(&self.link).await?.entries)
    }

    pub(crate) async fn groups(
        &self,
        filter: LdapFilter,
    ) -> Result<Vec<GroupRecord>, DirectoryError> {
        let query = self.for_groups(self.group_filter(filter));
        Ok(query.ask(&self.link).await?.entries.iter().filter_map(GroupRecord::of).collect())
    }

    pub(crate) fn for_users<'a>(
        &'a self,
        filter: LdapFilter,
        attributes: &'a [&'a str],
    ) -> Query<'a> {
        let place = Place::Below(self.users.base.as_deref());
        Query { what: "a user", place, filter, attributes, amount: Amount::Few }
    }

    pub(crate) fn for_groups(&self, filter: LdapFilter) -> Query<'_> {
        let place = Place::Below(self.groups.base.as_deref());
        let attributes = groups::ATTRIBUTES;
        Query { what: "a group", place, filter, attributes, amount: Amount::Few }
    }

    pub(crate) fn user_attributes(&self, depth: Depth) -> Vec<&str> {
        users::attributes(&self.users, depth)
    }

    pub(crate) fn user_record(&self, entry: &Entry, depth: Depth) -> Option<UserRecord> {
        let record = UserRecord::of(entry, &self.users, depth);
        if record.is_none() {
            tracing::warn!(
                "{} is left out: the service account may not read its objectSid or sAMAccountName",
                entry.dn()
            );
        }
        record
    }

    /// What is asked for goes first: Samba takes the indexes in this order, and does not load the
    /// list of all users once it has found the one.
    pub(crate) fn user_filter(&self, filter: LdapFilter) -> LdapFilter {
        filter::both(filter, filter::configured(&self.users.complete_filter()))
    }

    pub(crate) fn group_filter(&self, filter: LdapFilter) -> LdapFilter {
        filter::both(filter, filter::configured(&self.groups.filter))
    }
}

/// Several accounts with one name are nobody: whom the person meant cannot be known.
fn the_only<Record>(mut found: Vec<Record>, attribute: &str) -> Option<Record> {
    if found.len() > 1 {
        tracing::warn!(
            "{} accounts have the same {attribute}, so it is nobody's here",
            found.len()
        );
        return None;
    }
    found.pop()
}
