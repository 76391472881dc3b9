//! The module's calls as a C program makes them, with what C would see as Rust values. The only
//! unsafe code of these tests.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use nss_ldaps::ffi;
use nss_ldaps::module::{Module, Slot};
use nss_ldaps::status::Miss;

/// A call that puts its entry into a slot.
type Call<'m, T> = &'m dyn Fn(Slot<'_, T>) -> Result<(), Miss>;

/// Makes a call for a user, with a buffer of this many bytes.
pub fn user(room: usize, call: Call<'_, libc::passwd>) -> Result<PasswdEntry, Miss> {
    let mut buffer = vec![MaybeUninit::new(0xAA_u8); room];
    let mut result = MaybeUninit::uninit();
    call(Slot { result: &mut result, buffer: &mut buffer })?;
    // SAFETY: the call has succeeded, so the struct is filled.
    let result = unsafe { result.assume_init() };
    assert_eq!(text(result.pw_passwd, &buffer), "*");
    Ok(PasswdEntry {
        name: text(result.pw_name, &buffer),
        uid: result.pw_uid,
        gid: result.pw_gid,
        gecos: text(result.pw_gecos, &buffer),
        home: text(result.pw_dir, &buffer),
        shell: text(result.pw_shell, &buffer),
    })
}

/// Makes a call for a group, with a buffer of this many bytes that begins `skew` bytes behind an
/// aligned address.
pub fn group(room: usize, skew: usize, call: Call<'_, libc::group>) -> Result<GroupEntry, Miss> {
    let mut memory = vec![MaybeUninit::new(0xAA_u8); room + skew + 8];
    let from = memory.as_ptr().align_offset(8) + skew;
    let buffer = &mut memory[from..from + room];
    let mut result = MaybeUninit::uninit();
    call(Slot { result: &mut result, buffer: &mut *buffer })?;
    // SAFETY: the call has succeeded, so the struct is filled.
    let result = unsafe { result.assume_init() };
    assert_eq!(text(result.gr_passwd, buffer), "*");
    assert!(result.gr_mem.is_aligned(), "gr_mem is at {:?}", result.gr_mem);
    let mut members = Vec::new();
    loop {
        let at = result.gr_mem.wrapping_add(members.len());
        assert!(buffer.as_ptr_range().contains(&at.cast_const().cast()));
        // SAFETY: the array lies in the buffer, and its end has not been met yet.
        let member = unsafe { *at };
        if member.is_null() {
            break;
        }
        members.push(text(member, buffer));
    }
    Ok(GroupEntry { name: text(result.gr_name, buffer), gid: result.gr_gid, members })
}

/// Whether a buffer is as it was made here.
pub fn is_untouched(buffer: &[MaybeUninit<u8>]) -> bool {
    // SAFETY: every buffer here is initialised when it is made.
    buffer.iter().all(|byte| unsafe { byte.assume_init() } == 0xAA)
}

/// The C string at a pointer, which has to lie in the buffer with its NUL.
fn text(at: *const libc::c_char, buffer: &[MaybeUninit<u8>]) -> String {
    let range = buffer.as_ptr_range();
    assert!(range.contains(&at.cast()), "{at:?} is outside of {range:?}");
    let from = at.addr() - range.start.addr();
    // SAFETY: every buffer here is initialised when it is made.
    let bytes = buffer[from..].iter().map(|byte| unsafe { byte.assume_init() });
    let text: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    assert!(from + text.len() < buffer.len(), "the NUL is outside of the buffer");
    String::from_utf8(text).unwrap()
}

/// What a C caller sees of a call: the status, and what is in `*errnop`.
pub type Seen = (libc::c_int, libc::c_int);

/// getpwnam_r from C, with `*errnop` set to something before.
pub fn getpwnam(module: &Module<'_>, name: &str, errnop_before: libc::c_int) -> Seen {
    let name = CString::new(name).unwrap();
    let mut result = MaybeUninit::uninit();
    let (mut buffer, mut errnop) = (vec![0; 1024], errnop_before);
    // SAFETY: as nss.h wants it.
    let status = unsafe {
        ffi::getpwnam(
            module,
            name.as_ptr(),
            result.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut errnop,
        )
    };
    (status, errnop)
}

/// getgrnam_r as programs call it that know no size (sudo-rs, shadow): a buffer of 1 KiB, doubled for as
/// long as the answer is TRYAGAIN with ERANGE; `before` is called before each. What ended it, the sizes that were tried, and how many
/// members there are then.
pub fn getgrnam_doubling(
    module: &Module<'_>,
    name: &str,
    before: impl Fn(),
) -> (Seen, Vec<usize>, usize) {
    const LARGEST: usize = 64 << 20;
    let name = CString::new(name).unwrap();
    let mut rooms = vec![1024];
    loop {
        let room = rooms[rooms.len() - 1];
        before();
        let mut result = MaybeUninit::<libc::group>::uninit();
        let (mut buffer, mut errnop) = (vec![0; room], 0);
        // SAFETY: as nss.h wants it.
        let status = unsafe {
            ffi::getgrnam(
                module,
                name.as_ptr(),
                result.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut errnop,
            )
        };
        if (status, errnop) == (-2, libc::ERANGE) && room < LARGEST {
            rooms.push(room * 2);
            continue;
        }
        let mut members = 0;
        if status == 1 {
            // SAFETY: the call has succeeded, so the struct is filled.
            let mut at = unsafe { result.assume_init() }.gr_mem;
            // SAFETY: the array has not ended yet.
            while !unsafe { *at }.is_null() {
                (members, at) = (members + 1, at.wrapping_add(1));
            }
        }
        return ((status, errnop), rooms, members);
    }
}

/// getpwnam_r from C with one pointer missing: 0 name, 1 result, 2 buffer, 3 errnop, 4 the
/// buffer's length is 0.
pub fn getpwnam_without(module: &Module<'_>, missing: usize) -> Seen {
    let (mut result, mut buffer, mut errnop) = (MaybeUninit::uninit(), [0; 1024], 0);
    let or_null =
        |n, pointer: *mut libc::c_char| if missing == n { ptr::null_mut() } else { pointer };
    // SAFETY: null pointers are what is tested; the others are as nss.h wants them.
    let status = unsafe {
        ffi::getpwnam(
            module,
            if missing == 0 { ptr::null() } else { c"alice".as_ptr() },
            if missing == 1 { ptr::null_mut() } else { result.as_mut_ptr() },
            or_null(2, buffer.as_mut_ptr()),
            if missing == 4 { 0 } else { buffer.len() },
            if missing == 3 { ptr::null_mut() } else { &raw mut errnop },
        )
    };
    (status, errnop)
}

/// initgroups_dyn from C: status, the array's content and its size afterwards.
pub fn initgroups(
    module: &Module<'_>,
    name: &str,
    primary: u32,
    before: &[u32],
    room: usize,
    limit: libc::c_long,
) -> (libc::c_int, Vec<u32>, libc::c_long) {
    let name = CString::new(name).unwrap();
    // SAFETY: malloc(3).
    let mut groups: *mut u32 = unsafe { libc::malloc(room.max(1) * 4) }.cast();
    for (at, gid) in before.iter().enumerate() {
        // SAFETY: the callers here give no more than there is room for.
        unsafe { groups.wrapping_add(at).write(*gid) };
    }
    let (mut start, mut size, mut errnop) = (before.len() as libc::c_long, room as libc::c_long, 0);
    // SAFETY: as nss.h wants it.
    let status = unsafe {
        ffi::initgroups(
            module,
            name.as_ptr(),
            primary,
            &raw mut start,
            &raw mut size,
            &raw mut groups,
            limit,
            &raw mut errnop,
        )
    };
    // SAFETY: `start` gids are set.
    let after = unsafe { std::slice::from_raw_parts(groups, start as usize) }.to_vec();
    // SAFETY: from malloc or realloc.
    unsafe { libc::free(groups.cast()) };
    (status, after, size)
}

/// initgroups_dyn from C with no array at all.
pub fn initgroups_without_array(module: &Module<'_>) -> Seen {
    let mut errnop = 0;
    // SAFETY: null pointers are what is tested.
    let status = unsafe {
        ffi::initgroups(
            module,
            c"alice".as_ptr(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            0,
            &raw mut errnop,
        )
    };
    (status, errnop)
}

/// Sets the thread's errno, makes a call, and gives errno afterwards.
pub fn errno_after(errno: libc::c_int, call: impl FnOnce()) -> libc::c_int {
    // SAFETY: errno(3).
    let place = unsafe { libc::__errno_location() };
    // SAFETY: errno(3).
    unsafe { *place = errno };
    call();
    // SAFETY: errno(3).
    unsafe { *place }
}

/// Runs something in a forked child and gives the child's exit status; -1 if it was killed, which
/// it is after some seconds.
pub fn in_child(body: impl FnOnce() -> libc::c_int) -> libc::c_int {
    // SAFETY: fork(2); the child of a threaded process calls what these tests are about.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: alarm(2).
        unsafe { libc::alarm(5) };
        let status = body();
        // SAFETY: _exit(2).
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: waitpid(2).
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 }
}

/// Closes descriptors 0 to 2.
pub fn close_standard_descriptors() {
    for fd in 0..3 {
        // SAFETY: close(2).
        unsafe { libc::close(fd) };
    }
}

/// Whether a descriptor is open.
pub fn is_open(fd: libc::c_int) -> bool {
    // SAFETY: fcntl(2).
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Calls a function when this process exits, then exits.
pub fn exit_through(handler: extern "C" fn()) -> ! {
    // SAFETY: atexit(3).
    unsafe { libc::atexit(handler) };
    // SAFETY: exit(3).
    unsafe { libc::exit(99) }
}

/// Ends the process at once.
pub fn leave(status: libc::c_int) -> ! {
    // SAFETY: _exit(2).
    unsafe { libc::_exit(status) }
}

/// Loads a shared object, looks a user up with it from a new thread, unloads it, and lets the
/// thread end afterwards. Gives the status of the lookup.
pub fn load_call_unload(path: &str) -> libc::c_int {
    type Getpwnam = unsafe extern "C" fn(
        *const libc::c_char,
        *mut libc::passwd,
        *mut libc::c_char,
        usize,
        *mut libc::c_int,
    ) -> libc::c_int;
    let path = CString::new(path).unwrap();
    let thread = std::thread::spawn(move || {
        // SAFETY: dlopen(3).
        let module = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!module.is_null(), "{path:?} cannot be loaded");
        // SAFETY: dlsym(3).
        let symbol = unsafe { libc::dlsym(module, c"_nss_ldaps_getpwnam_r".as_ptr()) };
        assert!(!symbol.is_null());
        // SAFETY: the symbol is this function.
        let getpwnam = unsafe { std::mem::transmute::<*mut libc::c_void, Getpwnam>(symbol) };
        let (mut result, mut buffer, mut errnop) = (MaybeUninit::uninit(), [0; 1024], 0);
        // SAFETY: as nss.h wants it.
        let status = unsafe {
            getpwnam(
                c"a:b".as_ptr(),
                result.as_mut_ptr(),
                buffer.as_mut_ptr(),
                1024,
                &raw mut errnop,
            )
        };
        // SAFETY: dlclose(3).
        unsafe { libc::dlclose(module) };
        status
    });
    thread.join().unwrap()
}

/// Runs `body` in a thread of pthread.h's and cancels that as soon as `when` returns; what `body` gave,
/// None where it was not run to its end.
pub fn cancelled(body: impl FnOnce() -> bool + Send, when: impl FnOnce()) -> Option<bool> {
    struct Shared<F>(Option<F>, Option<bool>);
    extern "C" fn start<F: FnOnce() -> bool>(shared: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: `cancelled` gives a pointer to this, and looks at it when the thread has ended.
        let shared = unsafe { &mut *shared.cast::<Shared<F>>() };
        shared.1 = shared.0.take().map(|body| body());
        ptr::null_mut()
    }
    fn start_of<F: FnOnce() -> bool>(
        _: &Shared<F>,
    ) -> extern "C" fn(*mut libc::c_void) -> *mut libc::c_void {
        start::<F>
    }
    let mut shared = Shared(Some(body), None);
    let entry = start_of(&shared);
    let mut thread = 0;
    // SAFETY: pthread_create(3): `shared` outlives the thread, which is joined below.
    let made = unsafe {
        libc::pthread_create(&raw mut thread, ptr::null(), entry, (&raw mut shared).cast())
    };
    assert_eq!(made, 0);
    when();
    // SAFETY: pthread_cancel(3): the thread is not joined yet.
    unsafe { libc::pthread_cancel(thread) };
    // SAFETY: pthread_join(3): once.
    unsafe { libc::pthread_join(thread, ptr::null_mut()) };
    shared.1
}
