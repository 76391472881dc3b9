//! Searches that come back complete: pages are fetched to the end, ranged attributes are filled,
//! references to other servers are dropped.

use std::time::Duration;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapDerefAliases, LdapFilter, LdapMsg, LdapOp, LdapResult, LdapResultCode, LdapSearchRequest,
    LdapSearchScope,
};

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::{DirectoryError, words_of};
use crate::filter;

/// Entries in a page of a search that is read to its end: AD's own MaxPageSize, which it will not
/// exceed.
const PAGE_SIZE: u16 = 1000;
/// Most entries taken for a search that is not paged to its end: a server that sends more is
/// broken or hostile.
const ENTRIES_MAX: usize = 5000;
/// Most parts of a ranged attribute: 20 million values at AD's 1,500 each.
const RANGES_MAX: usize = 14_000;

/// What to look for, and where.
#[derive(Debug, Clone)]
pub(crate) struct Search<'a> {
    /// In words, for errors.
    pub(crate) what: &'static str,
    /// The DN to start from; AD also takes `<SID=...>`.
    pub(crate) base: &'a str,
    /// How far to go from there.
    pub(crate) scope: LdapSearchScope,
    /// Which objects.
    pub(crate) filter: LdapFilter,
    /// Which attributes of them. None of ours is read by `*`.
    pub(crate) attributes: &'a [&'a str],
    /// Whether the base may have gone since it was found: then nothing is found, and that is an
    /// answer.
    pub(crate) base_may_be_gone: bool,
}

impl<'a> Search<'a> {
    /// One object, whatever it is.
    pub(crate) fn of_object(what: &'static str, dn: &'a str, attributes: &'a [&'a str]) -> Self {
        let filter = filter::present("objectClass");
        let scope = LdapSearchScope::Base;
        Self { what, base: dn, scope, filter, attributes, base_may_be_gone: true }
    }

    /// Everything below a DN that matches.
    pub(crate) fn below(
        what: &'static str,
        base: &'a str,
        filter: LdapFilter,
        attributes: &'a [&'a str],
    ) -> Self {
        let scope = LdapSearchScope::Subtree;
        Self { what, base, scope, filter, attributes, base_may_be_gone: false }
    }

    pub(crate) fn request(&self, attributes: Vec<String>) -> LdapOp {
        LdapOp::SearchRequest(LdapSearchRequest {
            base: self.base.to_owned(),
            scope: self.scope.clone(),
            // AD has no aliases, and to look for them costs.
            aliases: LdapDerefAliases::Never,
            sizelimit: 0,
            timelimit: 0,
            typesonly: false,
            filter: self.filter.clone(),
            attrs: attributes,
        })
    }
}

/// One page of a search, and the cookie of the next.
pub(crate) struct SearchPage {
    pub(crate) entries: Vec<Entry>,
    pub(crate) cookie: Vec<u8>,
}

/// All entries of a search, page by page to the end.
///
/// # Errors
/// [`DirectoryError`]; an answer that was cut short is an error, never a shorter answer.
pub(crate) async fn all(
    connection: &Connection,
    search: &Search<'_>,
    patience: Duration,
) -> Result<Vec<Entry>, DirectoryError> {
    let mut page = page(connection, search, PAGE_SIZE, Vec::new(), patience).await?;
    let mut entries = std::mem::take(&mut page.entries);
    while !page.cookie.is_empty() {
        page = self::page(connection, search, PAGE_SIZE, page.cookie, patience).await?;
        entries.append(&mut page.entries);
    }
    Ok(entries)
}

/// One page of a search: the first for an empty cookie.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) async fn page(
    connection: &Connection,
    search: &Search<'_>,
    size: u16,
    cookie: Vec<u8>,
    patience: Duration,
) -> Result<SearchPage, DirectoryError> {
    let control = LdapControl::SimplePagedResults { size: size.into(), cookie };
    let (entries, done) = run(connection, search, vec![control], patience).await?;
    let cookie = done.ctrl.into_iter().find_map(|control| match control {
        LdapControl::SimplePagedResults { cookie, .. } => Some(cookie),
        _ => None,
    });
    Ok(SearchPage { entries, cookie: cookie.unwrap_or_default() })
}

/// The entries of a search that finds one object or a few.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) async fn few(
    connection: &Connection,
    search: &Search<'_>,
    patience: Duration,
) -> Result<Vec<Entry>, DirectoryError> {
    Ok(run(connection, search, Vec::new(), patience).await?.0)
}

async fn run(
    connection: &Connection,
    search: &Search<'_>,
    controls: Vec<LdapControl>,
    patience: Duration,
) -> Result<(Vec<Entry>, LdapMsg), DirectoryError> {
    let attributes = search.attributes.iter().map(|name| (*name).to_owned()).collect();
    let request = search.request(attributes);
    let (mut entries, done) = collect(connection, search, request, controls, patience).await?;
    for entry in &mut entries {
        complete(connection, search, entry, patience).await?;
    }
    Ok((entries, done))
}

async fn collect(
    connection: &Connection,
    search: &Search<'_>,
    request: LdapOp,
    controls: Vec<LdapControl>,
    patience: Duration,
) -> Result<(Vec<Entry>, LdapMsg), DirectoryError> {
    let what = search.what;
    let mut answers = connection.start(request, controls, what, patience).await?;
    let mut entries = Vec::new();
    loop {
        let message = answers.next().await?;
        match &message.op {
            LdapOp::SearchResultDone(result) => {
                check(connection, search, result)?;
                return Ok((entries, message));
            }
            // Never followed: libldap would bind there anonymously, or hang.
            LdapOp::SearchResultReference(_) => {}
            LdapOp::SearchResultEntry(_) if entries.len() >= ENTRIES_MAX => {
                let problem = format!("more than {ENTRIES_MAX} entries came at once");
                return Err(DirectoryError::Unusable { what, problem });
            }
            LdapOp::SearchResultEntry(entry) => entries.push(Entry::new(entry.clone())),
            _ => {
                let problem = "it is another kind of message".to_owned();
                return Err(DirectoryError::Unusable { what, problem });
            }
        }
    }
}

fn check(
    connection: &Connection,
    search: &Search<'_>,
    result: &LdapResult,
) -> Result<(), DirectoryError> {
    match result.code {
        LdapResultCode::Success => Ok(()),
        LdapResultCode::NoSuchObject if search.base_may_be_gone => Ok(()),
        _ => Err(DirectoryError::Refused {
            server: connection.server().clone(),
            what: search.what,
            answer: words_of(result),
        }),
    }
}

/// Fetches the rest of every attribute that came in a range.
async fn complete(
    connection: &Connection,
    search: &Search<'_>,
    entry: &mut Entry,
    patience: Duration,
) -> Result<(), DirectoryError> {
    while let Some((mut range, mut values)) = entry.take_range() {
        for _ in 0..RANGES_MAX {
            let Some(next) = range.next else { break };
            let wanted = vec![format!("{};range={next}-*", range.attribute)];
            let dn = entry.dn().to_owned();
            let rest = Search::of_object(search.what, &dn, &[]);
            let request = rest.request(wanted);
            let (mut found, _) = collect(connection, &rest, request, Vec::new(), patience).await?;
            let Some((more, mut part)) = found.first_mut().and_then(Entry::take_range) else {
                let problem =
                    format!("the values of {} from {next} on are missing", range.attribute);
                return Err(DirectoryError::Unusable { what: search.what, problem });
            };
            values.append(&mut part);
            range = more;
        }
        entry.set(&range.attribute, values);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Server;
    use crate::tls::Tls;
    use ldaps_core::config;
    use ldaps_core::secret::Password;
    use test_directory::{MAX_VALUES, SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory};

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn connected(server: &TestDirectory) -> Connection {
        let dir = tempfile::tempdir().unwrap();
        let ca_file = Some(server.pki().write_ca(dir.path()).unwrap());
        let tls = Tls::new(&config::Tls { ca_file, ..config::Tls::default() }).unwrap();
        let address = Some(server.address().ip());
        let it = Server { name: server.url_host().into(), port: server.port(), address };
        let connection = Connection::open(&it, &tls, PATIENCE).await.unwrap();
        let password = Password::parse(SERVICE_PASSWORD.as_bytes()).unwrap_or_else(|_| panic!());
        let bound = crate::bind::bind(&connection, SERVICE_ACCOUNT, &password, PATIENCE).await;
        assert_eq!(bound.unwrap(), crate::bind::BindOutcome::Accepted);
        connection
    }

    #[tokio::test]
    async fn the_values_of_a_long_attribute_end_where_ad_cuts_them() {
        let server = TestDirectory::corp_example().unwrap();
        let connection = connected(&server).await;
        let below = "OU=Groups,DC=corp,DC=example";
        let by_name = |name: &str| filter::equals("cn", filter::FilterValue::text(name));
        let attributes = &["member", "cn"];
        let mut find = Search::below("groups", below, by_name("all-staff"), attributes);
        let found = few(&connection, &find, PATIENCE).await.unwrap();
        let members = found[0].values("member");
        assert!(members.len() > MAX_VALUES, "the server cuts nothing: {}", members.len());
        assert_eq!(members.len(), 3000);
        let mut distinct = members.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 3000, "a part came twice");
        assert_eq!(found[0].text("cn"), Some("all-staff"), "the other attributes are kept");

        // On a page, among entries that are short.
        let names = ["empty", "all-staff"].map(filter::FilterValue::text);
        find.filter = filter::any_of("cn", names.into_iter());
        let page = all(&connection, &find, PATIENCE).await.unwrap();
        let counts: Vec<_> = page.iter().map(|entry| entry.values("member").len()).collect();
        assert_eq!(counts, [0, 3000]);
    }

    #[tokio::test]
    async fn a_search_without_pages_that_ad_cuts_short_passes_for_complete() {
        let server = TestDirectory::corp_example().unwrap();
        let connection = connected(&server).await;
        let everybody = filter::present("sAMAccountName");
        let find = Search::below("everybody", "DC=corp,DC=example", everybody, &["cn"]);
        let error = few(&connection, &find, PATIENCE).await.unwrap_err().to_string();
        assert!(error.contains("refused everybody: SizeLimitExceeded"), "{error}");
        assert!(all(&connection, &find, PATIENCE).await.unwrap().len() > 3000);
    }

    #[tokio::test]
    async fn references_to_other_servers_are_followed_or_break_a_search() {
        let server = TestDirectory::corp_example().unwrap();
        let connection = connected(&server).await;
        let alice = filter::equals("sAMAccountName", filter::FilterValue::text("alice"));
        let find = Search::below("a user", "DC=corp,DC=example", alice, &["cn"]);
        let request = || find.request(vec!["cn".to_owned()]);
        let mut raw = connection.start(request(), vec![], "a user", PATIENCE).await.unwrap();
        let mut references = 0;
        loop {
            match raw.next().await.unwrap().op {
                LdapOp::SearchResultReference(_) => references += 1,
                LdapOp::SearchResultDone(_) => break,
                _ => {}
            }
        }
        assert!(references > 0, "the server sends none, and this tests nothing");
        assert_eq!(few(&connection, &find, PATIENCE).await.unwrap().len(), 1);
        assert_eq!(all(&connection, &find, PATIENCE).await.unwrap().len(), 1);
        assert_eq!(server.connections(), 1);
    }
}
