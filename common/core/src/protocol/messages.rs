//! The messages of the two modules.
//!
//! postcard numbers the variants and fields in order: between two versions they are only added at
//! the end of an enum, and a struct that changes is a new variant.

use serde::{Deserialize, Serialize};

use crate::entries::{GroupEntry, PasswdEntry};
use crate::protocol::request_id::RequestId;
use crate::refusal::Refusal;

/// A question of the NSS module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NssRequest {
    /// A user by any form of name.
    UserByName(String),
    /// A user by uid.
    UserById(u32),
    /// A group by name.
    GroupByName(String),
    /// A group by gid.
    GroupById(u32),
    /// The gids of all groups of a user, the primary one too where it is a group of the directory.
    GroupsOf(String),
    /// A page of all users, from a cursor of the page before.
    Users(Option<Cursor>),
    /// A page of all groups, from a cursor of the page before.
    Groups(Option<Cursor>),
}

/// Where an enumeration goes on: made by the daemon, opaque to the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

/// The answer to an [`NssRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NssReply {
    /// The user.
    User(PasswdEntry),
    /// The group.
    Group(GroupEntry),
    /// The gids of the user's groups.
    Gids(Vec<u32>),
    /// Some users, and where the rest are, if there are more.
    Users(Vec<PasswdEntry>, Option<Cursor>),
    /// Some groups, and where the rest are, if there are more.
    Groups(Vec<GroupEntry>, Option<Cursor>),
    /// The directory was asked, and there is none.
    NotFound,
    /// The directory could not be asked: whether there is one is unknown.
    Unavailable,
    /// The gids of the user's groups, and those of groups of the host itself that the
    /// configuration grants to such users: they may be low, and are in /etc/group.
    GidsAndLocal(Vec<u32>, Vec<u32>),
}

/// A question of the PAM module. It holds the password by reference: the only copies are the
/// buffers it was read from and is written to, and both are wiped.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum PamRequest<'a> {
    /// Is this the password of this account, and may it log in through this service?
    Authenticate {
        /// Who, where and how.
        #[serde(borrow)]
        login: Login<'a>,
        /// What the person typed.
        #[serde(with = "serde_bytes_ref")]
        password: &'a [u8],
    },
    /// May this account use this service now, whoever has authenticated it?
    Account {
        /// Who, where and how.
        #[serde(borrow)]
        login: Login<'a>,
        /// Whether our `pam_sm_authenticate` succeeded on this PAM handle.
        authenticated: bool,
    },
    /// Is this the current password of this account? Asked before a new one is: by the person who
    /// is going to change it, so no access rule is looked at.
    CheckOldPassword {
        /// Who, where and how.
        #[serde(borrow)]
        login: Login<'a>,
        /// What the person typed.
        #[serde(with = "serde_bytes_ref")]
        old: &'a [u8],
    },
    /// Put the new password in the place of the old one.
    ChangePassword {
        /// Who, where and how.
        #[serde(borrow)]
        login: Login<'a>,
        /// The current password.
        #[serde(with = "serde_bytes_ref")]
        old: &'a [u8],
        /// The one to come.
        #[serde(with = "serde_bytes_ref")]
        new: &'a [u8],
    },
}

impl<'a> PamRequest<'a> {
    /// Who, where and how: every request says so.
    #[must_use]
    pub fn login(&self) -> Login<'a> {
        match self {
            Self::Authenticate { login, .. }
            | Self::Account { login, .. }
            | Self::CheckOldPassword { login, .. }
            | Self::ChangePassword { login, .. } => *login,
        }
    }
}

/// Who logs in, through what, from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login<'a> {
    /// PAM_USER, as it was typed.
    pub user: &'a str,
    /// What `getpwnam_r` of PAM_USER gave: the daemon compares it with what it holds.
    pub uid: u32,
    /// PAM_SERVICE.
    pub service: &'a str,
    /// PAM_RHOST, or empty.
    pub rhost: &'a str,
    /// PAM_TTY, or empty.
    pub tty: &'a str,
    /// PAM_RUSER, or empty.
    pub ruser: &'a str,
}

/// The answer to a [`PamRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PamReply {
    /// What was decided.
    pub verdict: Verdict,
    /// The name of this login in the daemon's log.
    pub request: RequestId,
    /// One plain line for the person, where there is more to say than the verdict itself does:
    /// why a new password was not taken, or when this one expires.
    pub notice: Option<String>,
}

/// What was decided about a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Yes.
    Granted,
    /// No, and why.
    Refused(Refusal),
    /// No domain controller could be asked.
    Unavailable,
    /// The directory has no such account, or NSS gave the caller somebody else's entry for it.
    NotOurs,
    /// Yes, and the password has to be changed before anything else: it has expired, or an
    /// administrator wants it so.
    ChangeFirst,
}

/// A byte slice that postcard reads and writes in one piece.
mod serde_bytes_ref {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'de [u8], D::Error> {
        <&'de [u8]>::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame;

    /// The bytes of protocol version 1. A change here breaks every process that still has an
    /// older module loaded: raise the version and keep the old decoding instead.
    #[test]
    fn the_wire_form_of_version_1_has_changed() {
        let user = PasswdEntry {
            name: "a".into(),
            uid: 1000,
            gid: 1001,
            gecos: String::new(),
            home: "/".into(),
            shell: "/s".into(),
        };
        let login = Login { user: "a", uid: 1000, service: "s", rhost: "", tty: "", ruser: "" };
        let body = |frame: &[u8]| frame[frame::HEADER_LEN..].to_vec();
        let nss = |message: &NssRequest| body(&frame::encode(message, 100).unwrap());
        let reply = |message: &NssReply| body(&frame::encode(message, 100).unwrap());
        let pam = |message: &PamRequest<'_>| body(&frame::encode(message, 100).unwrap());
        let request = RequestId::from_random(7);
        let verdict = |verdict| {
            body(&frame::encode(&PamReply { verdict, request, notice: None }, 100).unwrap())
        };

        assert_eq!(nss(&NssRequest::UserByName("a".into())), b"\x00\x01a");
        assert_eq!(nss(&NssRequest::UserById(1000)), b"\x01\xe8\x07");
        assert_eq!(nss(&NssRequest::GroupsOf("a".into())), b"\x04\x01a");
        assert_eq!(nss(&NssRequest::Groups(None)), b"\x06\x00");
        assert_eq!(reply(&NssReply::User(user)), b"\x00\x01a\xe8\x07\xe9\x07\x00\x01/\x02/s");
        assert_eq!(reply(&NssReply::Gids(vec![1])), b"\x02\x01\x01");
        assert_eq!(reply(&NssReply::NotFound), b"\x05");
        assert_eq!(reply(&NssReply::Unavailable), b"\x06");
        let granted = NssReply::GidsAndLocal(vec![1001], vec![27, 4]);
        assert_eq!(reply(&granted), b"\x07\x01\xe9\x07\x02\x1b\x04");
        assert_eq!(
            pam(&PamRequest::Authenticate { login, password: b"pw" }),
            b"\x00\x01a\xe8\x07\x01s\x00\x00\x00\x02pw"
        );
        assert_eq!(
            pam(&PamRequest::Account { login, authenticated: true }),
            b"\x01\x01a\xe8\x07\x01s\x00\x00\x00\x01"
        );
        assert_eq!(
            pam(&PamRequest::ChangePassword { login, old: b"o", new: b"nn" }),
            b"\x03\x01a\xe8\x07\x01s\x00\x00\x00\x01o\x02nn"
        );
        assert_eq!(verdict(Verdict::Granted), b"\x00\x07\x00");
        assert_eq!(verdict(Verdict::Refused(Refusal::StateUnreadable)), b"\x01\x0d\x07\x00");
        assert_eq!(verdict(Verdict::Refused(Refusal::OtherSubCode(1))), b"\x01\x0b\x01\x07\x00");
        assert_eq!(verdict(Verdict::Unavailable), b"\x02\x07\x00");
        assert_eq!(verdict(Verdict::NotOurs), b"\x03\x07\x00");
        assert_eq!(verdict(Verdict::ChangeFirst), b"\x04\x07\x00");
    }
}
