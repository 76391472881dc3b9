//! What a C caller sees: status, errno, null pointers, and its array of groups.

#[cfg(test)]
mod support;

use ldaps_core::protocol::messages::NssReply;
use support::{DOMAIN_USERS, TestHost, alice, ffi};

const TRYAGAIN: libc::c_int = -2;
const UNAVAIL: libc::c_int = -1;
const NOTFOUND: libc::c_int = 0;
const SUCCESS: libc::c_int = 1;

#[test]
fn an_old_erange_makes_glibc_retry_with_doubling_buffers() {
    let gone = TestHost::configured();
    assert_eq!(ffi::getpwnam(&gone.module(), "alice", libc::ERANGE), (UNAVAIL, libc::EIO));
    let host = TestHost::replying(NssReply::NotFound);
    assert_eq!(ffi::getpwnam(&host.module(), "alice", libc::ERANGE), (NOTFOUND, libc::ENOENT));
    let host = TestHost::replying(NssReply::User(alice()));
    assert_eq!(ffi::getpwnam(&host.module(), "alice", 0), (SUCCESS, 0));
}

#[test]
fn the_programs_errno_changes() {
    let host = TestHost::configured();
    let module = host.module();
    let errno = ffi::errno_after(libc::EXDEV, || {
        ffi::getpwnam(&module, "alice", 0);
    });
    assert_eq!(errno, libc::EXDEV);
}

#[test]
fn a_null_pointer_is_followed() {
    let host = TestHost::replying(NssReply::User(alice()));
    let module = host.module();
    let table = [
        (0, (UNAVAIL, libc::EINVAL)),
        (1, (UNAVAIL, libc::EINVAL)),
        (2, (TRYAGAIN, libc::ERANGE)),
        (3, (SUCCESS, 0)),
        (4, (TRYAGAIN, libc::ERANGE)),
    ];
    for (missing, seen) in table {
        assert_eq!(ffi::getpwnam_without(&module, missing), seen, "argument {missing}");
    }
    assert_eq!(host.asked(), 1, "a call that cannot succeed asks nothing");
    assert_eq!(ffi::initgroups_without_array(&module), (UNAVAIL, libc::EINVAL));
}

#[test]
fn a_users_groups_are_lost_doubled_or_written_beyond_the_array() {
    let gid = |n| DOMAIN_USERS + n;
    let all: Vec<u32> = (0..40).map(gid).collect();
    let mut reply = all.clone();
    reply.push(gid(7));
    let host = TestHost::replying(NssReply::Gids(reply));
    let module = host.module();

    // As glibc begins: the primary group is in the array.
    let (status, groups, size) = ffi::initgroups(&module, "alice", gid(0), &[gid(0)], 1, -1);
    assert_eq!((status, groups), (SUCCESS, all.clone()));
    assert!(size >= 40, "{size}");

    let (_, groups, size) = ffi::initgroups(&module, "alice", gid(0), &[27, gid(3)], 64, 0);
    assert_eq!(groups.len(), 40, "27, and all but the primary one, none twice: {groups:?}");
    assert_eq!(size, 64, "an array that is large enough stays as it is");

    let (status, groups, size) = ffi::initgroups(&module, "alice", gid(0), &[gid(0)], 2, 5);
    assert_eq!((status, groups.len(), size), (SUCCESS, 5, 5), "no more than the limit");

    let (status, groups, _) = ffi::initgroups(&module, "alice", 5, &[], 0, 0);
    assert_eq!((status, groups), (SUCCESS, all), "an array of no size");

    let (status, groups, _) = ffi::initgroups(&module, "root", 0, &[0], 1, -1);
    assert_eq!((status, groups), (NOTFOUND, vec![0]));
}
