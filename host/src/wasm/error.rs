//! The one place where an error of wasmtime becomes one of our kinds: which [`FaultKind`] it is, and a text
//! that says what the guest did and where.

use host_core::operator::FaultKind;
use wasmtime::{Trap, WasmBacktrace};

use super::bindings::host::operator::types::Failure;
use super::clock::DeadlinePassed;
use super::limits::Denied;
use crate::shown::printable;

/// Bytes of a fault's text, 4,096; it goes into logs and into a header of dead letters.
const FAULT_BYTES_MAX: usize = 4_096;

/// How wasmtime says that an answer is larger than its hostcall fuel; the type is private.
const TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";

/// Why a call gave no answer; [`super::operator`] adds the time.
#[derive(Debug)]
pub(super) struct CallError {
    pub(super) kind: FaultKind,
    pub(super) reason: String,
}

impl CallError {
    /// The guest's own words are escaped and cut.
    pub(super) fn new(kind: FaultKind, reason: &str) -> Self {
        Self { kind, reason: lines(reason) }
    }

    pub(super) fn bad_answer(reason: impl std::fmt::Display) -> Self {
        Self::new(FaultKind::BadAnswer, &format!("the answer breaks the contract: {reason}"))
    }
}

impl From<host_core::check::BadAnswer> for CallError {
    fn from(rule: host_core::check::BadAnswer) -> Self {
        Self::bad_answer(rule)
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(text) => Self::new(FaultKind::Retry, &text),
            Failure::Fatal(text) => Self::new(FaultKind::Fatal, &text),
        }
    }
}

impl From<wasmtime::Error> for CallError {
    fn from(error: wasmtime::Error) -> Self {
        let cause = error.root_cause().to_string();
        let kind = kind(&error, &cause);
        let text = match (kind, error.downcast_ref::<WasmBacktrace>()) {
            (FaultKind::BadAnswer, _) => return Self::bad_answer(cause),
            (FaultKind::Output, _) => "the answer is larger than `output_bytes_max`".to_owned(),
            (_, Some(backtrace)) => format!("{cause}\n{backtrace}"),
            (_, None) => cause,
        };
        Self::new(kind, &text)
    }
}

fn kind(error: &wasmtime::Error, cause: &str) -> FaultKind {
    if error.is::<DeadlinePassed>() {
        FaultKind::Deadline
    } else if error.is::<Denied>() {
        FaultKind::Memory
    } else if cause.contains(TOO_LARGE) {
        FaultKind::Output
    } else if error.is::<WasmBacktrace>() || error.is::<Trap>() && !is_about_answer(error) {
        FaultKind::Trap
    } else {
        // No guest code was running: wasmtime was reading the answer.
        FaultKind::BadAnswer
    }
}

/// Traps that wasmtime raises when it reads an answer.
fn is_about_answer(error: &wasmtime::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            Trap::InvalidChar
                | Trap::StringOutOfBounds
                | Trap::ListOutOfBounds
                | Trap::InvalidDiscriminant
                | Trap::UnalignedPointer
        )
    )
}

/// Each line made harmless: names in a backtrace are the guest's own words too.
fn lines(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(FAULT_BYTES_MAX)];
    let lines: Vec<_> = cut.lines().map(|line| printable(line, FAULT_BYTES_MAX)).collect();
    lines.join("\n")
}
