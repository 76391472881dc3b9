//! The names of a group's members, in little memory: whoever is in forty groups would otherwise be
//! forty texts that cost more to hold than they are long.

use serde::{Deserialize, Serialize};

/// Names in their order, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Members {
    text: Box<str>,
    /// Where each ends. What is longer than 4 GiB is no group: an answer of AD has a bound far below.
    ends: Box<[u32]>,
}

impl Members {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut begin = 0;
        self.ends.iter().filter_map(move |end| {
            let end = usize::try_from(*end).ok()?;
            self.text.get(std::mem::replace(&mut begin, end)..end)
        })
    }

    /// All of them, each for itself.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

impl From<Vec<String>> for Members {
    fn from(names: Vec<String>) -> Self {
        let end = |at: &mut usize, name: &String| {
            *at += name.len();
            u32::try_from(*at).ok()
        };
        let ends = names.iter().scan(0, end).collect();
        Self { text: names.concat().into(), ends }
    }
}

impl From<Members> for Vec<String> {
    fn from(members: Members) -> Self {
        members.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_member_is_lost_or_two_become_one(names in prop::collection::vec(".{0,4}", 0..9)) {
            let members = Members::from(names.clone());
            prop_assert_eq!(members.to_vec(), names.clone());
            // In the file as they always were.
            let kept = postcard::to_stdvec(&members).unwrap();
            prop_assert_eq!(&kept, &postcard::to_stdvec(&names).unwrap());
            prop_assert_eq!(postcard::from_bytes::<Members>(&kept).unwrap(), members);
        }
    }
}
