//! How an operator says no: to one record, or to the whole call.

use std::error::Error as StdError;

/// Why a record or a value was not processed.
///
/// Any [`std::error::Error`] becomes a [`Error::Reject`] by `?`: data that cannot be read is the record's
/// fault. `Error` itself is not a `std::error::Error`; that is what makes this conversion possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// This record is refused with this reason; the rest of the batch goes on. The host's policy decides
    /// what happens to it (by default it is written to the dead-letter topic).
    Reject(String),
    /// The whole call failed.
    Failure(Failure),
}

/// Why a whole call failed.
///
/// Any [`std::error::Error`] becomes a [`Failure::Fatal`] by `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The host gives the same batch again to a fresh instance, a bounded number of times.
    Retry(String),
    /// The host stops the application with this message; nothing of the batch is committed.
    Fatal(String),
}

/// Refuses this record.
#[cold]
pub fn reject(reason: impl Into<String>) -> Error {
    Error::Reject(reason.into())
}

/// Asks for the same batch again, on a fresh instance.
#[cold]
pub fn retry(reason: impl Into<String>) -> Error {
    Error::Failure(Failure::Retry(reason.into()))
}

/// Stops the application.
#[cold]
pub fn fatal(reason: impl Into<String>) -> Error {
    Error::Failure(Failure::Fatal(reason.into()))
}

impl<E: StdError> From<E> for Error {
    #[cold]
    fn from(error: E) -> Self {
        Self::Reject(error.to_string())
    }
}

impl<E: StdError> From<E> for Failure {
    #[cold]
    fn from(error: E) -> Self {
        Self::Fatal(error.to_string())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Failure> for crate::bindings::types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(reason) => Self::Retry(reason),
            Failure::Fatal(reason) => Self::Fatal(reason),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Failure {
    /// The failure that the bindings carry (whose type is a `std::error::Error`, so not by `From`).
    pub(crate) fn from_bindings(failure: crate::bindings::types::Failure) -> Self {
        match failure {
            crate::bindings::types::Failure::Retry(reason) => Self::Retry(reason),
            crate::bindings::types::Failure::Fatal(reason) => Self::Fatal(reason),
        }
    }
}
