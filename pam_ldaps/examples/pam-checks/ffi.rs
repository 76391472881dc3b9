//! A program that logs people in: the application's side of libpam, with a conversation that
//! answers as it is told, well or badly.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::Duration;

/// How the conversation answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With these bytes.
    Bytes(Vec<u8>),
    /// With a reply that holds no text, as is usual for a message.
    Nothing,
    /// With success and no reply at all, which some programs do.
    NoReply,
    /// With PAM_CONV_ERR.
    Failure,
}

/// What the person at the prompt does, and what they saw.
#[derive(Debug)]
pub struct Conversation {
    /// The answers to the prompts, in turn; the last one goes on for ever.
    pub to_prompts: Vec<Answer>,
    /// The answer to a message.
    pub to_messages: Answer,
    /// How long it takes to answer a prompt.
    pub typing: Duration,
    /// How many prompts there were.
    pub prompts: usize,
    /// The messages shown.
    pub messages: Vec<String>,
    /// How many times libpam would have made the person wait.
    pub delays: usize,
}

impl Conversation {
    /// A person who types this and a program that behaves.
    pub fn typing(password: &[u8]) -> Self {
        Self {
            to_prompts: vec![Answer::Bytes(password.to_vec())],
            to_messages: Answer::Nothing,
            typing: Duration::ZERO,
            prompts: 0,
            messages: Vec::new(),
            delays: 0,
        }
    }

    /// The answer to the next prompt.
    fn answer_prompt(&mut self) -> Answer {
        std::thread::sleep(self.typing);
        let answers = &self.to_prompts;
        let answer = answers.get(self.prompts).or(answers.last()).cloned();
        self.prompts += 1;
        answer.unwrap_or(Answer::Failure)
    }
}

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse =
    unsafe extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conv {
    converse: Option<Converse>,
    data: *mut c_void,
}

const PAM_CONV_ERR: c_int = 19;
const PAM_USER: c_int = 2;
const PAM_CONV: c_int = 5;
const PAM_FAIL_DELAY: c_int = 10;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conv: *const Conv,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conv: *const Conv,
        confdir: *const c_char,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_chauthtok(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
}

/// A PAM handle of an application.
pub struct Login {
    handle: *mut c_void,
    conversation: Box<Conversation>,
    status: c_int,
}

impl Login {
    /// Starts a login with the PAM files of /etc/pam.d or those of `confdir`; the code of libpam
    /// where that fails.
    pub fn start(
        service: &str,
        user: &CStr,
        confdir: Option<&CStr>,
        conversation: Conversation,
    ) -> Result<Self, c_int> {
        let service = CString::new(service).unwrap_or_default();
        let mut conversation = Box::new(conversation);
        let data = (&raw mut *conversation).cast::<c_void>();
        let conv = Conv { converse: Some(converse), data };
        let mut handle = ptr::null_mut();
        let (service, user) = (service.as_ptr(), user.as_ptr());
        let code = match confdir {
            // SAFETY: pam_start_confdir(3): all strings end in a NUL, the conversation is copied,
            // its data lives as long as the handle (both are in the Login returned).
            Some(dir) => unsafe {
                pam_start_confdir(service, user, &raw const conv, dir.as_ptr(), &raw mut handle)
            },
            // SAFETY: pam_start(3): as above.
            None => unsafe { pam_start(service, user, &raw const conv, &raw mut handle) },
        };
        match code {
            0 => Ok(Self { handle, conversation, status: 0 }),
            code => Err(code),
        }
    }

    /// Counts the waiting of failed logins instead of suffering it.
    pub fn without_delay(self) -> Self {
        let delay: unsafe extern "C" fn(c_int, c_uint, *mut c_void) = count_delay;
        // SAFETY: pam_set_item(3): PAM_FAIL_DELAY is a function of this type.
        unsafe { pam_set_item(self.handle, PAM_FAIL_DELAY, delay as *const c_void) };
        self
    }

    /// Takes the conversation away, as a program that has none.
    pub fn without_conversation(self) -> Self {
        let none = Conv { converse: None, data: ptr::null_mut() };
        // SAFETY: pam_set_item(3): PAM_CONV is a struct pam_conv, which libpam copies.
        unsafe { pam_set_item(self.handle, PAM_CONV, (&raw const none).cast()) };
        self
    }

    /// Makes it another user's: PAM_USER is set anew.
    pub fn renamed(self, user: &CStr) -> Self {
        // SAFETY: pam_set_item(3): PAM_USER is a string that ends in a NUL, which libpam copies.
        unsafe { pam_set_item(self.handle, PAM_USER, user.as_ptr().cast()) };
        self
    }

    /// pam_authenticate.
    pub fn authenticate(&mut self, flags: c_int) -> c_int {
        // SAFETY: pam_authenticate(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_authenticate(self.handle, flags) };
        self.status
    }

    /// pam_acct_mgmt.
    pub fn account(&mut self, flags: c_int) -> c_int {
        // SAFETY: pam_acct_mgmt(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_acct_mgmt(self.handle, flags) };
        self.status
    }

    /// pam_setcred.
    pub fn set_credentials(&mut self, flags: c_int) -> c_int {
        // SAFETY: pam_setcred(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_setcred(self.handle, flags) };
        self.status
    }

    /// pam_chauthtok.
    pub fn change_password(&mut self, flags: c_int) -> c_int {
        // SAFETY: pam_chauthtok(3): the handle is of pam_start and not yet ended.
        self.status = unsafe { pam_chauthtok(self.handle, flags) };
        self.status
    }

    /// pam_chauthtok in a child of this process; None where there is none, or it died.
    pub fn change_password_in_a_child(&mut self, flags: c_int) -> Option<c_int> {
        // SAFETY: fork(2): the child calls libpam and ends; glibc has made its allocator fit for
        // that in a process of several threads.
        match unsafe { libc::fork() } {
            0 => {
                let code = self.change_password(flags);
                // SAFETY: _exit(2) runs nothing that belongs to the parent.
                unsafe { libc::_exit(code) }
            }
            -1 => None,
            child => {
                let mut status = 0;
                // SAFETY: waitpid(2): the child is ours, `status` is a place for one int.
                let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
                (waited == child && libc::WIFEXITED(status)).then(|| libc::WEXITSTATUS(status))
            }
        }
    }

    /// What the person did and saw.
    pub fn seen(&self) -> &Conversation {
        &self.conversation
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        // SAFETY: pam_end(3): once, and nothing uses the handle afterwards.
        unsafe { pam_end(self.handle, self.status) };
    }
}

unsafe extern "C" fn count_delay(_: c_int, microseconds: c_uint, data: *mut c_void) {
    // SAFETY: libpam gives the conversation's data: the Login's own Conversation, used by nobody
    // else during the call; NULL where there is no conversation.
    let conversation = unsafe { data.cast::<Conversation>().as_mut() };
    if let Some(conversation) = conversation {
        conversation.delays += usize::from(microseconds > 0);
    }
}

unsafe extern "C" fn converse(
    _: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    // SAFETY: as in `count_delay`.
    let conversation = unsafe { data.cast::<Conversation>().as_mut() };
    // SAFETY: pam_conv(3): there is at least one message; libpam sends one at a time.
    let message = unsafe { *messages };
    // SAFETY: pam_conv(3): the pointer is to a message that stays for the length of this call.
    let message = unsafe { message.as_ref() };
    let (Some(conversation), Some(message)) = (conversation, message) else {
        return PAM_CONV_ERR;
    };
    let answer = match message.style {
        1 | 2 => conversation.answer_prompt(),
        _ => {
            // SAFETY: pam_conv(3): the text ends in a NUL.
            let text = unsafe { CStr::from_ptr(message.text) };
            conversation.messages.push(text.to_string_lossy().into_owned());
            conversation.to_messages.clone()
        }
    };
    let text = match answer {
        Answer::Bytes(bytes) => allocated(&bytes),
        Answer::Nothing => ptr::null_mut(),
        Answer::NoReply => return 0,
        Answer::Failure => return PAM_CONV_ERR,
    };
    // SAFETY: calloc(3) has no conditions.
    let response = unsafe { libc::calloc(1, size_of::<Response>()) }.cast::<Response>();
    // SAFETY: memory for one Response was just allocated (a test may die of a NULL here), and
    // pam_conv(3) has the caller free it.
    unsafe { response.write(Response { text, code: 0 }) };
    // SAFETY: pam_conv(3): `responses` is a place for one pointer.
    unsafe { responses.write(response) };
    0
}

/// The bytes and a NUL, in memory that libpam will free.
fn allocated(bytes: &[u8]) -> *mut c_char {
    // SAFETY: calloc(3) has no conditions.
    let memory = unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>();
    // SAFETY: the memory was just allocated for this many bytes and one more, and is nobody's yet.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
    memory.cast()
}

/// Counts how many times a file is opened, by whatever process.
pub struct Watch(File);

impl Watch {
    /// Begins to count.
    pub fn on(file: &CStr) -> io::Result<Self> {
        // SAFETY: inotify_init1(2) touches no memory.
        let descriptor = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and is nobody else's.
        let watch = Self(unsafe { File::from_raw_fd(descriptor) });
        // SAFETY: inotify_add_watch(2): the path ends in a NUL, the descriptor is inotify's.
        match unsafe { libc::inotify_add_watch(descriptor, file.as_ptr(), libc::IN_OPEN) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(watch),
        }
    }

    /// How many times since the last time.
    pub fn opened(&mut self) -> usize {
        // A file's events carry no name: each is as long as the structure, and events that are
        // alike and not yet read are one.
        let mut events = [0; 4096];
        self.0.read(&mut events).unwrap_or(0) / size_of::<libc::inotify_event>()
    }
}

/// Runs this in a process of its own that has this uid, and no other group than the group of the
/// same number, and gives what it says; None where the process could not be had or died.
pub fn as_user(uid: u32, say: impl FnOnce() -> String) -> Option<String> {
    let (mut here, mut there) = UnixStream::pair().ok()?;
    // SAFETY: fork(2): this process has one thread; the child runs `say` and ends.
    match unsafe { libc::fork() } {
        0 => {
            drop(here);
            // SAFETY: setgroups(2): no group is read for a length of 0.
            let groups = unsafe { libc::setgroups(0, ptr::null()) };
            // SAFETY: setresgid(2) touches no memory.
            let group = unsafe { libc::setresgid(uid, uid, uid) };
            // SAFETY: setresuid(2) touches no memory.
            let user = unsafe { libc::setresuid(uid, uid, uid) };
            let became = [groups, group, user] == [0, 0, 0];
            if became {
                let _ = there.write_all(say().as_bytes());
            }
            // SAFETY: _exit(2) runs nothing that belongs to the parent.
            unsafe { libc::_exit(i32::from(!became)) }
        }
        -1 => None,
        child => {
            drop(there);
            let mut said = String::new();
            let read = here.read_to_string(&mut said);
            let mut status = 0;
            // SAFETY: waitpid(2): the child is ours, `status` is a place for one int.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            (waited == child && read.is_ok() && status == 0).then_some(said)
        }
    }
}

/// Gives this thread, and no other, another effective user: what it listens on is then that
/// user's.
pub fn become_user(uid: u32) -> bool {
    // SAFETY: the system call itself, without the C library's wrapper that would change every
    // thread; it touches no memory.
    unsafe { libc::syscall(libc::SYS_setresuid, -1, uid, -1) == 0 }
}
