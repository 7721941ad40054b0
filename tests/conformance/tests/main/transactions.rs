//! Transactions: what readers see of them, who may end them, and the offsets in them.

use anyhow::{Context as _, Result};
use conformance::client::{Producer, TIMEOUT, code, consumer, ends, read_all, read_committed, told};
use conformance::{Place, same};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::Producer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(20);

#[test]
fn aborted_records_are_hidden() {
    same("aborted records", |place| {
        let topic = place.name("aborted");
        place.kafka.create_topic(&topic, 1)?;
        let producer = Producer::transactional(place, "aborts", &[])?;
        for (i, commits) in (0..).zip([true, false, false, true, false]) {
            producer.client.begin_transaction()?;
            producer.send(&topic, 0, 10 * i..10 * i + 3)?;
            if commits { producer.commit()? } else { producer.abort()? }
        }
        let committed = read_committed(place, &topic)?;
        assert_eq!(committed, ["0:0", "1:1", "2:2", "12:30", "13:31", "14:32"]);
        Ok([committed, read_all(place, &topic)?, all_ends(place, &topic)?].concat())
    });
}

#[test]
fn transactions_of_several_producers_do_not_mix() {
    same("interleaved transactions", |place| {
        let topic = place.name("mixed");
        place.kafka.create_topic(&topic, 1)?;
        let aborts = Producer::transactional(place, "mixed-aborts", &[])?;
        let commits = Producer::transactional(place, "mixed-commits", &[])?;
        let plain = Producer::new(place, &[("enable.idempotence", "true")])?;
        for round in 0..3 {
            aborts.client.begin_transaction()?;
            commits.client.begin_transaction()?;
            for i in 0..3 {
                aborts.send(&topic, 0, 100 + i..101 + i)?;
                commits.send(&topic, 0, 200 + i..201 + i)?;
                plain.send(&topic, 0, 300 + i..301 + i)?;
            }
            if round == 1 {
                commits.commit()?;
                aborts.abort()?;
            } else {
                aborts.abort()?;
                commits.commit()?;
            }
        }
        Ok([read_committed(place, &topic)?, read_all(place, &topic)?, all_ends(place, &topic)?].concat())
    });
}

#[test]
fn readers_stop_before_an_open_transaction() {
    same("the last stable offset", |place| {
        let topic = place.name("open");
        place.kafka.create_topic(&topic, 1)?;
        let plain = Producer::new(place, &[])?;
        let open = Producer::transactional(place, "open", &[])?;
        plain.send(&topic, 0, 0..2)?;
        open.client.begin_transaction()?;
        open.send(&topic, 0, 10..12)?;
        plain.send(&topic, 0, 2..4)?;
        let mut lines =
            [read_committed(place, &topic)?, read_all(place, &topic)?, all_ends(place, &topic)?].concat();
        open.commit()?;
        lines.extend([read_committed(place, &topic)?, all_ends(place, &topic)?].concat());
        Ok(lines)
    });
}

#[test]
fn a_new_producer_fences_the_old_one() {
    same("fencing", |place| {
        let topic = place.name("fenced");
        place.kafka.create_topic(&topic, 1)?;
        let old = Producer::transactional(place, "fenced", &[])?;
        old.client.begin_transaction()?;
        old.send(&topic, 0, 0..2)?;
        let new = Producer::transactional(place, "fenced", &[])?;
        let mut lines = vec![told(old.commit())];
        new.client.begin_transaction()?;
        new.send(&topic, 0, 10..12)?;
        new.commit()?;
        lines.push(format!("{:?}", old.client.client().fatal_error().map(|(code, _)| code)));
        lines.extend([read_committed(place, &topic)?, read_all(place, &topic)?].concat());
        Ok(lines)
    });
}

#[test]
fn a_fenced_producer_cannot_write() {
    same("a zombie's records", |place| {
        let topic = place.name("zombie");
        place.kafka.create_topic(&topic, 1)?;
        let old = Producer::transactional(place, "zombie", &[])?;
        old.client.begin_transaction()?;
        old.send(&topic, 0, 0..1)?;
        let _new = Producer::transactional(place, "zombie", &[])?;
        // Its partition is known to be in its transaction, so it writes without asking.
        old.send(&topic, 0, 1..2)?;
        let mut lines = old.fates();
        lines.extend([read_committed(place, &topic)?, read_all(place, &topic)?].concat());
        Ok(lines)
    });
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted() {
    same("a transaction's timeout", |place| {
        let topic = place.name("late");
        place.kafka.create_topic(&topic, 1)?;
        let late = Producer::transactional(place, "late", &[("transaction.timeout.ms", "6000")])?;
        late.client.begin_transaction()?;
        late.send(&topic, 0, 0..2)?;
        Producer::new(place, &[])?.send(&topic, 0, 10..11)?;
        testkit::wait_until("the abort", TIMEOUT, || Ok(read_committed(place, &topic)?.len() == 1))?;
        let mut lines = vec![told(late.commit())];
        lines.extend(
            [read_committed(place, &topic)?, read_all(place, &topic)?, all_ends(place, &topic)?].concat(),
        );
        Ok(lines)
    });
}

#[test]
fn a_transaction_may_not_ask_for_too_long() {
    same("the longest transaction", |place| {
        let properties = [("transaction.timeout.ms", "900001"), ("transactional.id", &place.name("long"))];
        let producer = Producer::new(place, &properties)?;
        Ok(vec![told(producer.client.init_transactions(TIMEOUT))])
    });
}

#[test]
fn offsets_count_when_their_transaction_commits() {
    same("offsets in transactions", |place| {
        let topic = place.name("offsets");
        place.kafka.create_topic(&topic, 1)?;
        Producer::new(place, &[])?.send(&topic, 0, 0..30)?;
        let consumer = consumer(place, "offsets", &[])?;
        let producer = Producer::transactional(place, "offsets", &[])?;
        let mut lines = Vec::new();
        for (offset, commits) in [(10, false), (20, true), (30, false)] {
            producer.client.begin_transaction()?;
            send_offset(&producer, &consumer, &topic, offset)?;
            // While it is open nobody is told an offset; the client asks again until its time is up.
            let open = committed(&consumer, &topic, Duration::from_millis(500));
            lines.push(open.unwrap_or_else(|error| format!("{:?}", code(&error))));
            if commits {
                producer.commit()?;
            } else {
                producer.abort()?;
            }
            lines.push(committed(&consumer, &topic, TIMEOUT)?);
        }
        assert_eq!(lines.last().map(String::as_str), Some("Offset(20) \"at 20\""));
        Ok(lines)
    });
}

#[test]
fn offsets_of_a_member_that_was_replaced_are_refused() {
    same("a stale member's offsets", |place| {
        let topic = place.name("stale");
        place.kafka.create_topic(&topic, 1)?;
        let first = consumer(place, "stale", &[("session.timeout.ms", "6000")])?;
        first.subscribe(&[&topic])?;
        wait_for_assignment(&first)?;
        let stale = first.group_metadata().context("it is in a group")?;
        first.unsubscribe();
        let second = consumer(place, "stale", &[("session.timeout.ms", "6000")])?;
        second.subscribe(&[&topic])?;
        testkit::wait_until("the hand-over", TIMEOUT, || {
            drop(first.poll(POLL));
            drop(second.poll(POLL));
            Ok(second.assignment()?.count() > 0)
        })?;
        let producer = Producer::transactional(place, "stale", &[])?;
        producer.client.begin_transaction()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(1))?;
        let refused = told(producer.client.send_offsets_to_transaction(&list, &stale, TIMEOUT));
        producer.abort()?;
        producer.client.begin_transaction()?;
        let current = second.group_metadata().context("it is in a group")?;
        let taken = told(producer.client.send_offsets_to_transaction(&list, &current, TIMEOUT));
        producer.commit()?;
        Ok(vec![refused, taken, committed(&second, &topic, TIMEOUT)?])
    });
}

#[test]
fn a_loop_of_transactions_counts_every_record_once() {
    same("consume, transform, produce", |place| {
        let (input, output) = (place.name("loop-in"), place.name("loop-out"));
        place.kafka.create_topic(&input, 1)?;
        place.kafka.create_topic(&output, 1)?;
        Producer::new(place, &[])?.send(&input, 0, 0..500)?;
        let consumer = consumer(place, "loop", &[])?;
        let producer = Producer::transactional(place, "loop", &[])?;
        let (mut position, mut rounds) = (0, 0);
        while position < 500 {
            rounds += 1;
            let end = (position + 17).min(500);
            producer.client.begin_transaction()?;
            producer.send(&output, 0, position..end)?;
            send_offset(&producer, &consumer, &input, end.into())?;
            if rounds % 3 == 0 {
                producer.abort()?;
            } else {
                producer.commit()?;
                position = end;
            }
        }
        let found = read_committed(place, &output)?;
        let values: Vec<_> = found.iter().filter_map(|line| line.split(':').nth(1)).collect();
        assert!(values.iter().map(ToString::to_string).eq((0..500).map(|i| i.to_string())));
        Ok([found, vec![committed(&consumer, &input, TIMEOUT)?]].concat())
    });
}

fn all_ends(place: &Place, topic: &str) -> Result<Vec<String>> {
    Ok(vec![ends(place, topic, "read_committed")?, ends(place, topic, "read_uncommitted")?])
}

fn send_offset(producer: &Producer, consumer: &BaseConsumer, topic: &str, offset: i64) -> Result<()> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset))?;
    list.find_partition(topic, 0).context("just added")?.set_metadata(format!("at {offset}"));
    let group = consumer.group_metadata().context("it has a group")?;
    producer.client.send_offsets_to_transaction(&list, &group, TIMEOUT).context("send_offsets_to_transaction")
}

fn committed(
    consumer: &BaseConsumer,
    topic: &str,
    timeout: Duration,
) -> Result<String, rdkafka::error::KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let found = consumer.committed_offsets(list, timeout)?;
    let element = &found.elements()[0];
    element.error()?;
    Ok(format!("{:?} {:?}", element.offset(), element.metadata()))
}

fn wait_for_assignment(consumer: &BaseConsumer) -> Result<()> {
    testkit::wait_until("an assignment", TIMEOUT, || {
        drop(consumer.poll(POLL));
        Ok(consumer.assignment()?.count() > 0)
    })
}

#[test]
fn a_consumer_commits_and_goes_on_there() {
    same("plain commits", |place| {
        let topic = place.name("commits");
        place.kafka.create_topic(&topic, 1)?;
        Producer::new(place, &[])?.send(&topic, 0, 0..50)?;
        let first = consumer(place, "commits", &[])?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(40))?;
        first.commit(&list, CommitMode::Sync)?;
        drop(first);
        let second = consumer(place, "commits", &[])?;
        second.subscribe(&[&topic])?;
        let mut seen = Vec::new();
        testkit::wait_until("the rest", TIMEOUT, || {
            if let Some(Ok(message)) = second.poll(Duration::from_millis(20)) {
                seen.push(rdkafka::Message::offset(&message).to_string());
            }
            Ok(seen.len() >= 10)
        })?;
        Ok(seen)
    });
}
