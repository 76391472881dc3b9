//! Edits of a directory by name, as an administrator makes them. Each moves uSNChanged and highestCommittedUSN.
#![forbid(unsafe_code)]

use crate::account::{UAC_DISABLED, UAC_NORMAL, UAC_SERVER, UAC_WORKSTATION};
use crate::clock;
use crate::data::{Directory, GROUP_SECURITY};
use crate::dn::Dn;
use crate::error::Error;
use crate::modify;
use crate::object::{Credentials, ObjectId};

/// RID of Domain Users, every user's primary group unless changed.
pub const DOMAIN_USERS: u32 = 513;
/// RID of Domain Computers.
pub const DOMAIN_COMPUTERS: u32 = 515;
/// RID of Domain Controllers.
pub const DOMAIN_CONTROLLERS: u32 = 516;
/// The password of every user that is not given another.
pub const USER_PASSWORD: &str = "Secret.123";

/// What a group is: groupType's bits (MS-ADTS 2.2.12), as a signed 32-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// A global security group.
    Global,
    /// A universal security group.
    Universal,
    /// A domain-local security group.
    DomainLocal,
    /// A group of the Builtin container.
    Builtin,
    /// A global distribution group: a mailing list, no security principal.
    Distribution,
}

impl GroupKind {
    fn group_type(self) -> i64 {
        let bits = match self {
            Self::Global => 0x2 | GROUP_SECURITY,
            Self::Universal => 0x8 | GROUP_SECURITY,
            Self::DomainLocal => 0x4 | GROUP_SECURITY,
            Self::Builtin => 0x1 | 0x4 | GROUP_SECURITY,
            Self::Distribution => 0x2,
        };
        i64::from(bits as u32 as i32)
    }

    /// sAMAccountType (MS-SAMR 2.2.1.9).
    fn account_type(self) -> i64 {
        match self {
            Self::Global | Self::Universal => 0x1000_0000,
            Self::Distribution => 0x1000_0001,
            Self::DomainLocal | Self::Builtin => 0x2000_0000,
        }
    }
}

impl Directory {
    pub(crate) fn place_user(
        &mut self,
        parent: &Dn,
        cn: &str,
        account: &str,
        rid: u32,
    ) -> ObjectId {
        let classes = ["top", "person", "organizationalPerson", "user"];
        let id = self.place(parent.child("CN", cn), &classes, Some(rid));
        self.put_text(id, "sAMAccountName", account);
        self.put_text(id, "displayName", cn);
        self.put_text(id, "userPrincipalName", &format!("{account}@{}", self.dns_domain));
        self.put_integer(id, "sAMAccountType", 805_306_368);
        self.put_integer(id, "userAccountControl", UAC_NORMAL);
        self.put_integer(id, "primaryGroupID", i64::from(DOMAIN_USERS));
        self.put_integer(id, "accountExpires", clock::NEVER);
        self.put_integer(id, "badPwdCount", 0);
        // Two days old: past the minimum age, far from the maximum.
        self.put_integer(id, "pwdLastSet", clock::filetime_now() - 2 * clock::TICKS_PER_DAY);
        self.give_password(id, USER_PASSWORD);
        id
    }

    pub(crate) fn place_computer(
        &mut self,
        parent: &Dn,
        name: &str,
        rid: u32,
        controller: bool,
    ) -> ObjectId {
        let classes = ["top", "person", "organizationalPerson", "user", "computer"];
        let id = self.place(parent.child("CN", name), &classes, Some(rid));
        let (control, primary) = if controller {
            (UAC_SERVER | 0x8_0000, DOMAIN_CONTROLLERS)
        } else {
            (UAC_WORKSTATION, DOMAIN_COMPUTERS)
        };
        self.put_text(id, "sAMAccountName", &format!("{name}$"));
        self.put_text(id, "dNSHostName", &format!("{}.{}", name.to_lowercase(), self.dns_domain));
        self.put_integer(id, "sAMAccountType", 805_306_369);
        self.put_integer(id, "userAccountControl", control);
        self.put_integer(id, "primaryGroupID", i64::from(primary));
        self.put_integer(id, "pwdLastSet", clock::filetime_now() - clock::TICKS_PER_DAY);
        id
    }

    pub(crate) fn describe_group(&mut self, id: ObjectId, account: &str, kind: GroupKind) {
        self.put_text(id, "sAMAccountName", account);
        self.put_integer(id, "groupType", kind.group_type());
        self.put_integer(id, "sAMAccountType", kind.account_type());
    }

    pub(crate) fn place_group(
        &mut self,
        parent: &Dn,
        cn: &str,
        rid: u32,
        kind: GroupKind,
    ) -> ObjectId {
        let id = self.place(parent.child("CN", cn), &["top", "group"], Some(rid));
        self.describe_group(id, cn, kind);
        id
    }

    pub(crate) fn give_password(&mut self, id: ObjectId, password: &str) {
        if let Some(object) = self.get_mut(id) {
            object.credentials =
                Some(Credentials { current: password.to_owned(), ..Credentials::default() });
        }
    }

    /// The organizational unit of this name below the top, made if it is not there.
    pub(crate) fn unit(&mut self, name: &str) -> Dn {
        let dn = self.base.child("OU", name);
        if self.id_of_dn(&dn).is_none() {
            self.place(dn.clone(), &["top", "organizationalUnit"], None);
        }
        dn
    }

    /// Makes this the data as another DC of the domain holds it: its own name, invocationId and sequence numbers.
    pub fn set_host(&mut self, host: &str, highest_usn: i64) {
        self.host = host.to_owned();
        self.usn = highest_usn;
        crate::frame::build_server(self);
    }

    /// Adds a user under OU=People with the password [`USER_PASSWORD`] and the objectSid of this RID.
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_user(&mut self, account: &str, rid: u32) -> Result<(), Error> {
        self.free(account)?;
        let parent = self.unit("People");
        self.place_user(&parent, account, account, rid);
        Ok(())
    }

    /// Adds a group under OU=Groups.
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_group(&mut self, account: &str, rid: u32, kind: GroupKind) -> Result<(), Error> {
        self.free(account)?;
        let parent = self.unit("Groups");
        self.place_group(&parent, account, rid, kind);
        Ok(())
    }

    /// Adds a crowd in OU=Many: users `p000001` and on (RIDs from 20001), and groups `g0001` and on (RIDs
    /// from 140001). Each user is in so many of the groups, and each group but the first in another, ten in one.
    pub fn add_many(&mut self, users: u32, groups: u32, each: u32) {
        let many = self.unit("Many");
        let group = |directory: &mut Self, number: u32| {
            let name = format!("g{:04}", number + 1);
            directory.place_group(&many, &name, 140_001 + number, GroupKind::Global)
        };
        let groups: Vec<ObjectId> = (0..groups).map(|number| group(self, number)).collect();
        for (number, id) in groups.iter().enumerate().skip(1) {
            self.link(groups[number / 10], *id);
        }
        for number in 0..users {
            let name = format!("p{:06}", number + 1);
            let user = self.place_user(&many, &name, &name, 20_001 + number);
            for turn in 0..each {
                // As good as random, and the same each time: hardly two are in the same groups.
                let mixed = (number * 64 + turn).wrapping_mul(2_654_435_761) >> 7;
                let at = mixed as usize % groups.len();
                self.link(groups[at], user);
            }
        }
    }

    fn free(&self, account: &str) -> Result<(), Error> {
        self.id_of_account(account).map_or(Ok(()), |_| Err(Error::NameTaken(account.to_owned())))
    }

    fn change_control(&mut self, name: &str, change: impl Fn(i64) -> i64) -> Result<(), Error> {
        let id = self.find(name)?;
        let before =
            self.get(id).and_then(|object| object.integer("userAccountControl")).unwrap_or(0);
        self.put_integer(id, "userAccountControl", change(before));
        Ok(())
    }

    /// Disables an account.
    ///
    /// # Errors
    /// There is no such object; so in all that follow.
    pub fn disable(&mut self, name: &str) -> Result<(), Error> {
        self.change_control(name, |control| control | UAC_DISABLED)
    }

    /// Enables an account.
    ///
    /// # Errors
    /// There is no such object.
    pub fn enable(&mut self, name: &str) -> Result<(), Error> {
        self.change_control(name, |control| control & !UAC_DISABLED)
    }

    /// Locks an account out, from now, for as long as the domain's lockoutDuration.
    ///
    /// # Errors
    /// There is no such object.
    pub fn lock(&mut self, name: &str) -> Result<(), Error> {
        self.set_attribute(name, "lockoutTime", &[&clock::filetime_now().to_string()])
    }

    /// Makes an account change its password at the next logon: pwdLastSet 0.
    ///
    /// # Errors
    /// There is no such object.
    pub fn must_change(&mut self, name: &str) -> Result<(), Error> {
        self.set_attribute(name, "pwdLastSet", &["0"])
    }

    /// Replaces an attribute's values by these texts; with none, it is removed. Links are set by the group edits.
    ///
    /// # Errors
    /// There is no such object.
    pub fn set_attribute(
        &mut self,
        name: &str,
        attribute: &str,
        values: &[&str],
    ) -> Result<(), Error> {
        let id = self.find(name)?;
        self.put(id, attribute, values.iter().map(|value| value.as_bytes().to_vec()).collect());
        Ok(())
    }

    /// Replaces an attribute's values by these bytes.
    ///
    /// # Errors
    /// There is no such object.
    pub fn set_bytes(
        &mut self,
        name: &str,
        attribute: &str,
        values: &[&[u8]],
    ) -> Result<(), Error> {
        let id = self.find(name)?;
        self.put(id, attribute, values.iter().map(|value| value.to_vec()).collect());
        Ok(())
    }

    /// Sets a number of the domain's policy on its head: lockoutThreshold, minPwdLength, ...
    pub fn set_policy(&mut self, attribute: &str, value: i64) {
        if let Some(head) = self.id_of_dn(&self.base.clone()) {
            self.put_integer(head, attribute, value);
        }
    }

    /// Makes the DC a read-only one (RODC), or a writable one again: it shows the capability, and refers every
    /// change elsewhere.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
    }

    /// Has it say in its rootDSE that it is Samba.
    pub fn set_samba(&mut self) {
        self.samba = true;
    }

    /// Sets the clock that the DC shows this many seconds ahead.
    pub fn set_clock_ahead(&mut self, seconds: i64) {
        self.clock_ahead = seconds;
    }

    /// How long, in seconds, a replaced password is still taken (AD: an hour). 0 forgets it at once.
    pub fn set_old_password_seconds(&mut self, seconds: i64) {
        self.old_password_seconds = seconds;
    }

    /// Resets an account's password, as an administrator does: no policy, no grace for the old one.
    ///
    /// # Errors
    /// There is no such object.
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<(), Error> {
        let id = self.find(name)?;
        modify::replace_password(self, id, password, clock::filetime_now());
        if let Some(known) = self.get_mut(id).and_then(|object| object.credentials.as_mut()) {
            known.replaced = None;
        }
        Ok(())
    }

    /// Makes binds with the right password fail with this sub-code, whatever the attributes say; `None` undoes it.
    ///
    /// # Errors
    /// There is no such object.
    pub fn refuse_with(&mut self, name: &str, sub_code: Option<u32>) -> Result<(), Error> {
        let id = self.find(name)?;
        if let Some(object) = self.get_mut(id) {
            object.forced_sub_code = sub_code;
            object.forced_words = None;
        }
        Ok(())
    }

    /// Makes password changes fail with this Win32 code, whatever the passwords; `None` undoes it.
    ///
    /// # Errors
    /// There is no such object.
    pub fn refuse_changes_with(&mut self, name: &str, win32: Option<u32>) -> Result<(), Error> {
        let id = self.find(name)?;
        if let Some(object) = self.get_mut(id) {
            object.forced_change = win32;
        }
        Ok(())
    }

    /// Takes the right to read an attribute of an object away from everybody. Rights move no uSNChanged here.
    ///
    /// # Errors
    /// There is no such object.
    pub fn withhold(&mut self, name: &str, attribute: &str) -> Result<(), Error> {
        let id = self.find(name)?;
        if let Some(object) = self.get_mut(id) {
            object.withhold(attribute);
        }
        Ok(())
    }

    /// Gives the right to read an attribute back.
    ///
    /// # Errors
    /// There is no such object.
    pub fn grant(&mut self, name: &str, attribute: &str) -> Result<(), Error> {
        let id = self.find(name)?;
        if let Some(object) = self.get_mut(id) {
            object.grant(attribute);
        }
        Ok(())
    }

    /// Puts a user, computer or group into a group. The group's uSNChanged moves, the member's does not.
    ///
    /// # Errors
    /// There is no such object.
    pub fn add_to_group(&mut self, member: &str, group: &str) -> Result<(), Error> {
        let (member, group) = (self.find(member)?, self.find(group)?);
        self.link(group, member);
        Ok(())
    }

    /// Takes a member out of a group.
    ///
    /// # Errors
    /// There is no such object.
    pub fn remove_from_group(&mut self, member: &str, group: &str) -> Result<(), Error> {
        let (member, group) = (self.find(member)?, self.find(group)?);
        self.unlink(group, member);
        Ok(())
    }

    /// Deletes an object; nothing of it can be read any more, and no uSNChanged shows it.
    ///
    /// # Errors
    /// There is no such object.
    pub fn delete(&mut self, name: &str) -> Result<(), Error> {
        let id = self.find(name)?;
        self.remove(id);
        Ok(())
    }

    /// Gives an object another DN: a new name, or another place in the tree. Objects below it stay where they are.
    ///
    /// # Errors
    /// There is no such object, or `dn` is no DN or taken.
    pub fn move_to(&mut self, name: &str, dn: &str) -> Result<(), Error> {
        let id = self.find(name)?;
        let target = Dn::parse(dn).ok_or_else(|| Error::NoSuchObject(dn.to_owned()))?;
        match self.id_of_dn(&target) {
            Some(other) if other != id => return Err(Error::NameTaken(dn.to_owned())),
            _ => self.rename_object(id, target),
        }
        Ok(())
    }
}
