//! The account phase: may this account use this service now, whoever vouched for the person? It
//! reads AD's state live, then applies the rules, and binds nobody.

use ldaps_core::protocol::messages::Verdict::{self, *};
use ldaps_core::refusal::Refusal::*;

use crate::logins::RULES;
use crate::stage::Stage;

/// PAM_USER, PAM_SERVICE; the verdict, words in the log.
type Row = (&'static str, &'static str, Verdict, &'static str);

const ACCOUNTS: &[Row] = &[
    ("alice", "sshd", Granted, "allowed by \"@linux-users\""),
    ("erin", "sshd", Granted, "allowed by \"@linux-users\""),
    ("frank", "sshd", Granted, "allowed by \"@linux-users\""),
    ("grace", "sshd", Granted, "allowed by \"grace\""),
    ("carol", "sshd", Refused(NotAllowed), "no access rule allows the user for sshd"),
    ("dave", "sshd", Refused(NotAllowed), "deny \"@nest-c\""),
    ("joe blogs", "sshd", Refused(NotAllowed), "deny \"joe blogs\""),
    ("bob", "sudo", Granted, "allowed by \"@linux-admins\""),
    ("bob", "sudo-i", Granted, "allowed by \"@linux-admins\""),
    ("alice", "sudo", Refused(NotAllowed), "for sudo"),
    ("alice", "sudo-i", Refused(NotAllowed), "for sudo-i"),
    ("alice", "cron", Refused(NotAllowed), "deny \"*\" for cron"),
    // A user's service manager follows the account's state alone, or sessions would break.
    ("carol", "systemd-user", Granted, "follows the account's state"),
    ("dave", "systemd-user", Granted, "follows the account's state"),
    ("disabled", "systemd-user", Refused(AccountDisabled), "data 533"),
    // States that deny whoever vouches for the person.
    ("disabled", "sshd", Refused(AccountDisabled), "the account is disabled"),
    ("disabled", "cron", Refused(AccountDisabled), "the account is disabled"),
    ("expired", "sshd", Refused(AccountExpired), "the account has expired"),
    ("nohours", "sshd", Refused(LogonHours), "logon hours"),
    // States of the password alone, which a key does not use.
    ("locked", "sshd", Granted, "for its password, the account is locked out"),
    ("pwexpired", "sshd", Granted, "for its password, the password has expired"),
    ("mustchange", "sshd", Granted, "the password must be changed first"),
    // Absent is not zero.
    ("nouac", "sshd", Refused(StateUnreadable), "may not read userAccountControl"),
    ("nouac", "sshd", Refused(StateUnreadable), "CN=No Control Readable,OU=People"),
    ("nouac", "systemd-user", Refused(StateUnreadable), "\"Read Account Restrictions\""),
    ("notokens", "sshd", Refused(StateUnreadable), "may not read tokenGroups"),
    ("notokens", "systemd-user", Refused(StateUnreadable), "\"Read Token Groups\""),
    ("nopwdlastset", "sshd", Granted, "allowed by"),
];

#[test]
fn an_account_is_judged_otherwise_than_it_should_be() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    for (at, (user, service, verdict, words)) in ACCOUNTS.iter().enumerate() {
        let answer = stage.account(user, service);
        assert_eq!(answer.verdict, *verdict, "row {at}, {user} {service}: {}", answer.line);
        assert!(answer.line.contains(words), "row {at}: {:?} should say {words:?}", answer.line);
        assert!(answer.line.contains("account "), "{}", answer.line);
    }
    assert_eq!(stage.server.total_binds(), 1, "the service account's");
}

#[test]
fn a_change_in_ad_is_seen_too_late_by_a_login() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    assert_eq!(stage.account("alice", "sshd").verdict, Granted);
    stage.server.edit(|data| data.disable("alice")).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, Refused(AccountDisabled));
    stage.server.edit(|data| data.enable("alice")).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, Granted);
    stage.server.edit(|data| data.remove_from_group("alice", "linux-users")).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, Refused(NotAllowed));
    stage.server.edit(|data| data.add_to_group("alice", "engineers")).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, Granted, "by a nested group");
    stage.server.edit(|data| data.withhold("alice", "tokenGroups")).unwrap();
    assert_eq!(stage.account("alice", "sshd").verdict, Refused(StateUnreadable));
    stage.server.edit(|data| data.delete("alice")).unwrap();
    let uid = crate::asking::FIRST_ID + 1107;
    assert_eq!(stage.account_as("alice", uid, "sshd").verdict, NotOurs);
}
