//! `pam_ldaps.so`: the C ABI, the conversation and the PAM codes. Who may log in is `ldapsd`'s to
//! decide; what is here asks it, and makes sure that it is asked about nobody else's users.
//!
//! - [`flow`]: the steps of a login and of a password change, in their order, over the trait
//!   [`host::Host`]
//! - [`codes`]: what each verdict is in PAM's numbers
//! - [`words`]: what the person reads of it; [`report`]: what the log says
//! - [`arguments`]: what may stand behind the module in a PAM file
//! - [`live`]: the host as it is: libpam, the C library, the daemon
//! - [`hooks`]: what libpam calls
//! - `ffi`: everything unsafe

pub mod arguments;
pub mod codes;
mod ffi;
pub mod flow;
pub mod hooks;
pub mod host;
pub mod live;
pub mod report;
pub mod words;
