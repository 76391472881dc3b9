//! What AD is going to say to the right password, as far as its attributes tell. It does not show
//! everything (a policy that answers 52f, a token that is too large): that it says only to a bind.

use std::time::SystemTime;

use ldaps_core::refusal::Refusal;
use ldaps_directory::{AccountState, BindOutcome, PasswordState};

use super::hopeless::Hopeless;

/// AD's answer, in the order in which a domain controller looks (MS-ADTS 5.1.1.3 has the codes).
/// `dc` is the name of the domain controller: it takes itself for the computer that an LDAP client
/// logs on to.
pub(super) fn outcome(
    state: &AccountState,
    hopeless: Option<Hopeless>,
    dc: &str,
    now: SystemTime,
) -> BindOutcome {
    let objections = state.objections(now).unwrap_or_default();
    let has = |refusal: Refusal| objections.contains(&refusal);
    let password = state.password(now);
    let ladder = [
        (has(Refusal::AccountDisabled), Refusal::AccountDisabled),
        (state.is_locked_out(), Refusal::LockedOut),
        (has(Refusal::AccountExpired), Refusal::AccountExpired),
        // What follows is said only to a right password, and no password of theirs is.
        (hopeless.is_some(), Refusal::WrongPassword),
        (password == PasswordState::MustChange, Refusal::PasswordMustChange),
        (password == PasswordState::Expired, Refusal::PasswordExpired),
        (!is_open_at(state, dc), Refusal::Workstation),
        (has(Refusal::LogonHours), Refusal::LogonHours),
    ];
    match ladder.into_iter().find(|(holds, _)| *holds) {
        Some((_, refusal)) => BindOutcome::Refused(refusal),
        None => BindOutcome::Accepted,
    }
}

/// Whether "Log On To" is empty, or names this domain controller.
pub(super) fn is_open_at(state: &AccountState, dc: &str) -> bool {
    computers_include(&state.workstations(), dc)
}

fn computers_include(computers: &[&str], dc: &str) -> bool {
    let here = dc.split('.').next().unwrap_or_default();
    computers.is_empty() || computers.iter().any(|computer| computer.eq_ignore_ascii_case(here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_controller_is_compared_as_ad_compares_it() {
        let open = |computers: &[&str], dc| computers_include(computers, dc);
        assert!(open(&[], "dc1.corp.example"));
        assert!(open(&["PC-ONE", "DC1"], "dc1.corp.example"));
        assert!(!open(&["PC-ONE"], "dc1.corp.example"));
        assert!(!open(&["dc1"], ""), "nobody is connected");
    }
}
