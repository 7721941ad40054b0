//! Says why a broker's certificate is not accepted: librdkafka itself says only that it is not.

use super::signals;
use rdkafka::bindings as rd;
use std::ffi::{CStr, c_char, c_int, c_void};

/// Without it OpenSSL goes on with any certificate, but has the callback refuse it first.
const VERIFICATION: &CStr = c"enable.ssl.certificate.verification";
/// Bytes of a property's value that are looked at, with the last NUL.
const VALUE_BYTES_MAX: usize = 32;
/// Where the broker's own certificate is in its chain; OpenSSL comes to it last.
const DEPTH_OF_BROKER: c_int = 0;

/// Registers the callback, where certificates are verified.
///
/// # Safety
/// As for all callbacks: `conf` is a live configuration whose opaque are the signals, which outlive every client.
pub(super) unsafe fn register(conf: *mut rd::rd_kafka_conf_t) {
    // SAFETY: the caller's promise; the function has the type that librdkafka calls.
    unsafe {
        if value(conf, VERIFICATION) == "true" {
            rd::rd_kafka_conf_set_ssl_cert_verify_cb(conf, Some(on_certificate));
        }
    }
}

/// A property's value; empty: it has none.
///
/// # Safety
/// `conf` is a live configuration.
unsafe fn value(conf: *const rd::rd_kafka_conf_t, name: &CStr) -> String {
    let mut text = [0 as c_char; VALUE_BYTES_MAX];
    let mut bytes = text.len();
    // SAFETY: the caller's promise; the size is the buffer's. What is not known leaves the buffer as it is.
    unsafe { rd::rd_kafka_conf_get(conf, name.as_ptr(), text.as_mut_ptr(), &raw mut bytes) };
    signals::text_of(&text)
}

/// Accepts what OpenSSL accepts, and notes why it does not.
unsafe extern "C" fn on_certificate(
    _: *mut rd::rd_kafka_t,
    _: *const c_char,
    _: i32,
    error: *mut c_int,
    depth: c_int,
    _: *const c_char,
    _: usize,
    text: *mut c_char,
    text_bytes: usize,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka passes a number that is alive during the call.
    let code = unsafe { *error };
    // SAFETY: as registered.
    let signals = unsafe { signals::of(opaque) };
    if code == 0 {
        if depth == DEPTH_OF_BROKER {
            signals.note_certificate(None);
        }
        return 1;
    }
    let reason = reason(code);
    signals.note_certificate(Some(reason.clone()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::sys::Signals;
    use rdkafka::ClientConfig;

    fn is_registered(verification: Option<&str>) -> bool {
        let mut config = ClientConfig::new();
        if let Some(value) = verification {
            config.set(VERIFICATION.to_str().expect("it is ASCII"), value);
        }
        let native = config.create_native_config().expect("the property is known");
        // SAFETY: the configuration lives until the end, and no client is made of it.
        unsafe {
            register(native.ptr());
            !value(native.ptr(), c"ssl.certificate.verify_cb").is_empty()
        }
    }

    #[test]
    fn who_does_not_verify_certificates_hears_of_none() {
        assert!(is_registered(None) && is_registered(Some("true")));
        assert!(!is_registered(Some("false")));
    }

    /// What librdkafka does with a certificate at `depth` that OpenSSL finds wrong so.
    fn sees(signals: &Signals, mut error: c_int, depth: c_int) -> c_int {
        let mut text = [0 as c_char; 8];
        let (nobody, nothing) = (std::ptr::null_mut(), std::ptr::null());
        let opaque = std::ptr::from_ref(signals).cast_mut().cast();
        let (buffer, len) = (text.as_mut_ptr(), text.len());
        // SAFETY: the signals and the buffer are alive during the call; nothing else is looked at.
        unsafe { on_certificate(nobody, nothing, 0, &raw mut error, depth, nothing, 0, buffer, len, opaque) }
    }

    #[test]
    fn a_certificate_that_is_accepted_ends_the_note_of_one_that_was_not() {
        const EXPIRED: c_int = 10;
        let signals = Signals::default();
        assert_eq!(sees(&signals, EXPIRED, 0), 0);
        assert!(signals.certificate().is_some_and(|reason| reason.contains("expired")));
        assert_eq!(sees(&signals, 0, 1), 1);
        assert!(signals.certificate().is_some(), "the broker's own one is still to come");
        assert_eq!(sees(&signals, 0, 0), 1);
        assert_eq!(signals.certificate(), None);
    }
}
