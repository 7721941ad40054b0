//! The prototype of a fetch without librdkafka reads what a read-committed client does.

use anyhow::Result;
use direct_fetch::Fetcher;
use testkit::{Isolation, Kafka, NewRecord, Producer, Record, scenario};

const PARTITIONS: u32 = 2;
/// Values of a topic's `compression.type`.
const CODECS: [&str; 5] = ["uncompressed", "lz4", "zstd", "snappy", "gzip"];

/// Everything that the prototype shows, partition by partition.
fn fetched(kafka: &Kafka, topic: &str) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut fetcher = Fetcher::new(kafka.servers(), topic, true)?;
    while fetcher.next(|partition, offsets, rows| {
        for (i, offset) in offsets.iter().enumerate() {
            let headers = rows
                .headers(i)
                .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.map(<[u8]>::to_vec)));
            records.push(Record {
                partition,
                offset: *offset,
                timestamp_ms: Some(rows.timestamps[i]),
                key: rows.key(i).map(<[u8]>::to_vec),
                value: rows.value(i).map(<[u8]>::to_vec),
                headers: headers.collect(),
            });
        }
        Ok(())
    })? {}
    records.sort_by_key(|record| record.partition);
    Ok(records)
}

/// Records of all kinds; `tag` tells them apart.
fn send(producer: &mut Producer, topic: &str, tag: &str, count: u32) -> Result<()> {
    for i in 0..count {
        let (key, value) = (format!("{tag}{i}"), "x".repeat(i as usize % 300));
        let record = NewRecord {
            partition: i % PARTITIONS,
            key: (i % 3 != 0).then_some(key.as_bytes()),
            value: (i % 5 != 0).then_some(value.as_bytes()),
            headers: if i % 7 == 0 { &[("a", Some(b"1")), ("b", None)] } else { &[] },
        };
        producer.send(topic, &record)?;
    }
    Ok(())
}

#[test]
fn a_direct_fetch_reads_every_codec_as_the_client_does() {
    scenario("direct-codecs", |s| {
        for codec in CODECS {
            let topic = s.topic(codec);
            s.kafka.create_topic_with(&topic, PARTITIONS, &[("compression.type", codec)])?;
            let mut producer = s.kafka.producer()?;
            send(&mut producer, &topic, "k", 30_000)?;
            producer.flush()?;
            let found = fetched(&s.kafka, &topic)?;
            assert_eq!(found.len(), 30_000, "{codec}");
            assert!(found == s.kafka.read(&topic, Isolation::Committed)?, "{codec}: records differ");
        }
        Ok(())
    });
}

#[test]
fn a_direct_fetch_shows_no_aborted_record_and_none_behind_an_open_transaction() {
    scenario("direct-transactions", |s| {
        let topic = s.topic("rows");
        s.kafka.create_topic(&topic, PARTITIONS)?;
        let mut one = s.kafka.transactional_producer("direct-transactions-1")?;
        let mut other = s.kafka.transactional_producer("direct-transactions-2")?;
        let mut plain = s.kafka.producer()?;
        for round in 0..6 {
            one.begin()?;
            other.begin()?;
            send(&mut one, &topic, "one", 2000)?;
            send(&mut other, &topic, "other", 1000)?;
            send(&mut plain, &topic, "plain", 10)?;
            plain.flush()?;
            one.end(round % 2 == 0)?;
            other.end(round % 3 == 0)?;
        }
        let committed = s.kafka.read(&topic, Isolation::Committed)?;
        assert_eq!(committed.len(), 3 * 2000 + 2 * 1000 + 6 * 10);
        assert!(fetched(&s.kafka, &topic)? == committed, "records differ");

        one.begin()?;
        send(&mut one, &topic, "open", 10)?;
        one.flush()?;
        send(&mut plain, &topic, "behind", 10)?;
        plain.flush()?;
        assert!(fetched(&s.kafka, &topic)? == committed, "the last stable offset has not moved");
        one.end(true)
    });
}

#[test]
fn a_direct_fetch_of_nothing_ends() {
    scenario("direct-nothing", |s| {
        let topic = s.topic("rows");
        s.kafka.create_topic(&topic, PARTITIONS)?;
        assert!(fetched(&s.kafka, &topic)?.is_empty());
        let missing = Fetcher::new(s.kafka.servers(), "direct-nothing-missing", true);
        assert!(missing.is_err(), "a topic that is not there");
        Ok(())
    });
}
