//! Names that look like another's, in the ways that Samba's own checks forbid and AD's older domains
//! have: a userPrincipalName that is another's sAMAccountName, with the domain behind it or bare, or
//! another's userPrincipalName.

use ldaps_core::protocol::messages::Verdict::{self, *};
use ldaps_core::refusal::Refusal::{self, WrongPassword};
use test_directory::USER_PASSWORD;

use crate::stage::{EVERYBODY, Stage};

const ALICES: &[u8] = USER_PASSWORD.as_bytes();
const EVES: &[u8] = b"Eves.Secret.1";

/// What is typed; whose it is; what comes of alice's password and of eve's.
type Row = (&'static str, Option<&'static str>, Verdict, Verdict);

const WRONG: Verdict = Refused(WrongPassword);

/// eve's userPrincipalName, and what each name means then. alice's own is a.example@corp.example.
const CLASHES: &[(&str, &[Row])] = &[
    // A bare name is a sAMAccountName, whoever has it for a userPrincipalName.
    (
        "alice",
        &[
            ("alice", Some("alice"), Granted, WRONG),
            ("a.example@corp.example", Some("alice"), Granted, WRONG),
            ("CORP\\alice", Some("alice"), Granted, WRONG),
            ("alice@corp.example", None, NotOurs, NotOurs),
            ("eve", Some("eve"), WRONG, Granted),
        ],
    ),
    // With "@" it is a userPrincipalName, whatever sAMAccountName it may remind of.
    (
        "alice@corp.example",
        &[
            ("alice", Some("alice"), Granted, WRONG),
            ("a.example@corp.example", Some("alice"), Granted, WRONG),
            ("CORP\\alice", Some("alice"), Granted, WRONG),
            ("alice@corp.example", Some("eve"), WRONG, Granted),
            ("eve", Some("eve"), WRONG, Granted),
        ],
    ),
    // What two accounts have is nobody's; both get in by their other names.
    (
        "a.example@corp.example",
        &[
            ("alice", Some("alice"), Granted, WRONG),
            ("a.example@corp.example", None, NotOurs, NotOurs),
            ("CORP\\alice", Some("alice"), Granted, WRONG),
            ("eve", Some("eve"), WRONG, Granted),
            ("CORP\\eve", Some("eve"), WRONG, Granted),
        ],
    ),
];

#[test]
fn a_name_like_another_s_opens_their_account_or_locks_them_out() {
    for (eves_upn, rows) in CLASHES {
        let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
        let made = stage.server.edit(|data| {
            data.add_user("eve", 1190)?;
            data.set_password("eve", "Eves.Secret.1")?;
            data.set_attribute("alice", "userPrincipalName", &["a.example@corp.example"])?;
            data.set_attribute("eve", "userPrincipalName", &[eves_upn])
        });
        made.unwrap();
        let uid = |name: &str| stage.user(name).unwrap().uid;
        let (alice, eve) = (uid("alice"), uid("eve"));
        for (typed, means, with_alices, with_eves) in *rows {
            let row = format!("eve is {eves_upn}; {typed}");
            let shown = stage.user(typed);
            assert_eq!(shown.as_ref().map(|entry| entry.name.as_str()), *means, "{row}");
            for (password, verdict) in [(ALICES, with_alices), (EVES, with_eves)] {
                // The uid of whom NSS shows; where it shows nobody, both are tried.
                let uids = shown.as_ref().map_or(vec![alice, eve], |entry| vec![entry.uid]);
                for uid in uids {
                    let before = [stage.server.binds("alice"), stage.server.binds("eve")];
                    let answer = stage.auth_as(typed, uid, "sshd", password);
                    assert_eq!(answer.verdict, *verdict, "{row}: {}", answer.line);
                    let counted = ["alice", "eve"].map(|name| u64::from(*means == Some(name)));
                    let after = [stage.server.binds("alice"), stage.server.binds("eve")];
                    assert_eq!(
                        [after[0] - before[0], after[1] - before[1]],
                        counted,
                        "{row}: for whom AD counts the password"
                    );
                }
            }
            // With the uid of the other, the daemon knows nobody of that name.
            let other = if *means == Some("alice") { eve } else { alice };
            let answer = stage.auth_as(typed, other, "sshd", ALICES);
            assert_eq!(answer.verdict, NotOurs, "{row}: {}", answer.line);
        }
    }
}

#[test]
fn guesses_at_one_account_use_up_the_tries_of_another() {
    let Some(stage) = Stage::for_logins(EVERYBODY) else { return };
    let made = stage.server.edit(|data| {
        data.add_user("eve", 1190)?;
        data.set_password("eve", "Eves.Secret.1")?;
        data.set_attribute("alice", "userPrincipalName", &["a.example@corp.example"])?;
        data.set_attribute("eve", "userPrincipalName", &["alice@corp.example"])?;
        data.set_policy("lockoutThreshold", 5);
        data.set_policy("lockOutObservationWindow", -18_000_000_000);
        Ok::<_, test_directory::Error>(())
    });
    made.unwrap();
    stage.reload();
    for _ in 0..5 {
        stage.auth("alice@corp.example", "sshd", b"Wrong.Secret.99");
    }
    let answer = stage.auth("eve", "sshd", EVES);
    assert_eq!(answer.verdict, Refused(Refusal::TooManyAttempts), "{}", answer.line);
    assert_eq!(stage.server.binds("alice"), 0);
    assert_eq!(stage.auth("alice", "sshd", ALICES).verdict, Granted);
}
