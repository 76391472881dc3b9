//! sshd: whether it asks PAM and lets it talk to the person, and the file that makes it.
#![forbid(unsafe_code)]

use super::host::{self, Host};

/// Read before all others, as sshd takes the first value of a keyword.
pub const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-ldaps-login.conf";
const PROGRAM: &str = "/usr/sbin/sshd";

/// What sshd lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacks {
    /// `UsePAM` is off: passwords and the account's state are not asked of us.
    pub pam: bool,
    /// `KbdInteractiveAuthentication` is off: nobody is told why, and no password can be changed.
    pub conversation: bool,
}

impl Lacks {
    /// Nothing.
    pub fn nothing(self) -> bool {
        !self.pam && !self.conversation
    }

    /// The file that gives it.
    pub fn drop_in(self) -> String {
        let mut text =
            "# Written by `ldapsctl setup`, for people from Active Directory.\n".to_owned();
        if self.pam {
            text += "# The account's state and the access rules are asked through PAM, for keys too.\nUsePAM yes\n";
        }
        if self.conversation {
            text += "# Lets PAM tell the person why, and change a password that has expired.\n\
                     KbdInteractiveAuthentication yes\n";
        }
        text
    }
}

/// What sshd itself says is in force; None where there is none, or it does not say.
pub fn lacks(host: &Host) -> Option<Lacks> {
    if !host.is_this_one() || !std::path::Path::new(PROGRAM).exists() {
        return None;
    }
    let shown = host::run(&[PROGRAM, "-T"]).ok()?;
    Some(of(&shown))
}

/// Whether its configuration has no mistakes.
///
/// # Errors
/// sshd's words.
pub fn check() -> Result<(), String> {
    host::run(&[PROGRAM, "-t"]).map(drop)
}

/// Has it read its configuration anew; one that does not run is left so.
///
/// # Errors
/// systemd's words.
pub fn reload(host: &Host) -> Result<(), String> {
    match host.has_systemd() {
        true => host::run(&["systemctl", "try-reload-or-restart", "ssh.service"]).map(drop),
        false => Ok(()),
    }
}

fn of(shown: &str) -> Lacks {
    let off = |keyword: &str| {
        shown.lines().any(|line| {
            line.split_once(' ').is_some_and(|(key, value)| key == keyword && value == "no")
        })
    };
    Lacks {
        pam: off("usepam"),
        conversation: off("kbdinteractiveauthentication") || off("challengeresponseauthentication"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sshd_lacks_is_not_seen_or_not_written() {
        let none = of("port 22\nusepam yes\nkbdinteractiveauthentication yes\n");
        assert!(none.nothing());
        let both = of("usepam no\nkbdinteractiveauthentication no\n");
        assert_eq!(both, Lacks { pam: true, conversation: true });
        assert!(both.drop_in().contains("\nUsePAM yes\n"));
        assert!(both.drop_in().contains("\nKbdInteractiveAuthentication yes\n"));
        assert!(!of("usepam yes\nkbdinteractiveauthentication no\n").drop_in().contains("UsePAM"));
    }
}
