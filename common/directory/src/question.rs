//! One question that changes nothing, put to whichever server is in use.

use ldap3_proto::proto::LdapFilter;
use tokio::time::Instant;

use crate::error::DirectoryError;
use crate::filter;
use crate::link::{Bound, Link};
use crate::search::{self, Search, SearchPage};

/// One question, before it is known which server it is put to.
pub(crate) struct Query<'a> {
    pub(crate) what: &'static str,
    pub(crate) place: Place<'a>,
    pub(crate) filter: LdapFilter,
    pub(crate) attributes: &'a [&'a str],
    pub(crate) amount: Amount,
}

/// Where to look.
pub(crate) enum Place<'a> {
    /// At one object.
    Object(&'a str),
    /// Below a DN: the base of the domain unless another is configured.
    Below(Option<&'a str>),
}

/// How much may be found.
pub(crate) enum Amount {
    /// One object, or a few.
    Few,
    /// Any number, all of which are wanted.
    All,
    /// Any number, of which a page is wanted: of this size, from this cookie.
    Page(u16, Vec<u8>),
    /// The same, where other questions are asked before the next page: see [`Link::for_lists`].
    ListPage(u16, Vec<u8>),
}

impl<'a> Query<'a> {
    /// What one object has of these attributes.
    pub(crate) fn of_object(what: &'static str, dn: &'a str, attributes: &'a [&'a str]) -> Self {
        let filter = filter::present("objectClass");
        Self { what, place: Place::Object(dn), filter, attributes, amount: Amount::Few }
    }

    /// Asks, and once more on another connection where the first had ended: AD drops idle
    /// connections after 15 minutes without a word.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn ask(&self, link: &Link) -> Result<SearchPage, DirectoryError> {
        let began = Instant::now();
        let mut answer = self.ask_once(link).await;
        if matches!(&answer, Err(error) if error.is_of_the_connection()) {
            answer = self.ask_once(link).await;
        }
        link.traffic.count_search(began.elapsed(), answer.is_ok());
        answer.inspect_err(|error| link.report(error))
    }

    async fn ask_once(&self, link: &Link) -> Result<SearchPage, DirectoryError> {
        let bound = match &self.amount {
            Amount::Few | Amount::All | Amount::Page(..) => link.bound().await?,
            Amount::ListPage(..) => link.for_lists().await?,
        };
        let (connection, patience) = (&bound.connection, link.patience());
        let search = self.search(&bound);
        let whole = |entries| SearchPage { entries, cookie: Vec::new() };
        match &self.amount {
            Amount::Few => Ok(whole(search::few(connection, &search, patience).await?)),
            Amount::All => Ok(whole(search::all(connection, &search, patience).await?)),
            Amount::Page(size, cookie) | Amount::ListPage(size, cookie) => {
                search::page(connection, &search, *size, cookie.clone(), patience).await
            }
        }
    }

    fn search<'s>(&'s self, bound: &'s Bound) -> Search<'s> {
        match self.place {
            Place::Object(dn) => {
                let object = Search::of_object(self.what, dn, self.attributes);
                Search { filter: self.filter.clone(), ..object }
            }
            Place::Below(base) => {
                let base = base.unwrap_or(&bound.domain.base);
                Search::below(self.what, base, self.filter.clone(), self.attributes)
            }
        }
    }
}
