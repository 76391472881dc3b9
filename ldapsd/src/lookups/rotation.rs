//! Everybody who is held, held against the directory, a hundred in one search: for what no change
//! shows. Who was deleted, moved out of the base or does not match the filter any more is not found,
//! and is forgotten.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use ldaps_core::sid::Sid;
use ldaps_directory::{DirectoryError, GroupRecord, UserRecord};
use tokio::time::Instant;

use super::{Inner, Lookups};

/// Users or groups in one search.
const BATCH: usize = 100;

impl Lookups {
    /// Takes the step that is due, one comes this often; how many were held against the directory.
    /// Nobody is left out for longer than `positive`, however many they are.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn rotate(&self, every: Duration) -> Result<u64, DirectoryError> {
        let inner = &self.0;
        let within = inner.config.cache.positive;
        let mut verified = 0;
        let users = due(inner.memory().users_by_age(), every, within);
        for sids in users {
            verified += sids.len() as u64;
            inner.refresh_users(&sids).await?;
        }
        let groups = due(inner.memory().groups_by_age(), every, within);
        for sids in groups {
            verified += sids.len() as u64;
            let found = inner.directory.groups_by_sid(&sids).await?;
            inner.verify_groups(&sids, &found);
        }
        inner.memory().doubt_old();
        Ok(verified)
    }

    /// Whether this user is held.
    pub(crate) fn holds(&self, sid: Sid) -> bool {
        self.0.memory().holds_user(sid)
    }

    /// Which of these users the directory has no more.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub(crate) async fn gone_of(&self, sids: &[Sid]) -> Result<Vec<Sid>, DirectoryError> {
        let mut gone = Vec::new();
        for sids in sids.chunks(BATCH) {
            let found = self.0.directory.users_by_sid(sids).await?;
            let found: HashSet<Sid> = found.iter().map(|user| user.sid).collect();
            gone.extend(sids.iter().filter(|sid| !found.contains(sid)));
        }
        Ok(gone)
    }
}

/// Who is due, in batches: the longest unseen first. A step is as large as it has to be for all to
/// have their turn in a third of the time, which begins when half of it is over; a batch that is not full waits until it has to go.
fn due(mut by_age: Vec<(Duration, Sid)>, poll: Duration, within: Duration) -> Vec<Vec<Sid>> {
    by_age.sort_unstable_by_key(|(age, _)| Reverse(*age));
    let steps = (within.as_millis() / 3 / poll.as_millis().max(1)).max(1);
    let steps = usize::try_from(steps).unwrap_or(usize::MAX);
    let most = by_age.len().div_ceil(BATCH).div_ceil(steps);
    // With this slack, one more step comes in time.
    let has_to_go = within.saturating_sub(poll * 3).max(within / 2);
    let is_due = |batch: &&[(Duration, Sid)]| {
        let oldest = batch.first().is_some_and(|(age, _)| *age >= has_to_go);
        let all = batch.last().is_some_and(|(age, _)| *age >= within / 2);
        oldest || (batch.len() == BATCH && all)
    };
    let batches = by_age.chunks(BATCH).take_while(is_due).take(most);
    batches.map(|batch| batch.iter().map(|(_, sid)| *sid).collect()).collect()
}

impl Inner {
    /// Has these users as the directory has them now; who is not found is forgotten.
    async fn refresh_users(&self, sids: &[Sid]) -> Result<(), DirectoryError> {
        let begun = Instant::now();
        let (accounts, local) = self.accounts().await?;
        let records = self.directory.users_by_sid(sids).await?;
        let mut served: Vec<(UserRecord, _)> = Vec::with_capacity(records.len());
        for record in records {
            let entry = self.looked_at(&accounts, &record, &local).await?;
            served.extend(entry.ok().map(|entry| (record, entry)));
        }
        let mut gone: HashSet<Sid> = sids.iter().copied().collect();
        for user in self.keep_users(&accounts, served, begun).await? {
            gone.remove(&user.record.sid);
        }
        let mut memory = self.memory();
        gone.into_iter().for_each(|sid| memory.forget_user(sid));
        Ok(())
    }

    /// Forgets the groups that were not found, and doubts those that have another name or gid.
    fn verify_groups(&self, sids: &[Sid], found: &[GroupRecord]) {
        let mut memory = self.memory();
        for sid in sids {
            match found.iter().find(|group| group.sid == *sid) {
                Some(group) => memory.saw_group(group),
                None => memory.forget_group_of(*sid),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(10);
    const WITHIN: Duration = Duration::from_secs(600);

    /// Lets time pass; the greatest age that anybody came to, and the searches in an hour.
    fn an_hour(count: u32, poll: Duration, within: Duration) -> (Duration, usize) {
        let domain: Sid = "S-1-5-21-1-2-3".parse().unwrap();
        let mut seen: Vec<(Duration, Sid)> =
            (0..count).map(|rid| (Duration::ZERO, domain.with_rid(rid).unwrap())).collect();
        let (mut now, mut oldest, mut searches) = (Duration::ZERO, Duration::ZERO, 0);
        while now < Duration::from_secs(3600) {
            // The latest that jitter makes of it.
            now += poll * 12 / 10;
            let by_age: Vec<_> = seen.iter().map(|(at, sid)| (now - *at, *sid)).collect();
            oldest = oldest.max(by_age.iter().map(|(age, _)| *age).max().unwrap_or_default());
            let batches = due(by_age, poll, within);
            searches += batches.len();
            let done: HashSet<Sid> = batches.into_iter().flatten().collect();
            seen.iter_mut().filter(|(_, sid)| done.contains(sid)).for_each(|one| one.0 = now);
        }
        (oldest, searches)
    }

    #[test]
    fn somebody_waits_longer_than_allowed_or_a_few_cost_many_searches() {
        for (count, most) in [(1, 7), (50, 7), (100, 13), (1000, 130), (10_000, 1_200)] {
            let (oldest, searches) = an_hour(count, POLL, WITHIN);
            assert!(oldest <= WITHIN, "{count}: {oldest:?}");
            assert!(searches <= most, "{count}: {searches} searches");
        }
        for (poll, within) in [(1, 5), (1, 60), (60, 600), (10, 86_400), (10, 30)] {
            let (poll, within) = (Duration::from_secs(poll), Duration::from_secs(within));
            assert!(an_hour(1000, poll, within).0 <= within + poll, "{poll:?} {within:?}");
        }
    }
}
