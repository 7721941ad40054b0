//! Counts requests of transactions that got no answer. librdkafka sends them again by itself and says so to nobody: a
//! connection that breaks is logged, and no error is raised. But the first request may still be under way, and a
//! broker that gets it in the next transaction takes it for a part of that one.

use super::{Code, Signals, signals};
use rdkafka::bindings as rd;
use std::ffi::{CStr, c_char, c_int, c_void};

const NAME: &CStr = c"unanswered";

// Api keys of the requests that carry a transaction on. Records are not among them: the broker knows a record that
// comes twice by its number.
const ADD_PARTITIONS_TO_TXN: i16 = 24;
const ADD_OFFSETS_TO_TXN: i16 = 25;
const END_TXN: i16 = 26;
const TXN_OFFSET_COMMIT: i16 = 28;

/// Has the client made from `conf` count into `signals`.
///
/// # Safety
/// `conf` is a live configuration; `signals` outlives the client made from it.
pub(super) unsafe fn register(conf: *mut rd::rd_kafka_conf_t, signals: *const Signals) {
    // SAFETY: the caller's promise; the name is static.
    let code = unsafe {
        rd::rd_kafka_conf_interceptor_add_on_new(conf, NAME.as_ptr(), Some(on_new), signals.cast_mut().cast())
    };
    assert!(code == Code::RD_KAFKA_RESP_ERR_NO_ERROR, "the first interceptor of its name is taken");
}

unsafe extern "C" fn on_new(
    rk: *mut rd::rd_kafka_t,
    _: *const rd::rd_kafka_conf_t,
    opaque: *mut c_void,
    _: *mut c_char,
    _: usize,
) -> Code {
    // SAFETY: the client is being made; the opaque pointer is handed on as it came.
    unsafe { rd::rd_kafka_interceptor_add_on_response_received(rk, NAME.as_ptr(), Some(on_response), opaque) }
}

/// Called by librdkafka's threads, also when a request is given up: then with an error.
unsafe extern "C" fn on_response(
    _: *mut rd::rd_kafka_t,
    _: c_int,
    _: *const c_char,
    _: i32,
    api: i16,
    _: i16,
    _: i32,
    _: usize,
    _: i64,
    code: Code,
    opaque: *mut c_void,
) -> Code {
    let of_transaction =
        matches!(api, ADD_PARTITIONS_TO_TXN | ADD_OFFSETS_TO_TXN | END_TXN | TXN_OFFSET_COMMIT);
    if of_transaction && code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        // SAFETY: `register` asks that the signals outlive the client, and they are only used by reference.
        unsafe { signals::of(opaque) }.note_unanswered();
    }
    Code::RD_KAFKA_RESP_ERR_NO_ERROR
}
