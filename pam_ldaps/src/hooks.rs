//! What libpam calls: each hook sets the flow on its way and nothing more.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};

use crate::arguments::Arguments;
use crate::ffi::KeptErrno;
use crate::flow;
use crate::host::Host;
use crate::live::Live;
use crate::report::{Level, shown};

/// The halves of `pam_sm_chauthtok` (security/pam_modules.h); libpam sets exactly one.
const PAM_UPDATE_AUTHTOK: PamFlag = 0x2000;
const PAM_PRELIM_CHECK: PamFlag = 0x4000;

/// The module, for `pam-bindings`' entry points; those catch a panic and answer `PAM_ABORT`, which
/// lets nobody in. The session hooks keep that trait's `PAM_IGNORE`: a session holds nothing.
#[derive(Debug)]
pub struct Ldaps;

impl PamHooks for Ldaps {
    fn sm_authenticate(
        handle: &mut PamHandle,
        arguments: Vec<&CStr>,
        flags: PamFlag,
    ) -> PamResultCode {
        run(handle, &arguments, flags, flow::authenticate)
    }

    fn acct_mgmt(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        run(handle, &arguments, flags, flow::account)
    }

    fn sm_setcred(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        run(handle, &arguments, flags, flow::set_credentials)
    }

    /// `PAM_CHANGE_EXPIRED_AUTHTOK` makes no difference: who comes from a login with it has the
    /// expired password kept on the handle, and who has not, is asked for it and changes it.
    fn sm_chauthtok(
        handle: &mut PamHandle,
        arguments: Vec<&CStr>,
        flags: PamFlag,
    ) -> PamResultCode {
        match flags & (PAM_PRELIM_CHECK | PAM_UPDATE_AUTHTOK) {
            PAM_PRELIM_CHECK => run(handle, &arguments, flags, flow::check_current_password),
            PAM_UPDATE_AUTHTOK => run(handle, &arguments, flags, flow::change_password),
            _ => PamResultCode::PAM_SYSTEM_ERR,
        }
    }
}

fn run(
    handle: &mut PamHandle,
    arguments: &[&CStr],
    flags: PamFlag,
    flow: fn(&mut dyn Host) -> PamResultCode,
) -> PamResultCode {
    let _errno = KeptErrno::new();
    silence_panics();
    let arguments = Arguments::parse(arguments);
    let mut host = Live::new(handle, flags, arguments.debug);
    for unknown in &arguments.unknown {
        let line = format!("the argument \"{}\" is not known and has no effect", shown(unknown));
        host.log(Level::Warning, &line);
    }
    flow(&mut host)
}

/// A panic would write to the standard error of the program we are a guest in: a network
/// connection, as often as not. The hook is that of this shared object's own copy of std. An
/// atomic flag and no `Once`: a `Once` that another thread is inside of at a fork never ends in
/// the child.
fn silence_panics() {
    static SILENCED: AtomicBool = AtomicBool::new(false);
    if !SILENCED.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(|_| {}));
    }
}
