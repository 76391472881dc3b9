//! Whether the map has room, told once and not for everybody who finds none.

use ldaps_core::map::PutError;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Fullness {
    is_told: bool,
}

impl Fullness {
    /// Whether it is to be told that the map is full, after these were put there. Only where
    /// something had room, and nothing had none, is it to be told the next time.
    pub(super) fn is_news(&mut self, outcomes: &[Result<(), PutError>]) -> bool {
        let is_full = outcomes.iter().any(|outcome| matches!(outcome, Err(PutError::Full)));
        let has_room = !is_full && outcomes.iter().any(Result::is_ok);
        let was_told = self.is_told;
        self.is_told = is_full || (was_told && !has_room);
        is_full && !was_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_the_map_is_full_is_told_again_and_again_or_only_once_for_ever() {
        const FULL: Result<(), PutError> = Err(PutError::Full);
        let mut fullness = Fullness::default();
        let batches: [(&[Result<(), PutError>], bool); 8] = [
            (&[Ok(())], false),
            (&[Ok(()), FULL], true),
            (&[FULL], false),
            // Somebody was withdrawn, or looked at: that says nothing of the room.
            (&[], false),
            (&[FULL, Ok(())], false),
            (&[Ok(())], false),
            (&[], false),
            (&[FULL], true),
        ];
        for (at, (outcomes, told)) in batches.iter().enumerate() {
            assert_eq!(fullness.is_news(outcomes), *told, "batch {at}");
        }
    }
}
