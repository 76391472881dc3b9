//! Users by every form of name: the one that was meant, or nobody.

use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, Judgement};
use test_directory::BIG_GROUP_SIZE;

use crate::rig::{DOMAIN, Extra, Rig, user};

/// Logins by mail address, as well.
const BY_MAIL: &str = "[users.login]\nat = [\"userPrincipalName\", \"mail\"]\n";

/// A name as it is typed, and the account that is meant; None: nobody.
type Row = (&'static str, Option<&'static str>);

/// With everything at its default.
const NAMES: &[Row] = &[
    ("alice", Some("alice")),
    ("ALICE", Some("alice")),
    ("mixedcase", Some("MixedCase")),
    ("MIXEDcase", Some("MixedCase")),
    // A bare name is a sAMAccountName and nothing else.
    ("Alice Archer", None),
    ("c.chen", None),
    ("zz-nobody", None),
    // Names that need care in a DN or a filter.
    ("joe blogs", Some("joe blogs")),
    ("jsmith", Some("jsmith")),
    ("grace", Some("grace")),
    ("quoty", Some("quoty")),
    ("backslash", Some("backslash")),
    ("equals", Some("equals")),
    ("paren", Some("paren")),
    ("zoe", Some("zoe")),
    ("josé", Some("josé")),
    ("JOSÉ", Some("josé")),
    ("日本", Some("日本")),
    // AD compares more loosely than we do: accents, width and spaces at the end are nothing to it.
    ("jose", None),
    ("jose\u{301}", None),
    ("alicé", None),
    ("ａｌｉｃｅ", None),
    ("alice ", None),
    (" alice", None),
    ("joe  blogs", None),
    // Computers are users in AD's schema, and not here.
    ("dc1$", None),
    ("WS01$", None),
    // A filter or a DN that a name could break out of.
    ("*", None),
    ("a*", None),
    ("a)(b", None),
    ("alice)(objectClass=*", None),
    ("*)(uid=*))(|(uid=*", None),
    ("alice\\2a", None),
    ("\u{fffd}", None),
    // By userPrincipalName, which need not begin with the sAMAccountName.
    ("alice@corp.example", Some("alice")),
    ("Alice@CORP.example", Some("alice")),
    ("c.chen@corp.example", Some("carol")),
    ("carol@corp.example", None),
    ("alice@other.example", None),
    ("dc1$@corp.example", None),
    // By mail only where that is configured.
    ("alice.archer@corp.example", None),
    // By the domain's NetBIOS name.
    ("CORP\\alice", Some("alice")),
    ("corp\\Alice", Some("alice")),
    ("OTHER\\alice", None),
    ("corp.example\\alice", None),
    ("CORP\\carol", Some("carol")),
    ("CORP\\c.chen@corp.example", None),
    ("CORP\\dc1$", None),
];

/// With [`BY_MAIL`].
const MAILS: &[Row] = &[
    ("alice.archer@corp.example", Some("alice")),
    ("Alice.Archer@corp.example", Some("alice")),
    ("carol.chen@example.com", Some("carol")),
    ("c.chen@corp.example", Some("carol")),
    // Two accounts have it: nobody can know who is meant.
    ("twins@corp.example", None),
    // A contact is no user.
    ("outside@partner.example", None),
    ("*@corp.example", None),
];

/// With the filter that this project began with.
const SEED: &[Row] = &[
    ("alice.archer@corp.example", Some("alice")),
    ("carol.chen@example.com", Some("carol")),
    ("c.chen@corp.example", None),
    ("twins@corp.example", None),
    ("outside@partner.example", None),
];

async fn check(directory: &Directory, table: &[Row]) {
    for (typed, meant) in table {
        let found = directory.user_by_name(&user(typed)).await.unwrap();
        let found = found.map(|user| user.sam_account_name);
        assert_eq!(found.as_deref(), *meant, "{typed:?}");
    }
}

#[tokio::test]
async fn a_name_leads_to_another_account_than_was_meant() {
    let rig = Rig::new();
    check(&rig.directory(), NAMES).await;
}

#[tokio::test]
async fn a_mail_address_leads_to_another_account_where_it_is_configured() {
    let rig = Rig::new();
    check(&rig.with(Extra { sections: BY_MAIL, ..Extra::default() }), MAILS).await;
}

#[tokio::test]
async fn the_filter_this_project_began_with_is_not_possible() {
    let sections = "[users]\nfilter = \"(objectClass=user)\"\n[users.login]\nat = [\"mail\"]\n";
    let rig = Rig::new();
    check(&rig.with(Extra { sections, ..Extra::default() }), SEED).await;
    let asked = rig.server.search_log().into_iter().map(|search| search.filter);
    let asked: Vec<_> = asked.filter(|filter| filter.contains("carol.chen")).collect();
    assert_eq!(asked, ["(&(mail=carol.chen@example.com)(objectClass=user))"]);
}

#[tokio::test]
async fn a_condition_or_a_base_of_the_configuration_is_ignored() {
    let rig = Rig::new();
    let finds = async |sections: &str, name: &str| {
        let directory = rig.with(Extra { sections, ..Extra::default() });
        directory.user_by_name(&user(name)).await.unwrap().is_some()
    };
    let people = "[users]\nbase = \"OU=People,DC=corp,DC=example\"\n";
    let emea = "[users]\nbase = \"OU=Sales\\\\, EMEA,DC=corp,DC=example\"\n";
    let with_mail = "[users]\ncondition = \"(mail=*@corp.example)\"\n";
    for (sections, name, found) in [
        (people, "alice", true),
        (people, "grace", false),
        (emea, "grace", true),
        (emea, "alice", false),
        (with_mail, "alice", true),
        (with_mail, "carol", false),
        (with_mail, "dave", false),
    ] {
        assert_eq!(finds(sections, name).await, found, "{sections} {name}");
    }
}

#[tokio::test]
async fn a_record_says_something_else_than_ad() {
    let rig = Rig::new();
    let directory = rig.directory();
    let found = async |name: &str| directory.user_by_name(&user(name)).await.unwrap().unwrap();
    let alice = found("alice").await;
    assert_eq!(alice.dn, "CN=Alice Archer,OU=People,DC=corp,DC=example");
    assert_eq!(alice.sid.to_string(), format!("{DOMAIN}-1107"));
    assert_eq!(alice.primary_group_rid, Some(513));
    assert_eq!(alice.gecos.as_deref(), Some("Alice Archer"));
    assert_eq!((alice.posix.uid, alice.posix.gid), (Some(20107), Some(20000)));
    assert_eq!((alice.home, alice.shell), (None, None), "nothing names these attributes");
    assert_eq!(found("dave").await.posix.uid, None);
    assert_eq!(found("frank").await.primary_group_rid, Some(1204));
    // Absent is not zero.
    let state = |user: ldaps_directory::UserRecord| user.state.judge(std::time::SystemTime::now());
    assert_eq!(state(found("nouac").await), Judgement::Unreadable("userAccountControl"));
    assert_eq!(state(found("alice").await), Judgement::Open);
    assert_eq!(directory.user_by_name(&user("nosid")).await.unwrap(), None, "without its SID");
}

#[tokio::test]
async fn an_id_leads_to_another_account() {
    let rig = Rig::new();
    let directory = rig.directory();
    let by_sid = async |sid: &str| {
        let sid: Sid = sid.parse().unwrap();
        directory.users_by_sid(&[sid]).await.unwrap().pop().map(|user| user.sam_account_name)
    };
    let domain = |rid: u32| format!("{DOMAIN}-{rid}");
    assert_eq!(by_sid(&domain(1107)).await.as_deref(), Some("alice"));
    assert_eq!(by_sid(&domain(200_005)).await.as_deref(), Some("bigrid"));
    for nobody in [domain(1000), domain(1200), domain(9), "S-1-5-21-1-2-3-1107".to_owned()] {
        assert_eq!(by_sid(&nobody).await, None, "{nobody}");
    }
    let by_number = async |uids: &[u32]| {
        let found = directory.users_by_uid_number(uids).await.unwrap();
        let mut names: Vec<_> = found.into_iter().map(|user| user.sam_account_name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(by_number(&[20107]).await, ["alice"]);
    assert_eq!(by_number(&[1]).await, [""; 0]);
    rig.server.edit(|data| data.set_attribute("dave", "uidNumber", &["20107"])).unwrap();
    assert_eq!(by_number(&[20107, 20108, 1]).await, ["alice", "bob", "dave"], "one is hidden");
    let by_account = async |name| directory.user_by_account(name).await.unwrap();
    assert_eq!(by_account("mixedcase").await.unwrap().sam_account_name, "MixedCase");
    assert_eq!(by_account("c.chen").await, None);
}

#[tokio::test]
async fn users_are_lost_between_the_pages_or_computers_among_them() {
    let rig = Rig::new();
    let directory = rig.directory();
    for size in [1000, 700] {
        let (mut names, mut cookie, mut pages) = (Vec::new(), Vec::new(), 0);
        loop {
            let page = directory.users_page(size, cookie).await.unwrap();
            assert!(page.records.len() <= usize::from(size));
            names.extend(page.records.into_iter().map(|user| user.sam_account_name));
            pages += 1;
            cookie = page.next;
            if cookie.is_empty() {
                break;
            }
        }
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "somebody came twice");
        assert!(pages > 3, "{pages} pages of {size}");
        let crowd = names.iter().filter(|name| name.starts_with('u') && name.len() == 5).count();
        assert_eq!(crowd, usize::try_from(BIG_GROUP_SIZE).unwrap());
        for name in ["alice", "grace", "Administrator", "svc-linux", "日本"] {
            assert!(names.iter().any(|found| found == name), "{name} is missing");
        }
        assert!(!names.iter().any(|name| name.ends_with('$')), "a computer");
    }
}
