//! The C API of librdkafka behind handles that free themselves: the only folder with unsafe code on the Kafka
//! side. It decides nothing; sorting errors, retrying and limits are the callers'.
//!
//! The C API and not the safe wrapper, because partition ends need their topic and offset, group metadata
//! its fields, and errors their flags.
#![allow(unsafe_code, reason = "calls of the C API; every block says why it holds")]

mod admin;
mod certificate;
mod handle;
mod list;
mod produce;
mod record;
mod signals;
mod unanswered;

pub(super) use admin::{EARLIEST, Isolation, LATEST, list_offsets, topic_id};
pub(super) use handle::{Handle, Kind, try_config};
pub(super) use list::{Entry, PartitionList};
pub(super) use produce::Topic;
pub(super) use record::{Fetched, Record};
pub use signals::GroupMetadata;
pub(super) use signals::{Rebalanced, Signals};

use super::error::{Code, Fault};
use rdkafka::bindings as rd;
use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

/// A timeout as the C API takes it.
fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}

/// A name as the C API takes it. Names come from checked settings; a NUL in one is cut off with the rest.
fn c_name(name: &str) -> CString {
    let end = name.find('\0').unwrap_or(name.len());
    CString::new(&name.as_bytes()[..end]).expect("everything before the first NUL has no NUL")
}

/// # Safety
/// `text` is null or a NUL-terminated string that lives for the call.
unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// What a code means, in librdkafka's words.
pub(super) fn describe(code: Code) -> String {
    // SAFETY: returns a static string for every code.
    unsafe { owned(rd::rd_kafka_err2str(code)) }
}

/// The code with this number, as the safe wrapper names codes with an enum of its own.
pub(super) fn code_of(number: i32) -> Option<Code> {
    let (mut descriptions, mut count) = (std::ptr::null(), 0);
    // SAFETY: gives out a static table of `count` entries.
    let table = unsafe {
        rd::rd_kafka_get_err_descs(&raw mut descriptions, &raw mut count);
        std::slice::from_raw_parts(descriptions, count)
    };
    table.iter().map(|description| description.code).find(|code| *code as i32 == number)
}

/// The result of a call that answers with a bare code.
fn check(code: Code) -> Result<(), Fault> {
    if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Fault::of(code)) }
}

/// The result of a call that answers with an error object, which is freed.
///
/// # Safety
/// `error` is null or an error object that the caller owns.
unsafe fn take(error: *mut rd::rd_kafka_error_t) -> Result<(), Fault> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the object is alive until the destroy, which is the last use.
    unsafe {
        let fault = Fault {
            code: rd::rd_kafka_error_code(error),
            fatal: rd::rd_kafka_error_is_fatal(error) != 0,
            retriable: rd::rd_kafka_error_is_retriable(error) != 0,
            abort: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            text: owned(rd::rd_kafka_error_string(error)),
        };
        rd::rd_kafka_error_destroy(error);
        Err(fault)
    }
}
