//! Records in and out.

use conformance::client::{Producer, TIMEOUT, block_on, consumer, ends, read, read_all};
use conformance::{Place, same};
use rdkafka::consumer::Consumer as _;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use testkit::{Isolation, NewRecord};

#[test]
fn records_come_out_as_they_went_in() {
    same("records", |place| {
        let topic = place.name("records");
        place.kafka.create_topic(&topic, 3)?;
        let mut producer = place.kafka.producer()?;
        for i in 0..30_u32 {
            let (key, value) = (format!("k{i}"), format!("v{i}"));
            let headers: &[(&str, Option<&[u8]>)] =
                if i % 4 == 0 { &[("a", Some(b"1")), ("b", None), ("a", Some(b""))] } else { &[] };
            let key = (i % 5 != 0).then_some(key.as_bytes());
            let value = (i % 7 != 0).then_some(value.as_bytes());
            let record = NewRecord { partition: i % 3, key, value, headers };
            producer.send_at(&topic, &record, 1_700_000_000_000 + i64::from(i))?;
        }
        producer.flush()?;
        let found = place.kafka.read(&topic, Isolation::Committed)?;
        Ok(found.into_iter().map(|record| format!("{record:?}")).collect())
    });
}

#[test]
fn compressed_records_come_out() {
    same("compression", |place| {
        let topic = place.name("compressed");
        place.kafka.create_topic(&topic, 1)?;
        for codec in ["gzip", "snappy", "lz4", "zstd", "none"] {
            let producer =
                Producer::new(place, &[("compression.codec", codec), ("enable.idempotence", "true")])?;
            producer.send(&topic, 0, 0..200)?;
        }
        read_all(place, &topic)
    });
}

#[test]
fn producers_learn_offsets_whatever_acknowledgement_they_want() {
    same("acknowledgements", |place| {
        let topic = place.name("acks");
        place.kafka.create_topic(&topic, 1)?;
        let mut lines = Vec::new();
        for acks in ["all", "1", "0"] {
            let producer = Producer::new(place, &[("acks", acks)])?;
            producer.send(&topic, 0, 0..1)?;
            let fates = producer.fates();
            // Without an acknowledgement there is no offset either.
            let fates = if acks == "0" { vec![fates.len().to_string()] } else { fates };
            lines.extend(fates);
            testkit::wait_until("the record", TIMEOUT, || Ok(read_all(place, &topic)?.len() == lines.len()))?;
        }
        Ok(lines)
    });
}

#[test]
fn offsets_are_found_by_time() {
    same("look-up by time", |place| {
        let topic = place.name("times");
        place.kafka.create_topic(&topic, 1)?;
        let mut producer = place.kafka.producer()?;
        // Three batches; in the second one times go back.
        for times in [[100, 200, 300], [900, 500, 700], [800, 1000, 1000]] {
            for time in times {
                let value = time.to_string();
                let record = NewRecord { value: Some(value.as_bytes()), ..NewRecord::default() };
                producer.send_at(&topic, &record, time)?;
            }
            producer.flush()?;
        }
        let consumer = consumer(place, "times", &[])?;
        let mut lines = Vec::new();
        for time in [1, 100, 101, 300, 301, 600, 900, 901, 1000, 1001] {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, 0, Offset::Offset(time))?;
            let found = consumer.offsets_for_times(list, TIMEOUT)?;
            lines.push(format!("{time}: {:?}", found.elements()[0].offset()));
        }
        Ok(lines)
    });
}

#[test]
fn records_that_are_deleted_cannot_be_read() {
    same("DeleteRecords", |place| {
        let topic = place.name("deleted");
        place.kafka.create_topic(&topic, 1)?;
        Producer::new(place, &[])?.send(&topic, 0, 0..20)?;
        let admin = conformance::client::admin(place)?;
        let mut lines = Vec::new();
        for before in [Offset::Offset(7), Offset::Offset(3), Offset::Offset(21), Offset::End] {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, 0, before)?;
            let deleted = block_on(admin.delete_records(&list, &conformance::client::options()))?;
            let result = deleted.elements()[0].error().map(|()| deleted.elements()[0].offset());
            lines.push(format!("{before:?}: {result:?} {}", ends(place, &topic, "read_committed")?));
            lines.extend(read(place, &topic, Offset::Offset(5), &[("auto.offset.reset", "error")])?);
            lines.extend(read_all(place, &topic)?);
        }
        Ok(lines)
    });
}

#[test]
fn records_that_break_a_rule_are_refused() {
    same("refused records", |place| {
        let (topic, compacted) = (place.name("rules"), place.name("compacted"));
        place.kafka.create_topic(&topic, 1)?;
        place.kafka.create_topic_with(&compacted, 1, &[("cleanup.policy", "compact")])?;
        let small = place.name("small");
        place.kafka.create_topic_with(&small, 1, &[("max.message.bytes", "1000")])?;
        let large = "x".repeat(2_000_000);
        let producer =
            Producer::new(place, &[("message.max.bytes", "5000000"), ("message.timeout.ms", "20000")])?;
        let mut lines = Vec::new();
        for (topic, value) in
            [(&topic, &large[..]), (&small, &large[..2000]), (&compacted, "no key"), (&topic, "good")]
        {
            producer.hand_over(BaseRecord::<str, str>::to(topic).partition(0).payload(value))?;
            producer.flush()?;
            lines.extend(producer.fates());
        }
        lines.extend(read_all(place, &topic)?);
        Ok(lines)
    });
}

#[test]
fn a_reader_waits_for_records() {
    same("long poll", |place: &Place| {
        let topic = place.name("awaited");
        place.kafka.create_topic(&topic, 1)?;
        let consumer = consumer(place, "awaiting", &[("fetch.wait.max.ms", "20000")])?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Beginning)?;
        consumer.assign(&list)?;
        let producer = Producer::new(place, &[])?;
        let mut lines = Vec::new();
        for i in 0..3 {
            producer.send(&topic, 0, i..i + 1)?;
            testkit::wait_until("the record", TIMEOUT, || {
                if let Some(Ok(message)) = consumer.poll(std::time::Duration::from_millis(50)) {
                    lines.push(rdkafka::Message::offset(&message).to_string());
                }
                Ok(lines.len() as u32 == i + 1)
            })?;
        }
        Ok(lines)
    });
}
