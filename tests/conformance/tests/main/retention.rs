//! Compaction.

use conformance::client::{Producer, TIMEOUT, ends, read_all, read_committed};
use conformance::same;
use rdkafka::producer::{BaseRecord, Producer as _};

#[test]
fn the_newest_record_of_each_key_stays_where_it_was() {
    same("compaction", |place| {
        let topic = place.name("compacted");
        let settings = [
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("segment.ms", "100"),
            ("max.compaction.lag.ms", "100"),
        ];
        place.kafka.create_topic_with(&topic, 1, &settings)?;
        let producer = Producer::transactional(place, "compacted", &[])?;
        for round in 0..4 {
            producer.client.begin_transaction()?;
            for key in ["a", "b", "c"] {
                let value = format!("{key}{round}");
                producer.hand_over(BaseRecord::to(&topic).partition(0).key(key).payload(&value))?;
            }
            producer.flush()?;
            // What was aborted is not the newest.
            if round == 2 { producer.abort()? } else { producer.commit()? }
        }
        let mut last = 0;
        // A log's last part is never cleaned, so something has to come behind what is to be.
        let behind = Producer::new(place, &[])?;
        testkit::wait_until("a clean log", TIMEOUT, || {
            last += 1;
            let value = last.to_string();
            behind.hand_over(BaseRecord::to(&topic).partition(0).key("z").payload(&value))?;
            behind.flush()?;
            let found = read_all(place, &topic)?;
            Ok(found.iter().filter(|line| !is_behind(line)).count() == 3)
        })?;
        let kept: Vec<_> =
            read_committed(place, &topic)?.into_iter().filter(|line| !is_behind(line)).collect();
        assert_eq!(kept, ["12:a3", "13:b3", "14:c3"]);
        assert!(ends(place, &topic, "read_committed")?.ends_with(&(16 + last).to_string()));
        Ok(kept)
    });
}

/// The value is a number.
fn is_behind(line: &str) -> bool {
    line.split(':').nth(1).is_some_and(|value| value.parse::<u32>().is_ok())
}
