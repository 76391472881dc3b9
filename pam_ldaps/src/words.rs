//! What the person at the prompt reads.
#![forbid(unsafe_code)]

use ldaps_core::protocol::messages::Verdict;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::PasswordError;

use crate::codes::Phase;

/// Somebody has been recognised and cannot be judged: they are not at fault.
pub const NOT_JUDGED: &str = "Your account cannot be checked now. Please try again later.";
/// The same, where it is the password that was to be changed.
pub const NOT_CHANGEABLE: &str = "Your password cannot be changed now. Please try again later.";
/// The daemon was lost with the change on its way.
pub const PERHAPS_CHANGED: &str =
    "No answer came, so your password may have been changed or not. Please try the new one first.";
/// The right password, and no way in with it.
pub const CHANGE_FIRST: &str = "Your password has to be changed now.";
/// The new password is the old one.
pub const SAME_PASSWORD: &str = "The new password is the same as the current one.";
const WRONG: &str = "The current password is wrong.";
const FORBIDDEN: &str = "You may not change this password here.";
/// Longest line that a conversation has to carry, in bytes (`PAM_MAX_MSG_SIZE`, less its NUL).
const LINE_MAX: usize = 511;

/// The line for a verdict: the daemon's own, where it has one to say.
#[must_use]
pub fn line(phase: Phase, verdict: Verdict, notice: Option<&str>) -> Option<String> {
    let notice = notice.map(plain).filter(|line| !line.is_empty());
    notice.or_else(|| usual(phase, verdict).map(str::to_owned))
}

fn usual(phase: Phase, verdict: Verdict) -> Option<&'static str> {
    match (verdict, phase) {
        (Verdict::Refused(refusal), Phase::Auth | Phase::Account) => refusal.for_the_person(),
        (Verdict::Refused(refusal), Phase::OldPassword | Phase::NewPassword) => {
            Some(not_changed(refusal))
        }
        (Verdict::ChangeFirst, Phase::Account) => Some(CHANGE_FIRST),
        (Verdict::ChangeFirst, Phase::NewPassword) => Some(NOT_CHANGEABLE),
        (Verdict::ChangeFirst, Phase::Auth | Phase::OldPassword) => None,
        // In auth it would tell a guesser, before any password is checked, whose name is whose.
        (Verdict::Unavailable, Phase::Auth) => None,
        (Verdict::Unavailable, Phase::Account) => Some(NOT_JUDGED),
        (Verdict::Unavailable, Phase::OldPassword | Phase::NewPassword) => Some(NOT_CHANGEABLE),
        (Verdict::Granted | Verdict::NotOurs, _) => None,
    }
}

/// Who changes a password hears more than who logs in: it is their session they are in, and with
/// pam_deny behind us the program says nothing but that it did not work.
fn not_changed(refusal: Refusal) -> &'static str {
    match (refusal, refusal.for_the_person()) {
        (
            Refusal::WrongPassword
            | Refusal::NotTheSavedPassword
            | Refusal::NoSuchUser
            | Refusal::UnusablePassword,
            _,
        ) => WRONG,
        (_, Some(line)) => line,
        (_, None) => FORBIDDEN,
    }
}

/// Why a new password is not even sent.
#[must_use]
pub fn unusable(error: PasswordError) -> &'static str {
    match error {
        PasswordError::Empty => "No new password was given.",
        PasswordError::TooLong => "The new password is longer than Active Directory allows.",
        PasswordError::Nul | PasswordError::NotUtf8 | PasswordError::SshdJunk => {
            "The new password has characters that cannot be sent. Please choose another."
        }
    }
}

/// Text as it may be written to a terminal: one line, no control characters, nothing that turns
/// the direction of the text, and no longer than a conversation carries.
fn plain(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let shown = if changes_the_terminal(character) { ' ' } else { character };
        if line.len().saturating_add(shown.len_utf8()) > LINE_MAX {
            break;
        }
        line.push(shown);
    }
    line.trim().to_owned()
}

/// Control characters, line and paragraph separators, and the marks of text direction.
fn changes_the_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: [Phase; 2] = [Phase::OldPassword, Phase::NewPassword];

    #[test]
    fn a_notice_writes_to_the_terminal_what_is_no_text() {
        let notice = "a\x1b[2J\r\nb\0\u{9b}\u{202e}c\u{2028}";
        let shown = line(Phase::Auth, Verdict::Granted, Some(notice)).unwrap();
        assert_eq!(shown, "a [2J  b   c");
        let long = "\u{e9}".repeat(1000);
        let shown = line(Phase::Auth, Verdict::Granted, Some(&long)).unwrap();
        assert_eq!(shown.len(), 510, "whole characters, and what a conversation carries");
    }

    #[test]
    fn a_notice_is_not_shown_in_place_of_the_usual_words() {
        let refused = Verdict::Refused(Refusal::NewPasswordRejected);
        let notice = Some("at least 12 characters, this has 9");
        assert_eq!(line(Phase::NewPassword, refused, notice).as_deref(), notice);
        for empty in [None, Some(""), Some("\n")] {
            let usual = Refusal::NewPasswordRejected.for_the_person();
            assert_eq!(line(Phase::NewPassword, refused, empty).as_deref(), usual);
        }
    }

    #[test]
    fn a_wrong_password_says_at_a_login_what_it_says_to_who_changes_it() {
        for refusal in [Refusal::WrongPassword, Refusal::NoSuchUser, Refusal::UnusablePassword] {
            let verdict = Verdict::Refused(refusal);
            for phase in [Phase::Auth, Phase::Account] {
                assert_eq!(line(phase, verdict, None), None, "{refusal:?}");
            }
            for phase in CHANGES {
                assert_eq!(line(phase, verdict, None).as_deref(), Some(WRONG), "{refusal:?}");
            }
        }
    }

    #[test]
    fn a_password_is_not_changed_and_nobody_says_so() {
        for verdict in [
            Verdict::Unavailable,
            Verdict::Refused(Refusal::NotAllowed),
            Verdict::Refused(Refusal::ChangeForbidden),
            Verdict::Refused(Refusal::LockedOut),
        ] {
            for phase in CHANGES {
                assert!(line(phase, verdict, None).is_some(), "{verdict:?}");
            }
        }
        assert!(line(Phase::NewPassword, Verdict::ChangeFirst, None).is_some());
    }
}
