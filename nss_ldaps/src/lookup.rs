//! The questions for one entry: what is answered without the daemon, what is asked, and what of
//! the answer is believed.
#![forbid(unsafe_code)]

use ldaps_core::entries::{GroupEntry, PasswdEntry, check_id};
use ldaps_core::names::{GroupName, UserName};
use ldaps_core::protocol::messages::{NssReply, NssRequest};

use crate::host::{Host, Page};
use crate::status::Miss;

/// A user by any form of name.
///
/// # Errors
/// [`Miss`]. A name that no account can have, such as pam_unix's probe `pam_unix_non_existent:`,
/// is not found without a request.
pub fn user_by_name(host: &Host<'_>, raw: &[u8]) -> Result<PasswdEntry, Miss> {
    let name = UserName::parse(raw).map_err(|_| Miss::NotFound)?;
    user(host, &host.page()?, &NssRequest::UserByName(name.as_str().to_owned()))
}

/// A user by uid.
///
/// # Errors
/// [`Miss`]. An id that cannot be the directory's is not found without a request, with the daemon
/// down too.
pub fn user_by_id(host: &Host<'_>, uid: u32) -> Result<PasswdEntry, Miss> {
    let page = page_for_id(host, uid)?;
    match user(host, &page, &NssRequest::UserById(uid))? {
        user if user.uid == uid => Ok(user),
        _ => Err(Miss::Unavailable),
    }
}

/// A group by name.
///
/// # Errors
/// [`Miss`]; as for [`user_by_name`].
pub fn group_by_name(host: &Host<'_>, raw: &[u8]) -> Result<GroupEntry, Miss> {
    let name = GroupName::parse(raw).map_err(|_| Miss::NotFound)?;
    group(host, &host.page()?, &NssRequest::GroupByName(name.as_str().to_owned()))
}

/// A group by gid.
///
/// # Errors
/// [`Miss`]; as for [`user_by_id`].
pub fn group_by_id(host: &Host<'_>, gid: u32) -> Result<GroupEntry, Miss> {
    let page = page_for_id(host, gid)?;
    match group(host, &page, &NssRequest::GroupById(gid))? {
        group if group.gid == gid => Ok(group),
        _ => Err(Miss::Unavailable),
    }
}

/// Some gids, each once.
pub type Gids<'g> = &'g mut dyn ExactSizeIterator<Item = u32>;

/// Hands the gids of all groups of a user to `add`, in one piece.
///
/// glibc asks every service for the groups of every user, root included, so the host's own users
/// are told apart here, before any request.
///
/// # Errors
/// [`Miss`]; a local name is not found. Those of `add`.
pub fn groups_of(
    host: &Host<'_>,
    raw: &[u8],
    mut add: impl FnMut(Gids<'_>) -> Result<(), Miss>,
) -> Result<(), Miss> {
    let known = host.warm.groups_of(raw, |gids, is_attended| {
        // Whom the host has made since the daemon ended has not been withdrawn.
        let is_theirs = is_attended || !host.is_local_user(raw);
        is_theirs.then(|| add(&mut gids.gids()))
    });
    match known {
        Some(answer) => answer,
        None => add(&mut asked_groups_of(host, raw)?.into_iter()),
    }
}

fn asked_groups_of(host: &Host<'_>, raw: &[u8]) -> Result<Vec<u32>, Miss> {
    let name = UserName::parse(raw).map_err(|_| Miss::NotFound)?;
    if host.is_local_user(raw) {
        return Err(Miss::NotFound);
    }
    let page = host.page()?;
    let (mut gids, local) =
        match host.ask(&page, &NssRequest::GroupsOf(name.as_str().to_owned()))? {
            NssReply::Gids(gids) => (gids, Vec::new()),
            NssReply::GidsAndLocal(gids, local) => (gids, local),
            NssReply::NotFound => return Err(Miss::NotFound),
            NssReply::Unavailable
            | NssReply::User(_)
            | NssReply::Group(_)
            | NssReply::Users(..)
            | NssReply::Groups(..) => return Err(Miss::Unavailable),
        };
    gids.iter().try_for_each(|gid| check_id(*gid)).map_err(|_| Miss::Unavailable)?;
    host.believe(&page, &gids)?;
    host.believe_local(&local)?;
    gids.extend(local);
    gids.sort_unstable();
    gids.dedup();
    Ok(gids)
}

/// A user that the daemon gave, if it can be believed.
///
/// # Errors
/// `Unavailable`.
pub fn believed_user(host: &Host<'_>, page: &Page, user: PasswdEntry) -> Result<PasswdEntry, Miss> {
    user.check().map_err(|_| Miss::Unavailable)?;
    host.believe(page, &[user.uid, user.gid])?;
    Ok(user)
}

/// A group that the daemon gave, if it can be believed.
///
/// # Errors
/// `Unavailable`.
pub fn believed_group(host: &Host<'_>, page: &Page, group: GroupEntry) -> Result<GroupEntry, Miss> {
    group.check().map_err(|_| Miss::Unavailable)?;
    host.believe(page, &[group.gid])?;
    Ok(group)
}

fn page_for_id(host: &Host<'_>, id: u32) -> Result<Page, Miss> {
    check_id(id).map_err(|_| Miss::NotFound)?;
    match host.page()? {
        page if page.excludes(id) => Err(Miss::NotFound),
        page => Ok(page),
    }
}

fn user(host: &Host<'_>, page: &Page, request: &NssRequest) -> Result<PasswdEntry, Miss> {
    match host.ask(page, request)? {
        NssReply::User(user) => believed_user(host, page, user),
        NssReply::NotFound => Err(Miss::NotFound),
        NssReply::Unavailable
        | NssReply::Group(_)
        | NssReply::Gids(_)
        | NssReply::GidsAndLocal(..)
        | NssReply::Users(..)
        | NssReply::Groups(..) => Err(Miss::Unavailable),
    }
}

fn group(host: &Host<'_>, page: &Page, request: &NssRequest) -> Result<GroupEntry, Miss> {
    match host.ask(page, request)? {
        NssReply::Group(group) => believed_group(host, page, group),
        NssReply::NotFound => Err(Miss::NotFound),
        NssReply::Unavailable
        | NssReply::User(_)
        | NssReply::Gids(_)
        | NssReply::GidsAndLocal(..)
        | NssReply::Users(..)
        | NssReply::Groups(..) => Err(Miss::Unavailable),
    }
}
