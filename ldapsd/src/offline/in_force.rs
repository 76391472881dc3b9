//! Which records are in force, and what has ended since something began.

use std::collections::HashMap;
use std::sync::Arc;

use ldaps_core::sid::Sid;

use super::Verifier;
use super::record::Record;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct InForce {
    records: HashMap<Sid, Arc<Record>>,
    /// How often something ended what was kept of an account, or would have.
    ends: HashMap<Sid, u64>,
}

/// What was in force of an account when something began that takes a while: a login, a change.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) record: Option<Arc<Record>>,
    ends: u64,
    /// The password was set here, a moment ago.
    is_of_the_newest: bool,
}

impl Begun {
    /// What is kept of it is newer than whatever a login has kept meanwhile: it was just set.
    pub(crate) fn of_the_newest(self) -> Self {
        Self { is_of_the_newest: true, ..self }
    }

    pub(crate) fn is_of_the_newest(&self) -> bool {
        self.is_of_the_newest
    }
}

impl InForce {
    pub(super) fn of(records: Vec<Record>) -> Self {
        let records = records.into_iter().map(|record| (record.sid(), Arc::new(record)));
        Self { records: records.collect(), ends: HashMap::new() }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    pub(super) fn get(&self, sid: Sid) -> Option<&Arc<Record>> {
        self.records.get(&sid)
    }

    pub(super) fn put(&mut self, record: Arc<Record>) {
        self.records.insert(record.sid(), record);
    }

    /// Ends what is in force of this account. It counts as well where there is nothing yet: AD has
    /// said something against it, and a login that began before does not know.
    pub(super) fn end(&mut self, sid: Sid) -> Option<Arc<Record>> {
        *self.ends.entry(sid).or_default() += 1;
        self.records.remove(&sid)
    }

    pub(super) fn begin(&self, sid: Sid) -> Begun {
        let record = self.get(sid).cloned();
        Begun { record, ends: self.ends_of(sid), is_of_the_newest: false }
    }

    /// Whether nothing has ended since, and the password is still the one it began with.
    pub(super) fn still_holds(&self, sid: Sid, begun: &Begun) -> bool {
        let password =
            |record: Option<&Arc<Record>>| -> Option<Verifier> { Some(record?.verifier.clone()) };
        let is_same = password(self.get(sid)) == password(begun.record.as_ref());
        self.ends_of(sid) == begun.ends && (begun.is_of_the_newest || is_same)
    }

    fn ends_of(&self, sid: Sid) -> u64 {
        self.ends.get(&sid).copied().unwrap_or_default()
    }
}
