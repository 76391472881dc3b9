//! nss.sock: look-ups, for anyone.

use std::sync::Arc;
use std::time::Duration;

use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::frame;
use ldaps_core::protocol::messages::{Cursor, NssReply, NssRequest};
use ldaps_directory::DirectoryError;
use tokio::time::timeout;

use super::{Reply, Request, reply};
use crate::budget::{Asker, Budget};
use crate::host::Host;
use crate::lookups::memory::Key;
use crate::mirror::listing;
use crate::peer::Peer;

/// The module waits 5 s in all; whoever is told "unavailable" in time need not wonder.
const DEADLINE: Duration = Duration::from_millis(4_500);

/// Answers one request.
pub(crate) async fn answer(
    host: Arc<Host>,
    budget: Arc<Budget>,
    peer: Peer,
    request: Request,
) -> Reply {
    let request: NssRequest = frame::decode(&request)?;
    let asker = Asker { budget: &budget, uid: peer.uid };
    let answer = timeout(DEADLINE, look_up(&host, asker, request))
        .await
        .unwrap_or(Ok(NssReply::Unavailable));
    reply(&answer.unwrap_or_else(|error| {
        // Each outage is told once, where it is noticed; this is for whoever looks closer.
        tracing::debug!("a look-up of uid {} failed: {error}", peer.uid);
        NssReply::Unavailable
    }))
}

async fn look_up(
    host: &Host,
    asker: Asker<'_>,
    request: NssRequest,
) -> Result<NssReply, DirectoryError> {
    match request {
        NssRequest::UserByName(name) => match UserName::parse(name.as_bytes()) {
            Ok(name) => user(host, asker, Key::UserName(name)).await,
            Err(_) => Ok(NssReply::NotFound),
        },
        NssRequest::UserById(uid) => user(host, asker, Key::Uid(uid)).await,
        NssRequest::GroupByName(name) => match GroupName::parse(name.as_bytes()) {
            Ok(name) => group(host, asker, Key::GroupName(name)).await,
            Err(_) => Ok(NssReply::NotFound),
        },
        NssRequest::GroupById(gid) => group(host, asker, Key::Gid(gid)).await,
        NssRequest::GroupsOf(name) => match UserName::parse(name.as_bytes()) {
            Ok(name) => groups_of(host, asker, name).await,
            Err(_) => Ok(NssReply::NotFound),
        },
        NssRequest::Users(_) if !host.config.nss.enumerate => Ok(NssReply::Users(vec![], None)),
        NssRequest::Groups(_) if !host.config.nss.enumerate => Ok(NssReply::Groups(vec![], None)),
        NssRequest::Users(cursor) => {
            let _place = asker.place().await;
            let place = Listing::at(cursor);
            let page = listing::users(host, place.cookie.clone()).await?;
            Ok(NssReply::Users(page.records, place.next(&page.next)))
        }
        NssRequest::Groups(cursor) => {
            let _place = asker.place().await;
            let place = Listing::at(cursor);
            let page = listing::groups(host, place.cookie.clone()).await?;
            Ok(NssReply::Groups(page.records, place.next(&page.next)))
        }
    }
}

async fn user(host: &Host, asker: Asker<'_>, key: Key) -> Result<NssReply, DirectoryError> {
    let found = host.lookups.user(key, asker).await?;
    Ok(found.map_or(NssReply::NotFound, |user| NssReply::User(user.entry.clone())))
}

async fn group(host: &Host, asker: Asker<'_>, key: Key) -> Result<NssReply, DirectoryError> {
    let found = host.lookups.group(key, asker).await?;
    Ok(found.map_or(NssReply::NotFound, |group| NssReply::Group(group.entry())))
}

async fn groups_of(
    host: &Host,
    asker: Asker<'_>,
    name: UserName,
) -> Result<NssReply, DirectoryError> {
    let Some(user) = host.lookups.user(Key::UserName(name), asker).await? else {
        return Ok(NssReply::NotFound);
    };
    // Not shown is not none: nobody is told of fewer groups than there are.
    let Some(membership) = host.lookups.membership(&user, asker).await? else {
        return Ok(NssReply::Unavailable);
    };
    let gids = membership.gids.clone();
    let local = host.lookups.local_gids(&membership).await?;
    // Modules of before know the plain reply alone.
    Ok(match local.is_empty() {
        true => NssReply::Gids(gids),
        false => NssReply::GidsAndLocal(gids, local),
    })
}

/// Where a list stands: the number of its page, and the server's cookie, which Samba does not change from
/// page to page; a module takes a cursor that comes again for a list without end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listing {
    page: u64,
    cookie: Vec<u8>,
}

impl Listing {
    /// Out of `PAGE-COOKIE`, the cookie in hex. A cursor that is none of ours begins anew.
    fn at(cursor: Option<Cursor>) -> Self {
        let read = |Cursor(text): Cursor| {
            let (page, hex) = text.split_once('-')?;
            let pairs = hex.as_bytes().chunks(2).map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                u8::from_str_radix(pair, 16).ok()
            });
            Some(Self { page: page.parse().ok()?, cookie: pairs.collect::<Option<_>>()? })
        };
        cursor.and_then(read).unwrap_or_default()
    }

    /// The cursor of the page behind it.
    fn next(&self, cookie: &[u8]) -> Option<Cursor> {
        let hex = || cookie.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        (!cookie.is_empty()).then(|| Cursor(format!("{}-{}", self.page.saturating_add(1), hex())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_lost_on_the_way_through_the_cursor() {
        let bytes = vec![0, 1, 0x7f, 0xff, 10];
        let first = Listing::default();
        let second = Listing::at(first.next(&bytes));
        assert_eq!(second, Listing { page: 1, cookie: bytes });
        assert_eq!(first.next(&[]), None);
        for none in ["0g", "1-0g", "x-00", "00"] {
            assert_eq!(Listing::at(Some(Cursor(none.into()))), Listing::default(), "{none}");
        }
    }

    #[test]
    fn a_cookie_that_stays_the_same_ends_a_list() {
        let cookie = b"one and the same";
        let second = Listing::default().next(cookie);
        let third = Listing::at(second.clone()).next(cookie);
        assert!(second.is_some() && third.is_some() && second != third);
    }
}
