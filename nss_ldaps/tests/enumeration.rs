//! getpwent and getgrent, page by page.

#[cfg(test)]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ldaps_core::entries::PasswdEntry;
use ldaps_core::protocol::messages::{Cursor, NssReply, NssRequest};
use nss_ldaps::module::Module;
use nss_ldaps::status::Miss;
use support::{ALICE, Answer, DOMAIN_USERS, TestHost, alice, domain_users, ffi};

fn user(n: u32) -> PasswdEntry {
    PasswdEntry { name: format!("user{n}"), uid: ALICE + n, ..alice() }
}

/// Three pages of users, the one in the middle empty.
fn three_pages(request: NssRequest) -> Answer {
    let next = |cursor: &str| Some(Cursor(cursor.into()));
    Answer::Reply(match request {
        NssRequest::Users(None) => NssReply::Users(vec![user(0), user(1)], next("2")),
        NssRequest::Users(Some(Cursor(at))) if at == "2" => NssReply::Users(vec![], next("3")),
        NssRequest::Users(Some(Cursor(at))) if at == "3" => NssReply::Users(vec![user(2)], None),
        NssRequest::Groups(None) => NssReply::Groups(vec![domain_users([])], None),
        _ => NssReply::Unavailable,
    })
}

fn getpwent(module: &Module<'_>, room: usize) -> Result<String, Miss> {
    ffi::user(room, &|slot| module.getpwent(slot)).map(|user| user.name)
}

fn all_users(module: &Module<'_>) -> Vec<String> {
    std::iter::from_fn(|| getpwent(module, 1024).ok()).collect()
}

#[test]
fn users_are_left_out_repeated_or_out_of_order() {
    let host = TestHost::answering(three_pages);
    let module = host.module();
    let everybody = ["user0", "user1", "user2"];
    assert_eq!(all_users(&module), everybody, "without setpwent");
    assert_eq!(getpwent(&module, 1024), Err(Miss::NotFound), "the end stays the end");
    module.reset_users().unwrap();
    assert_eq!(all_users(&module), everybody, "after setpwent");
    module.reset_users().unwrap();
    getpwent(&module, 1024).unwrap();
    module.reset_users().unwrap();
    assert_eq!(all_users(&module), everybody, "after setpwent in the middle");

    let group = || ffi::group(1024, 0, &|slot| module.getgrent(slot)).map(|group| group.gid);
    assert_eq!((group(), group()), (Ok(DOMAIN_USERS), Err(Miss::NotFound)));
    module.reset_groups().unwrap();
    assert_eq!(group(), Ok(DOMAIN_USERS));
}

#[test]
fn a_short_buffer_skips_a_user_or_asks_again() {
    let host = TestHost::answering(three_pages);
    let module = host.module();
    for _ in 0..3 {
        assert_eq!(getpwent(&module, 10), Err(Miss::ShortBuffer));
    }
    assert_eq!(getpwent(&module, 1024).unwrap(), "user0");
    assert_eq!(host.asked(), 1);
}

#[test]
fn enumeration_that_is_off_looks_like_a_failure() {
    for reply in [NssReply::NotFound, NssReply::Users(vec![], None)] {
        let host = TestHost::replying(reply);
        assert_eq!(getpwent(&host.module(), 1024), Err(Miss::NotFound));
    }
    assert_eq!(getpwent(&TestHost::unconfigured().module(), 1024), Err(Miss::NotFound));
}

#[test]
fn a_daemon_that_turns_in_circles_keeps_the_caller_for_ever() {
    let same = |_| Answer::Reply(NssReply::Users(vec![], Some(Cursor("1".into()))));
    let host = TestHost::answering(same);
    assert_eq!(getpwent(&host.module(), 1024), Err(Miss::Unavailable));
    assert_eq!(host.asked(), 2);

    let count = AtomicUsize::new(0);
    let host = TestHost::answering(move |_| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        Answer::Reply(NssReply::Users(vec![], Some(Cursor(n.to_string()))))
    });
    let module = host.impatient_module(Duration::from_millis(100));
    let start = Instant::now();
    assert_eq!(getpwent(&module, 1024), Err(Miss::Unavailable));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn an_interrupted_list_looks_complete_or_starts_again() {
    let host = TestHost::answering(|request| match request {
        NssRequest::Users(None) => {
            Answer::Reply(NssReply::Users(vec![user(0)], Some(Cursor("2".into()))))
        }
        _ => Answer::Bytes(vec![]),
    });
    let module = host.module();
    assert_eq!(getpwent(&module, 1024).unwrap(), "user0");
    assert_eq!(getpwent(&module, 1024), Err(Miss::Unavailable));
    assert_eq!(getpwent(&module, 1024), Err(Miss::Unavailable));
}

#[test]
fn one_entry_that_is_not_believed_spoils_the_list() {
    let root = PasswdEntry { uid: 0, ..user(1) };
    let host = TestHost::replying(NssReply::Users(vec![user(0), root, user(2)], None));
    assert_eq!(all_users(&host.module()), ["user0", "user2"]);
}
