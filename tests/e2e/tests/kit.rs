//! The kit reads back what it wrote, on a real Kafka: otherwise no other test here means anything.

use anyhow::Result;
use testkit::{Isolation, Kafka, NewRecord, Scenario, Workload, WorkloadSpec, check, murmur2, scenario};
use xtask::kafka::{Broker, BrokerConfig};

const PARTITIONS: u32 = 4;

/// Writes what a faultless host would have written in the end.
fn write_the_answer(s: &Scenario, workload: &Workload) -> Result<()> {
    let mut producer = s.kafka.producer()?;
    for (key, sum) in workload.sums() {
        let (partition, text) = (murmur2::partition_of(key, PARTITIONS), sum.to_string());
        let (key, value) = (Some(key.as_slice()), Some(text.as_bytes()));
        producer.send(&s.output(), &NewRecord { partition, key, value, headers: &[] })?;
    }
    for bad in workload.bad() {
        let (partition, offset, input) = (bad.partition.to_string(), bad.offset.to_string(), s.input());
        let headers: &[(&str, Option<&[u8]>)] = &[
            ("__streams.errors.exception", Some(b"rejected")),
            ("__streams.errors.message", Some(b"no comma")),
            ("__streams.errors.topic", Some(input.as_bytes())),
            ("__streams.errors.partition", Some(partition.as_bytes())),
            ("__streams.errors.offset", Some(offset.as_bytes())),
        ];
        let value = Some(bad.value.as_slice());
        producer.send(&s.topic("dead-letter"), &NewRecord { value, headers, ..NewRecord::default() })?;
    }
    producer.flush()
}

#[test]
fn the_oracles_accept_the_answer_and_nothing_else() {
    scenario("kit-oracles", |s| {
        let workload =
            s.load(WorkloadSpec { bad_one_in: 10, partitions: PARTITIONS, ..WorkloadSpec::default() })?;
        s.kafka.create_topic(&s.output(), PARTITIONS)?;
        s.kafka.create_topic(&s.topic("dead-letter"), 1)?;
        let nothing = s.check_sums(&workload).expect_err("there are no results yet");
        assert!(format!("{nothing:#}").contains("500 of 500 sums are wrong"), "{nothing:#}");
        assert!(check::dead_letters(&[], &s.input(), workload.bad()).is_err(), "no dead letters");
        write_the_answer(s, &workload)?;
        s.check_sums(&workload)?;
        check::dead_letters(&s.read("dead-letter")?, &s.input(), workload.bad())?;

        let wrong = NewRecord { partition: murmur2::partition_of(b"k7", PARTITIONS), ..NewRecord::default() };
        let mut producer = s.kafka.producer()?;
        producer.send(&s.output(), &NewRecord { key: Some(b"k7"), value: Some(b"1000000"), ..wrong })?;
        producer.flush()?;
        let error = s.check_sums(&workload).expect_err("k7 is wrong");
        assert!(format!("{error:#}").contains("1 of 500 sums are wrong: k7: "), "{error:#}");
        Ok(())
    });
}

#[test]
fn a_killed_broker_comes_back_with_its_records() {
    let mut broker =
        Broker::start(BrokerConfig::on_free_ports("killed").expect("two ports")).expect("it starts");
    let kafka = Kafka::at(&broker.bootstrap_servers());
    kafka.create_topic("kept", 1).expect("it is new");
    let mut producer = kafka.producer().expect("a producer");
    producer
        .send("kept", &NewRecord { value: Some(b"1"), ..NewRecord::default() })
        .expect("the queue has room");
    producer.flush().expect("it is acknowledged");
    broker.kill().expect("it was running");
    broker.start_again().expect("it starts again");
    let records = kafka.read("kept", Isolation::Committed).expect("it can be read");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].value.as_deref(), Some(b"1".as_slice()));
    broker.stop().expect("it stops");
}

#[test]
fn records_are_read_back_as_written() {
    scenario("kit-records", |s| {
        let topic = s.input();
        s.kafka.create_topic(&topic, 3)?;
        let mut producer = s.kafka.producer()?;
        let headers: &[(&str, Option<&[u8]>)] = &[("a", Some(b"\xff")), ("b", None), ("a", Some(b""))];
        producer.send(&topic, &NewRecord { partition: 2, key: Some(b""), value: None, headers })?;
        producer.send(&topic, &NewRecord { partition: 0, key: None, value: Some(b""), headers: &[] })?;
        producer.flush()?;
        let records = s.kafka.read(&topic, Isolation::Committed)?;
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].partition, records[0].offset), (0, 0));
        assert_eq!((&records[0].key, &records[0].value), (&None, &Some(Vec::new())));
        assert_eq!((&records[1].key, &records[1].value), (&Some(Vec::new()), &None));
        let read: Vec<_> =
            records[1].headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        assert_eq!(read, headers);
        Ok(())
    });
}

#[test]
fn ends_and_committed_offsets_are_those_of_the_topic() {
    scenario("kit-ends", |s| {
        let topic = s.input();
        assert_eq!(s.kafka.partitions(&topic)?, None);
        s.kafka.create_topic(&topic, 2)?;
        let mut producer = s.kafka.producer()?;
        for value in [b"1", b"2", b"3"] {
            producer.send(&topic, &NewRecord { partition: 1, value: Some(value), ..NewRecord::default() })?;
        }
        producer.flush()?;
        assert_eq!(s.kafka.ends(&topic, Isolation::Committed)?, [0, 3]);
        assert_eq!(s.kafka.ends(&topic, Isolation::Uncommitted)?, [0, 3]);
        assert_eq!(s.kafka.committed(&s.id, &topic, Isolation::Committed)?, [None, None]);
        let group = s.kafka.group(&s.id, Isolation::Uncommitted)?;
        assert_eq!(group.committed("kit-never-made", 2)?, [None, None]);
        s.kafka.delete_topics(&[&topic, "kit-never-made"])?;
        assert_eq!(s.kafka.partitions(&topic)?, None);
        Ok(())
    });
}
