//! Lists of topic-partitions with offsets and metadata.

use super::{Code, c_name};
use host_core::record::{Offset, TopicPartition};
use rdkafka::bindings as rd;
use std::ffi::{CStr, c_int};

/// An owned list.
pub(in crate::kafka) struct PartitionList(*mut rd::rd_kafka_topic_partition_list_t);

/// One entry, copied.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct Entry {
    pub(in crate::kafka) partition: TopicPartition,
    pub(in crate::kafka) offset: Offset,
    pub(in crate::kafka) metadata: String,
    /// Of the leader that gave the offset; -1: not known.
    pub(in crate::kafka) leader_epoch: i32,
    pub(in crate::kafka) code: Code,
}

impl PartitionList {
    pub(in crate::kafka) fn new() -> Self {
        // SAFETY: allocates; librdkafka ends the process when it cannot.
        Self(unsafe { rd::rd_kafka_topic_partition_list_new(8) })
    }

    pub(in crate::kafka) fn of<'a>(partitions: impl Iterator<Item = (&'a TopicPartition, Offset)>) -> Self {
        let mut list = Self::new();
        for (partition, offset) in partitions {
            list.add(partition, offset);
        }
        list
    }

    /// A list of whole topics, as `subscribe` takes it.
    pub(in crate::kafka) fn of_topics(topics: &[String]) -> Self {
        let list = Self::new();
        for topic in topics {
            // SAFETY: the list is ours; the name is copied.
            unsafe { rd::rd_kafka_topic_partition_list_add(list.0, c_name(topic).as_ptr(), -1) };
        }
        list
    }

    pub(in crate::kafka) fn add(&mut self, partition: &TopicPartition, offset: Offset) {
        let topic = c_name(&partition.topic);
        // SAFETY: the list is ours; the name is copied; the entry returned is alive until the next add.
        unsafe {
            let entry = rd::rd_kafka_topic_partition_list_add(
                self.0,
                topic.as_ptr(),
                partition.partition.cast_signed(),
            );
            (*entry).offset = offset;
        }
    }

    /// One partition, at an offset and the leader epoch that it was noted with; -1: without.
    pub(in crate::kafka) fn at(partition: &TopicPartition, offset: Offset, leader_epoch: i32) -> Self {
        let mut list = Self::new();
        list.add_with_metadata(partition, offset, leader_epoch, "");
        list
    }

    /// As [`add`](Self::add), with a leader epoch (-1: without) and metadata for the group.
    pub(in crate::kafka) fn add_with_metadata(
        &mut self,
        partition: &TopicPartition,
        offset: Offset,
        leader_epoch: i32,
        metadata: &str,
    ) {
        self.add(partition, offset);
        // SAFETY: the entry just added is the last one. The copy is made with librdkafka's allocator, as the
        // list frees it with that, and has exactly the size that is copied into it.
        unsafe {
            let entry = (*self.0).elems.add(len(self.0) - 1);
            rd::rd_kafka_topic_partition_set_leader_epoch(entry, leader_epoch);
            if metadata.is_empty() {
                return;
            }
            let copy = rd::rd_kafka_mem_malloc(std::ptr::null_mut(), metadata.len());
            std::ptr::copy_nonoverlapping(metadata.as_ptr(), copy.cast(), metadata.len());
            (*entry).metadata = copy;
            (*entry).metadata_size = metadata.len();
        }
    }

    pub(in crate::kafka) fn entries(&self) -> Vec<Entry> {
        // SAFETY: the list is ours and alive.
        unsafe { entries(self.0) }
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

/// # Safety
/// `list` is alive.
unsafe fn len(list: *const rd::rd_kafka_topic_partition_list_t) -> usize {
    // SAFETY: the caller's promise.
    usize::try_from(unsafe { (*list).cnt }).expect("a list's length is not negative")
}

/// # Safety
/// `list` is null or alive.
pub(super) unsafe fn entries(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: the list has `len` elements.
    unsafe { (0..len(list)).map(|i| entry(&*(*list).elems.add(i))).collect() }
}

/// # Safety
/// The entry's pointers are those of a live list.
pub(super) unsafe fn entry(entry: &rd::rd_kafka_topic_partition_t) -> Entry {
    // SAFETY: topics are NUL-terminated; metadata has its size, or is null; the epoch is read and nothing else.
    let (topic, metadata, leader_epoch) = unsafe {
        let metadata = if entry.metadata.is_null() {
            &[][..]
        } else {
            std::slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size)
        };
        let leader_epoch = rd::rd_kafka_topic_partition_get_leader_epoch(entry);
        (CStr::from_ptr(entry.topic).to_string_lossy().into_owned(), metadata, leader_epoch)
    };
    Entry {
        partition: TopicPartition::new(topic, number(entry.partition)),
        offset: entry.offset,
        metadata: String::from_utf8_lossy(metadata).into_owned(),
        leader_epoch,
        code: entry.err,
    }
}

/// # Safety
/// `list` is null or alive.
pub(super) unsafe fn topic_partitions(
    list: *const rd::rd_kafka_topic_partition_list_t,
) -> Vec<TopicPartition> {
    // SAFETY: the caller's promise.
    unsafe { entries(list) }.into_iter().map(|entry| entry.partition).collect()
}

fn number(partition: c_int) -> u32 {
    u32::try_from(partition).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_order_offsets_epochs_and_metadata() {
        let mut list = PartitionList::new();
        list.add_with_metadata(&TopicPartition::new("a", 3), 7, 2, "seven");
        list.add(&TopicPartition::new("b", 0), -1001);
        let entries = list.entries();
        assert_eq!(entries[0].partition, TopicPartition::new("a", 3));
        assert_eq!((entries[0].offset, entries[0].metadata.as_str()), (7, "seven"));
        assert_eq!((entries[0].leader_epoch, entries[1].leader_epoch), (2, -1));
        assert_eq!((entries[1].offset, entries[1].metadata.as_str()), (-1001, ""));
    }
}
