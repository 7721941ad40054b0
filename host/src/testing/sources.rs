//! Which records went into the state of a key.

use host_core::frame::Frame;
use host_core::record::{Offset, TopicPartition};
use host_core::topology::Topology;
use host_model::Kafka;
use std::collections::BTreeMap;

/// Where the records of each key were read first, in the order in which they were folded. Without a repartition
/// topic only a reduce alone lets us tell: a transform may have changed the keys.
pub(super) fn of(kafka: &Kafka, topology: &Topology) -> BTreeMap<Vec<u8>, Vec<(TopicPartition, Offset)>> {
    let mut sources: BTreeMap<Vec<u8>, Vec<_>> = BTreeMap::new();
    if let Some(topic) = &topology.repartition {
        for (_, _, record) in kafka.read_all(topic) {
            let frame = Frame::read(record.value.as_deref().unwrap_or_default());
            if let Ok((frame, _)) = frame
                && let Some(name) = topology.input_of(frame.topic)
            {
                let at = (TopicPartition::new(name, frame.partition), frame.offset);
                sources.entry(record.key.unwrap_or_default()).or_default().push(at);
            }
        }
    } else if topology.reduces && !topology.transforms {
        for topic in &topology.inputs {
            for (at, offset, record) in kafka.read_all(topic) {
                sources.entry(record.key.unwrap_or_default()).or_default().push((at, offset));
            }
        }
    }
    sources
}
