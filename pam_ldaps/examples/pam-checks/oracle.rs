//! What must come of a trial: derived from the account's state, the password and who asks, and from
//! nothing that the product says.
#![forbid(unsafe_code)]

use crate::cases::{ACCT_EXPIRED, AUTH_ERR, AUTHTOK_ERR, MAXTRIES, PERM_DENIED, SUCCESS};

/// The states that an account can be in; each is two accounts of the test directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing speaks against it.
    Good,
    /// 533.
    Disabled,
    /// 701.
    Expired,
    /// 532.
    PasswordExpired,
    /// 773.
    MustChange,
    /// 775.
    Locked,
    /// 530.
    NoHours,
    /// 531.
    WrongStation,
    /// 52f.
    Restricted,
    /// 568.
    TooManyGroups,
    /// A code that nobody has seen.
    Strange,
    /// 525, from a bind alone.
    CalledUnknown,
    /// Not let in by the rules of this host.
    Outside,
    /// The service account may not read userAccountControl.
    Unreadable,
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The account's password.
    Right,
    /// Another one.
    Wrong,
    /// Nothing.
    Empty,
    /// A NUL and then the right one: to C, nothing.
    Nul,
    /// 4 KiB.
    Long,
    /// Bytes that are no UTF-8.
    NotUtf8,
}

/// Who runs the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// root.
    Root,
    /// The account's own uid.
    Oneself,
    /// Another account of the directory.
    Another,
}

/// Which of libpam's questions is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `pam_authenticate`.
    Auth,
    /// `pam_acct_mgmt`, with no authentication before it.
    Account,
    /// `pam_chauthtok`, with a new password that is too short for AD.
    Change,
}

/// How the program's conversation function does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversing {
    /// As it should.
    Well,
    /// A prompt: success, and no reply at all (NULL).
    PromptNoReply,
    /// A prompt: `PAM_CONV_ERR`.
    PromptError,
    /// A prompt: a reply, and no text in it.
    PromptTooFew,
    /// A message: success, and no reply at all.
    MessageNoReply,
    /// A message: `PAM_CONV_ERR`.
    MessageError,
}

/// One combination.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    pub state: State,
    pub typed: Typed,
    pub caller: Caller,
    pub phase: Phase,
    pub conversing: Conversing,
}

/// What comes of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// libpam's code.
    pub code: i32,
    /// How many prompts were shown.
    pub prompts: usize,
    /// How many lines of ours.
    pub lines: usize,
    /// How many binds reached the directory for anybody but the service account.
    pub binds: u64,
}

/// An outcome, in the order of its fields.
const fn outcome(code: i32, prompts: usize, lines: usize, binds: u64) -> Outcome {
    Outcome { code, prompts, lines, binds }
}

impl Trial {
    /// Whether the account's own password can be meant by what was typed at all.
    pub fn may_be_sent(self) -> bool {
        match self.typed {
            Typed::Right | Typed::Wrong => true,
            Typed::Empty | Typed::Nul | Typed::Long | Typed::NotUtf8 => false,
        }
    }

    /// What must come of it.
    pub fn expected(self) -> Outcome {
        if self.phase == Phase::Account {
            return self.account();
        }
        match self.conversing {
            // Nobody is asked twice, and nobody is told what libpam says itself.
            Conversing::PromptNoReply | Conversing::PromptError | Conversing::PromptTooFew => {
                outcome(AUTHTOK_ERR, 1, 0, 0)
            }
            Conversing::Well | Conversing::MessageNoReply | Conversing::MessageError => {
                self.answered()
            }
        }
    }

    /// Nothing is typed, so only the state counts.
    fn account(self) -> Outcome {
        let (code, lines) = match (self.caller, self.state) {
            (Caller::Another, _) => (PERM_DENIED, 0),
            (_, State::Disabled | State::Expired) => (ACCT_EXPIRED, 1),
            (_, State::NoHours | State::Unreadable) => (PERM_DENIED, 1),
            (_, State::Outside) => (PERM_DENIED, 0),
            // What is wrong with the password does not concern who uses none.
            (_, State::PasswordExpired | State::MustChange | State::Locked) => (SUCCESS, 0),
            // Only a bind shows these.
            (
                _,
                State::WrongStation
                | State::Restricted
                | State::TooManyGroups
                | State::Strange
                | State::CalledUnknown,
            ) => (SUCCESS, 0),
            (_, State::Good) => (SUCCESS, 0),
        };
        outcome(code, 0, lines, 0)
    }

    /// Something was typed: who may not be sent comes first, then who may not ask, then AD.
    fn answered(self) -> Outcome {
        // Who changes a password is told that the current one is wrong; who logs in is not.
        let told = usize::from(self.phase == Phase::Change);
        match (self.may_be_sent(), self.caller, self.typed) {
            (false, _, _) => outcome(AUTH_ERR, 1, told, 0),
            (true, Caller::Another, _) => outcome(PERM_DENIED, 1, told, 0),
            (true, Caller::Root | Caller::Oneself, Typed::Wrong) => self.wrong(told),
            (true, Caller::Root | Caller::Oneself, _) => self.right(told),
        }
    }

    fn wrong(self, told: usize) -> Outcome {
        match (self.phase, self.state) {
            // These are decided without a bind, or by one whatever the password.
            (Phase::Auth, State::Outside | State::Unreadable) | (_, State::Locked) => {
                self.right(told)
            }
            _ => outcome(AUTH_ERR, 1, told, 1),
        }
    }

    fn right(self, told: usize) -> Outcome {
        let in_auth = self.phase == Phase::Auth;
        // The new password is asked for, twice, and AD does not take it.
        let not_taken = outcome(AUTHTOK_ERR, 3, 1, 1);
        match self.state {
            State::Good | State::PasswordExpired | State::MustChange if in_auth => {
                outcome(SUCCESS, 1, 0, 1)
            }
            State::Good | State::PasswordExpired | State::MustChange => not_taken,
            State::Outside if in_auth => outcome(PERM_DENIED, 1, 0, 0),
            State::Unreadable if in_auth => outcome(PERM_DENIED, 1, 1, 0),
            // Who may not log in here may still change their own password.
            State::Outside | State::Unreadable => not_taken,
            State::Disabled | State::Expired if in_auth => outcome(ACCT_EXPIRED, 1, 1, 1),
            State::Locked if in_auth => outcome(MAXTRIES, 1, 1, 1),
            State::Disabled | State::Expired | State::Locked => outcome(PERM_DENIED, 1, 1, 1),
            State::NoHours
            | State::WrongStation
            | State::Restricted
            | State::TooManyGroups
            | State::Strange => outcome(PERM_DENIED, 1, 1, 1),
            State::CalledUnknown => outcome(AUTH_ERR, 1, told, 1),
        }
    }
}
