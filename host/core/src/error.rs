//! Why a machine stops.

use alloc::string::String;

/// The end of an application, with what a person needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Stop {
    /// What kind of end; decides the exit code.
    pub kind: StopKind,
    /// What happened, where (topic-partition-offset), what to do.
    pub message: String,
}

impl Stop {
    /// A stop of this kind.
    pub fn new(kind: StopKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// The kinds of [`Stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// A record failed and the policy is `fail`, or most records fail.
    BadData,
    /// The guest asked for it.
    Guest,
    /// Kafka refused for good, or for too long.
    Kafka,
    /// Kafka does not let us.
    NotAuthorised,
    /// State or topics are not what they must be.
    State,
}
