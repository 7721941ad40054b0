//! Handing rows to a producer.

use super::{Fault, Handle, c_name, take};
use host_core::record::Row;
use rd::rd_kafka_vtype_t as VType;
use rdkafka::bindings as rd;
use std::ffi::c_void;
use std::sync::Arc;

type Value = rd::rd_kafka_vu_s__bindgen_ty_1;

/// Any partition: librdkafka's partitioner places the row.
const UNASSIGNED: i32 = -1;

/// A topic that a producer writes to.
pub(in crate::kafka) struct Topic {
    rkt: *mut rd::rd_kafka_topic_t,
    name: String,
    handle: Arc<Handle>,
}

// SAFETY: librdkafka's topic handles may be used from any thread.
unsafe impl Send for Topic {}

impl Topic {
    pub(in crate::kafka) fn new(handle: Arc<Handle>, name: &str) -> Result<Self, Fault> {
        // SAFETY: the client is alive; the name is copied; no configuration of its own.
        let rkt =
            unsafe { rd::rd_kafka_topic_new(handle.as_ptr(), c_name(name).as_ptr(), std::ptr::null_mut()) };
        if rkt.is_null() {
            // SAFETY: reads this thread's last error.
            return Err(Fault::of(unsafe { rd::rd_kafka_last_error() }));
        }
        Ok(Self { rkt, name: name.to_owned(), handle })
    }

    pub(in crate::kafka) fn name(&self) -> &str {
        &self.name
    }

    /// Copies a row into the producer's queue.
    pub(in crate::kafka) fn produce<'a>(
        &self,
        partition: Option<u32>,
        row: Row<'_>,
        headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<(), Fault> {
        let headers = Headers::of(headers);
        let values = [
            vu(VType::RD_KAFKA_VTYPE_RKT, Value { rkt: self.rkt }),
            vu(
                VType::RD_KAFKA_VTYPE_PARTITION,
                Value { i32_: partition.map_or(UNASSIGNED, u32::cast_signed) },
            ),
            vu(VType::RD_KAFKA_VTYPE_MSGFLAGS, Value { i: rd::RD_KAFKA_MSG_F_COPY }),
            vu(VType::RD_KAFKA_VTYPE_KEY, memory(row.key)),
            vu(VType::RD_KAFKA_VTYPE_VALUE, memory(row.value)),
            // Zero would mean "now" and below zero is refused by brokers: one millisecond is the least there is.
            vu(VType::RD_KAFKA_VTYPE_TIMESTAMP, Value { i64_: row.timestamp.max(1) }),
            vu(VType::RD_KAFKA_VTYPE_HEADERS, Value { headers: headers.0 }),
        ];
        let used = if headers.0.is_null() { values.len() - 1 } else { values.len() };
        // SAFETY: every value has the type that its tag says; key and value are copied during the call; the
        // headers become librdkafka's exactly when the call succeeds.
        unsafe { take(rd::rd_kafka_produceva(self.handle.as_ptr(), values.as_ptr(), used)) }?;
        std::mem::forget(headers);
        Ok(())
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: owned, and given back once, before the handle goes.
        unsafe { rd::rd_kafka_topic_destroy(self.rkt) }
    }
}

fn vu(vtype: VType, u: Value) -> rd::rd_kafka_vu_t {
    rd::rd_kafka_vu_t { vtype, u }
}

fn memory(bytes: Option<&[u8]>) -> Value {
    let (ptr, size) = bytes.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()));
    Value { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut().cast(), size } }
}

/// Owned headers; null for none.
struct Headers(*mut rd::rd_kafka_headers_t);

impl Headers {
    fn of<'a>(headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Self {
        let mut all = Self(std::ptr::null_mut());
        for (name, value) in headers {
            // SAFETY: made here when first needed; names and values are copied with their lengths.
            unsafe {
                if all.0.is_null() {
                    all.0 = rd::rd_kafka_headers_new(8);
                }
                let (data, size) =
                    value.map_or((std::ptr::null(), 0), |v| (v.as_ptr(), v.len().cast_signed()));
                let data = data.cast::<c_void>();
                rd::rd_kafka_header_add(all.0, name.as_ptr().cast(), name.len().cast_signed(), data, size);
            }
        }
        all
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: owned; a successful produce forgets them instead.
            unsafe { rd::rd_kafka_headers_destroy(self.0) }
        }
    }
}
