//! What the right answers are: the closure that the domain controller's own database gives,
//! and the ids that sssd gives.

#![forbid(unsafe_code)]

use crate::dc::Dc;
use crate::engine::Engine;
use crate::outcome::{Check, Failure, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// One person of the domain.
#[derive(Debug, Clone)]
pub struct Person {
    /// The last part of the SID.
    pub rid: u32,
    /// The primary group's.
    pub primary: u32,
    /// Those of all groups, transitively, the primary group included.
    pub groups: BTreeSet<u32>,
}

/// One security group of the domain.
#[derive(Debug, Clone)]
pub struct Group {
    /// The last part of the SID.
    pub rid: u32,
    /// The names of the people in it, transitively, but for those whose primary group it is.
    pub members: BTreeSet<String>,
}

/// What closure.py computed.
#[derive(Debug, Default, Clone)]
pub struct Truth {
    /// By canonical name.
    pub people: BTreeMap<String, Person>,
    /// By canonical name.
    pub groups: BTreeMap<String, Group>,
    /// Names that must not be served, and what they are.
    pub hidden: Vec<(String, String)>,
}

impl Truth {
    /// Asks the domain controller.
    ///
    /// # Errors
    /// When it does not answer, or with a line that cannot be read.
    pub fn of(dc: &Dc<'_>) -> Check<Self> {
        let mut truth = Self::default();
        for line in dc.closure()?.lines() {
            truth.take(line).ok_or_else(|| Failure::new(format!("closure.py printed '{line}'")))?;
        }
        ensure(truth.people.len() > 3000, || {
            format!("the domain has only {} people", truth.people.len())
        })?;
        Ok(truth)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            // A name with "@" is a userPrincipalName's here and nobody's own: such an account is not
            // shown, and names.rs has its scenario.
            ["U", name, ..] if name.contains('@') => {}
            ["U", name, rid, primary, groups] => {
                let groups: Option<BTreeSet<u32>> =
                    groups.split(',').map(|rid| rid.parse().ok()).collect();
                let person = Person {
                    rid: rid.parse().ok()?,
                    primary: primary.parse().ok()?,
                    groups: groups?,
                };
                self.people.insert((*name).to_owned(), person);
            }
            ["G", name, rid, members] => {
                let members =
                    members.split(',').filter(|name| !name.is_empty() && !name.contains('@'));
                let members = members.map(str::to_owned).collect();
                self.groups.insert((*name).to_owned(), Group { rid: rid.parse().ok()?, members });
            }
            ["X", name, kind] => self.hidden.push(((*name).to_owned(), (*kind).to_owned())),
            _ => return None,
        }
        Some(())
    }
}

/// sssd's ids.
#[derive(Debug, Clone)]
pub struct Peer {
    /// uid and gid by user name.
    pub people: BTreeMap<String, (u32, u32)>,
    /// gid by group name.
    pub groups: BTreeMap<String, u32>,
    /// What is added to a RID of this domain.
    pub offset: u32,
}

impl Peer {
    /// Starts sssd on a host beside ours, and asks it for everybody.
    ///
    /// # Errors
    /// When sssd does not start, or does not know half of them.
    pub fn ask(engine: &Engine, image: &str, dc: &Dc<'_>, truth: &Truth) -> Check<Self> {
        let name = engine.name("sssd");
        engine.must(&[
            "run",
            "-d",
            "--name",
            &name,
            "--label",
            &engine.label(),
            "--network",
            dc.network(),
            image,
        ])?;
        let put = engine.run_with_input(
            &["exec", "-i", &name, "sh", "-c", "cat >/etc/sssd/ca.pem"],
            dc.ca()?.as_bytes(),
        )?;
        ensure(put.ok(), || put.evidence())?;
        // sssd may leave a few out; enough that it has come to the groups at all.
        let groups = truth.groups.len().saturating_sub(5).to_string();
        engine.must(&["exec", &name, "/opt/host/start", &groups])?;
        let ask = |database: &str, names: Vec<&str>| -> Check<String> {
            let input = names.join("\n") + "\n";
            let output = engine.run_with_input(
                &["exec", "-i", &name, "/opt/host/resolve", database],
                input.as_bytes(),
            )?;
            Ok(output.out)
        };
        let people = ask("passwd", truth.people.keys().map(String::as_str).collect())?;
        let groups = ask("group", truth.groups.keys().map(String::as_str).collect())?;
        engine.must(&["rm", "-f", &name])?;
        Self::read(&people, &groups, truth)
    }

    fn read(people: &str, groups: &str, truth: &Truth) -> Check<Self> {
        let mut peer = Self { people: BTreeMap::new(), groups: BTreeMap::new(), offset: 0 };
        for line in people.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, "*", uid, gid, ..] = fields.as_slice()
                && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
            {
                peer.people.insert((*name).to_owned(), (uid, gid));
            }
        }
        for line in groups.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, "*", gid, ..] = fields.as_slice()
                && let Ok(gid) = gid.parse()
            {
                peer.groups.insert((*name).to_owned(), gid);
            }
        }
        let known = peer.people.get("alice").zip(truth.people.get("alice"));
        peer.offset = known.map(|((uid, _), person)| uid - person.rid).unwrap_or_default();
        ensure(peer.offset > 0 && peer.people.len() > 3000, || {
            format!("sssd knows only {} people and {} groups", peer.people.len(), peer.groups.len())
        })?;
        Ok(peer)
    }
}
