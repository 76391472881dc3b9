//! What a lookup may do to the process it happens in. Each test looks at the whole process, so
//! they take turns.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests too")]

#[cfg(test)]
mod support;

use std::cell::Cell;
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use ldaps_core::protocol::messages::{NssReply, NssRequest};
use nss_ldaps::module::Module;
use support::{Answer, DOMAIN_USERS, TestHost, alice, ffi};

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn finds_alice(module: &Module<'_>) -> bool {
    ffi::user(1024, &|slot| module.getpwnam(b"alice", slot)) == Ok(alice())
}

/// A host that lives as long as the process: for handlers that can carry nothing.
fn lasting_host() -> &'static TestHost {
    static HOST: OnceLock<TestHost> = OnceLock::new();
    HOST.get_or_init(|| TestHost::replying(NssReply::User(alice())))
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Waits until the daemon's threads have closed what they had open.
fn descriptors_settle_at(expected: usize) -> bool {
    (0..100).any(|_| {
        thread::sleep(Duration::from_millis(10));
        open_descriptors() <= expected
    })
}

#[test]
fn a_thread_that_looks_up_and_ends_leaves_a_descriptor_behind() {
    let _alone = alone();
    let host = TestHost::replying(NssReply::User(alice()));
    let module = host.module();
    assert!(finds_alice(&module));
    thread::sleep(Duration::from_millis(50));
    let before = open_descriptors();
    for _ in 0..100 {
        thread::scope(|threads| {
            for _ in 0..10 {
                threads.spawn(|| assert!(finds_alice(&module)));
            }
        });
    }
    assert!(descriptors_settle_at(before), "{} of {before}", open_descriptors());
}

#[test]
fn a_fork_while_another_thread_looks_up_leaves_the_child_without_lookups() {
    let _alone = alone();
    let (seen, in_the_middle) = mpsc::channel();
    let host = TestHost::answering(move |request| match request {
        NssRequest::UserByName(name) if name == "slow" => {
            seen.send(()).unwrap();
            Answer::Late(Duration::from_millis(500), NssReply::NotFound)
        }
        NssRequest::Users(_) => {
            seen.send(()).unwrap();
            Answer::Late(Duration::from_millis(500), NssReply::Users(vec![alice()], None))
        }
        _ => Answer::Reply(NssReply::User(alice())),
    });
    let module = host.module();
    thread::scope(|threads| {
        threads.spawn(|| ffi::user(1024, &|slot| module.getpwnam(b"slow", slot)));
        in_the_middle.recv().unwrap();
        assert_eq!(ffi::in_child(|| i32::from(!finds_alice(&module))), 0);
    });
    // In the middle of an enumeration: no answer, but no hang either.
    thread::scope(|threads| {
        threads.spawn(|| ffi::user(1024, &|slot| module.getpwent(slot)));
        in_the_middle.recv().unwrap();
        let status = ffi::in_child(|| {
            let listed = ffi::user(1024, &|slot| module.getpwent(slot));
            i32::from(listed.is_ok() || !finds_alice(&module))
        });
        assert_eq!(status, 0);
    });
}

#[test]
fn a_program_without_standard_descriptors_finds_one_of_ours_in_their_place() {
    let _alone = alone();
    let (host, status) = (lasting_host(), 0);
    let module = host.module();
    assert_eq!(
        status,
        ffi::in_child(|| {
            ffi::close_standard_descriptors();
            let found = finds_alice(&module);
            i32::from(!found || (0..3).any(ffi::is_open))
        })
    );
}

/// Whether a thread of this process holds back SIGALRM.
fn somebody_holds_sigalrm() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end between the list and the look at it.
    let status = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status"));
    tasks.filter_map(|task| status(task.unwrap()).ok()).any(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << (libc::SIGALRM - 1) != 0
    })
}

#[test]
fn a_programs_timer_can_jump_out_of_a_request() {
    let _alone = alone();
    let (send, during) = mpsc::channel();
    let host = TestHost::answering(move |_| {
        send.send(somebody_holds_sigalrm()).unwrap();
        Answer::Reply(NssReply::User(alice()))
    });
    assert!(finds_alice(&host.module()));
    assert_eq!(during.recv(), Ok(true));
}

#[test]
fn a_thread_that_is_cancelled_in_a_request_takes_the_process_along() {
    let _alone = alone();
    let (seen, in_the_middle) = mpsc::channel();
    let host = TestHost::answering(move |_| {
        seen.send(()).unwrap();
        Answer::Late(Duration::from_millis(300), NssReply::Gids(vec![DOMAIN_USERS]))
    });
    let module = host.module();
    let groups = || ffi::initgroups(&module, "alice", 0, &[], 0, -1).1 == [DOMAIN_USERS];
    let looked_up = ffi::cancelled(groups, || in_the_middle.recv().unwrap());
    assert_eq!(looked_up, Some(true), "to its end, and nothing is unwound");
}

extern "C" fn look_up_at_exit() {
    ffi::leave(if finds_alice(&lasting_host().module()) { 7 } else { 8 });
}

#[test]
fn a_lookup_from_an_exit_handler_fails() {
    let _alone = alone();
    lasting_host();
    assert_eq!(ffi::in_child(|| ffi::exit_through(look_up_at_exit)), 7);
}

struct AtThreadEnd(Cell<Option<mpsc::Sender<bool>>>);

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        if let Some(result) = self.0.take() {
            result.send(finds_alice(&lasting_host().module())).unwrap();
        }
    }
}

#[test]
fn a_lookup_from_a_thread_locals_destructor_fails() {
    thread_local!(static LAST: AtThreadEnd = const { AtThreadEnd(Cell::new(None)) });
    let _alone = alone();
    let (send, result) = mpsc::channel();
    // The destructor is registered before the lookup's own thread-locals are first used.
    thread::spawn(move || LAST.with(|last| last.0.set(Some(send)))).join().unwrap();
    assert_eq!(result.recv(), Ok(true));
}

#[test]
fn loading_and_unloading_the_module_ends_the_process() {
    let _alone = alone();
    // Cargo puts the cdylib beside the test binaries.
    let module = std::env::current_exe().unwrap().with_file_name("libnss_ldaps.so");
    for _ in 0..1000 {
        assert_eq!(ffi::load_call_unload(module.to_str().unwrap()), 0, "NOTFOUND for a:b");
    }
}
