//! `examples/shop.toml`: orders are checked, doubles dropped, and what is bought together is mined.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::process::Stdio;
use testkit::host::host;
use testkit::{NewRecord, Scenario, files};
use xtask::paths;

const ORDERS: u32 = 400;
/// One order in so many is sent twice.
const TWICE_ONE_IN: u32 = 4;
/// One order in so many has no items.
const BAD_ONE_IN: u32 = 10;

pub(super) fn check(s: &Scenario) -> Result<()> {
    let bad = load(s)?;
    run(s)?;
    let letters = s.read("check-dead-letter")?;
    ensure!(letters.len() as u32 == bad, "{} dead letters for {bad} bad orders", letters.len());
    let reason = letters[0].header("__streams.errors.message").context("a dead letter without a reason")?;
    ensure!(reason == "items: is missing", "the reason is {reason:?}");
    let last = s.read("rules")?.pop().and_then(|record| record.value).context("no result")?;
    let result: serde_json::Value = serde_json::from_slice(&last)?;
    let good = u64::from(ORDERS - ORDERS / BAD_ONE_IN);
    ensure!(result["baskets"].as_u64() == Some(good), "{good} orders are good and once: {result}");
    let strongest = &result["rules"][0];
    ensure!(strongest["confidence"] == 1.0 && strongest["then"] == "bread", "the first rule is {strongest}");
    Ok(())
}

/// Gives the number of bad records.
fn load(s: &Scenario) -> Result<u32> {
    s.kafka.create_topic(&s.topic("orders"), 2)?;
    let mut producer = s.kafka.producer()?;
    let mut bad = 0;
    for order in 1..=ORDERS {
        let is_bad = order % BAD_ONE_IN == 0;
        let items = match order % 3 {
            _ if is_bad => "null",
            0 => "[\"bread\",\"butter\"]",
            1 => "[\"bread\",\"milk\"]",
            _ => "[\"tea\"]",
        };
        let value = format!("{{\"order\":{order},\"items\":{items}}}");
        let times = 1 + u32::from(order % TWICE_ONE_IN == 0);
        for time in 0..times {
            let partition = (order + time) % 2;
            let record = NewRecord { partition, value: Some(value.as_bytes()), ..NewRecord::default() };
            producer.send(&s.topic("orders"), &record)?;
        }
        bad += times * u32::from(is_bad);
    }
    producer.flush()?;
    Ok(bad)
}

/// The example's file, with the names of this test.
fn run(s: &Scenario) -> Result<()> {
    let example = paths::root().join("examples/shop.toml");
    let text = fs::read_to_string(&example).with_context(|| format!("cannot read {}", example.display()))?;
    let modules = files::guest("dedupe").with_file_name("");
    let text = text
        .replace("\"shop", &format!("\"{}", s.id))
        .replace("\"target/guests/", &format!("\"{}", modules.display()));
    let config = s.file("host.toml")?;
    fs::write(&config, text)?;
    let mut command = host();
    command.args(["run", "--until-end", "--bootstrap-servers", s.kafka.servers(), "--config"]).arg(&config);
    command.env("XDG_STATE_HOME", s.file("state")?).stdin(Stdio::null());
    let ended = command.output().context("cannot start host")?;
    let log = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "host failed ({}):\n{log}", ended.status);
    Ok(())
}
