//! Says why a broker's certificate is not accepted: librdkafka itself says only that it is not.

use super::signals::Signals;
use rdkafka::bindings as rd;
use std::ffi::{c_char, c_int, c_void};

/// Registers the callback.
///
/// # Safety
/// As for all callbacks: `conf` is a live configuration whose opaque are the signals, which outlive every client.
pub(super) unsafe fn register(conf: *mut rd::rd_kafka_conf_t) {
    // SAFETY: the caller's promise; the function has the type that librdkafka calls.
    unsafe { rd::rd_kafka_conf_set_ssl_cert_verify_cb(conf, Some(on_certificate)) };
}

/// Accepts what OpenSSL accepts, and notes why it does not.
unsafe extern "C" fn on_certificate(
    _: *mut rd::rd_kafka_t,
    _: *const c_char,
    _: i32,
    error: *mut c_int,
    _: c_int,
    _: *const c_char,
    _: usize,
    text: *mut c_char,
    text_bytes: usize,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka passes a number that is alive during the call.
    let code = unsafe { *error };
    if code == 0 {
        return 1;
    }
    let reason = reason(code);
    // SAFETY: as registered.
    unsafe { &*opaque.cast::<Signals>() }.note_certificate(&reason);
    let bytes = &reason.as_bytes()[..reason.len().min(text_bytes.saturating_sub(1))];
    if text_bytes > 0 {
        // SAFETY: the buffer has `text_bytes` bytes, one more than are copied.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), text.cast(), bytes.len());
            *text.add(bytes.len()) = 0;
        }
    }
    0
}

/// OpenSSL's codes: `X509_V_ERR_...` of its `x509_vfy.h`.
fn reason(code: c_int) -> String {
    match code {
        9 => "the broker's certificate is not valid yet; are the clocks right?".into(),
        10 => "the broker's certificate has expired".into(),
        2 | 18..=21 => {
            "the broker's certificate is signed by nobody whom we know: set ssl.ca.location in [kafka]".into()
        }
        23 => "the broker's certificate was revoked".into(),
        62 | 64 => "the broker's certificate is for another host name: use the name that is in it in \
                    --bootstrap-servers and in the broker's advertised.listeners"
            .into(),
        code => format!("the broker's certificate is not accepted (OpenSSL's verification error {code})"),
    }
}
