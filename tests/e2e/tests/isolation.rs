//! A module that faults hurts nothing but the records on which it faults.

use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use testkit::scenario::SOON;
use testkit::{NewRecord, Record, Scenario, embedded, files};

/// The record on which the hostile module is told to fault.
const CULPRIT: &str = "culprit";
const CULPRIT_AT: usize = 777;
const GOOD: usize = 2000;
const KEYS: usize = 10;

/// Runs the hostile module over good records and one culprit, gives the dead letters. When it behaves, that
/// module keys each record by its value, and joins the values of a key with commas.
fn run_with_culprit(s: &Scenario, settings: &[&str]) -> Result<Vec<Record>> {
    s.kafka.create_topic(&s.input(), 1)?;
    let mut values: Vec<String> = (0..GOOD).map(|n| format!("k{}", n % KEYS)).collect();
    values.insert(CULPRIT_AT, CULPRIT.into());
    let mut producer = s.kafka.producer()?;
    for value in &values {
        producer.send(&s.input(), &NewRecord { value: Some(value.as_bytes()), ..NewRecord::default() })?;
    }
    producer.flush()?;
    let mut host = s.host(files::guest("hostile-guest")).arg("--until-end");
    for setting in settings {
        host = host.args(["--set", setting]);
    }
    host.complete(SOON)?;
    let last: BTreeMap<Vec<u8>, Vec<u8>> =
        s.read("output")?.into_iter().filter_map(|record| Some((record.key?, record.value?))).collect();
    ensure!(last.len() == KEYS, "{} keys in the output", last.len());
    for (key, joined) in last {
        let expected = vec![key.as_slice(); GOOD / KEYS].join(&b","[..]);
        ensure!(
            joined == expected,
            "{} is {}",
            String::from_utf8_lossy(&key),
            String::from_utf8_lossy(&joined)
        );
    }
    s.read("dead-letter")
}

fn holds_exactly_the_culprit(letters: &[Record], input: &str, cause: &str) -> Result<()> {
    ensure!(letters.len() == 1, "{} dead letters", letters.len());
    let (letter, header) = (&letters[0], |name: &str| letters[0].header(&format!("__streams.errors.{name}")));
    ensure!(letter.value.as_deref() == Some(CULPRIT.as_bytes()), "value of {letter:?}");
    ensure!(header("topic").as_deref() == Some(input), "topic of {letter:?}");
    ensure!(header("offset") == Some(CULPRIT_AT.to_string()), "offset of {letter:?}");
    ensure!(header("exception").as_deref() == Some(cause), "cause of {letter:?} is not {cause}");
    Ok(())
}

#[test]
fn a_trap_costs_only_its_record() {
    embedded("isolation-trap", |s| {
        let letters = run_with_culprit(s, &["mode=trap-on:culprit"])?;
        holds_exactly_the_culprit(&letters, &s.input(), "trap")
    });
}

#[test]
fn an_endless_loop_costs_only_its_record() {
    embedded("isolation-spin", |s| {
        let letters = run_with_culprit(s, &["mode=spin-on:culprit"])?;
        holds_exactly_the_culprit(&letters, &s.input(), "deadline")
    });
}

#[test]
fn a_rejection_costs_only_its_record() {
    embedded("isolation-reject", |s| {
        let letters = run_with_culprit(s, &["mode=reject-on:culprit"])?;
        holds_exactly_the_culprit(&letters, &s.input(), "rejected")
    });
}

#[test]
fn a_trap_behind_the_repartition_topic_costs_only_its_record() {
    embedded("isolation-reduce", |s| {
        let letters = run_with_culprit(s, &["mode=trap-on:culprit", "at=reduce"])?;
        holds_exactly_the_culprit(&letters, &s.input(), "trap")
    });
}

#[test]
fn a_policy_of_fail_stops_at_a_fault() {
    embedded("isolation-fail", |s| {
        s.kafka.create_topic(&s.input(), 1)?;
        let mut producer = s.kafka.producer()?;
        for value in ["a", "culprit", "b"] {
            producer
                .send(&s.input(), &NewRecord { value: Some(value.as_bytes()), ..NewRecord::default() })?;
        }
        producer.flush()?;
        let host = s
            .host(files::guest("hostile-guest"))
            .args(["--set", "mode=trap-on:culprit", "--until-end"])
            .setting("on_fault", "fail");
        let ended = host.start()?.wait(SOON)?.with_code(65)?;
        let at = format!("{}-0-1", s.input());
        ensure!(ended.stderr.contains(&at), "no \"{at}\" in:\n{}", ended.stderr);
        Ok(())
    });
}
