//! One look at the directory as the service account sees it, for the administrator's tool.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ldap3_proto::proto::LdapFilter;
use openssl::asn1::Asn1Time;

use crate::account::{self, AccountState, PasswordState};
use crate::domain::Domain;
use crate::error::DirectoryError;
use crate::filter::{self, FilterValue};
use crate::queries::Directory;
use crate::question::{Amount, Place, Query};
use crate::users::{Depth, UserRecord};

/// Each page has the deadline of a look-up, in which a domain controller that is busy gives no more.
const PAGE: u16 = 250;
/// So many pages are counted, and then it is "or more": nobody waits longer for a number.
const PAGES: usize = 40;
/// The RID of Protected Users (MS-DTYP 2.4.2.4).
const PROTECTED_USERS: u32 = 525;

/// What the service account sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The domain.
    pub domain: Arc<Domain>,
    /// How long connecting and the bind took.
    pub bound_in: Duration,
    /// How many seconds the server's clock is ahead of this host's; None if it does not show it.
    pub clock_ahead: Option<i64>,
    /// The service account's own object, as far as it may be read.
    pub own: Option<OwnAccount>,
    /// How many users the filter finds.
    pub users: usize,
    /// How many groups.
    pub groups: usize,
    /// Whether there are more of them than were counted.
    pub more: bool,
    /// Attributes of a user that may not be read; with the DN that was tried.
    pub unreadable: Vec<Unreadable>,
    /// Password settings (a PSO) that hold for somebody and may not be read, by their DN.
    pub hidden_pso: Option<String>,
}

/// An attribute of a user that the service account may not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name.
    pub attribute: &'static str,
    /// The user whose it is.
    pub dn: String,
    /// Whether nobody gets in without it.
    pub decides: bool,
}

/// The service account's own object.
#[derive(Debug, Clone)]
pub struct OwnAccount {
    /// Its DN.
    pub dn: String,
    /// Its password.
    pub password: PasswordState,
    /// When the account itself ends, if it does.
    pub expires: Option<SystemTime>,
    /// Whether it is a member of Protected Users.
    pub protected: bool,
}

/// Connects, binds once, looks and counts.
///
/// # Errors
/// [`DirectoryError`], as for every question.
pub(crate) async fn look(directory: &Directory, bind_dn: &str) -> Result<Seen, DirectoryError> {
    let began = Instant::now();
    let domain = directory.domain().await?;
    let bound_in = began.elapsed();
    let clock_ahead = clock_ahead(directory).await?;
    let own = own_account(directory, &domain, bind_dn).await?;
    let users = directory.users_page(PAGE, Vec::new()).await?;
    let groups = directory.groups_page(PAGE, Vec::new()).await?;
    let (mut count, mut next) = (users.records.len(), users.next);
    for _ in 1..PAGES {
        if next.is_empty() {
            break;
        }
        let page = directory.users_page(PAGE, next).await?;
        count += page.records.len();
        next = page.next;
    }
    Ok(Seen {
        bound_in,
        clock_ahead,
        own,
        users: count,
        groups: groups.records.len(),
        more: !next.is_empty() || !groups.next.is_empty(),
        unreadable: unreadable(directory, &users.records).await?,
        hidden_pso: hidden_pso(directory, &domain).await?,
        domain,
    })
}

/// currentTime of rootDSE (MS-ADTS 3.1.1.3.2.2) against the middle of the asking.
async fn clock_ahead(directory: &Directory) -> Result<Option<i64>, DirectoryError> {
    let before = SystemTime::now();
    let query = Query::of_object("the server's clock", "", &["currentTime"]);
    let root = query.ask(&directory.link).await?.entries;
    let now = before + before.elapsed().unwrap_or_default() / 2;
    let theirs = root.first().and_then(|root| generalized_time(root.text("currentTime")?));
    let ours = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(theirs.and_then(|theirs| theirs.checked_sub_unsigned(ours)))
}

/// `20261125001500.0Z`, in seconds since 1970.
fn generalized_time(text: &str) -> Option<i64> {
    let digits = text.get(..14).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let time = Asn1Time::from_str(&format!("{digits}Z")).ok()?;
    let since = Asn1Time::from_unix(0).ok()?.diff(&time).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

async fn own_account(
    directory: &Directory,
    domain: &Domain,
    bind_dn: &str,
) -> Result<Option<OwnAccount>, DirectoryError> {
    let what = "the service account's own object";
    let attributes = account::ATTRIBUTES.iter().chain(account::COMPUTED_ATTRIBUTES);
    let attributes: &[&str] = &attributes.copied().collect::<Vec<_>>();
    let query = match bind_dn.split_once('@').or_else(|| bind_dn.split_once('\\')) {
        _ if bind_dn.contains('=') => Query::of_object(what, bind_dn, attributes),
        Some((left, right)) => {
            let name = if bind_dn.contains('@') { left } else { right };
            let same = |name, value| filter::equals(name, FilterValue::text(value));
            // AD takes sAMAccountName@domain for any account, whether it has a userPrincipalName or not.
            let either = LdapFilter::Or(vec![
                same("userPrincipalName", bind_dn),
                same("sAMAccountName", name),
            ]);
            let place = Place::Below(Some(&domain.head));
            Query { what, place, filter: either, attributes, amount: Amount::Few }
        }
        None => return Ok(None),
    };
    let found = query.ask(&directory.link).await?.entries;
    let [own] = found.as_slice() else { return Ok(None) };
    let (state, dn) = (AccountState::of(own, Depth::Password), own.dn().to_owned());
    let groups = directory.token_groups(&dn).await?.unwrap_or_default();
    let protected = domain.sid.with_rid(PROTECTED_USERS);
    Ok(Some(OwnAccount {
        password: state.password(SystemTime::now()),
        expires: state.expires(),
        protected: protected.is_some_and(|sid| groups.contains(&sid)),
        dn,
    }))
}

async fn unreadable(
    directory: &Directory,
    users: &[UserRecord],
) -> Result<Vec<Unreadable>, DirectoryError> {
    let mut found: Vec<Unreadable> = Vec::new();
    let mut find = |attribute, dn: &str, decides| {
        if !found.iter().any(|it: &Unreadable| it.attribute == attribute) {
            found.push(Unreadable { attribute, dn: dn.to_owned(), decides });
        }
    };
    // What AD computes anew for each object: one stands for all.
    if let Some(UserRecord { dn, .. }) = users.first() {
        if directory.token_groups(dn).await?.is_none() {
            find("tokenGroups", dn, true);
        }
        let attributes = directory.user_attributes(Depth::Password);
        let query = Query::of_object("a user's password", dn, &attributes);
        for entry in &query.ask(&directory.link).await?.entries {
            let hidden = AccountState::of(entry, Depth::Password).hidden();
            hidden.into_iter().for_each(|(attribute, decides)| find(attribute, dn, decides));
        }
    }
    for user in users {
        let hidden = user.state.hidden();
        hidden.into_iter().for_each(|(attribute, decides)| find(attribute, &user.dn, decides));
    }
    Ok(found)
}

/// The first PSO that holds for anybody, and is not shown (MS-ADTS 6.1.1.4.11.1).
async fn hidden_pso(
    directory: &Directory,
    domain: &Domain,
) -> Result<Option<String>, DirectoryError> {
    let what = "password settings of single people";
    let applied = Query {
        what,
        place: Place::Below(Some(&domain.head)),
        filter: filter::present("msDS-PSOApplied"),
        attributes: &["msDS-PSOApplied"],
        amount: Amount::Page(PAGE, Vec::new()),
    };
    let found = applied.ask(&directory.link).await?.entries;
    let mut settings: Vec<&str> =
        found.iter().filter_map(|it| it.text("msDS-PSOApplied")).collect();
    settings.sort_unstable();
    settings.dedup();
    for pso in settings {
        let query = Query::of_object(what, pso, &["msDS-MinimumPasswordLength"]);
        let shown = query.ask(&directory.link).await?.entries;
        if shown.first().is_none_or(|it| it.number("msDS-MinimumPasswordLength").is_none()) {
            return Ok(Some(pso.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_clock_is_read_wrongly() {
        for (text, seconds) in [
            ("19700101000000.0Z", Some(0)),
            ("20261125001500.0Z", Some(1_795_565_700)),
            ("20261125001500Z", Some(1_795_565_700)),
            ("2026", None),
            ("2026112500150x.0Z", None),
        ] {
            assert_eq!(generalized_time(text), seconds, "{text}");
        }
    }
}
