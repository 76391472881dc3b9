//! Who is directly in which group, and what follows: all groups of a user as `tokenGroups` has them,
//! all users of a group as a look-up has them.
//!
//! The two go different ways. `tokenGroups` begins at the primary group and what holds the user, and
//! leads through security groups, wherever in the domain they are. The members of a group are found
//! through groups that are served, and nobody is a member by a primary group.

use std::collections::{BTreeSet, HashMap, HashSet};

use ldaps_core::names::fold;
use ldaps_core::sid::Sid;
use ldaps_directory::{GroupRecord, Linked, UserRecord};
use serde::{Deserialize, Serialize};

/// A group by its place among the nodes.
pub(crate) type Place = u32;
/// A user by the RID, in the domain of the graph.
pub(crate) type Rid = u32;

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Graph {
    pub(crate) domain: Sid,
    nodes: Vec<Node>,
    people: HashMap<Rid, Person>,
    #[serde(skip)]
    by_sid: HashMap<Sid, Place>,
    /// By the DN in lower case.
    #[serde(skip)]
    by_dn: HashMap<String, Place>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) record: GroupRecord,
    /// Whether it is shown on this host, if its name and id allow it.
    pub(crate) served: bool,
    security: bool,
    /// The groups that hold it directly.
    above: Vec<Place>,
    /// Its place is empty.
    gone: bool,
}

/// A user who is served, whether the name and the id allow to show one or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// sAMAccountName.
    pub(crate) account: Box<str>,
    primary: Option<Rid>,
    /// The groups that hold the user directly, sorted.
    direct: Box<[Place]>,
}

/// Of whom something follows anew.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) groups: BTreeSet<Place>,
    pub(crate) people: BTreeSet<Rid>,
}

impl Graph {
    /// Of a domain, with nobody in it.
    pub(crate) fn new(domain: Sid) -> Self {
        let (nodes, people) = (Vec::new(), HashMap::new());
        Self { domain, nodes, people, by_sid: HashMap::new(), by_dn: HashMap::new() }
    }

    /// A graph of all these groups, of whom those are served.
    pub(crate) fn of_groups(
        domain: Sid,
        groups: Vec<Linked<GroupRecord>>,
        served: &HashSet<Sid>,
    ) -> Self {
        let mut graph = Self::new(domain);
        let mut links = Vec::with_capacity(groups.len());
        for Linked { record, member_of, is_security_group } in groups {
            let served = served.contains(&record.sid);
            links.push((graph.put_node(record, served, is_security_group), member_of));
        }
        for (place, member_of) in links {
            let above = graph.places(&member_of);
            graph.nodes[place as usize].above = above;
        }
        graph
    }

    /// What was written down, fit for use again.
    pub(crate) fn restored(mut self) -> Self {
        for (place, node) in (0..).zip(&self.nodes).filter(|(_, node)| !node.gone) {
            self.by_sid.insert(node.record.sid, place);
            self.by_dn.insert(node.record.dn.to_lowercase(), place);
        }
        self
    }

    /// How many users and how many served groups there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.people.len(), self.served().count())
    }

    /// All groups that are served.
    pub(crate) fn served(&self) -> impl Iterator<Item = (Place, &Node)> {
        (0..).zip(&self.nodes).filter(|(_, node)| node.served && !node.gone)
    }

    /// The group of this place.
    pub(crate) fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place as usize).filter(|node| !node.gone)
    }

    /// Every group there is.
    pub(crate) fn sids(&self) -> impl Iterator<Item = (Sid, bool)> {
        let there = self.nodes.iter().filter(|node| !node.gone);
        there.map(|node| (node.record.sid, node.served))
    }

    /// Everybody there is.
    pub(crate) fn people(&self) -> impl Iterator<Item = Rid> {
        self.people.keys().copied()
    }

    /// Whether this user is there.
    pub(crate) fn has_person(&self, rid: Rid) -> bool {
        self.people.contains_key(&rid)
    }

    /// All: at the beginning, everything follows anew.
    pub(crate) fn everything(&self) -> Touched {
        let groups = self.served().map(|(place, _)| place).collect();
        Touched { groups, people: self.people().collect() }
    }

    /// Has this user as the directory has them.
    pub(crate) fn set_person(&mut self, user: &Linked<UserRecord>, touched: &mut Touched) {
        let Some(rid) = self.rid(user.record.sid) else { return };
        let mut direct = self.places(&user.member_of);
        direct.sort_unstable();
        direct.dedup();
        let person = Person {
            account: user.record.sam_account_name.as_str().into(),
            primary: user.record.primary_group_rid,
            direct: direct.into(),
        };
        let before = self.people.insert(rid, person.clone());
        if before.as_ref() != Some(&person) {
            touched.people.insert(rid);
            let places = before.iter().chain([&person]).flat_map(|person| person.direct.iter());
            let places: Vec<Place> = places.copied().collect();
            touched.groups.extend(self.above(places));
        }
    }

    /// Has this user no more.
    pub(crate) fn remove_person(&mut self, rid: Rid, touched: &mut Touched) {
        if let Some(person) = self.people.remove(&rid) {
            touched.groups.extend(self.above(person.direct.to_vec()));
        }
    }

    /// Has this group as the directory has it, with those who are directly in it.
    pub(crate) fn set_group(
        &mut self,
        group: Linked<GroupRecord>,
        served: bool,
        (users, groups): (&[Sid], &[Sid]),
        touched: &mut Touched,
    ) {
        let Linked { record, member_of, is_security_group } = group;
        let before = self.by_sid.get(&record.sid).copied();
        let is_as_before = before.is_some_and(|place| {
            let node = &self.nodes[place as usize];
            (node.served, node.security) == (served, is_security_group)
        });
        touched.groups.extend(self.above(before.into_iter().collect()));
        let place = self.put_node(record, served, is_security_group);
        if !is_as_before {
            // A new one may be somebody's primary group already.
            touched.people.extend(self.below(place));
        }
        let above = self.places(&member_of);
        if self.nodes[place as usize].above != above {
            touched.people.extend(self.below(place));
            self.nodes[place as usize].above = above;
        }
        self.hold_groups(place, groups, touched);
        self.hold_people(place, users, touched);
        touched.groups.extend(self.above(vec![place]));
    }

    /// Has this group no more.
    pub(crate) fn remove_group(&mut self, sid: Sid, touched: &mut Touched) {
        let Some(place) = self.by_sid.get(&sid).copied() else { return };
        touched.groups.extend(self.above(vec![place]));
        touched.people.extend(self.below(place));
        self.hold_people(place, &[], touched);
        self.hold_groups(place, &[], touched);
        touched.groups.remove(&place);
        self.by_sid.remove(&sid);
        let node = &mut self.nodes[place as usize];
        node.gone = true;
        node.above.clear();
        let dn = node.record.dn.to_lowercase();
        if self.by_dn.get(&dn) == Some(&place) {
            self.by_dn.remove(&dn);
        }
    }

    /// Those groups of these that have a place here, by DN.
    fn places(&self, dns: &[String]) -> Vec<Place> {
        let mut places: Vec<Place> =
            dns.iter().filter_map(|dn| self.by_dn.get(&dn.to_lowercase()).copied()).collect();
        places.sort_unstable();
        places
    }

    fn put_node(&mut self, record: GroupRecord, served: bool, security: bool) -> Place {
        let (sid, dn) = (record.sid, record.dn.to_lowercase());
        let node = Node { record, served, security, above: Vec::new(), gone: false };
        let place = match self.by_sid.get(&sid).copied() {
            Some(place) => {
                let old = &mut self.nodes[place as usize];
                let before = old.record.dn.to_lowercase();
                *old = Node { above: std::mem::take(&mut old.above), ..node };
                if self.by_dn.get(&before) == Some(&place) {
                    self.by_dn.remove(&before);
                }
                place
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.by_sid.insert(sid, place);
        self.by_dn.insert(dn, place);
        place
    }

    /// Exactly these are directly in this group.
    fn hold_people(&mut self, place: Place, users: &[Sid], touched: &mut Touched) {
        let domain = self.domain;
        let rid = |sid: &Sid| sid.split_rid().filter(|(of, _)| *of == domain).map(|(_, rid)| rid);
        let inside: HashSet<Rid> = users.iter().filter_map(rid).collect();
        for (rid, person) in &mut self.people {
            let at = person.direct.binary_search(&place);
            let mut direct = match (at, inside.contains(rid)) {
                (Ok(_), true) | (Err(_), false) => continue,
                (Ok(at), false) => {
                    let mut direct = person.direct.to_vec();
                    direct.remove(at);
                    direct
                }
                (Err(at), true) => {
                    let mut direct = person.direct.to_vec();
                    direct.insert(at, place);
                    direct
                }
            };
            direct.shrink_to_fit();
            person.direct = direct.into();
            touched.people.insert(*rid);
        }
    }

    /// The same of groups.
    fn hold_groups(&mut self, place: Place, groups: &[Sid], touched: &mut Touched) {
        let inside: HashSet<Place> =
            groups.iter().filter_map(|sid| self.by_sid.get(sid).copied()).collect();
        for child in 0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX) {
            let node = &self.nodes[child as usize];
            let is_inside = inside.contains(&child) && !node.gone;
            if node.above.contains(&place) == is_inside {
                continue;
            }
            let above = &mut self.nodes[child as usize].above;
            match is_inside {
                true => above.push(place),
                false => above.retain(|held| *held != place),
            }
            above.sort_unstable();
            touched.people.extend(self.below(child));
        }
    }

    fn rid(&self, sid: Sid) -> Option<Rid> {
        sid.split_rid().filter(|(domain, _)| *domain == self.domain).map(|(_, rid)| rid)
    }

    /// These groups, and all that hold them, by whatever way.
    fn above(&self, from: Vec<Place>) -> BTreeSet<Place> {
        self.closure(from, |_| true)
    }

    /// Everybody who is in this group, by whatever way.
    fn below(&self, place: Place) -> BTreeSet<Rid> {
        let mut children: HashMap<Place, Vec<Place>> = HashMap::new();
        for (child, node) in (0..).zip(&self.nodes) {
            node.above.iter().for_each(|above| children.entry(*above).or_default().push(child));
        }
        let (mut found, mut waiting) = (HashSet::from([place]), vec![place]);
        while let Some(group) = waiting.pop() {
            for child in children.get(&group).into_iter().flatten() {
                if found.insert(*child) {
                    waiting.push(*child);
                }
            }
        }
        let primaries: HashSet<Rid> = found
            .iter()
            .filter_map(|place| self.rid(self.nodes[*place as usize].record.sid))
            .collect();
        let is_in = |(_, person): &(&Rid, &Person)| {
            person.direct.iter().any(|direct| found.contains(direct))
                || person.primary.is_some_and(|primary| primaries.contains(&primary))
        };
        self.people.iter().filter(is_in).map(|(rid, _)| *rid).collect()
    }

    fn closure(&self, from: Vec<Place>, follows: impl Fn(&Node) -> bool) -> BTreeSet<Place> {
        let (mut found, mut waiting) = (BTreeSet::new(), from);
        while let Some(place) = waiting.pop() {
            let node = self.nodes.get(place as usize).filter(|node| !node.gone && follows(node));
            if let Some(node) = node.filter(|_| found.insert(place)) {
                waiting.extend_from_slice(&node.above);
            }
        }
        found
    }

    /// What decides about the groups of a user: with the same, two have the same groups.
    pub(crate) fn roots(&self, rid: Rid) -> Option<(Option<Rid>, &[Place])> {
        self.people.get(&rid).map(|person| (person.primary, &*person.direct))
    }

    /// The SIDs of all groups of whoever has these roots, as `tokenGroups` has them.
    pub(crate) fn token(&self, (primary, direct): (Option<Rid>, &[Place])) -> Vec<Sid> {
        let primary = primary.and_then(|rid| self.domain.with_rid(rid));
        let primary = primary.and_then(|sid| self.by_sid.get(&sid).copied());
        let from = direct.iter().copied().chain(primary).collect();
        let found = self.closure(from, |node| node.security);
        found.into_iter().map(|place| self.nodes[place as usize].record.sid).collect()
    }

    /// The accounts of all who are members of each of these groups.
    pub(crate) fn members(&self, of: &BTreeSet<Place>) -> HashMap<Place, Vec<Rid>> {
        let mut members: HashMap<Place, Vec<Rid>> =
            of.iter().map(|place| (*place, Vec::new())).collect();
        let mut known: HashMap<&[Place], Vec<Place>> = HashMap::new();
        for (rid, person) in &self.people {
            let groups = known.entry(&person.direct).or_insert_with(|| {
                let closure = self.closure(person.direct.to_vec(), |node| node.served);
                closure.into_iter().filter(|place| of.contains(place)).collect()
            });
            for place in groups {
                if let Some(members) = members.get_mut(place) {
                    members.push(*rid);
                }
            }
        }
        members
    }

    /// The sAMAccountName of a user.
    pub(crate) fn account(&self, rid: Rid) -> Option<&str> {
        self.people.get(&rid).map(|person| &*person.account)
    }

    /// The names, in lower case, of the groups that are served.
    pub(crate) fn served_names(&self) -> HashSet<String> {
        self.served().map(|(_, node)| fold(&node.record.sam_account_name)).collect()
    }
}

#[cfg(test)]
mod tests;
