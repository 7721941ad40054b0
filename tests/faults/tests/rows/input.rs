//! Records that hurt, and a dead-letter topic that is not there for them.

use crate::row::{Case, Runs, row};
use crate::run::{HEALED, PARTITIONS, Run};
use anyhow::{Result, ensure};
use testkit::{NewRecord, Scenario, check};

/// Values of a topic's `compression.type`.
const CODECS: [&str; 5] = ["uncompressed", "gzip", "snappy", "lz4", "zstd"];
/// More than a producer takes by default, and less than a topic does.
const LARGE_BYTES: usize = 1_030_000;
const HEADERS: usize = 10_000;

fn write(s: &Scenario, topic: &str, records: &[NewRecord<'_>]) -> Result<()> {
    let mut producer = s.kafka.producer()?;
    for record in records {
        producer.send(topic, record)?;
    }
    producer.flush()
}

fn value(value: &[u8]) -> NewRecord<'_> {
    NewRecord { value: Some(value), ..NewRecord::default() }
}

/// Good and bad records of all kinds, the same in an input of each codec.
fn poison(case: &mut Case<'_>) -> Result<u64> {
    let s = case.place;
    let text = "x".repeat(500_000);
    let many: Vec<(&str, Option<&[u8]>)> = (0..HEADERS).map(|_| ("h", Some(b"v".as_slice()))).collect();
    let good: [NewRecord<'_>; 6] = [
        value(b"most,9223372036854775807"),
        value(b"most,9223372036854775807"),
        value(b"least,-9223372036854775808"),
        value(b"least,-9223372036854775808"),
        NewRecord { headers: &many, ..value(b"headers,1") },
        NewRecord { key: Some(b""), ..value(b"empty key,1") },
    ];
    let bad: [NewRecord<'_>; 6] = [
        NewRecord { key: Some(b"tombstone"), ..NewRecord::default() },
        NewRecord::default(),
        value(b"not UTF-8,\xff"),
        value(b""),
        value(text.as_bytes()),
        value(b"over,9223372036854775808"),
    ];
    let mut command = s.bare(testkit::files::guest("sum")).args(["--output", &s.output(), "--until-end"]);
    for codec in CODECS {
        let topic = s.topic(codec);
        s.kafka.create_topic_with(&topic, 1, &[("compression.type", codec)])?;
        for (good, bad) in good.iter().zip(&bad) {
            write(s, &topic, &[bad.clone(), good.clone()])?;
        }
        command = command.args(["--input", &topic]);
    }
    command.complete(HEALED)?;
    let copies = CODECS.len() as i128;
    let sum = |key: &str, sum: i128| (key.as_bytes().to_vec(), sum * copies);
    let most = 2 * i128::from(i64::MAX);
    let expected =
        [sum("most", most), sum("least", 2 * i128::from(i64::MIN)), sum("headers", 1), sum("empty key", 1)];
    check::final_sums(&s.read("output")?, s.kafka.partitions_of(&s.output())?, &expected.into())?;
    let letters = s.read("dead-letter")?;
    ensure!(letters.len() == bad.len() * CODECS.len(), "{} dead letters", letters.len());
    Ok((bad.len() * CODECS.len()) as u64)
}

#[test]
fn f23_poison_goes_to_the_dead_letters_and_hurts_nobody() {
    let runs = Runs { pr: 1, nightly: 10, release: 50 };
    row("F23", "null, empty, not UTF-8, large, out of range, many headers; in all codecs", runs, poison);
}

#[test]
fn f24_a_dead_letter_that_is_too_large_stops_the_application() {
    let runs = Runs { pr: 1, nightly: 20, release: 60 };
    row("F24-large", "a dead letter larger than the producer takes", runs, |case| {
        let s = case.place;
        s.kafka.create_topic(&s.input(), 1)?;
        let text = "x".repeat(LARGE_BYTES);
        let mut producer = s.kafka.large_producer()?;
        for record in [value(b"a,1"), value(text.as_bytes()), value(b"a,2")] {
            producer.send(&s.input(), &record)?;
        }
        producer.flush()?;
        let command = s.sum().arg("--until-end");
        let ended = command.start()?.wait(HEALED)?;
        ensure!(ended.code.is_some_and(|code| code != 0), "it ended with {:?}", ended.code);
        ensure!(ended.stderr.contains("message.max.bytes"), "it does not say what to do:\n{}", ended.stderr);
        command.args(["-X", "message.max.bytes=2000000"]).complete(HEALED)?;
        ensure!(s.read("dead-letter")?.len() == 1, "the large record is no dead letter");
        check::final_sums(&s.read("output")?, 1, &[(b"a".to_vec(), 3)].into())?;
        Ok(1)
    });
}

#[test]
fn f24_without_its_dead_letter_topic_the_application_stops_and_skips_nothing() {
    let runs = Runs { pr: 1, nightly: 20, release: 60 };
    row("F24", "the dead-letter topic is deleted while a host runs", runs, |case| {
        let mut run = Run::new(case)?;
        // Each try waits for the topic as long as for a transaction.
        let mut host = run.command.clone().setting("abort_retries_max", "1").start()?;
        run.progress(&mut [&mut host])?;
        let letters = run.place.topic("dead-letter");
        run.place.kafka.delete_topics(&[&letters])?;
        write(run.place, &run.place.input(), &[value(b"no comma")])?;
        let ended = host.wait(HEALED)?;
        ensure!(ended.code.is_some_and(|code| code != 0), "it ended with {:?}", ended.code);
        ensure!(ended.stderr.contains(&letters), "it does not name the topic:\n{}", ended.stderr);
        run.command.clone().arg("--until-end").complete(HEALED)?;
        let letters = run.place.read("dead-letter")?;
        ensure!(letters.len() == 1, "{} dead letters", letters.len());
        ensure!(
            run.place.kafka.partitions(&run.place.input())? == Some(PARTITIONS),
            "the input is as it was"
        );
        run.check()?;
        Ok(1)
    });
}
