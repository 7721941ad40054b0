//! What was known of the topics that are read is committed with their offsets: their ids, as a topic that is deleted and
//! made anew has the old one's name and offsets that mean other records; and how many partitions they had, as one that
//! was added since is read from its start, whatever the policy says for a new application.

use host_core::record::TopicPartition;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands between metadata and what was known.
const MARK: &str = " @";

/// A topic that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTopic {
    /// As Kafka writes it.
    pub id: String,
    /// Their number.
    pub partitions: u32,
}

/// Topics by name. One that is not known is not checked.
#[derive(Clone, Debug, Default)]
pub struct KnownTopics(Arc<BTreeMap<String, KnownTopic>>);

impl FromIterator<(String, KnownTopic)> for KnownTopics {
    fn from_iter<I: IntoIterator<Item = (String, KnownTopic)>>(topics: I) -> Self {
        Self(Arc::new(topics.into_iter().collect()))
    }
}

impl KnownTopics {
    /// What is committed with an offset of `source`.
    pub(super) fn mark(&self, source: &TopicPartition, metadata: &str) -> String {
        match self.0.get(&source.topic) {
            Some(KnownTopic { id, partitions }) => format!("{metadata}{MARK}{id}/{partitions}"),
            None => metadata.to_owned(),
        }
    }

    /// The metadata that was marked.
    ///
    /// # Errors
    /// Why the offset is of another topic.
    pub(super) fn unmark(&self, source: &TopicPartition, committed: &str) -> Result<String, String> {
        let (metadata, was) = split(committed);
        match (was, self.0.get(&source.topic)) {
            (Some(was), Some(is)) if is.id != was.id => Err(format!(
                "{source}: the committed offset is of a topic with id {}, and the topic of this name has id {} now: \
                 it was deleted and made anew\n\
                 hint: `host reset` begins anew with it; to go on with the state, choose offsets with \
                 kafka-consumer-groups --reset-offsets",
                was.id, is.id
            )),
            _ => Ok(metadata.to_owned()),
        }
    }
}

/// The metadata of what is committed, whatever was known.
pub(super) fn metadata(committed: &str) -> &str {
    split(committed).0
}

/// How many partitions a topic had when any of these was committed; none: nobody said so.
pub(super) fn partitions_then<'a>(committed: impl Iterator<Item = &'a str>) -> Option<u32> {
    committed.filter_map(|text| Some(split(text).1?.partitions)).max()
}

fn split(committed: &str) -> (&str, Option<KnownTopic>) {
    let Some((metadata, mark)) = committed.split_once(MARK) else { return (committed, None) };
    let topic = mark.rsplit_once('/').and_then(|(id, partitions)| {
        Some(KnownTopic { id: id.to_owned(), partitions: partitions.parse().ok()? })
    });
    (metadata, topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str) -> KnownTopics {
        KnownTopics::from_iter([("in".to_owned(), KnownTopic { id: id.to_owned(), partitions: 4 })])
    }

    #[test]
    fn an_offset_of_a_topic_that_was_made_anew_is_noticed() {
        let (source, other) = (TopicPartition::new("in", 1), TopicPartition::new("out", 1));
        let marked = known("A").mark(&source, "wasmhost/1 m");
        assert_eq!(known("A").unmark(&source, &marked), Ok("wasmhost/1 m".to_owned()));
        assert!(known("B").unmark(&source, &marked).is_err_and(|text| text.contains("made anew")));
        // Nothing is known of one of them.
        assert_eq!(KnownTopics::default().unmark(&source, &marked), Ok("wasmhost/1 m".to_owned()));
        assert_eq!(known("A").unmark(&source, "wasmhost/1 m"), Ok("wasmhost/1 m".to_owned()));
        assert_eq!(known("A").mark(&other, "wasmhost/1 m"), "wasmhost/1 m");
    }

    #[test]
    fn the_number_of_partitions_is_the_largest_that_was_known() {
        let committed = ["wasmhost/1 m @A/4", "wasmhost/1 m @A/3", "by hand", ""];
        assert_eq!(partitions_then(committed.into_iter()), Some(4));
        assert_eq!(partitions_then(["by hand"].into_iter()), None);
    }
}
