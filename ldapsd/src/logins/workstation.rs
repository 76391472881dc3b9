//! "Log On To" (userWorkstations) where the configuration wants it obeyed on this host. AD itself
//! cannot: a bind over LDAP names no computer, so it looks for its own name in the list.

use ldaps_core::config::{Pam, Workstations};
use ldaps_core::refusal::Refusal;
use ldaps_directory::AccountState;

use super::Decision;
use crate::lookups::memory::KnownUser;

/// What the list of an account means for this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LogOnTo {
    /// Nothing, as configured.
    Ignored,
    /// There is none: every computer.
    Everywhere,
    /// There is none to be seen, nor anything else that is read by the same right: whether there
    /// is one is not known. An account that was never used at this domain controller may look so
    /// too, so it is no reason to refuse.
    Unseen,
    /// It names this host.
    Here,
    /// It names others, in these words.
    Elsewhere(String),
}

/// Whether an account may log on to this host, and what the journal is to say of that.
///
/// # Errors
/// Its list names others.
pub(super) fn check(pam: &Pam, user: &KnownUser) -> Result<&'static str, Decision> {
    match log_on_to(pam, &user.record.state) {
        LogOnTo::Elsewhere(why) => Err(Decision::refused_because(Refusal::Workstation, why)),
        LogOnTo::Ignored | LogOnTo::Everywhere => Ok(""),
        LogOnTo::Here => Ok("; its \"Log On To\" list names this host"),
        LogOnTo::Unseen => Ok("; AD shows neither a \"Log On To\" list nor whether it may be read"),
    }
}

/// What the list of an account means for this host.
pub(super) fn log_on_to(pam: &Pam, state: &AccountState) -> LogOnTo {
    match pam.workstations {
        Workstations::Ignore => LogOnTo::Ignored,
        Workstations::Enforce => {
            let names = own_names(pam.workstation_name.as_deref(), &host_name());
            judge(&state.workstations(), &names, state.shows_logon_information())
        }
    }
}

fn judge(list: &[&str], names: &[String], shown: bool) -> LogOnTo {
    let is_here = |computer: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(computer));
    match list {
        [] if shown => LogOnTo::Everywhere,
        [] => LogOnTo::Unseen,
        list if list.iter().any(is_here) => LogOnTo::Here,
        list => LogOnTo::Elsewhere(format!(
            "the account's \"Log On To\" list names {}, and not this host ({})",
            list.join(", "),
            names.join(", ")
        )),
    }
}

/// The configured name alone, or the host's, up to its first dot and whole.
fn own_names(configured: Option<&str>, host: &str) -> Vec<String> {
    if let Some(name) = configured {
        return vec![name.to_owned()];
    }
    let short = host.split('.').next().unwrap_or_default();
    let mut names = vec![short.to_owned(), host.to_owned()];
    names.dedup();
    names.retain(|name| !name.is_empty());
    names
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_lets_in_on_another_host_or_keeps_out_of_this_one() {
        let here = own_names(None, "host1.corp.example");
        let named = own_names(Some("LNX-1"), "host1.corp.example");
        let elsewhere = |names: &[String], list: &[&str]| {
            matches!(judge(list, names, true), LogOnTo::Elsewhere(_))
        };
        assert_eq!(judge(&[], &here, true), LogOnTo::Everywhere);
        assert_eq!(judge(&[], &here, false), LogOnTo::Unseen);
        assert_eq!(judge(&["PC-ONE", "HOST1"], &here, true), LogOnTo::Here);
        assert_eq!(judge(&["Host1.Corp.Example"], &here, false), LogOnTo::Here);
        assert!(elsewhere(&here, &["PC-ONE"]));
        assert!(elsewhere(&here, &["HOST"]) && elsewhere(&here, &["HOST11"]));
        assert_eq!(judge(&["lnx-1"], &named, true), LogOnTo::Here);
        assert!(elsewhere(&named, &["HOST1"]), "another name was configured");
        // A host that does not know its name is on no list.
        assert!(elsewhere(&own_names(None, ""), &["PC-ONE"]));
        let LogOnTo::Elsewhere(why) = judge(&["PC-ONE", "PC-TWO"], &here, true) else { panic!() };
        assert!(
            why.contains("PC-ONE, PC-TWO, and not this host (host1, host1.corp.example)"),
            "{why}"
        );
    }
}
