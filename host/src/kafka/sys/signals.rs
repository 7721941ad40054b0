//! What librdkafka tells us through callbacks, put down for the owner of the client to pick up. A callback
//! never acts: it counts, remembers and returns.

use super::{Code, Fault, Kind, certificate, describe, owned, unanswered};
use crate::kafka::sys::list;
use host_core::record::TopicPartition;
use rdkafka::bindings as rd;
use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shared between one client's callbacks and its owner.
#[derive(Default)]
pub(in crate::kafka) struct Signals {
    disconnects: AtomicU64,
    request_timeouts: AtomicU64,
    unanswered: AtomicU64,
    last_error: Mutex<Option<String>>,
    certificate: Mutex<Option<String>>,
    refused: Mutex<Option<String>>,
    undelivered: Mutex<Option<(Fault, String)>>,
    rebalances: Mutex<VecDeque<Rebalanced>>,
    may_yield: AtomicBool,
}

/// A rebalance as librdkafka announced it.
pub(in crate::kafka) enum Rebalanced {
    Assigned { partitions: Vec<TopicPartition>, metadata: Option<GroupMetadata> },
    Revoked,
    Lost,
}

impl Signals {
    /// Connections broken, requests timed out or never answered, and failed connects so far.
    pub(in crate::kafka) fn troubles(&self) -> u64 {
        self.disconnects.load(Relaxed) + self.request_timeouts.load(Relaxed) + self.unanswered.load(Relaxed)
    }

    /// A request of a transaction was given up, or is sent again.
    pub(super) fn note_unanswered(&self) {
        self.unanswered.fetch_add(1, Relaxed);
    }

    /// The newest error of the connection, in librdkafka's words, with ours for a certificate.
    pub(in crate::kafka) fn last_error(&self) -> Option<String> {
        let text = lock(&self.last_error).clone()?;
        Some(match self.certificate() {
            Some(reason) => format!("{text}\n{reason}"),
            None => text,
        })
    }

    /// Why the brokers did not take our credentials, if one has refused them since the last call.
    pub(in crate::kafka) fn take_refused(&self) -> Option<String> {
        lock(&self.refused).take()
    }

    /// Why the newest certificate of a broker was not accepted; none: it was.
    pub(super) fn note_certificate(&self, refused: Option<String>) {
        *lock(&self.certificate) = refused;
    }

    pub(super) fn certificate(&self) -> Option<String> {
        lock(&self.certificate).clone()
    }

    /// The first record since the last call that could not be written, with its topic and partition.
    pub(in crate::kafka) fn take_undelivered(&self) -> Option<(Fault, String)> {
        lock(&self.undelivered).take()
    }

    pub(in crate::kafka) fn has_undelivered(&self) -> bool {
        lock(&self.undelivered).is_some()
    }

    pub(in crate::kafka) fn take_rebalance(&self) -> Option<Rebalanced> {
        lock(&self.rebalances).pop_front()
    }

    pub(in crate::kafka) fn has_rebalance(&self) -> bool {
        !lock(&self.rebalances).is_empty()
    }

    /// Whether a rebalance ends the poll at once. Never during a batch call, which in 2.12.1 would drop the
    /// record that it holds when it sees the yield.
    pub(super) fn set_may_yield(&self, on: bool) {
        self.may_yield.store(on, Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The member id and generation of one assignment, as offsets of a transaction must carry them.
pub struct GroupMetadata(*mut rd::rd_kafka_consumer_group_metadata_t);

// SAFETY: a plain copy of strings and numbers, not tied to a thread or a client.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// # Safety
    /// `rk` is a live consumer.
    unsafe fn capture(rk: *mut rd::rd_kafka_t) -> Option<Self> {
        // SAFETY: the caller's promise; the object returned is ours.
        let metadata = unsafe { rd::rd_kafka_consumer_group_metadata(rk) };
        (!metadata.is_null()).then_some(Self(metadata))
    }

    /// That of a group without members, which takes offsets from anybody.
    pub fn without_member(group_id: &str) -> Self {
        let id = super::c_name(group_id);
        // SAFETY: the id is copied; the object returned is ours.
        Self(unsafe { rd::rd_kafka_consumer_group_metadata_new(id.as_ptr()) })
    }

    /// The member's id; empty when the group does not know us.
    pub fn member_id(&self) -> String {
        // SAFETY: `self.0` is alive as long as self.
        unsafe { owned(rd::rd_kafka_consumer_group_metadata_member_id(self.0)) }
    }

    /// The group's generation; negative when the group does not know us.
    pub fn generation(&self) -> i32 {
        // SAFETY: `self.0` is alive as long as self.
        unsafe { rd::rd_kafka_consumer_group_metadata_generation_id(self.0) }
    }

    /// True when a broker fences by it: with an empty member id or no generation it would let anything pass.
    pub fn fences(&self) -> bool {
        self.generation() >= 0 && !self.member_id().is_empty()
    }

    pub(super) fn as_ptr(&self) -> *const rd::rd_kafka_consumer_group_metadata_t {
        self.0
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0) }
    }
}

/// Registers the callbacks of a client of this kind: one that it does not know is warned of.
///
/// # Safety
/// `conf` is a live configuration; `signals` outlives every client made from it.
pub(super) unsafe fn register(conf: *mut rd::rd_kafka_conf_t, signals: *const Signals, kind: Kind) {
    // SAFETY: the caller's promise; the functions have the types that librdkafka calls.
    unsafe {
        rd::rd_kafka_conf_set_opaque(conf, signals.cast_mut().cast());
        rd::rd_kafka_conf_set_log_cb(conf, Some(on_log));
        rd::rd_kafka_conf_set_error_cb(conf, Some(on_error));
        rd::rd_kafka_conf_set_stats_cb(conf, Some(on_statistics));
        certificate::register(conf);
        match kind {
            Kind::Consumer => rd::rd_kafka_conf_set_rebalance_cb(conf, Some(on_rebalance)),
            Kind::Producer => {
                rd::rd_kafka_conf_set_dr_msg_cb(conf, Some(on_delivery));
                unanswered::register(conf, signals);
            }
            Kind::Observer => {}
        }
    }
}

/// # Safety
/// `opaque` is the signals that a callback was registered with.
pub(super) unsafe fn of<'a>(opaque: *mut c_void) -> &'a Signals {
    // SAFETY: `register` asks that the signals outlive the client, and they are only used by reference.
    unsafe { &*opaque.cast::<Signals>() }
}

unsafe extern "C" fn on_log(
    _: *const rd::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    text: *const c_char,
) {
    // SAFETY: librdkafka passes NUL-terminated strings.
    let (facility, text) = unsafe { (owned(facility), owned(text)) };
    match level {
        ..=3 => tracing::error!(target: "librdkafka", facility, "{text}"),
        4 => tracing::warn!(target: "librdkafka", facility, "{text}"),
        5 | 6 => tracing::info!(target: "librdkafka", facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}

unsafe extern "C" fn on_error(
    rk: *mut rd::rd_kafka_t,
    code: c_int,
    text: *const c_char,
    opaque: *mut c_void,
) {
    // SAFETY: as registered.
    let signals = unsafe { of(opaque) };
    // SAFETY: librdkafka passes a NUL-terminated string.
    let mut text = unsafe { owned(text) };
    if code == Code::RD_KAFKA_RESP_ERR__FATAL as c_int {
        let mut buffer = [0 as c_char; 512];
        // SAFETY: the client is alive during its callback; the size is the buffer's.
        unsafe {
            rd::rd_kafka_fatal_error(rk, buffer.as_mut_ptr(), buffer.len());
            text = owned(buffer.as_ptr());
        }
    }
    signals.disconnects.fetch_add(1, Relaxed);
    // A connection that broke meanwhile comes with the same code, and librdkafka's own reason.
    if code == Code::RD_KAFKA_RESP_ERR__AUTHENTICATION as c_int && !text.contains("Local: ") {
        *lock(&signals.refused) = Some(text.clone());
    }
    let mut last = lock(&signals.last_error);
    // "All brokers are down" follows the reason why, which is the better text.
    if last.is_none() || code != Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN as c_int {
        *last = Some(text);
    }
}

unsafe extern "C" fn on_statistics(
    _: *mut rd::rd_kafka_t,
    json: *mut c_char,
    len: usize,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: as registered; `json` has `len` bytes and stays librdkafka's, as we return 0.
    let (signals, json) = unsafe { (of(opaque), std::slice::from_raw_parts(json.cast::<u8>(), len)) };
    if let Some(timeouts) = request_timeouts(json) {
        signals.request_timeouts.store(timeouts, Relaxed);
    }
    0
}

/// Requests that timed out at all brokers together.
fn request_timeouts(json: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Statistics {
        brokers: std::collections::BTreeMap<String, Broker>,
    }
    #[derive(serde::Deserialize)]
    struct Broker {
        req_timeouts: u64,
    }
    let statistics: Statistics = serde_json::from_slice(json).ok()?;
    Some(statistics.brokers.values().map(|broker| broker.req_timeouts).sum())
}

unsafe extern "C" fn on_delivery(
    _: *mut rd::rd_kafka_t,
    record: *const rd::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // SAFETY: as registered; the record is alive during the call.
    let (signals, record) = unsafe { (of(opaque), &*record) };
    let code = record.err;
    let purged = [Code::RD_KAFKA_RESP_ERR__PURGE_QUEUE, Code::RD_KAFKA_RESP_ERR__PURGE_INFLIGHT];
    if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR || purged.contains(&code) {
        return;
    }
    // SAFETY: the topic handle of a delivered record is alive; its name is NUL-terminated.
    let topic = unsafe { owned(rd::rd_kafka_topic_name(record.rkt)) };
    let mut first = lock(&signals.undelivered);
    if first.is_none() {
        *first = Some((Fault::of(code), format!("topic \"{topic}\" partition {}", record.partition)));
    }
}

unsafe extern "C" fn on_rebalance(
    rk: *mut rd::rd_kafka_t,
    code: Code,
    partitions: *mut rd::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: as registered.
    let signals = unsafe { of(opaque) };
    let rebalanced = if code == Code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        // SAFETY: the consumer and the list are alive during the callback.
        let (partitions, metadata) =
            unsafe { (list::topic_partitions(partitions), GroupMetadata::capture(rk)) };
        Rebalanced::Assigned { partitions, metadata }
    // SAFETY: the consumer is alive during its callback.
    } else if unsafe { rd::rd_kafka_assignment_lost(rk) } != 0 {
        Rebalanced::Lost
    } else {
        if code != Code::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
            tracing::warn!(
                error = describe(code),
                "the group's rebalance failed; letting go of all partitions"
            );
        }
        Rebalanced::Revoked
    };
    lock(&signals.rebalances).push_back(rebalanced);
    if signals.may_yield.load(Relaxed) {
        // SAFETY: called from a callback, as it must be: it ends the poll that serves it.
        unsafe { rd::rd_kafka_yield(rk) };
    }
}

/// The text of a NUL-terminated buffer.
pub(super) fn text_of(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer.iter().map(|c| c.cast_unsigned()).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::request_timeouts;

    #[test]
    fn request_timeouts_of_all_brokers_are_summed() {
        let json = br#"{"name":"x","brokers":{"a":{"req_timeouts":2,"tx":1},"b":{"req_timeouts":3}}}"#;
        assert_eq!(request_timeouts(json), Some(5));
        assert_eq!(request_timeouts(b"{"), None);
    }
}
