//! Who may ask about whom: root about anyone, anybody about their own account, and a local user
//! that the configuration names for a PAM service (a web server, say) about anyone there.

use ldaps_core::config::Pam;
use ldaps_core::protocol::messages::Login;

use crate::lookups::local_names::Names;

/// Whether a process with this uid may have this login decided.
pub(crate) fn may_ask(uid: u32, login: &Login<'_>, local: &Names, pam: &Pam) -> bool {
    let named = || {
        let services = local.user_of(uid).and_then(|name| pam.callers.get(name));
        services.is_some_and(|services| services.iter().any(|service| service == login.service))
    };
    // The uid that the caller gives is compared with the directory's before anything is decided.
    uid == 0 || uid == login.uid || named()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_asks_about_another_account() {
        let local = Names::of(&[("root", 0), ("www-data", 33), ("daemon", 1)], &[]);
        let callers = [("www-data".to_owned(), vec!["django".to_owned()])].into();
        let pam = Pam { callers, ..Pam::default() };
        let table = [
            (0, "sshd", true),
            (200_500, "swaylock", true),
            (200_501, "swaylock", false),
            (33, "django", true),
            (33, "sshd", false),
            (1, "django", false),
            (65_534, "django", false),
        ];
        for (uid, service, may) in table {
            let login =
                Login { user: "alice", uid: 200_500, service, rhost: "", tty: "", ruser: "" };
            assert_eq!(may_ask(uid, &login, &local, &pam), may, "{uid} {service}");
        }
    }
}
