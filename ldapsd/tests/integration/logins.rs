//! The auth phase: account x password x service, what is decided, how many binds AD sees of it, and
//! what the log says.

use ldaps_core::protocol::messages::Verdict::{self, *};
use ldaps_core::refusal::Refusal::*;
use test_directory::USER_PASSWORD;

use crate::asking::{FIRST_ID, as_uid};
use crate::stage::{EVERYBODY, Extra, Stage, WRONG_PASSWORD, skip};

/// Somebody who is let in by a nested group, kept out by a nested group, kept out by name; sudo for
/// others than everything else; cron for nobody.
pub const RULES: Extra<'static> = Extra {
    directory: "",
    sections: "[access]\nallow = [\"@linux-users\", \"dave\", \"Grace\"]\n\
               deny = [\"@nest-c\", \"joe blogs\"]\n\
               [access.sudo]\nallow = [\"@linux-admins\"]\n\
               [access.cron]\ndeny = [\"*\"]\n",
};

const RIGHT: &[u8] = USER_PASSWORD.as_bytes();
const WRONG: &[u8] = WRONG_PASSWORD.as_bytes();
/// What sshd sends for somebody it has refused already.
const JUNK: &[u8] = b"\x08\n\r\x7fINCORRECT\x08\n\r";

/// PAM_USER, password, PAM_SERVICE; the verdict, the binds that AD sees, words in the log.
type Row = (&'static str, &'static [u8], &'static str, Verdict, u64, &'static str);

const LOGINS: &[Row] = &[
    // Passwords.
    ("alice", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("alice", WRONG, "sshd", Refused(WrongPassword), 1, "wrong password (AD: data 52e)"),
    ("alice", b"", "sshd", Refused(UnusablePassword), 0, "the password is empty"),
    ("alice", JUNK, "sshd", Refused(UnusablePassword), 0, "sshd had refused this user"),
    ("alice", b"\x08", "sshd", Refused(UnusablePassword), 0, "sshd had refused this user"),
    ("alice", b"a\0b", "sshd", Refused(UnusablePassword), 0, "NUL"),
    ("alice", b"\xff\xfe", "sshd", Refused(UnusablePassword), 0, "not UTF-8"),
    ("josé", RIGHT, "login", Granted, 1, "the password is right"),
    ("jsmith", RIGHT, "login", Granted, 1, "the password is right"),
    ("mixedcase", RIGHT, "login", Granted, 1, "the password is right"),
    // Other ways to write the name.
    ("ALICE", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("alice@corp.example", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("CORP\\alice", RIGHT, "sshd", Granted, 1, "user=CORP\\alice "),
    // Rules: nested groups, deny before allow, one service's own.
    ("erin", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("frank", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("grace", RIGHT, "sshd", Granted, 1, "the password is right"),
    ("carol", RIGHT, "sshd", Refused(NotAllowed), 0, "no access rule allows the user for sshd"),
    ("carol", WRONG, "sshd", Refused(NotAllowed), 0, "no access rule allows the user for sshd"),
    ("dave", RIGHT, "sshd", Refused(NotAllowed), 0, "the access rules deny \"@nest-c\" for sshd"),
    ("joe blogs", RIGHT, "sshd", Refused(NotAllowed), 0, "deny \"joe blogs\""),
    ("bob", RIGHT, "sudo", Granted, 1, "the password is right"),
    ("bob", RIGHT, "sudo-i", Granted, 1, "the password is right"),
    ("alice", RIGHT, "sudo", Refused(NotAllowed), 0, "no access rule allows the user for sudo"),
    ("alice", RIGHT, "sudo-i", Refused(NotAllowed), 0, "no access rule allows"),
    ("alice", RIGHT, "su", Granted, 1, "the password is right"),
    ("bob", RIGHT, "cron", Refused(NotAllowed), 0, "deny \"*\" for cron"),
    // What AD says to the right password.
    ("disabled", RIGHT, "sshd", Refused(AccountDisabled), 1, "disabled (AD: data 533)"),
    ("disabled", WRONG, "sshd", Refused(WrongPassword), 1, "data 52e"),
    ("expired", RIGHT, "sshd", Refused(AccountExpired), 1, "expired (AD: data 701)"),
    ("pwexpired", RIGHT, "sshd", ChangeFirst, 1, "data 532"),
    ("mustchange", RIGHT, "sshd", ChangeFirst, 1, "data 773"),
    ("locked", RIGHT, "sshd", Refused(LockedOut), 1, "data 775"),
    ("nohours", RIGHT, "sshd", Refused(LogonHours), 1, "data 530"),
    ("wrongstation", RIGHT, "sshd", Refused(Workstation), 1, "data 531"),
    ("restricted", RIGHT, "sshd", Refused(Restriction), 1, "data 52f"),
    ("toomany", RIGHT, "sshd", Refused(TooManyGroups), 1, "data 568"),
    ("strange", RIGHT, "sshd", Refused(OtherSubCode(0x5ff)), 1, "data 5ff"),
    ("nosuch", RIGHT, "sshd", Refused(NoSuchUser), 1, "data 525"),
    // What AD does not show cannot speak for the account; the right that is missing is named.
    ("nouac", RIGHT, "sshd", Refused(StateUnreadable), 0, "\"Read Account Restrictions\""),
    ("nouac", RIGHT, "sshd", Refused(StateUnreadable), 0, "may not read userAccountControl"),
    ("notokens", RIGHT, "sshd", Refused(StateUnreadable), 0, "may not read tokenGroups"),
    ("notokens", RIGHT, "sshd", Refused(StateUnreadable), 0, "Windows Authorization Access Group"),
];

#[test]
fn a_password_is_judged_otherwise_than_it_should_be() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    for (at, (user, password, service, verdict, binds, words)) in LOGINS.iter().enumerate() {
        let row = format!("row {at}: {user} {service}");
        let before = stage.server.total_binds();
        let answer = stage.auth(user, service, password);
        assert_eq!(answer.verdict, *verdict, "{row}: {}", answer.line);
        assert_eq!(stage.server.total_binds() - before, *binds, "{row}: binds");
        assert!(answer.line.contains(words), "{row}: {:?} should say {words:?}", answer.line);
        for told in ["auth ", "rhost=192.0.2.7", "tty=ssh", &format!("service={service} ")] {
            assert!(answer.line.contains(told), "{row}: {:?} lacks {told}", answer.line);
        }
    }
    assert_eq!(stage.server.unauthenticated_binds() + stage.server.anonymous_binds(), 0);
    assert_eq!(stage.server.binds("svc-linux"), 1 + stage.reloads());
    let refused = LOGINS.iter().filter(|(_, _, _, verdict, _, _)| matches!(verdict, Refused(_)));
    assert_eq!(stage.status().counters.refused, u64::try_from(refused.count()).unwrap());
}

#[test]
fn another_source_s_account_is_bound_against_the_directory() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let alice = FIRST_ID + 1107;
    // PAM_USER and what NSS gave for it.
    let rows = [
        ("alice", 1000, "NSS gives the name another uid"),
        ("alice", alice + 1, "NSS gives the name another uid"),
        ("zz-nobody", 1000, "no such user"),
        ("root", 0, "no such user"),
        ("root", FIRST_ID + 1170, "no such user"),
        ("DC1$", FIRST_ID + 1000, "no such user"),
        ("a\nb", alice, "contains"),
        ("", alice, "empty"),
    ];
    for (user, uid, words) in rows {
        let answer = stage.auth_as(user, uid, "sshd", RIGHT);
        assert_eq!(answer.verdict, NotOurs, "{user} {uid}: {}", answer.line);
        assert!(answer.line.contains(words), "{:?} should say {words:?}", answer.line);
        assert_eq!(stage.account_as(user, uid, "sshd").verdict, NotOurs, "{user} {uid}");
    }
    assert_eq!(stage.server.total_binds(), 1, "the service account's");
}

#[test]
fn a_stranger_has_others_passwords_checked() {
    let stage = Stage::new(RULES);
    let alice = FIRST_ID + 1107;
    let ask = |service| stage.auth_as("alice", alice, service, RIGHT);
    let Some(answer) = as_uid(61_000, || ask("sshd")) else {
        // Then we are a stranger ourselves, for a service that nothing allows us.
        assert_eq!(ask("swaylock").verdict, Refused(CallerNotPermitted));
        assert_eq!(stage.server.binds("alice"), 0);
        return;
    };
    assert_eq!(answer.verdict, Refused(CallerNotPermitted), "{}", answer.line);
    assert!(answer.line.contains("uid 61000 may not ask about others"), "{}", answer.line);
    let account = as_uid(61_000, || stage.account_as("alice", alice, "sshd"));
    assert_eq!(account.unwrap().verdict, Refused(CallerNotPermitted));
    // A uid that is claimed is compared with the directory's.
    let claimed = as_uid(61_000, || stage.auth_as("alice", 61_000, "sshd", RIGHT));
    assert_eq!(claimed.unwrap().verdict, NotOurs);
    assert_eq!(stage.server.binds("alice"), 0);
    // One's own password, for a screen lock.
    let own = as_uid(alice, || ask("swaylock")).unwrap();
    assert_eq!(own.verdict, Granted, "{}", own.line);
    assert_eq!(stage.server.binds("alice"), 1);
}

#[test]
fn a_caller_that_the_configuration_names_is_refused_or_let_do_more() {
    // Debian's base-passwd has the user on every host, with this uid.
    let sections = "[pam.callers]\nwww-data = [\"django\"]\n[access]\nallow = [\"*\"]\n";
    if !rustix::process::geteuid().is_root() {
        skip("only root can ask as www-data");
        return;
    }
    let stage = Stage::new(Extra { sections, ..Extra::default() });
    let ask = |service| {
        let ask = || stage.auth_as("alice", FIRST_ID + 1107, service, RIGHT);
        as_uid(33, ask).unwrap().verdict
    };
    assert_eq!(ask("django"), Granted);
    assert_eq!(ask("sshd"), Refused(CallerNotPermitted));
}

#[test]
fn guessing_goes_on_for_ever() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let alice = FIRST_ID + 1107;
    let guess = || stage.auth_as("alice", alice, "sshd", WRONG).verdict;
    let guesses = || -> Vec<Verdict> { (0..14).map(|_| guess()).collect() };
    let as_others = as_uid(alice, guesses);
    let verdicts = as_others.clone().unwrap_or_else(guesses);
    assert!(verdicts[..12].iter().all(|verdict| *verdict == Refused(WrongPassword)));
    assert!(verdicts[12..].iter().all(|verdict| *verdict == Refused(TooManyAttempts)));
    assert_eq!(stage.server.binds("alice"), 12);
    if as_others.is_some() {
        // Who guesses at an account does not lock it out of sshd, which is root.
        assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Granted);
    }
}
