//! More people of the standard population: each of AD's ways to word a refusal, and each state once
//! more for who changes a password. All are in linux-users but one.
#![forbid(unsafe_code)]

use crate::population::State::{
    Disabled, Expired, Locked, MustChange, NoHours, Normal, PasswordExpired, Refused, Says, With,
    Withheld,
};
use crate::population::User;

/// The rules of a host let in all but who is outside.
pub(crate) fn is_let_in((_, account, ..): &User) -> bool {
    *account != "ch-outside"
}

/// RIDs 1300 to 1328.
pub(crate) const USERS: &[User] = &[
    // Releases differ in DSID and last word, some end the message with a NUL and some do not, some
    // speak another language; and proxies say nothing at all.
    (
        1320,
        "says-no-nul",
        "Says No Nul",
        Says(
            0x533,
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533, v1db1",
        ),
    ),
    (
        1321,
        "says-v2580",
        "Says v2580",
        Says(
            0x701,
            "80090308: LdapErr: DSID-0C090400, comment: AcceptSecurityContext error, data 701, v2580\0",
        ),
    ),
    (
        1322,
        "says-v3839",
        "Says v3839",
        Says(
            0x530,
            "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 530, v3839\0",
        ),
    ),
    (
        1323,
        "says-v4563",
        "Says v4563",
        Says(
            0x775,
            "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 775, v4563\0",
        ),
    ),
    (
        1324,
        "says-upper",
        "Says Upper Case",
        Says(
            0x52f,
            "80090308: LdapErr: DSID-0C0903D9, comment: AcceptSecurityContext error, data 52F, v2580\0",
        ),
    ),
    (
        1325,
        "says-german",
        "Says It In German",
        Says(
            0x531,
            "80090308: LdapErr: DSID-0C090F2A, Kommentar: AcceptSecurityContext-Fehler, data 531, v4f7c\0",
        ),
    ),
    (1326, "says-nothing", "Says Nothing", Says(0x52e, "")),
    (1327, "says-words", "Says Words Alone", Says(0x52e, "Invalid credentials")),
    (
        1328,
        "says-too-much",
        "Says A Number Too Large",
        Says(
            0x52e,
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ffffffffff, v1db1\0",
        ),
    ),
    // Tries are counted by account, so who changes is somebody else than who logs in.
    (1300, "ch-good", "Change Good", Normal),
    (1301, "ch-disabled", "Change Disabled", Disabled),
    (1302, "ch-expired", "Change Expired", Expired),
    (1303, "ch-pwexpired", "Change Pwexpired", PasswordExpired),
    (1304, "ch-mustchange", "Change Mustchange", MustChange),
    (1305, "ch-locked", "Change Locked", Locked),
    (1306, "ch-nohours", "Change Nohours", NoHours),
    (
        1307,
        "ch-wrongstation",
        "Change Wrongstation",
        With(&[("userWorkstations", "PC-ONE,PC-TWO")]),
    ),
    (1308, "ch-restricted", "Change Restricted", Refused(0x52f)),
    (1309, "ch-toomany", "Change Toomany", Refused(0x568)),
    (1310, "ch-strange", "Change Strange", Refused(0x5ff)),
    (1311, "ch-nosuch", "Change Nosuch", Refused(0x525)),
    (1312, "ch-outside", "Change Outside", Normal),
    (1313, "ch-nouac", "Change Nouac", Withheld("userAccountControl")),
];
