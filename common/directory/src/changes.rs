//! What has changed in the directory since it was last asked: by update sequence numbers, which are
//! each domain controller's own (MS-ADTS 3.1.1.1.9).

use std::sync::{Arc, Weak};
use std::time::Duration;

use ldap3_proto::proto::LdapFilter;
use ldaps_core::sid::Sid;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::link::Bound;
use crate::queries::Directory;
use crate::search::{self, Search};
use crate::server::Server;

/// Entries in a page of changes: AD's own MaxPageSize.
const PAGE: u16 = 1000;
/// What is read of each object that has changed: what tells whether anybody knows it, no more.
pub(crate) const OF_CHANGE: &[&str] =
    &["objectSid", "sAMAccountName", "userPrincipalName", "groupType"];

/// Up to which change of which copy of the directory everything is known.
#[derive(Debug, Clone)]
pub struct Position {
    /// The domain controller.
    pub server: Server,
    /// Names its copy of the database: another one, after it was restored, counts anew.
    pub invocation: Vec<u8>,
    /// The last change (highestCommittedUSN).
    pub usn: i64,
    /// While it is the same connection, it is the same copy.
    connection: Weak<Connection>,
}

/// An object that has changed.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its DN.
    pub dn: String,
    /// Its SID; what has none is no account.
    pub sid: Sid,
    /// sAMAccountName.
    pub account: Option<String>,
    /// userPrincipalName.
    pub principal: Option<String>,
    /// Whether it is a group.
    pub is_group: bool,
}

/// What there is to know since a position.
#[derive(Debug)]
pub enum Changes {
    /// These have changed; none, mostly.
    These(Vec<Change>),
    /// It cannot be told: it is another copy of the directory, or there was no position, or too
    /// much has changed.
    Unknown,
}

/// The answer to one poll.
#[derive(Debug)]
pub struct Poll {
    /// Where the next one goes on.
    pub position: Position,
    /// What has changed until there.
    pub changes: Changes,
    /// How long the search for changes took, if there was one.
    pub searched: Option<Duration>,
}

impl Directory {
    /// What has changed since this position. After more thousands of changes than these it is
    /// cheaper to hold against the directory all that is known: then it is not told.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn changes(
        &self,
        since: Option<&Position>,
        thousands: usize,
    ) -> Result<Poll, DirectoryError> {
        let bound = self.link.bound().await?;
        let poll = self.changes_there(&bound, since, thousands).await;
        poll.inspect_err(|error| self.link.report(error))
    }

    async fn changes_there(
        &self,
        bound: &Bound,
        since: Option<&Position>,
        thousands: usize,
    ) -> Result<Poll, DirectoryError> {
        // Read before what has changed: what changes meanwhile is found twice rather than never.
        let position = self.position(bound, since).await?;
        let told = |changes| Poll { position: position.clone(), changes, searched: None };
        let Some(since) = since.filter(|since| position.continues(since)) else {
            return Ok(told(Changes::Unknown));
        };
        if position.usn == since.usn {
            return Ok(told(Changes::These(Vec::new())));
        }
        let start = std::time::Instant::now();
        let changes = self.changed_objects(bound, since.usn, thousands).await?;
        Ok(Poll { searched: Some(start.elapsed()), ..told(changes) })
    }

    pub(crate) async fn position(
        &self,
        bound: &Bound,
        since: Option<&Position>,
    ) -> Result<Position, DirectoryError> {
        let what = "the directory's last change";
        let missing = |what| DirectoryError::Unusable { what, problem: "it is not shown".into() };
        let root = self.read(bound, what, "", &["highestCommittedUSN", "dsServiceName"]).await?;
        let root = root.ok_or_else(|| missing(what))?;
        let usn = root.number("highestCommittedUSN").ok_or_else(|| missing(what))?;
        let connection = Arc::downgrade(&bound.connection);
        let known = since.filter(|since| since.connection.ptr_eq(&connection));
        let invocation = match (known, root.text("dsServiceName")) {
            (Some(known), _) => known.invocation.clone(),
            (None, None) => Vec::new(),
            (None, Some(service)) => {
                let what = "the name of the directory's copy";
                let service = self.read(bound, what, service, &["invocationId"]).await?;
                let name = service.as_ref().and_then(|entry| entry.bytes("invocationId"));
                name.map(<[u8]>::to_vec).unwrap_or_default()
            }
        };
        let server = bound.connection.server().clone();
        Ok(Position { server, invocation, usn, connection })
    }

    async fn changed_objects(
        &self,
        bound: &Bound,
        usn: i64,
        thousands: usize,
    ) -> Result<Changes, DirectoryError> {
        let class = |name| filter::equals("objectClass", FilterValue::text(name));
        let since = usn.saturating_add(1).to_string();
        let changed = filter::both(
            LdapFilter::GreaterOrEqual("uSNChanged".to_owned(), since),
            LdapFilter::Or(vec![class("user"), class("group")]),
        );
        // Below the domain's head, whatever the base: who is moved out of that has changed, and a
        // group outside may hold users inside.
        let what = "what has changed";
        let search = Search::below(what, &bound.domain.head, changed, OF_CHANGE);
        let (mut changes, mut cookie) = (Vec::new(), Vec::new());
        for _ in 0..thousands {
            let (connection, patience) = (&bound.connection, self.link.patience());
            let page = search::page(connection, &search, PAGE, cookie, patience).await?;
            changes.extend(page.entries.iter().filter_map(Change::of));
            cookie = page.cookie;
            if cookie.is_empty() {
                return Ok(Changes::These(changes));
            }
        }
        Ok(Changes::Unknown)
    }

    async fn read(
        &self,
        bound: &Bound,
        what: &'static str,
        dn: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, DirectoryError> {
        let search = Search::of_object(what, dn, attributes);
        let found = search::few(&bound.connection, &search, self.link.patience()).await?;
        Ok(found.into_iter().next())
    }

    /// The SIDs of all groups that hold this one, directly or through others.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn groups_above(&self, group_dn: &str) -> Result<Vec<Sid>, DirectoryError> {
        let bound = self.link.bound().await?;
        let mut above: Vec<Sid> = Vec::new();
        let mut level = vec![group_dn.to_owned()];
        while !level.is_empty() && above.len() < PAGE.into() {
            let members = level.iter().map(|dn| FilterValue::text(dn));
            let filter = filter::any_of("member", members);
            let what = "the groups around a group";
            let search = Search::below(what, &bound.domain.head, filter, &["objectSid"]);
            let found = search::all(&bound.connection, &search, self.link.patience()).await;
            let found = found.inspect_err(|error| self.link.report(error))?;
            level.clear();
            for group in found {
                if let Some(sid) = group.sid("objectSid").filter(|sid| !above.contains(sid)) {
                    above.push(sid);
                    level.push(group.dn().to_owned());
                }
            }
        }
        Ok(above)
    }
}

impl Position {
    /// One that was written down.
    #[must_use]
    pub fn of_before(server: Server, invocation: Vec<u8>, usn: i64) -> Self {
        Self { server, invocation, usn, connection: Weak::new() }
    }

    /// Whether this is the same copy of the directory, at the same time or later.
    fn continues(&self, earlier: &Self) -> bool {
        let same_copy = !self.invocation.is_empty() && self.invocation == earlier.invocation;
        same_copy && self.server == earlier.server && self.usn >= earlier.usn
    }
}

impl Change {
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        Some(Self {
            dn: entry.dn().to_owned(),
            sid: entry.sid("objectSid")?,
            account: entry.text("sAMAccountName").map(str::to_owned),
            principal: entry.text("userPrincipalName").map(str::to_owned),
            is_group: entry.bytes("groupType").is_some(),
        })
    }
}
