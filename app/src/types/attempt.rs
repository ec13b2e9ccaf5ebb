//! How an attempt to get an answer from a provider ended.

use crate::ModelFailure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    Finished,
    /// Up to the most it was allowed to write.
    Limited,
    Stopped,
    /// The process that asked shut down, died, or lost its hold.
    CutOff,
    Failed(ModelFailure),
    /// A fault of ours.
    Panicked,
}

impl AttemptOutcome {
    /// Those of which the provider did what it was asked to come first.
    pub const ALL: [Self; 12] = [
        Self::Finished,
        Self::Limited,
        Self::Stopped,
        Self::CutOff,
        Self::Failed(ModelFailure::Unavailable),
        Self::Failed(ModelFailure::Overloaded),
        Self::Failed(ModelFailure::NoFirstToken),
        Self::Failed(ModelFailure::Interrupted),
        Self::Failed(ModelFailure::Refused),
        Self::Failed(ModelFailure::Filtered),
        Self::Failed(ModelFailure::Empty),
        Self::Panicked,
    ];

    /// As it is recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Limited => "limited",
            Self::Stopped => "stopped",
            Self::CutOff => "cut off",
            Self::Failed(ModelFailure::Unavailable) => "unavailable",
            Self::Failed(ModelFailure::Overloaded) => "overloaded",
            Self::Failed(ModelFailure::NoFirstToken) => "no first token",
            Self::Failed(ModelFailure::Interrupted) => "interrupted",
            Self::Failed(ModelFailure::Refused) => "refused",
            Self::Failed(ModelFailure::Filtered) => "filtered",
            Self::Failed(ModelFailure::Empty) => "empty",
            Self::Panicked => "panicked",
        }
    }

    /// None: it was recorded by a newer version.
    pub fn parse(recorded: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == recorded)
    }

    /// The provider did not do what it was asked to.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Failed(_) | Self::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use super::AttemptOutcome;

    #[test]
    fn each_outcome_is_read_as_it_was_recorded() {
        for outcome in AttemptOutcome::ALL {
            assert_eq!(AttemptOutcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
