//! What follows from a graph that changes is what follows from one that is made anew.

use super::*;
use proptest::prelude::*;

const PEOPLE: u32 = 12;
const GROUPS: u32 = 8;
const FIRST_GROUP: u32 = 1000;

fn domain() -> Sid {
    "S-1-5-21-1-2-3".parse().unwrap()
}

fn sid(rid: u32) -> Sid {
    domain().with_rid(rid).unwrap()
}

fn dn(rid: u32) -> String {
    format!("CN=Of {rid},DC=x")
}

/// The directory: of each group whether it is there, served, and a security group; who is in it.
#[derive(Debug, Clone, Default)]
struct Truth {
    groups: HashMap<u32, (bool, bool)>,
    people: HashMap<u32, Option<u32>>,
    /// Group, member.
    links: BTreeSet<(u32, u32)>,
}

#[derive(Debug, Clone)]
enum Edit {
    Group(u32, bool, bool),
    NoGroup(u32),
    Person(u32, Option<u32>),
    NoPerson(u32),
    Link(u32, u32),
    Unlink(u32, u32),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let group = || FIRST_GROUP..FIRST_GROUP + GROUPS;
    let member = || prop_oneof![0..PEOPLE, group()];
    let edit = prop_oneof![
        3 => (group(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(g, a, b)| Edit::Group(g, a, b)),
        1 => group().prop_map(Edit::NoGroup),
        3 => (0..PEOPLE, prop::option::of(group())).prop_map(|(p, g)| Edit::Person(p, g)),
        1 => (0..PEOPLE).prop_map(Edit::NoPerson),
        6 => (group(), member()).prop_map(|(g, m)| Edit::Link(g, m)),
        2 => (group(), member()).prop_map(|(g, m)| Edit::Unlink(g, m)),
    ];
    prop::collection::vec(edit, 1..60)
}

impl Truth {
    fn member_of(&self, rid: u32) -> Vec<String> {
        self.links
            .iter()
            .filter(|(_, member)| *member == rid)
            .map(|(group, _)| dn(*group))
            .collect()
    }

    fn inside(&self, group: u32) -> (Vec<Sid>, Vec<Sid>) {
        let members = self.links.iter().filter(|(of, _)| *of == group).map(|(_, member)| *member);
        let (groups, people): (Vec<u32>, Vec<u32>) = members.partition(|rid| *rid >= FIRST_GROUP);
        (people.into_iter().map(sid).collect(), groups.into_iter().map(sid).collect())
    }

    fn group(&self, rid: u32) -> Linked<GroupRecord> {
        let record = GroupRecord {
            dn: dn(rid),
            sid: sid(rid),
            sam_account_name: format!("g{rid}"),
            gid_number: None,
        };
        let is_security_group = self.groups[&rid].1;
        Linked { record, member_of: self.member_of(rid), is_security_group }
    }

    fn person(&self, rid: u32) -> Linked<UserRecord> {
        let record = serde_json::json!({
            "dn": dn(rid), "sid": sid(rid), "sam_account_name": format!("p{rid}"),
            "primary_group_rid": self.people[&rid], "gecos": null, "home": null, "shell": null,
            "posix": {"uid": null, "gid": null, "gecos": null},
            "state": {
                "user_account_control": 512, "computed": null, "account_expires": 0,
                "logon_hours": null, "password_last_set": 1,
                "wrong_passwords": 0, "wrong_password_at": 0, "workstations": null
            }
        });
        let record = serde_json::from_value(record).unwrap();
        Linked { record, member_of: self.member_of(rid), is_security_group: false }
    }

    fn anew(&self) -> Graph {
        let groups = self.groups.keys().map(|rid| self.group(*rid)).collect();
        let served = self.groups.iter().filter(|(_, (served, _))| *served);
        let served = served.map(|(rid, _)| sid(*rid)).collect();
        let mut graph = Graph::of_groups(domain(), groups, &served);
        let people = self.people.keys().map(|rid| self.person(*rid));
        people.for_each(|person| graph.set_person(&person, &mut Touched::default()));
        graph
    }

    /// Makes an edit, and has the graph hear of it as AD tells of it: a link changes the group, what
    /// is deleted is seen to be gone.
    fn make(&mut self, edit: &Edit, graph: &mut Graph, touched: &mut Touched) {
        let changed = match *edit {
            Edit::Group(rid, served, security) => {
                self.groups.insert(rid, (served, security));
                rid
            }
            Edit::NoGroup(rid) => {
                self.groups.remove(&rid);
                self.links.retain(|(group, member)| *group != rid && *member != rid);
                rid
            }
            Edit::Person(rid, primary) => {
                self.people.insert(rid, primary);
                rid
            }
            Edit::NoPerson(rid) => {
                self.people.remove(&rid);
                self.links.retain(|(_, member)| *member != rid);
                rid
            }
            Edit::Link(group, member) if self.is_there(group) && self.is_there(member) => {
                self.links.insert((group, member));
                group
            }
            Edit::Unlink(group, member) if self.is_there(group) => {
                self.links.remove(&(group, member));
                group
            }
            Edit::Link(..) | Edit::Unlink(..) => return,
        };
        if let Some((served, _)) = self.groups.get(&changed) {
            let (users, groups) = self.inside(changed);
            graph.set_group(self.group(changed), *served, (&users, &groups), touched);
        } else if self.people.contains_key(&changed) {
            graph.set_person(&self.person(changed), touched);
        } else if changed >= FIRST_GROUP {
            graph.remove_group(sid(changed), touched);
        } else {
            graph.remove_person(changed, touched);
        }
    }

    fn is_there(&self, rid: u32) -> bool {
        self.groups.contains_key(&rid) || self.people.contains_key(&rid)
    }
}

type Follows = (HashMap<Rid, BTreeSet<Sid>>, HashMap<Sid, BTreeSet<Rid>>);

/// All that follows: the groups of everybody, the members of all that are served.
fn follows(graph: &Graph) -> Follows {
    let token = |rid| graph.token(graph.roots(rid).unwrap()).into_iter().collect();
    let tokens = graph.people().map(|rid| (rid, token(rid))).collect();
    let served = graph.served().map(|(place, _)| place).collect();
    let members = graph.members(&served).into_iter();
    let sid = |place| graph.node(place).unwrap().record.sid;
    (tokens, members.map(|(place, rids)| (sid(place), rids.into_iter().collect())).collect())
}

proptest! {
    #[test]
    fn what_follows_depends_on_how_it_came_about(edits in edits()) {
        let (mut truth, mut graph) = (Truth::default(), Graph::new(domain()));
        // What whoever is told of the touched alone has.
        let (mut tokens, mut members) = (HashMap::new(), HashMap::new());
        for edit in &edits {
            let mut touched = Touched::default();
            truth.make(edit, &mut graph, &mut touched);
            let now = follows(&graph);
            prop_assert_eq!(&now, &follows(&truth.anew()), "after {:?}", edit);
            for rid in &touched.people {
                tokens.insert(*rid, now.0.get(rid).cloned());
            }
            for node in touched.groups.iter().filter_map(|place| graph.node(*place)) {
                members.insert(node.record.sid, now.1.get(&node.record.sid).cloned());
            }
            tokens.retain(|rid, _| graph.has_person(*rid));
            members.retain(|sid, told| told.is_some() && graph.sids().any(|(there, _)| there == *sid));
            let now = (
                now.0.into_iter().map(|(rid, token)| (rid, Some(token))).collect::<HashMap<_, _>>(),
                now.1.into_iter().map(|(sid, rids)| (sid, Some(rids))).collect::<HashMap<_, _>>(),
            );
            prop_assert_eq!((&tokens, &members), (&now.0, &now.1), "not touched by {:?}", edit);
        }
        let written = postcard::to_stdvec(&graph).unwrap();
        let read = postcard::from_bytes::<Graph>(&written).unwrap().restored();
        prop_assert_eq!(follows(&read), follows(&graph));
    }
}
