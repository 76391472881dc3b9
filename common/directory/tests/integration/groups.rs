//! Groups, their members and the groups of a user: complete, and compared for all of them with what
//! a few lines here work out for themselves from `memberOf`.

use std::collections::{BTreeMap, BTreeSet};

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::LdapSearchScope::Subtree;
use ldaps_core::sid::Sid;
use ldaps_directory::{Directory, GroupRecord};
use test_directory::{BIG_GROUP_SIZE, TestDirectory};

use crate::raw::{BASE, Client, Entry};
use crate::rig::{DOMAIN, Rig, group, user};

/// groupType: a security group (MS-ADTS 2.2.12).
const SECURITY: i64 = 0x8000_0000;

/// Everything with a SID, as an ordinary LDAP client reads it.
struct Truth {
    entries: BTreeMap<String, Object>,
}

struct Object {
    account: String,
    sid: Option<String>,
    is_user: bool,
    is_security_group: bool,
    member_of: Vec<String>,
    primary_group: Option<String>,
}

impl Object {
    fn of(entry: &Entry) -> Self {
        let text = |name: &str| entry.text(name).into_iter().next();
        let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok());
        let sid = entry.attributes.get("objectSid").and_then(|values| values.first());
        Self {
            account: text("sAMAccountName").unwrap_or_default(),
            sid: sid.map(|bytes| Sid::from_bytes(bytes).unwrap().to_string()),
            is_user: number("sAMAccountType") == Some(805_306_368),
            is_security_group: number("groupType").is_some_and(|bits| bits & SECURITY != 0),
            member_of: entry.text("memberOf"),
            primary_group: number("primaryGroupID").map(|rid| format!("{DOMAIN}-{rid}")),
        }
    }
}

impl Truth {
    fn read(server: &TestDirectory) -> Self {
        let mut client = Client::service(server);
        let attributes = [
            "sAMAccountName",
            "objectSid",
            "sAMAccountType",
            "groupType",
            "memberOf",
            "primaryGroupID",
        ];
        let (mut entries, mut cookie) = (BTreeMap::new(), Vec::new());
        loop {
            let page = LdapControl::SimplePagedResults { size: 1000, cookie };
            let found = client.page(BASE, Subtree, "(sAMAccountName=*)", &attributes, vec![page]);
            entries.extend(found.entries.iter().map(|entry| (entry.dn.clone(), Object::of(entry))));
            cookie = found.cookie.unwrap_or_default();
            if cookie.is_empty() {
                return Self { entries };
            }
        }
    }

    /// The DNs of the security groups above an object, through security groups only.
    fn above(&self, starts: Vec<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut waiting = starts;
        while let Some(dn) = waiting.pop() {
            let Some(group) = self.entries.get(&dn).filter(|group| group.is_security_group) else {
                continue;
            };
            if found.insert(dn) {
                waiting.extend(group.member_of.iter().cloned());
            }
        }
        found
    }

    /// The SIDs that a user's token has.
    fn token(&self, user: &Object) -> BTreeSet<String> {
        let is_primary = |object: &Object| object.sid.is_some() && object.sid == user.primary_group;
        let primary = self.entries.iter().filter(|(_, object)| is_primary(object));
        let starts = primary.map(|(dn, _)| dn.clone()).chain(user.member_of.iter().cloned());
        let above = self.above(starts.collect());
        above.iter().filter_map(|dn| self.entries[dn].sid.clone()).collect()
    }

    fn users(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.entries.iter().filter(|(_, object)| object.is_user)
    }

    /// Who is in each security group, by DN; primary groups do not count.
    fn members(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, user) in self.users() {
            for group in self.above(user.member_of.clone()) {
                members.entry(group).or_default().insert(user.account.clone());
            }
        }
        members
    }
}

async fn all_groups(directory: &Directory) -> Vec<GroupRecord> {
    let (mut groups, mut cookie) = (Vec::new(), Vec::new());
    loop {
        let mut page = directory.groups_page(7, cookie).await.unwrap();
        assert!(page.records.len() <= 7);
        groups.append(&mut page.records);
        cookie = page.next;
        if cookie.is_empty() {
            return groups;
        }
    }
}

#[tokio::test]
async fn a_group_has_other_members_than_its_transitive_closure() {
    let rig = Rig::new();
    let (truth, directory) = (Truth::read(&rig.server), rig.directory());
    let mut expected = truth.members();
    let groups = all_groups(&directory).await;
    let count = truth.entries.values().filter(|object| object.is_security_group).count();
    assert_eq!(groups.len(), count, "another number of security groups");
    for group in groups {
        let members: BTreeSet<_> =
            directory.members(&group.dn).await.unwrap().into_iter().collect();
        assert_eq!(members, expected.remove(&group.dn).unwrap_or_default(), "{}", group.dn);
    }
    assert_eq!(expected.into_keys().collect::<Vec<_>>(), [] as [String; 0], "groups not listed");
}

#[tokio::test]
async fn groups_that_are_asked_for_together_have_other_members_than_alone() {
    let rig = Rig::new();
    let (truth, directory) = (Truth::read(&rig.server), rig.directory());
    let mut expected = truth.members();
    let groups = all_groups(&directory).await;
    let dns: Vec<&str> = groups.iter().map(|group| group.dn.as_str()).collect();
    rig.server.forget_searches();
    let members = directory.members_of_each(&dns).await.unwrap();
    let searches = rig.server.search_log().len();
    assert!(searches < dns.len(), "{searches} searches for {} groups", dns.len());
    assert_eq!(members.len(), dns.len());
    for (dn, members) in dns.iter().zip(members) {
        let members: BTreeSet<_> = members.into_iter().collect();
        assert_eq!(members, expected.remove(*dn).unwrap_or_default(), "{dn}");
    }
}

#[tokio::test]
async fn members_that_do_not_show_their_groups_are_left_out_or_put_into_all() {
    let rig = Rig::new();
    let directory = rig.directory();
    let dn_of = async |name| directory.group_by_name(&group(name)).await.unwrap().unwrap().dn;
    let (nest, engineers) = (dn_of("nest-a").await, dn_of("engineers").await);
    rig.server.edit(|data| data.withhold("erin", "memberOf")).unwrap();
    let members = directory.members_of_each(&[&nest, &engineers]).await.unwrap();
    let alone =
        [directory.members(&nest).await.unwrap(), directory.members(&engineers).await.unwrap()];
    assert_eq!(members, alone);
}

/// What the closure above must have led to, for those who read the population's table.
const MEMBERS: &[(&str, &[&str])] = &[
    ("engineers", &["erin", "frank"]),
    ("nest-a", &["dave"]),
    ("nest-b", &["dave"]),
    ("nest-c", &["dave"]),
    ("nest-self", &["dave"]),
    ("primary-team", &[]),
    ("above-primary", &["frank"]),
    ("behind-newsletter", &[]),
    ("with-computer", &["alice"]),
    ("Ärzte & Co", &["alice", "zoe"]),
    ("Team, One", &["alice"]),
    ("empty", &[]),
];

#[tokio::test]
async fn a_cycle_a_mailing_list_or_a_primary_group_changes_who_is_in_a_group() {
    let rig = Rig::new();
    let directory = rig.directory();
    for (name, members) in MEMBERS {
        let found = directory.group_by_name(&group(name)).await.unwrap().expect(name);
        assert_eq!(directory.members(&found.dn).await.unwrap(), *members, "{name}");
    }
}

#[tokio::test]
async fn a_user_has_other_groups_than_the_transitive_closure() {
    let rig = Rig::new();
    let (truth, directory) = (Truth::read(&rig.server), rig.directory());
    let withheld = ["notokens"];
    // All the special ones, and some of the crowd, who are all alike.
    let users = truth.users().filter(|(dn, user)| {
        !dn.contains("OU=Crowd") || ["u0001", "u2777"].contains(&user.account.as_str())
    });
    let mut compared = 0;
    for (dn, user) in users {
        let sids = directory.token_groups(dn).await.unwrap();
        if withheld.contains(&user.account.as_str()) {
            assert_eq!(sids, None, "{dn}: not shown is not none");
            continue;
        }
        let sids: BTreeSet<_> = sids.expect(dn).iter().map(ToString::to_string).collect();
        assert_eq!(sids, truth.token(user), "{dn}");
        compared += 1;
    }
    assert!(compared > 45, "only {compared} users were compared");
}

#[tokio::test]
async fn somebody_who_is_gone_has_groups() {
    let rig = Rig::new();
    let directory = rig.directory();
    let alice = directory.user_by_name(&user("alice")).await.unwrap().unwrap();
    rig.server.edit(|data| data.delete("alice")).unwrap();
    assert_eq!(directory.token_groups(&alice.dn).await.unwrap(), None);
    assert_eq!(directory.members("CN=gone,DC=corp,DC=example").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn three_thousand_members_come_incomplete() {
    let rig = Rig::new();
    let directory = rig.directory();
    let found = directory.group_by_name(&group("all-staff")).await.unwrap().unwrap();
    let members = directory.members(&found.dn).await.unwrap();
    assert_eq!(members.len(), usize::try_from(BIG_GROUP_SIZE).unwrap());
    assert_eq!((members[0].as_str(), members[2999].as_str()), ("u0001", "u3000"));
}

/// A group as it is asked for, and its RID; None: there is none.
const NAMES: &[(&str, Option<u32>)] = &[
    ("linux-users", Some(1200)),
    ("LINUX-Users", Some(1200)),
    ("domain users", Some(513)),
    ("team, one", Some(1240)),
    ("ärzte & co", Some(1241)),
    ("ÄRZTE & CO", Some(1241)),
    ("#number", Some(1243)),
    ("bigrid-group", Some(400_001)),
    // Loose matching, mailing lists, users, filters.
    ("arzte & co", None),
    ("linux-users ", None),
    ("newsletter", None),
    ("alice", None),
    ("linux*", None),
    ("a)(b", None),
    ("zz-none", None),
];

#[tokio::test]
async fn a_name_leads_to_another_group() {
    let rig = Rig::new();
    let directory = rig.directory();
    for (asked, rid) in NAMES {
        let found = directory.group_by_name(&group(asked)).await.unwrap();
        let expected = rid.map(|rid| format!("{DOMAIN}-{rid}"));
        assert_eq!(found.map(|group| group.sid.to_string()), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn a_sid_leads_to_another_group() {
    let rig = Rig::new();
    let directory = rig.directory();
    let sid = |rid: u32| -> Sid { format!("{DOMAIN}-{rid}").parse().unwrap() };
    // More than one filter holds, with users and nobody among them.
    let asked: Vec<Sid> = (1..=1300).map(sid).collect();
    let found = directory.groups_by_sid(&asked).await.unwrap();
    let names: BTreeSet<_> = found.iter().map(|group| group.sam_account_name.as_str()).collect();
    assert_eq!(names.len(), found.len(), "a group came twice");
    for name in ["Domain Users", "linux-users", "nest-self", "Team, One", "all-staff"] {
        assert!(names.contains(name), "{name} is missing");
    }
    for name in ["newsletter", "alice", "bigrid-group", "Users"] {
        assert!(!names.contains(name), "{name} was not asked for, or is no security group");
    }
    rig.server.edit(|data| data.set_attribute("empty", "gidNumber", &["20500"])).unwrap();
    let by_number = async |gid| {
        let found = directory.groups_by_gid_number(&[gid]).await.unwrap();
        found.into_iter().map(|group| group.sam_account_name).collect::<BTreeSet<_>>()
    };
    assert_eq!(by_number(20500).await, ["empty".to_owned()].into());
    assert_eq!(by_number(7).await, [].into());
    rig.server.edit(|data| data.set_attribute("engineers", "gidNumber", &["20500"])).unwrap();
    assert_eq!(by_number(20500).await, ["empty".to_owned(), "engineers".to_owned()].into());
}
