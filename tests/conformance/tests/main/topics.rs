//! Topics and their settings.

use anyhow::Result;
use conformance::client::{admin, block_on, options};
use conformance::{Place, same};
use rdkafka::admin::{NewPartitions, NewTopic, ResourceSpecifier, TopicReplication, TopicResult};

/// Each topic's result, without its name.
fn results(results: Vec<TopicResult>) -> Vec<String> {
    results.into_iter().map(|result| format!("{:?}", result.map(|_| ()).map_err(|(_, code)| code))).collect()
}

#[test]
fn topics_are_made_under_the_same_rules() {
    same("CreateTopics", |place| {
        let admin = admin(place)?;
        let [good, again, none, copies, setting] =
            ["good", "good", "none", "copies", "setting"].map(|name| place.name(name));
        let mut lines = Vec::new();
        let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let long = "x".repeat(250);
        for topic in [
            new(&good, 3),
            new(&again, 3),
            new(&none, 0),
            NewTopic::new(&copies, 1, TopicReplication::Fixed(2)),
            new(&setting, 1).set("no.such.setting", "1"),
            new("a b", 1),
            new("..", 1),
            new(&long, 1),
        ] {
            lines.extend(results(block_on(admin.create_topics([&topic], &options()))?));
        }
        lines.push(format!("{:?}", place.kafka.partitions(&good)?));
        Ok(lines)
    });
}

#[test]
fn topics_grow_and_are_deleted() {
    same("CreatePartitions and DeleteTopics", |place| {
        let (name, unknown) = (place.name("grows"), place.name("unknown"));
        place.kafka.create_topic(&name, 2)?;
        let admin = admin(place)?;
        let mut lines = Vec::new();
        for count in [2, 1, 5] {
            let partitions = NewPartitions::new(&name, count);
            lines.extend(results(block_on(admin.create_partitions([&partitions], &options()))?));
        }
        let partitions = NewPartitions::new(&unknown, 3);
        lines.extend(results(block_on(admin.create_partitions([&partitions], &options()))?));
        testkit::wait_until("5 partitions", options_timeout(), || {
            Ok(place.kafka.partitions(&name)? == Some(5))
        })?;
        for _ in 0..2 {
            lines.extend(results(block_on(admin.delete_topics(&[&name], &options()))?));
            testkit::wait_until("no topic", options_timeout(), || {
                Ok(place.kafka.partitions(&name)?.is_none())
            })?;
        }
        Ok(lines)
    });
}

fn options_timeout() -> std::time::Duration {
    conformance::client::TIMEOUT
}

#[test]
fn settings_of_topics_are_told() {
    same("DescribeConfigs", |place: &Place| -> Result<Vec<String>> {
        let (name, unknown) = (place.name("settings"), place.name("unknown"));
        place.kafka.create_topic_with(&name, 1, &[("cleanup.policy", "compact"), ("retention.ms", "-1")])?;
        let admin = admin(place)?;
        let mut lines = Vec::new();
        for topic in [&name, &unknown] {
            let resource = ResourceSpecifier::Topic(topic);
            for result in block_on(admin.describe_configs([&resource], &options()))? {
                match result {
                    Err(code) => lines.push(format!("{code:?}")),
                    Ok(resource) => lines.extend(resource.entries.into_iter().filter_map(|entry| {
                        // The real one is told by its own settings to keep everything.
                        let is_ours = WANTED.contains(&entry.name.as_str());
                        is_ours.then(|| format!("{} {:?} {:?}", entry.name, entry.value, entry.is_default))
                    })),
                }
            }
        }
        lines.sort();
        Ok(lines)
    });
}

const WANTED: [&str; 8] = [
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "delete.retention.ms",
    "max.message.bytes",
    "min.cleanable.dirty.ratio",
    "message.timestamp.type",
    "compression.type",
];
