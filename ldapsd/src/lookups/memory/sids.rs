//! The SIDs of many groups, in little memory: hardly two users are in the same groups, and nearly all
//! of somebody's groups are of one domain.

use ldaps_core::sid::Sid;
use serde::{Deserialize, Serialize};

/// SIDs in their order. Of those that follow one another and differ in the last number alone, which is
/// what makes them different groups of one domain, one is held whole, and of the others that number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Sid>", into = "Vec<Sid>")]
pub(crate) struct Sids(Box<[Run]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    first: Sid,
    /// The last numbers of those behind it.
    others: Box<[u32]>,
}

impl Sids {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Sid> {
        self.0.iter().flat_map(|run| {
            let others = run.others.iter().filter_map(|last| run.first.with_last(*last));
            std::iter::once(run.first).chain(others)
        })
    }

    /// All of them, for whoever wants them in one piece.
    pub(crate) fn to_vec(&self) -> Vec<Sid> {
        self.iter().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|run| 1 + run.others.len()).sum()
    }

    /// Whether this is one of them.
    pub(crate) fn contains(&self, sid: &Sid) -> bool {
        let Some(last) = sid.sub_authorities().last() else {
            return self.0.iter().any(|run| run.first == *sid);
        };
        self.0.iter().any(|run| {
            run.first == *sid
                || (run.others.contains(last) && run.first.with_last(*last) == Some(*sid))
        })
    }
}

impl From<&[Sid]> for Sids {
    fn from(sids: &[Sid]) -> Self {
        let runs = sids.chunk_by(|one, next| {
            next.sub_authorities().last().is_some_and(|last| one.with_last(*last) == Some(*next))
        });
        let run = |run: &[Sid]| {
            let (first, others) = run.split_first()?;
            let last = |sid: &Sid| sid.sub_authorities().last().copied();
            Some(Run { first: *first, others: others.iter().filter_map(last).collect() })
        };
        Self(runs.filter_map(run).collect())
    }
}

impl From<Vec<Sid>> for Sids {
    fn from(sids: Vec<Sid>) -> Self {
        Self::from(sids.as_slice())
    }
}

impl From<Sids> for Vec<Sid> {
    fn from(sids: Sids) -> Self {
        sids.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of two domains, builtin, with no number at all, and with as many as there may be.
    fn sid() -> impl Strategy<Value = Sid> {
        let of =
            ["-21-1-2-3-", "-21-1-2-4-", "-21-1-2-", "-32-", "-", "-1-1-1-1-1-1-1-1-1-1-1-1-1-1-"];
        let numbered = (prop::sample::select(of.to_vec()), 512..516_u32)
            .prop_map(|(of, number)| format!("S-1-5{of}{number}"));
        prop_oneof![10 => numbered, 1 => Just("S-1-5".to_owned()), 1 => Just("S-1-6".to_owned())]
            .prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn somebody_is_in_another_group_or_in_one_less(
            sids in prop::collection::vec(sid(), 0..12), asked in sid(),
        ) {
            let held = Sids::from(sids.clone());
            prop_assert_eq!(held.to_vec(), sids.clone());
            prop_assert_eq!(held.len(), sids.len());
            prop_assert_eq!(held.contains(&asked), sids.contains(&asked));
            prop_assert!(sids.iter().all(|sid| held.contains(sid)));
            // Kept offline as it always was.
            let text = serde_json::to_string(&held).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&sids).unwrap());
            prop_assert_eq!(serde_json::from_str::<Sids>(&text).unwrap(), held);
        }
    }

    #[test]
    fn the_groups_of_one_domain_take_as_much_as_those_of_many() {
        let sids: Vec<Sid> =
            (0..100).map(|rid| format!("S-1-5-21-1-2-3-{rid}").parse().unwrap()).collect();
        let Sids(runs) = Sids::from(sids);
        assert_eq!((runs.len(), runs[0].others.len()), (1, 99));
    }
}
