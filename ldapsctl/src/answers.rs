//! Answers of the daemon that are none: what is said of them, and with which exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ldaps_core::protocol::admin::AdminReply;

use crate::NOT_KNOWN;
use crate::daemon::NoAnswer;
use crate::output::print_error;

/// Says why there is no answer. A clear no is 1, what is not known is 3.
pub fn none(asked: Result<AdminReply, NoAnswer>) -> ExitCode {
    let (problem, code) = match asked {
        Err(error) => (error.to_string(), ExitCode::from(NOT_KNOWN)),
        Ok(AdminReply::NoSuchUser(why)) => (format!("no such user: {why}"), ExitCode::FAILURE),
        Ok(AdminReply::NoSuchGroup(why)) => (format!("no such group: {why}"), ExitCode::FAILURE),
        Ok(AdminReply::Unavailable(why)) => {
            (format!("the directory could not be asked: {why}"), ExitCode::from(NOT_KNOWN))
        }
        Ok(AdminReply::Denied(why)) => {
            (format!("ldapsd refuses to answer: {why}"), ExitCode::from(NOT_KNOWN))
        }
        Ok(_) => (
            "ldapsd answered another question than was asked".to_owned(),
            ExitCode::from(NOT_KNOWN),
        ),
    };
    print_error(&format!("{problem}\n"));
    code
}
