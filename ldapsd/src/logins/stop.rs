//! How the steps of a decision end early: decided, or for want of a directory.

use ldaps_directory::DirectoryError;

use super::Decision;

/// Why the steps ended early.
pub(super) enum Stop {
    Decided(Decision),
    Directory(DirectoryError),
}

impl From<DirectoryError> for Stop {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<Decision> for Stop {
    fn from(decision: Decision) -> Self {
        Self::Decided(decision)
    }
}

/// The decision, however the steps ended.
pub(super) async fn decided(steps: impl Future<Output = Result<Decision, Stop>>) -> Decision {
    match steps.await {
        Ok(decision) | Err(Stop::Decided(decision)) => decision,
        Err(Stop::Directory(error)) => Decision::unavailable(&error),
    }
}
