//! The settings of topics and of the node: names and defaults are Kafka's. Those that mean something here are read by
//! name; the others are kept and told.

use crate::settings::Limits;
use std::collections::BTreeMap;

/// Names and defaults. Age is no reason to delete records that somebody tries something with; memory is.
const TOPIC: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("compression.gzip.level", "-1"),
    ("compression.lz4.level", "9"),
    ("compression.type", "producer"),
    ("compression.zstd.level", "3"),
    ("delete.retention.ms", "86400000"),
    ("file.delete.delay.ms", "60000"),
    ("flush.messages", "9223372036854775807"),
    ("flush.ms", "9223372036854775807"),
    ("follower.replication.throttled.replicas", ""),
    ("index.interval.bytes", "4096"),
    ("leader.replication.throttled.replicas", ""),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("max.message.bytes", "1048588"),
    ("message.timestamp.after.max.ms", "3600000"),
    ("message.timestamp.before.max.ms", "9223372036854775807"),
    ("message.timestamp.type", "CreateTime"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("min.compaction.lag.ms", "0"),
    ("min.insync.replicas", "1"),
    ("preallocate", "false"),
    ("retention.bytes", "-1"),
    ("retention.ms", "-1"),
    ("segment.bytes", "1073741824"),
    ("segment.index.bytes", "10485760"),
    ("segment.jitter.ms", "0"),
    ("segment.ms", "604800000"),
    ("unclean.leader.election.enable", "false"),
];

/// What a topic was created with.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicConfigs(BTreeMap<String, String>);

impl TopicConfigs {
    /// Settings, of which a later one replaces an earlier one. None: there is no setting of such a name.
    pub(crate) fn of(settings: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let settings: BTreeMap<_, _> = settings.into_iter().collect();
        let is_known = |name: &String| TOPIC.iter().any(|(known, _)| known == name);
        settings.keys().all(is_known).then_some(Self(settings))
    }

    /// All settings: name, value, and whether that is the default.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        TOPIC.iter().map(|(name, default)| match self.0.get(*name) {
            Some(value) => (*name, value.as_str(), false),
            None => (*name, *default, true),
        })
    }

    fn get(&self, name: &str) -> &str {
        self.all().find(|(known, _, _)| *known == name).map_or("", |(_, value, _)| value)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name).parse().ok()
    }

    /// The newest record of each key is kept.
    pub(crate) fn compacts(&self) -> bool {
        self.get("cleanup.policy").contains("compact")
    }

    /// Old records may go.
    pub(crate) fn deletes(&self) -> bool {
        self.get("cleanup.policy").contains("delete")
    }

    /// Somebody has said that nothing may go.
    pub(crate) fn keeps_all(&self) -> bool {
        let forever = |name| self.0.get(name).is_some_and(|value| value == "-1");
        !self.deletes() || (forever("retention.ms") && forever("retention.bytes"))
    }

    /// How old a record may become; none: any age.
    pub(crate) fn retention_ms(&self) -> Option<i64> {
        self.number("retention.ms").filter(|ms| *ms >= 0)
    }

    /// How large a log may become; none: any size.
    pub(crate) fn retention_bytes(&self) -> Option<usize> {
        usize::try_from(self.number("retention.bytes")?).ok()
    }

    /// How long a deleted key's tombstone stays.
    pub(crate) fn delete_retention_ms(&self) -> i64 {
        self.number("delete.retention.ms").unwrap_or(i64::MAX)
    }

    /// The share of a log that was written since it was cleaned and makes it be cleaned again.
    pub(crate) fn dirty_ratio(&self) -> f64 {
        self.get("min.cleanable.dirty.ratio").parse().unwrap_or(0.5)
    }

    /// Bytes of a batch, at most.
    pub(crate) fn batch_bytes_max(&self, limit: usize) -> usize {
        let set = self.0.get("max.message.bytes").and_then(|text| text.parse().ok());
        set.unwrap_or(limit)
    }
}

/// The node's settings that a client may want to know.
pub(crate) fn of_broker(limits: &Limits, partitions_default: u32) -> Vec<(&'static str, String)> {
    vec![
        ("group.max.session.timeout.ms", limits.session_timeout_max.as_millis().to_string()),
        ("group.min.session.timeout.ms", limits.session_timeout_min.as_millis().to_string()),
        ("message.max.bytes", limits.batch_bytes_max.to_string()),
        ("num.partitions", partitions_default.to_string()),
        ("offset.metadata.max.bytes", limits.offset_metadata_bytes_max.to_string()),
        ("transaction.max.timeout.ms", limits.transaction_timeout_max.as_millis().to_string()),
    ]
}
