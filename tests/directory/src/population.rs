//! The standard population: `corp.example`, with every kind of account that a login has to get right.
//!
//! Passwords are `Secret.123`, the service account's is `Service.Pass.1`. The domain's SID is `S-1-5-21-123-456-789`, so
//! alice (RID 1107) has the uid 1842601107 under sssd's mapping. To add an account or a group, add a line to a table.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use crate::account::{UAC_DISABLED, UAC_NEVER_EXPIRES, UAC_NORMAL};
use crate::clock::{self, TICKS_PER_DAY};
use crate::data::Directory;
use crate::dn::Dn;
use crate::edits::GroupKind;
use crate::object::ObjectId;
use crate::sid::Sid;
use crate::wordings;

/// The service account's userPrincipalName, as a bind name.
pub const SERVICE_ACCOUNT: &str = "svc-linux@corp.example";
/// The service account's password.
pub const SERVICE_PASSWORD: &str = "Service.Pass.1";
/// How many members the big group has.
pub const BIG_GROUP_SIZE: u32 = 3000;

/// What is special about an account.
pub(crate) enum State {
    Normal,
    /// Stored attributes that differ.
    With(&'static [(&'static str, &'static str)]),
    /// Disabled: 533.
    Disabled,
    /// accountExpires was yesterday: 701.
    Expired,
    /// The password is 43 days old: 532.
    PasswordExpired,
    /// pwdLastSet 0: 773.
    MustChange,
    /// Locked out now: 775, for right and wrong passwords.
    Locked,
    /// No hour of the week is allowed: 530.
    NoHours,
    /// The right password gets this sub-code.
    Refused(u32),
    /// The same, in exactly these words.
    Says(u32, &'static str),
    /// This attribute may not be read by anybody.
    Withheld(&'static str),
}

use State::{
    Disabled, Expired, Locked, MustChange, NoHours, Normal, PasswordExpired, Refused, Says, With,
    Withheld,
};

/// RID, sAMAccountName, CN, what is special.
pub(crate) type User = (u32, &'static str, &'static str, State);

/// All live in OU=People; more, in OU=Refusals, stand in `wordings.rs`.
const USERS: &[User] = &[
    // People who log in.
    (
        1107,
        "alice",
        "Alice Archer",
        With(&[
            ("uidNumber", "20107"),
            ("gidNumber", "20000"),
            ("unixHomeDirectory", "/home/alice"),
            ("loginShell", "/bin/bash"),
            ("gecos", "Alice Archer"),
            ("mail", "alice.archer@corp.example"),
            ("givenName", "Alice"),
            ("sn", "Archer"),
        ]),
    ),
    (
        1108,
        "bob",
        "Bob Baker",
        With(&[
            ("uidNumber", "20108"),
            ("gidNumber", "20000"),
            ("unixHomeDirectory", "/srv/home/bob"),
            ("loginShell", "/bin/sh"),
            ("gecos", "Bob Baker,Room 4"),
            ("mail", "bob@corp.example"),
        ]),
    ),
    (
        1109,
        "carol",
        "Carol Chen",
        With(&[("userPrincipalName", "c.chen@corp.example"), ("mail", "carol.chen@example.com")]),
    ),
    (1110, "dave", "Dave Drummond", Normal),
    (1111, "erin", "Erin Evans", Normal),
    (1112, "frank", "Frank Fischer", With(&[("primaryGroupID", "1204")])),
    // Every state that AD refuses, named after it.
    (1120, "disabled", "Disabled Person", Disabled),
    (1121, "expired", "Expired Person", Expired),
    (1122, "pwexpired", "Password Expired", PasswordExpired),
    (1123, "mustchange", "Must Change", MustChange),
    (1124, "locked", "Locked Out", Locked),
    (1125, "nohours", "No Hours", NoHours),
    (1126, "wrongstation", "Wrong Station", With(&[("userWorkstations", "PC-ONE,PC-TWO")])),
    (1127, "restricted", "Restricted 52f", Refused(0x52f)),
    (1128, "toomany", "Too Many Groups", Refused(0x568)),
    (1129, "strange", "Strange Code", Refused(0x5ff)),
    (1130, "nosuch", "Called Unknown", Refused(0x525)),
    (1131, "nochange", "May Not Change", With(&[("userAccountControl", "576")])),
    // Hardened domains take read rights away; absent is not zero.
    (1140, "nouac", "No Control Readable", Withheld("userAccountControl")),
    (1141, "notokens", "No Tokens Readable", Withheld("tokenGroups")),
    (1142, "nopwdlastset", "No Password Age Readable", Withheld("pwdLastSet")),
    (1143, "nosid", "No Sid Readable", Withheld("objectSid")),
    // Names that need escaping in a DN, in a filter, or in both.
    (1150, "jsmith", "Smith, John", Normal),
    (1151, "hashy", "#hash", Normal),
    (1152, "quoty", "Quote \"Q\" Person", Normal),
    (1153, "backslash", "Back\\Slash", Normal),
    (1154, "equals", "Plus+Equals=Semi;<Angle>", Normal),
    (1155, "paren", "Paren (the *) One", Normal),
    (1156, "zoe", "Zoë Übelacker", With(&[("gecos", "Zoë Übelacker")])),
    (1157, "josé", "José Núñez", Normal),
    (1158, "joe blogs", "Joe Blogs", Normal),
    (1159, "slashy", "Slash/Person", Normal),
    (1160, "MixedCase", "Mixed Case", Normal),
    (1161, "日本", "日本 太郎", Normal),
    // Namesakes of the host's own accounts.
    (
        1170,
        "root",
        "Root Namesake",
        With(&[("uidNumber", "0"), ("gidNumber", "0"), ("unixHomeDirectory", "/root")]),
    ),
    (1171, "daemon", "Daemon Namesake", Normal),
    // What must be validated before it is believed.
    (
        1180,
        "inject",
        "Injector",
        With(&[
            ("uidNumber", "20180"),
            ("gidNumber", "20000"),
            ("gecos", "x:0:0:root:/root:/bin/sh\nroot2::0:0::/:/bin/sh"),
            ("unixHomeDirectory", "/home/inject\n"),
            ("loginShell", "/bin/sh:x"),
            ("displayName", "x:0:0\nroot2"),
        ]),
    ),
    (
        1181,
        "lowuid",
        "Low Uid",
        With(&[
            ("uidNumber", "5"),
            ("gidNumber", "5"),
            ("unixHomeDirectory", "/home/lowuid"),
            ("loginShell", "/bin/sh"),
        ]),
    ),
    (
        1182,
        "badnumber",
        "Bad Number",
        With(&[
            ("uidNumber", "4294967295"),
            ("gidNumber", "20000"),
            ("unixHomeDirectory", "/home/badnumber"),
        ]),
    ),
    (1183, "twin1", "Twin One", With(&[("mail", "twins@corp.example")])),
    (1184, "twin2", "Twin Two", With(&[("mail", "twins@corp.example")])),
    // RIDs beyond one slice of 200000 ids.
    (200_005, "bigrid", "Big Rid", Normal),
];

/// RID, name, kind, members. All live in OU=Groups.
const GROUPS: &[(u32, &str, GroupKind, &[&str])] = &[
    (
        1200,
        "linux-users",
        GroupKind::Global,
        &[
            "alice",
            "bob",
            "engineers",
            "disabled",
            "expired",
            "pwexpired",
            "mustchange",
            "locked",
            "nohours",
            "wrongstation",
            "restricted",
            "toomany",
            "strange",
            "nosuch",
            "nochange",
            "nouac",
            "notokens",
            "nopwdlastset",
            "jsmith",
            "hashy",
            "quoty",
            "backslash",
            "equals",
            "paren",
            "zoe",
            "josé",
            "joe blogs",
            "slashy",
            "MixedCase",
            "bigrid",
            "root",
            "daemon",
        ],
    ),
    (1201, "linux-admins", GroupKind::Global, &["bob"]),
    (1202, "engineers", GroupKind::Universal, &["erin", "platform"]),
    (1203, "platform", GroupKind::DomainLocal, &["frank"]),
    (1204, "primary-team", GroupKind::Global, &[]),
    // A cycle: a holds dave and c, b holds a, c holds b.
    (1210, "nest-a", GroupKind::Global, &["dave", "nest-c"]),
    (1211, "nest-b", GroupKind::Global, &["nest-a"]),
    (1212, "nest-c", GroupKind::Global, &["nest-b"]),
    (1213, "nest-self", GroupKind::Global, &["nest-self", "dave"]),
    (1214, "above-primary", GroupKind::Global, &["primary-team", "Domain Users"]),
    // A distribution group gives no membership, and hides what lies behind it.
    (1220, "newsletter", GroupKind::Distribution, &["alice", "carol"]),
    (1221, "behind-newsletter", GroupKind::Global, &["newsletter"]),
    // Namesakes of the host's own groups.
    (1230, "sudo", GroupKind::Global, &["carol"]),
    (1231, "docker", GroupKind::Global, &["carol"]),
    // Names that need care.
    (1240, "Team, One", GroupKind::Global, &["alice"]),
    (1241, "Ärzte & Co", GroupKind::Global, &["alice", "zoe"]),
    (1242, "with space", GroupKind::Global, &["alice"]),
    (1243, "#number", GroupKind::Global, &["alice"]),
    (1244, "empty", GroupKind::Global, &[]),
    (1245, "with-computer", GroupKind::Global, &["DC1$", "alice"]),
    (400_001, "bigrid-group", GroupKind::Global, &["bigrid"]),
];

/// RID, name, kind and members of the groups that every domain has, in CN=Users.
const STANDARD_GROUPS: &[(u32, &str, GroupKind, &[&str])] = &[
    (512, "Domain Admins", GroupKind::Global, &["Administrator"]),
    (513, "Domain Users", GroupKind::Global, &[]),
    (514, "Domain Guests", GroupKind::Global, &[]),
    (515, "Domain Computers", GroupKind::Global, &[]),
    (516, "Domain Controllers", GroupKind::Global, &[]),
    (518, "Schema Admins", GroupKind::Universal, &["Administrator"]),
    (519, "Enterprise Admins", GroupKind::Universal, &["Administrator"]),
];

/// RID (in S-1-5-32), name and members of the groups in CN=Builtin.
const BUILTIN_GROUPS: &[(u32, &str, &[&str])] = &[
    (544, "Administrators", &["Administrator", "Domain Admins", "Enterprise Admins"]),
    (545, "Users", &["Domain Users"]),
    (546, "Guests", &["Guest", "Domain Guests"]),
];

impl Directory {
    /// The domain `corp.example` (CORP) of `dc1.corp.example` with the standard population.
    ///
    /// Built once in a process and cloned from then on, so that every test can have its own.
    pub fn corp_example() -> Self {
        static STANDARD: OnceLock<Directory> = OnceLock::new();
        STANDARD.get_or_init(Self::build_corp_example).clone()
    }

    fn build_corp_example() -> Self {
        let sid = Sid::nt(&[21, 123, 456, 789]);
        let mut directory = Self::empty("corp.example", "CORP", "dc1.corp.example", sid);
        for unit in ["People", "Groups", "Service Accounts", "Sales, EMEA"] {
            directory.unit(unit);
        }
        add_machines_and_services(&mut directory);
        let people = directory.base.child("OU", "People");
        let refusals = directory.unit("Refusals");
        for (place, users) in [(&people, USERS), (&refusals, wordings::USERS)] {
            for (rid, account, cn, state) in users {
                let id = directory.place_user(place, cn, account, *rid);
                apply(&mut directory, id, state);
            }
        }
        let emea = directory.base.child("OU", "Sales, EMEA");
        directory.place_user(&emea, "Grace, Sales", "grace", 1113);
        add_groups(&mut directory);
        for (_, account, ..) in wordings::USERS.iter().filter(|user| wordings::is_let_in(user)) {
            join(&mut directory, account, "linux-users");
        }
        add_crowd(&mut directory);
        directory
    }
}

fn add_machines_and_services(directory: &mut Directory) {
    let base = directory.base.clone();
    let (users, controllers) = (base.child("CN", "Users"), base.child("OU", "Domain Controllers"));
    let administrator = directory.place_user(&users, "Administrator", "Administrator", 500);
    directory.put_integer(administrator, "adminCount", 1);
    directory.give_password(administrator, "Admin.Pass.1");
    for (rid, name) in [(501, "Guest"), (502, "krbtgt")] {
        let id = directory.place_user(&users, name, name, rid);
        apply(directory, id, &Disabled);
    }
    directory.place_computer(&controllers, "DC1", 1000, true);
    directory.place_computer(&base.child("CN", "Computers"), "WS01", 1001, false);
    let services = base.child("OU", "Service Accounts");
    let service = directory.place_user(&services, "svc-linux", "svc-linux", 1103);
    directory.put_integer(service, "userAccountControl", UAC_NORMAL | UAC_NEVER_EXPIRES);
    directory.give_password(service, SERVICE_PASSWORD);
    let contact = directory.place(
        base.child("OU", "People").child("CN", "Outside Contact"),
        &["top", "person", "organizationalPerson", "contact"],
        None,
    );
    directory.put_text(contact, "mail", "outside@partner.example");
}

fn apply(directory: &mut Directory, id: ObjectId, state: &State) {
    let now = clock::filetime_now();
    match state {
        Normal => {}
        With(attributes) => {
            attributes.iter().for_each(|(name, value)| directory.put_text(id, name, value))
        }
        Disabled => directory.put_integer(id, "userAccountControl", UAC_NORMAL | UAC_DISABLED),
        Expired => directory.put_integer(id, "accountExpires", now - TICKS_PER_DAY),
        PasswordExpired => directory.put_integer(id, "pwdLastSet", now - 43 * TICKS_PER_DAY),
        MustChange => directory.put_integer(id, "pwdLastSet", 0),
        // Ten years ahead of an end: a demo may run for longer than the lockout lasts.
        Locked => directory.put_integer(id, "lockoutTime", now + 3650 * TICKS_PER_DAY),
        NoHours => directory.put(id, "logonHours", vec![vec![0; 21]]),
        Refused(sub_code) => {
            if let Some(object) = directory.get_mut(id) {
                object.forced_sub_code = Some(*sub_code);
            }
        }
        Says(sub_code, words) => {
            if let Some(object) = directory.get_mut(id) {
                object.forced_sub_code = Some(*sub_code);
                object.forced_words = Some(words);
            }
        }
        Withheld(attribute) => {
            if let Some(object) = directory.get_mut(id) {
                object.withhold(attribute);
            }
        }
    }
}

fn add_groups(directory: &mut Directory) {
    let base = directory.base.clone();
    let (users, groups) = (base.child("CN", "Users"), base.child("OU", "Groups"));
    for (place, table) in [(&users, STANDARD_GROUPS), (&groups, GROUPS)] {
        for (rid, name, kind, _) in table {
            directory.place_group(place, name, *rid, *kind);
        }
    }
    for (rid, name, _) in BUILTIN_GROUPS {
        let dn = base.child("CN", "Builtin").child("CN", name);
        let id = directory.place_with_sid(dn, &["top", "group"], Some(&Sid::nt(&[32, *rid])));
        directory.describe_group(id, name, GroupKind::Builtin);
    }
    // Members last: groups hold groups that come later in the tables.
    let standard =
        STANDARD_GROUPS.iter().chain(GROUPS).map(|(_, name, _, members)| (name, *members));
    let builtin = BUILTIN_GROUPS.iter().map(|(_, name, members)| (name, *members));
    for (group, members) in standard.chain(builtin) {
        for member in members {
            join(directory, member, group);
        }
    }
    // Frank's primary group is not Domain Users; AD keeps him in the latter by a plain membership.
    join(directory, "frank", "Domain Users");
}

fn join(directory: &mut Directory, member: &str, group: &str) {
    if let (Some(member), Some(group)) =
        (directory.id_of_account(member), directory.id_of_account(group))
    {
        directory.link(group, member);
    }
}

/// `u0001` to `u3000` in OU=Crowd, RIDs 10001 to 13000, all in `all-staff` (RID 1250).
fn add_crowd(directory: &mut Directory) {
    let base = directory.base.clone();
    let crowd = directory.unit("Crowd");
    let staff: Dn = base.child("OU", "Groups");
    let group = directory.place_group(&staff, "all-staff", 1250, GroupKind::Global);
    for number in 1..=BIG_GROUP_SIZE {
        let account = format!("u{number:04}");
        let member = directory.place_user(&crowd, &account, &account, 10_000 + number);
        directory.link(group, member);
    }
}
