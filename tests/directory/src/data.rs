//! The directory's data: the objects, their indexes and the update sequence numbers.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::clock;
use crate::dn::Dn;
use crate::error::Error;
use crate::fold::fold;
use crate::object::{Object, ObjectId};
use crate::sid::Sid;

/// groupType's bit for a security group (the sign bit of a 32-bit number).
pub const GROUP_SECURITY: i64 = 0x8000_0000;

/// A domain and everything in it.
#[derive(Clone)]
pub struct Directory {
    pub(crate) dns_domain: String,
    pub(crate) netbios: String,
    pub(crate) host: String,
    pub(crate) base: Dn,
    pub(crate) sid: Sid,
    pub(crate) usn: i64,
    /// How long after a change the old password is still taken, in seconds (AD: OldPasswordAllowedPeriod, 60 minutes).
    pub(crate) old_password_seconds: i64,
    /// Whether this is a read-only DC.
    pub(crate) read_only: bool,
    /// How many seconds the clock that it shows is ahead of the true one.
    pub(crate) clock_ahead: i64,
    /// Whether it says that it is Samba.
    pub(crate) samba: bool,
    /// Shared with clones of the directory until one of them changes the object.
    objects: BTreeMap<ObjectId, Arc<Object>>,
    next_id: u64,
    by_dn: HashMap<String, ObjectId>,
    by_sid: HashMap<Vec<u8>, ObjectId>,
    by_account: HashMap<String, ObjectId>,
}

impl Directory {
    /// An empty domain: its head object, its configuration and nothing else.
    ///
    /// `dns_domain` is `corp.example`, `netbios` is `CORP`, `host` is the DC's DNS name.
    pub fn empty(dns_domain: &str, netbios: &str, host: &str, sid: Sid) -> Self {
        let mut directory = Self {
            dns_domain: dns_domain.to_owned(),
            netbios: netbios.to_owned(),
            host: host.to_owned(),
            base: Dn::of_domain(dns_domain),
            sid,
            usn: 12_000,
            old_password_seconds: 3_600,
            read_only: false,
            clock_ahead: 0,
            samba: false,
            objects: BTreeMap::new(),
            next_id: 1,
            by_dn: HashMap::new(),
            by_sid: HashMap::new(),
            by_account: HashMap::new(),
        };
        crate::frame::build(&mut directory);
        directory
    }

    /// The name of the domain's head, `DC=corp,DC=example`.
    pub fn base_dn(&self) -> String {
        self.base.to_string()
    }

    /// The domain's SID.
    pub fn domain_sid(&self) -> &Sid {
        &self.sid
    }

    /// The number of the newest change: rootDSE's highestCommittedUSN.
    pub fn highest_usn(&self) -> i64 {
        self.usn
    }

    /// How many objects there are, containers included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing at all; never, for a domain has a head.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Creates or replaces the object of this name. `rid` makes its objectSid.
    pub(crate) fn place(&mut self, dn: Dn, classes: &[&str], rid: Option<u32>) -> ObjectId {
        let sid = rid.map(|rid| self.sid.with_rid(rid));
        self.place_with_sid(dn, classes, sid.as_ref())
    }

    pub(crate) fn place_with_sid(
        &mut self,
        dn: Dn,
        classes: &[&str],
        sid: Option<&Sid>,
    ) -> ObjectId {
        if let Some(old) = self.by_dn.get(&dn.key()).copied() {
            self.remove(old);
        }
        let id = ObjectId(self.next_id);
        self.next_id += 1;
        let now = clock::generalized_time(clock::unix_now());
        let category = crate::frame::category(self, classes.last().copied().unwrap_or("top"));
        let mut object = Object::new(dn);
        object.set_text("objectCategory", &category.to_string());
        object.set("objectClass", classes.iter().map(|class| class.as_bytes().to_vec()).collect());
        object.set("objectGUID", vec![guid_of(id)]);
        object.set_text("whenCreated", &now);
        object.set_integer("instanceType", 4);
        object.set_integer("uSNCreated", self.usn + 1);
        if let Some((attribute, value)) =
            object.dn.leaf().map(|(left, right)| (left.to_owned(), right.to_owned()))
        {
            object.set_text(&attribute, &value);
            object.set_text("name", &value);
        }
        if let Some(sid) = sid {
            object.set("objectSid", vec![sid.to_bytes()]);
            self.by_sid.insert(sid.to_bytes(), id);
        }
        self.by_dn.insert(object.dn.key(), id);
        self.objects.insert(id, Arc::new(object));
        self.touch(id);
        id
    }

    /// Takes an object and its links away. As in AD, the groups it was in do not get a new uSNChanged.
    pub(crate) fn remove(&mut self, id: ObjectId) {
        let Some(object) = self.objects.remove(&id) else { return };
        self.by_dn.remove(&object.dn.key());
        if let Some(sid) = object.values("objectSid").first() {
            self.by_sid.remove(sid);
        }
        if let Some(account) = object.text("sAMAccountName") {
            self.by_account.remove(&fold(account));
        }
        for group in &object.member_of {
            if let Some(group) = self.get_mut(*group) {
                group.members.remove(&id);
            }
        }
        for member in &object.members {
            if let Some(member) = self.get_mut(*member) {
                member.member_of.remove(&id);
            }
        }
        self.usn += 1;
    }

    /// Gives the object the next update sequence number.
    pub(crate) fn touch(&mut self, id: ObjectId) {
        self.usn += 1;
        let usn = self.usn;
        let now = clock::generalized_time(clock::unix_now());
        if let Some(object) = self.get_mut(id) {
            object.set_integer("uSNChanged", usn);
            object.set_text("whenChanged", &now);
        }
    }

    /// Sets a stored attribute, keeps the indexes true and counts the change.
    pub(crate) fn put(&mut self, id: ObjectId, name: &str, values: Vec<Vec<u8>>) {
        if name.eq_ignore_ascii_case("sAMAccountName") {
            self.index_account(id, values.first());
        }
        let Some(object) = self.get_mut(id) else { return };
        object.set(name, values);
        self.touch(id);
    }

    fn index_account(&mut self, id: ObjectId, name: Option<&Vec<u8>>) {
        let Some(object) = self.get(id) else { return };
        if let Some(old) = object.text("sAMAccountName").map(fold) {
            self.by_account.remove(&old);
        }
        if let Some(name) = name.and_then(|value| std::str::from_utf8(value).ok()) {
            self.by_account.insert(fold(name), id);
        }
    }

    pub(crate) fn put_text(&mut self, id: ObjectId, name: &str, value: &str) {
        self.put(id, name, vec![value.as_bytes().to_vec()]);
    }

    pub(crate) fn put_integer(&mut self, id: ObjectId, name: &str, value: i64) {
        self.put_text(id, name, &value.to_string());
    }

    pub(crate) fn link(&mut self, group: ObjectId, member: ObjectId) {
        if let Some(group) = self.get_mut(group) {
            group.members.insert(member);
        }
        if let Some(member) = self.get_mut(member) {
            member.member_of.insert(group);
        }
        self.touch(group);
    }

    pub(crate) fn unlink(&mut self, group: ObjectId, member: ObjectId) {
        if let Some(group) = self.get_mut(group) {
            group.members.remove(&member);
        }
        if let Some(member) = self.get_mut(member) {
            member.member_of.remove(&group);
        }
        self.touch(group);
    }

    pub(crate) fn rename_object(&mut self, id: ObjectId, dn: Dn) {
        let Some(old) = self.get(id).map(|object| object.dn.key()) else { return };
        self.by_dn.remove(&old);
        self.by_dn.insert(dn.key(), id);
        let leaf = dn.leaf().map(|(attribute, value)| (attribute.to_owned(), value.to_owned()));
        let Some(object) = self.get_mut(id) else { return };
        object.dn = dn;
        if let Some((attribute, value)) = leaf {
            object.set_text(&attribute, &value);
            object.set_text("name", &value);
        }
        self.touch(id);
    }

    pub(crate) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(&id).map(Arc::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        self.objects.get_mut(&id).map(Arc::make_mut)
    }

    /// Every object in the order of creation, from the one after `after`.
    pub(crate) fn objects_after(
        &self,
        after: Option<ObjectId>,
    ) -> impl Iterator<Item = (ObjectId, &Object)> {
        let start = ObjectId(after.map_or(0, |id| id.0 + 1));
        self.objects.range(start..).map(|(id, object)| (*id, object.as_ref()))
    }

    pub(crate) fn id_of_dn(&self, dn: &Dn) -> Option<ObjectId> {
        self.by_dn.get(&dn.key()).copied()
    }

    pub(crate) fn id_of_sid(&self, sid: &[u8]) -> Option<ObjectId> {
        self.by_sid.get(sid).copied()
    }

    pub(crate) fn id_of_account(&self, name: &str) -> Option<ObjectId> {
        self.by_account.get(&fold(name)).copied()
    }

    /// The object that a test means by `name`: a sAMAccountName, or else a DN.
    ///
    /// # Errors
    /// There is no such object.
    pub fn find(&self, name: &str) -> Result<ObjectId, Error> {
        self.id_of_account(name)
            .or_else(|| Dn::parse(name).and_then(|dn| self.id_of_dn(&dn)))
            .ok_or_else(|| Error::NoSuchObject(name.to_owned()))
    }

    /// The DN of the object that `name` means.
    ///
    /// # Errors
    /// There is no such object.
    pub fn dn_of(&self, name: &str) -> Result<String, Error> {
        let id = self.find(name)?;
        self.get(id)
            .map(|object| object.dn.to_string())
            .ok_or_else(|| Error::NoSuchObject(name.to_owned()))
    }

    /// Every group that holds the object, directly or through groups (the primary group included), cycles and all.
    ///
    /// `security_only` leaves distribution groups out and does not look behind them, as a logon token does.
    pub(crate) fn groups_of(&self, id: ObjectId, security_only: bool) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let Some(object) = self.get(id) else { return found };
        let primary = object.integer("primaryGroupID").and_then(|rid| u32::try_from(rid).ok());
        let primary = primary.and_then(|rid| self.id_of_sid(&self.sid.with_rid(rid).to_bytes()));
        let mut waiting: Vec<ObjectId> = object.member_of.iter().copied().chain(primary).collect();
        while let Some(group) = waiting.pop() {
            let Some(entry) = self.get(group) else { continue };
            let security = entry.integer("groupType").unwrap_or(0) & GROUP_SECURITY != 0;
            if (security || !security_only) && found.insert(group) {
                waiting.extend(entry.member_of.iter().copied());
            }
        }
        found
    }

    /// Everything that is in the group, directly or through groups; primary group membership does not count.
    pub(crate) fn members_within(&self, group: ObjectId) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<ObjectId> =
            self.get(group).map_or(vec![], |entry| entry.members.iter().copied().collect());
        while let Some(member) = waiting.pop() {
            if found.insert(member) {
                waiting.extend(
                    self.get(member).iter().flat_map(|entry| entry.members.iter().copied()),
                );
            }
        }
        found
    }

    /// The groups that hold the object by `member`, directly or through groups; the primary group does not count.
    pub(crate) fn groups_above(&self, id: ObjectId) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<ObjectId> =
            self.get(id).map_or(vec![], |entry| entry.member_of.iter().copied().collect());
        while let Some(group) = waiting.pop() {
            if found.insert(group) {
                waiting.extend(
                    self.get(group).iter().flat_map(|entry| entry.member_of.iter().copied()),
                );
            }
        }
        found
    }
}

/// A GUID that is the same in every run: the object's number under a fixed mark, with the version and variant bits set.
fn guid_of(id: ObjectId) -> Vec<u8> {
    let mut guid = vec![0xAD; 8];
    guid[7] = 0x40;
    guid.extend_from_slice(&id.0.to_be_bytes());
    guid[8] = 0x80;
    guid
}
