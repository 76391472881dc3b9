//! Searches as AD answers them: filters, scopes, pages, ranges, constructed and withheld attributes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapResultCode::{
    InvalidDNSyntax, NoSuchObject, OperationsError, Referral, SizeLimitExceeded, Success,
    UnavailableCriticalExtension, UnwillingToPerform,
};
use ldap3_proto::proto::LdapSearchScope::{OneLevel, Subtree};
use support::{BASE, Client, Found};
use test_directory::{BIG_GROUP_SIZE, MAX_PAGE, MAX_VALUES, Sid, TestDirectory};

fn sid(rid: u32) -> Vec<u8> {
    Sid::nt(&[21, 123, 456, 789]).with_rid(rid).to_bytes()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

#[test]
fn each_kind_of_filter_selects_what_ad_selects() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let people = "OU=People,DC=corp,DC=example";
    for (filter, expected) in [
        ("(sAMAccountName=alice)", vec!["alice"]),
        ("(samaccountname=ALICE)", vec!["alice"]),
        ("(sAMAccountName=alice  )", vec!["alice"]),
        ("(sAMAccountName=jose)", vec!["josé"]),
        ("(cn=zoe ubelacker)", vec!["zoe"]),
        ("(sAMAccountName=no*body)", vec![]),
        ("(sAMAccountName=m*case)", vec!["MixedCase"]),
        ("(sAMAccountName=*ice)", vec!["alice"]),
        ("(cn=Paren \\28the \\2a\\29 One)", vec!["paren"]),
        ("(cn=Back\\5cSlash)", vec!["backslash"]),
        ("(mail=twins@corp.example)", vec!["twin1", "twin2"]),
        ("(|(sAMAccountName=alice)(sAMAccountName=bob))", vec!["alice", "bob"]),
        (
            "(&(uidNumber=*)(!(sAMAccountName=alice))(uidNumber>=20107)(uidNumber<=20180))",
            vec!["bob", "inject"],
        ),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", vec!["disabled"]),
        ("(userAccountControl:1.2.840.113556.1.4.804:=66)", vec!["disabled", "nochange"]),
        ("(&(objectClass=user)(pwdLastSet=0))", vec!["mustchange"]),
        ("(distinguishedName=cn=smith\\5c, john,ou=people,dc=corp,dc=example)", vec!["jsmith"]),
        ("(memberOf=CN=nest-a,OU=Groups,DC=corp,DC=example)", vec!["dave"]),
        (
            "(memberOf:1.2.840.113556.1.4.1941:=CN=engineers,OU=Groups,DC=corp,DC=example)",
            vec!["erin", "frank"],
        ),
        (
            "(&(sAMAccountName=dave)(memberOf:1.2.840.113556.1.4.1941:=CN=nest-b,OU=Groups,DC=corp,DC=example))",
            vec!["dave"],
        ),
        ("(&(objectCategory=person)(sAMAccountName=alice))", vec!["alice"]),
        ("(objectCategory=group)", vec![]),
        // A constructed attribute, an unknown one: neither true nor false, negated or not.
        ("(!(tokenGroups=*))", vec![]),
        ("(&(sAMAccountName=alice)(!(noSuchAttribute=x)))", vec![]),
        ("(&(sAMAccountName=alice)(!(department=x)))", vec!["alice"]),
    ] {
        let found = client.search(people, Subtree, filter, &["sAMAccountName"]);
        assert_eq!(found.result.code, Success, "{filter}");
        assert_eq!(found.names(), expected, "{filter}");
    }
}

#[test]
fn a_user_is_known_by_account_type_where_the_class_alone_takes_computers_in() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let by_class = client.find("(&(objectClass=user)(sAMAccountName=DC1$))", &["sAMAccountName"]);
    assert_eq!(by_class.names(), ["DC1$"]);
    let by_type =
        client.find("(&(sAMAccountType=805306368)(sAMAccountName=DC1$))", &["sAMAccountName"]);
    assert_eq!(by_type.names(), Vec::<String>::new());
}

#[test]
fn binary_values_match_whatever_bytes_they_hold() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let found = client
        .find(&format!("(objectSid={})", escaped(&sid(1151))), &["sAMAccountName", "objectGUID"]);
    assert_eq!(found.names(), ["hashy"]);
    let guid = found.one().attributes["objectGUID"][0].clone();
    assert!(std::str::from_utf8(&guid).is_err(), "the test wants a GUID that is no text");
    assert_eq!(
        client.find(&format!("(objectGUID={})", escaped(&guid)), &["sAMAccountName"]).names(),
        ["hashy"]
    );
    let many: String =
        [1107, 1108, 1255].map(|rid| format!("(objectSid={})", escaped(&sid(rid)))).concat();
    assert_eq!(client.find(&format!("(|{many})"), &["sAMAccountName"]).names(), ["alice", "bob"]);
    assert_eq!(
        client.find("(objectSid=S-1-5-21-123-456-789-1107)", &["sAMAccountName"]).names(),
        ["alice"]
    );
    let hex: String = guid.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(client.read(&format!("<GUID={hex}>"), &["sAMAccountName"]).names(), ["hashy"]);
    let dashed = "adadadad-adad-40ad-8000-";
    assert_eq!(
        client.read(&format!("<GUID={dashed}{}>", &hex[20..]), &["sAMAccountName"]).names(),
        ["hashy"]
    );
    assert_eq!(
        client.read("<SID=S-1-5-21-123-456-789-1107>", &["sAMAccountName"]).names(),
        ["alice"]
    );
}

#[test]
fn token_groups_are_the_whole_closure_and_come_on_a_base_search_only() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let mut tokens = |account: &str| {
        let dn = server.edit(|directory| directory.dn_of(account)).unwrap();
        let mut sids = client.read(&dn, &["tokenGroups"]).one().attributes["tokenGroups"].clone();
        sids.sort();
        sids
    };
    let expect = |rids: &[u32]| {
        let mut sids: Vec<_> = rids.iter().map(|rid| sid(*rid)).collect();
        sids.push(Sid::nt(&[32, 545]).to_bytes());
        sids.sort();
        sids
    };
    // Domain Users, the cycle of three, the group that holds itself, what holds Domain Users, Builtin\Users.
    assert_eq!(tokens("dave"), expect(&[513, 1210, 1211, 1212, 1213, 1214]));
    // Primary group 1204 and, through nesting, platform, engineers, linux-users.
    assert_eq!(tokens("frank"), expect(&[513, 1200, 1202, 1203, 1204, 1214]));
    // The newsletter is no security group and hides what is behind it.
    assert_eq!(tokens("carol"), expect(&[513, 1214, 1230, 1231]));
    let found = client.find("(sAMAccountName=dave)", &["tokenGroups"]);
    assert_eq!((found.result.code, found.entries.len()), (OperationsError, 0));
}

#[test]
fn a_withheld_attribute_is_left_out_and_its_filter_neither_true_nor_false() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let nouac = client.find("(sAMAccountName=nouac)", &["userAccountControl", "pwdLastSet"]);
    assert_eq!(nouac.one().attributes.keys().collect::<Vec<_>>(), ["pwdLastSet"]);
    let notokens = "CN=No Tokens Readable,OU=People,DC=corp,DC=example";
    assert!(client.read(notokens, &["tokenGroups"]).one().attributes.is_empty());
    assert!(!client.read(notokens, &["*"]).one().attributes.contains_key("tokenGroups"));
    for filter in ["(userAccountControl=512)", "(!(userAccountControl=512))"] {
        assert_eq!(
            client.find(&format!("(&(sAMAccountName=nouac){filter})"), &[]).entries.len(),
            0,
            "{filter}"
        );
    }
    server.edit(|directory| directory.grant("nouac", "userAccountControl")).unwrap();
    let seen = client.find("(sAMAccountName=nouac)", &["userAccountControl"]);
    assert_eq!(seen.one().text("userAccountControl"), ["512"]);
}

#[test]
fn the_computed_attributes_tell_the_state_and_come_only_by_name() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let (control, expiry) =
        ("msDS-User-Account-Control-Computed", "msDS-UserPasswordExpiryTimeComputed");
    for (account, bits, expires) in [
        ("svc-linux", "0", Some("9223372036854775807")),
        ("mustchange", "8388608", Some("0")),
        ("pwexpired", "8388608", None),
        ("locked", "16", None),
        ("alice", "0", None),
    ] {
        let found = client.find(&format!("(sAMAccountName={account})"), &[control, expiry]);
        assert_eq!(found.one().text(control), [bits], "{account}");
        let expiry = found.one().text(expiry);
        expires.map_or_else(
            || assert!(expiry[0].len() == 18, "{expiry:?}"),
            |expires| assert_eq!(expiry, [expires]),
        );
    }
    let all = client.find("(sAMAccountName=alice)", &[]);
    assert!(
        !all.one().attributes.contains_key(control)
            && all.one().attributes.contains_key("uSNChanged")
    );
    assert!(client.find("(sAMAccountName=alice)", &["1.1"]).one().attributes.is_empty());
}

#[test]
fn a_search_without_paging_ends_at_a_thousand_and_pages_bring_everything_once() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let crowd = "OU=Crowd,DC=corp,DC=example";
    let flat = client.search(crowd, OneLevel, "(objectClass=user)", &["sAMAccountName"]);
    assert_eq!((flat.result.code, flat.entries.len()), (SizeLimitExceeded, MAX_PAGE));
    let (mut names, mut sizes, mut cookie) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let control = LdapControl::SimplePagedResults { size: 1400, cookie };
        let page =
            client.page(crowd, OneLevel, "(objectClass=user)", &["sAMAccountName"], vec![control]);
        assert_eq!(page.result.code, Success);
        names.extend(page.names());
        sizes.push(page.entries.len());
        cookie = page.cookie.unwrap();
        if cookie.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 1000], "a page is never longer than AD's limit");
    names.sort();
    names.dedup();
    assert_eq!(names.len() as u32, BIG_GROUP_SIZE);
    let foreign = LdapControl::SimplePagedResults { size: 10, cookie: b"not ours".repeat(2) };
    assert_eq!(
        client.page(crowd, OneLevel, "(cn=*)", &[], vec![foreign]).result.code,
        UnwillingToPerform
    );
}

#[test]
fn a_long_attribute_comes_in_ranges() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let group = "CN=all-staff,OU=Groups,DC=corp,DC=example";
    let mut ask = |name: &str| {
        let found: Found = client.read(group, &[name]);
        let attributes = found.one().attributes.clone();
        attributes.into_iter().map(|(name, values)| (name, values.len())).collect::<Vec<_>>()
    };
    let named = |name: &str, count: usize| (name.to_owned(), count);
    assert_eq!(ask("member"), [named("member", 0), named("member;range=0-1499", MAX_VALUES)]);
    assert_eq!(ask("MEMBER;Range=1500-*"), [named("member;range=1500-*", 1500)]);
    assert_eq!(ask("member;range=0-9"), [named("member;range=0-9", 10)]);
    assert_eq!(ask("member;range=2990-3100"), [named("member;range=2990-*", 10)]);
    assert_eq!(ask("member;range=3000-*"), []);
    let small = client.read("CN=linux-admins,OU=Groups,DC=corp,DC=example", &["member"]);
    assert_eq!(small.one().text("member"), ["CN=Bob Baker,OU=People,DC=corp,DC=example"]);
}

#[test]
fn references_hang_at_the_end_of_subtree_searches_from_the_top_and_nowhere_else() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let top = client.find("(sAMAccountName=alice)", &["cn"]);
    assert_eq!(top.references.len(), 3);
    assert!(top.references[0].starts_with("ldaps://ForestDnsZones.corp.example/"), "{top:?}");
    assert!(
        client.find("(sAMAccountName=nobody)", &["cn"]).references.len() == 3,
        "also with nothing found"
    );
    assert!(
        client
            .search("OU=People,DC=corp,DC=example", Subtree, "(cn=*)", &["cn"])
            .references
            .is_empty()
    );
    assert!(client.search(BASE, OneLevel, "(cn=*)", &["cn"]).references.is_empty());
    let page = |cookie| vec![LdapControl::SimplePagedResults { size: 1, cookie }];
    let first =
        client.page(BASE, Subtree, "(|(cn=Alice Archer)(cn=Bob Baker))", &["cn"], page(vec![]));
    assert_eq!((first.entries.len(), first.references.len()), (1, 0));
    let second = client.page(
        BASE,
        Subtree,
        "(|(cn=Alice Archer)(cn=Bob Baker))",
        &["cn"],
        page(first.cookie.unwrap()),
    );
    assert_eq!((second.entries.len(), second.references.len()), (1, 3));
}

#[test]
fn the_configuration_is_no_part_of_the_domain_but_can_be_read() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!(client.find("(objectClass=nTDSDSA)", &["cn"]).entries.len(), 0);
    let service = client.read("", &["dsServiceName"]).one().text("dsServiceName");
    let settings = client.read(&service[0], &["invocationId"]);
    assert_eq!(settings.one().attributes["invocationId"][0].len(), 16);
    let partitions = "CN=Partitions,CN=Configuration,DC=corp,DC=example";
    let found =
        client.search(partitions, OneLevel, "(nCName=dc=corp,dc=example)", &["nETBIOSName"]);
    assert_eq!(found.one().text("nETBIOSName"), ["CORP"]);
}

#[test]
fn a_base_that_is_not_there_is_refused_by_its_kind() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let missing = client.read("CN=Gone,OU=People,DC=corp,DC=example", &[]);
    assert_eq!(missing.result.code, NoSuchObject);
    assert_eq!(missing.result.matcheddn, "OU=People,DC=corp,DC=example");
    assert_eq!(client.read("alice", &[]).result.code, InvalidDNSyntax);
    let elsewhere = client.read("DC=other,DC=example", &[]);
    assert_eq!(elsewhere.result.code, Referral);
    // ldap3_proto drops a result's referral on reading; the message names the place too.
    assert!(elsewhere.result.message.contains("ref 1: 'other.example'"), "{elsewhere:?}");
}

#[test]
fn an_unknown_control_is_ignored_unless_it_is_critical() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let control = |criticality| {
        vec![LdapControl::Unknown { oid: "1.2.3.4".to_owned(), criticality, value: None }]
    };
    let mut ask = |criticality| {
        client.page(BASE, Subtree, "(cn=Alice Archer)", &["cn"], control(criticality))
    };
    assert_eq!(ask(false).entries.len(), 1);
    assert_eq!(ask(true).result.code, UnavailableCriticalExtension);
}

#[test]
fn edits_are_seen_at_once_and_move_the_sequence_numbers() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    let mut highest = || {
        client.read("", &["highestCommittedUSN"]).one().text("highestCommittedUSN")[0]
            .parse::<i64>()
    };
    let before = highest().unwrap();
    server
        .edit(|directory| directory.set_attribute("alice", "displayName", &["Alice Other"]))
        .unwrap();
    server.edit(|directory| directory.add_to_group("carol", "linux-admins")).unwrap();
    let after = highest().unwrap();
    assert_eq!(after, before + 2);
    let changed = client.find(&format!("(uSNChanged>={})", before + 1), &["sAMAccountName"]);
    assert_eq!(
        changed.names(),
        ["alice", "linux-admins"],
        "a link counts for the group, not for the member"
    );
    server.edit(|directory| directory.delete("alice")).unwrap();
    assert_eq!(client.find("(sAMAccountName=alice)", &[]).entries.len(), 0);
    assert_eq!(
        client.find(&format!("(uSNChanged>={})", after + 1), &[]).entries.len(),
        0,
        "a deletion shows nowhere"
    );
    let target = "CN=Robert Baker,OU=Sales\\, EMEA,DC=corp,DC=example";
    server.edit(|directory| directory.move_to("bob", target)).unwrap();
    assert_eq!(client.find("(sAMAccountName=bob)", &["cn"]).one().dn, target);
    let group = client.find("(cn=linux-admins)", &["member"]);
    assert!(group.one().text("member").contains(&target.to_owned()), "links follow a move");
}

#[test]
fn the_search_log_tells_base_scope_filter_and_attributes() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    server.forget_searches();
    client.find("(&(sAMAccountName=a\\2ab)(!(objectSid=\\ff)))", &["cn"]);
    let log = server.search_log();
    assert_eq!(server.searches(), 1);
    assert_eq!((log[0].base.as_str(), log[0].scope), (BASE, 2));
    assert_eq!(log[0].filter, "(&(sAMAccountName=a\\2ab)(!(objectSid=\\ff)))");
    assert_eq!(log[0].attributes, ["cn"]);
}
