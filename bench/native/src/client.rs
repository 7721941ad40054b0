//! A client of librdkafka by its C interface, and its errors.

use anyhow::{Context, Result, bail, ensure};
use rdkafka::bindings as rd;
use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;

pub(crate) use rd::rd_kafka_resp_err_t as Code;
pub(crate) const OK: Code = Code::RD_KAFKA_RESP_ERR_NO_ERROR;

/// For one question to the brokers, in milliseconds.
const QUESTION_TIMEOUT_MS: i32 = 30_000;

/// An owned client. What came from it must be gone before it.
pub(crate) struct Client(NonNull<rd::rd_kafka_t>);

impl Client {
    pub(crate) fn consumer(settings: &[(&str, &str)]) -> Result<Self> {
        let client = Self::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, settings)?;
        // SAFETY: the client is alive and a consumer.
        unsafe { rd::rd_kafka_poll_set_consumer(client.raw()) };
        Ok(client)
    }

    pub(crate) fn producer(settings: &[(&str, &str)]) -> Result<Self> {
        Self::new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, settings)
    }

    fn new(kind: rd::rd_kafka_type_t, settings: &[(&str, &str)]) -> Result<Self> {
        let mut config = rdkafka::ClientConfig::new();
        config.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let native = config.create_native_config().context("librdkafka does not take the settings")?;
        let mut text = [0 as c_char; 512];
        // SAFETY: the copy of the configuration is the client's when it is made, else it is given back here.
        let raw = unsafe {
            let copy = rd::rd_kafka_conf_dup(native.ptr());
            let raw = rd::rd_kafka_new(kind, copy, text.as_mut_ptr(), text.len());
            if raw.is_null() {
                rd::rd_kafka_conf_destroy(copy);
            }
            raw
        };
        // SAFETY: librdkafka ends the text with a zero.
        let reason = || unsafe { text_of(text.as_ptr()) };
        NonNull::new(raw).map(Self).with_context(|| format!("cannot make a client: {}", reason()))
    }

    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_t {
        self.0.as_ptr()
    }

    /// The number of partitions of a topic.
    pub(crate) fn partitions(&self, topic: &str) -> Result<i32> {
        let name = name(topic)?;
        let mut answer: *const rd::rd_kafka_metadata = std::ptr::null();
        // SAFETY: the client is alive; the answer is read only when there is one, and given back once.
        unsafe {
            let handle = rd::rd_kafka_topic_new(self.raw(), name.as_ptr(), std::ptr::null_mut());
            let code = rd::rd_kafka_metadata(self.raw(), 0, handle, &raw mut answer, QUESTION_TIMEOUT_MS);
            rd::rd_kafka_topic_destroy(handle);
            check(code, "asking for metadata")?;
            let found = ((*answer).topic_cnt == 1).then(|| (*(*answer).topics).partition_cnt);
            rd::rd_kafka_metadata_destroy(answer);
            let count = found.unwrap_or(0);
            ensure!(count > 0, "there is no topic {topic}");
            Ok(count)
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: owned, and given back once.
        unsafe { rd::rd_kafka_destroy(self.raw()) }
    }
}

/// Partitions of one topic with an offset each.
pub(crate) struct Offsets(NonNull<rd::rd_kafka_topic_partition_list_t>);

impl Offsets {
    pub(crate) fn of(topic: &str, offsets: impl Iterator<Item = (i32, i64)>) -> Result<Self> {
        let name = name(topic)?;
        // SAFETY: an empty list of any size may be made; each entry is written before the next is added.
        unsafe {
            let raw = rd::rd_kafka_topic_partition_list_new(1);
            for (partition, offset) in offsets {
                let entry = rd::rd_kafka_topic_partition_list_add(raw, name.as_ptr(), partition);
                (*entry).offset = offset;
            }
            Ok(Self(NonNull::new(raw).context("no list of partitions")?))
        }
    }

    pub(crate) fn raw(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        // SAFETY: owned, and given back once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.raw()) }
    }
}

pub(crate) fn name(topic: &str) -> Result<CString> {
    CString::new(topic).context("a topic's name has no zero in it")
}

pub(crate) fn check(code: Code, what: &str) -> Result<()> {
    if code == OK {
        return Ok(());
    }
    // SAFETY: the text of a code is static.
    bail!("{what}: {}", unsafe { text_of(rd::rd_kafka_err2str(code)) })
}

/// Takes an error object; null is none.
pub(crate) fn take(error: *mut rd::rd_kafka_error_t, what: &str) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is ours, read once and given back.
    let text = unsafe {
        let text = text_of(rd::rd_kafka_error_string(error));
        rd::rd_kafka_error_destroy(error);
        text
    };
    bail!("{what}: {text}")
}

/// # Safety
/// `text` ends with a zero.
unsafe fn text_of(text: *const c_char) -> String {
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
