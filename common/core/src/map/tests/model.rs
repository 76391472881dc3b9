//! Whatever is put and removed in whatever order, the reader finds just that.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Answer, Key, MapView};
use super::{found, group, run_dir, start_ctl, user, writer};
use crate::entries::{GroupEntry, PasswdEntry};
use crate::protocol::client::monotonic_now;

#[derive(Debug, Clone)]
enum Change {
    User(u8, u8, String),
    Group(u8, u8, u8),
    GroupsOf(u8, Vec<u8>),
    Alias(u8, u8),
    NobodyCalled(u8),
    NobodyWith(u8),
    RemoveUserCalled(u8),
    RemoveUserWith(u8),
    RemoveGroup(u8),
    Restart,
    Clear,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    use Change::*;
    let small = || 0_u8..12;
    let change = prop_oneof![
        8 => (small(), small(), "[a-zA-Z ü]{0,40}").prop_map(|(name, uid, gecos)| User(name, uid, gecos)),
        4 => (small(), small(), 0_u8..200).prop_map(|(name, gid, members)| Group(name, gid, members)),
        4 => (small(), prop::collection::vec(small(), 0..20)).prop_map(|(uid, gids)| GroupsOf(uid, gids)),
        4 => (small(), small()).prop_map(|(alias, uid)| Alias(alias, uid)),
        2 => small().prop_map(NobodyCalled),
        2 => small().prop_map(NobodyWith),
        2 => small().prop_map(RemoveUserCalled),
        2 => small().prop_map(RemoveUserWith),
        2 => small().prop_map(RemoveGroup),
        1 => Just(Restart),
        1 => Just(Clear),
    ];
    prop::collection::vec(change, 0..400)
}

const FIRST: u32 = 200_000;

fn name_of(number: u8) -> String {
    format!("name{number}")
}

fn alias_of(number: u8) -> String {
    format!("alias{number}@corp.example")
}

fn id_of(number: u8) -> u32 {
    FIRST + u32::from(number)
}

/// What the map should hold.
#[derive(Default)]
struct Model {
    users: Vec<PasswdEntry>,
    groups: Vec<GroupEntry>,
    groups_of: HashMap<u32, Vec<u32>>,
    aliases: HashMap<String, (u32, String)>,
    nobody_called: Vec<String>,
    nobody_with: Vec<u32>,
}

impl Model {
    fn remove_users(&mut self, gone: impl Fn(&PasswdEntry) -> bool) {
        for user in self.users.extract_if(.., |user| gone(user)) {
            self.groups_of.remove(&user.uid);
        }
    }

    fn user_called(&self, name: &str) -> Option<&PasswdEntry> {
        self.users.iter().find(|user| user.name == name)
    }

    fn user_with(&self, uid: u32) -> Option<&PasswdEntry> {
        self.users.iter().find(|user| user.uid == uid)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_map_holds_something_else_than_was_put(changes in changes()) {
        let (_top, dir, mut ctl) = run_dir();
        let mut map = writer(&dir, &ctl);
        let mut model = Model::default();
        let later = monotonic_now() + Duration::from_secs(3600);
        for change in changes {
            match change {
                Change::User(name, uid, gecos) => {
                    let user = PasswdEntry { gecos, ..user(&name_of(name), id_of(uid)) };
                    map.put_user(&user).unwrap();
                    // The same person keeps the groups, whoever was called so does not.
                    let same = |u: &PasswdEntry| u.name == user.name && u.uid == user.uid;
                    let clash = |u: &PasswdEntry| u.name == user.name || u.uid == user.uid;
                    model.remove_users(|u| clash(u) && !same(u));
                    model.users.retain(|u| !same(u));
                    model.nobody_called.retain(|n| *n != user.name);
                    model.nobody_with.retain(|n| *n != user.uid);
                    model.users.push(user);
                }
                Change::Group(name, gid, members) => {
                    let group = group(&name_of(name), id_of(gid), members.into());
                    map.put_group(&group).unwrap();
                    model.groups.retain(|g| g.name != group.name && g.gid != group.gid);
                    model.groups.push(group);
                }
                Change::GroupsOf(uid, gids) => {
                    let gids: BTreeSet<u32> = gids.into_iter().map(id_of).collect();
                    let gids: Vec<u32> = gids.into_iter().collect();
                    let unsorted: Vec<u32> = gids.iter().rev().chain(gids.first()).copied().collect();
                    map.put_groups_of(id_of(uid), &unsorted).unwrap();
                    model.groups_of.insert(id_of(uid), gids);
                }
                Change::Alias(alias, uid) => {
                    if let Some(user) = model.user_with(id_of(uid)) {
                        map.put_alias(&alias_of(alias), user).unwrap();
                        model.aliases.insert(alias_of(alias), (user.uid, user.name.clone()));
                    }
                }
                Change::NobodyCalled(name) => {
                    let name = name_of(name);
                    map.put_nobody(Key::UserName(name.as_bytes()), later).unwrap();
                    model.remove_users(|u| u.name == name);
                    model.nobody_called.push(name);
                }
                Change::NobodyWith(uid) => {
                    map.put_nobody(Key::Uid(id_of(uid)), later).unwrap();
                    model.remove_users(|u| u.uid == id_of(uid));
                    model.nobody_with.push(id_of(uid));
                }
                Change::RemoveUserCalled(name) => {
                    map.remove(Key::UserName(name_of(name).as_bytes()));
                    model.remove_users(|u| u.name == name_of(name));
                    model.nobody_called.retain(|n| *n != name_of(name));
                }
                Change::RemoveUserWith(uid) => {
                    map.remove(Key::Uid(id_of(uid)));
                    model.remove_users(|u| u.uid == id_of(uid));
                    model.nobody_with.retain(|n| *n != id_of(uid));
                }
                Change::RemoveGroup(gid) => {
                    map.remove(Key::Gid(id_of(gid)));
                    model.groups.retain(|g| g.gid != id_of(gid));
                }
                Change::Restart => {
                    drop(map);
                    ctl = start_ctl(&dir.join(""));
                    map = writer(&dir, &ctl);
                }
                Change::Clear => {
                    map.clear().unwrap();
                    model = Model::default();
                }
            }
        }
        for number in 0..12 {
            compare(&map.view(), &model, number)?;
        }
    }
}

fn compare(map: &MapView<'_>, model: &Model, number: u8) -> Result<(), TestCaseError> {
    let (name, id) = (name_of(number), id_of(number));
    let by_name = map.user_by_name(name.as_bytes());
    let entry = found(by_name).and_then(|user| user.to_entry());
    prop_assert_eq!(entry.as_ref(), model.user_called(&name));
    prop_assert_eq!(matches!(by_name, Answer::Nobody), model.nobody_called.contains(&name));
    let by_uid = map.user_by_uid(id);
    let entry = found(by_uid).and_then(|user| user.to_entry());
    prop_assert_eq!(entry.as_ref(), model.user_with(id));
    prop_assert_eq!(matches!(by_uid, Answer::Nobody), model.nobody_with.contains(&id));

    let group = found(map.group_by_name(name.as_bytes())).and_then(|group| group.to_entry());
    prop_assert_eq!(group.as_ref(), model.groups.iter().find(|group| group.name == name));
    let group = found(map.group_by_gid(id)).and_then(|group| group.to_entry());
    prop_assert_eq!(group.as_ref(), model.groups.iter().find(|group| group.gid == id));

    let gids = found(map.groups_of(name.as_bytes())).map(|gids| gids.gids().collect::<Vec<_>>());
    let wanted = model.user_called(&name).and_then(|user| model.groups_of.get(&user.uid));
    prop_assert_eq!(gids.as_ref(), wanted);

    let alias = alias_of(number);
    let named = model.aliases.get(&alias);
    let wanted = named.and_then(|(uid, name)| model.user_with(*uid).filter(|u| u.name == *name));
    let entry = found(map.user_by_name(alias.as_bytes())).and_then(|user| user.to_entry());
    prop_assert_eq!(entry.as_ref(), wanted);
    Ok(())
}
