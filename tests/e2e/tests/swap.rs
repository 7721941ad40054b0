//! A module is swapped while records flow: nothing is lost, and no transaction holds the work of two modules.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{
    HostCommand, Isolation, NewRecord, Producer, Record, Scenario, Workload, WorkloadSpec, check, embedded,
    files, scenario, wait_until,
};
use xtask::process::Signal;

/// Swaps of the ordinary run; `SWAPS=500` for more.
const SWAPS: u32 = 40;
const PARTITIONS: u32 = 4;
/// Lines written at a time while the host runs.
const LINES: u64 = 200;
/// What `marked-sum` puts behind its results.
const MARK: &[u8] = b" marked";
pub(crate) const SWAPPED: &str = "\"message\":\"module swapped\"";
const SAME: &str = "\"message\":\"the module's file is that which runs\"";
const REFUSED: &str = "\"message\":\"module refused";

/// A host whose module is a file that changes, and the input that flows meanwhile.
pub(crate) struct Swaps<'a> {
    place: &'a Scenario,
    pub(crate) file: PathBuf,
    pub(crate) command: HostCommand,
    producer: Producer,
    workload: Workload,
    /// Records `poison,1` given beside the workload.
    poison: u64,
}

impl<'a> Swaps<'a> {
    pub(crate) fn new(place: &'a Scenario) -> Result<Self> {
        place.kafka.create_topic(&place.input(), PARTITIONS)?;
        let spec = WorkloadSpec {
            records: u64::MAX,
            keys: 300,
            partitions: PARTITIONS,
            values: (1, 1000),
            ..WorkloadSpec::default()
        };
        let file = place.file("current.wasm")?;
        let command = place.host(&file).args(["--name", "sum"]).setting("repartition_purge_interval_ms", "0");
        let (producer, workload) = (place.kafka.producer()?, Workload::new(spec));
        let swaps = Self { place, file, command, producer, workload, poison: 0 };
        swaps.put("sum")?;
        Ok(swaps)
    }

    /// Renames a copy of this guest to the module's file.
    pub(crate) fn put(&self, guest: &str) -> Result<()> {
        let new = self.file.with_extension("new");
        fs::copy(files::guest(guest), &new)?;
        Ok(fs::rename(&new, &self.file)?)
    }

    pub(crate) fn feed(&mut self) -> Result<()> {
        self.workload.produce(&mut self.producer, &self.place.input(), LINES)
    }

    /// Records on which `marked-sum` panics, one a partition, so that every worker has one.
    pub(crate) fn feed_poison(&mut self) -> Result<()> {
        for partition in 0..PARTITIONS {
            let record = NewRecord { partition, value: Some(b"poison,1"), ..NewRecord::default() };
            self.producer.send(&self.place.input(), &record)?;
            self.poison += 1;
        }
        self.producer.flush()
    }

    /// Puts a guest and asks for it; feeds until the host has said `what` once more.
    pub(crate) fn ask_for(&mut self, guest: &str, host: &mut HostProcess, what: &str) -> Result<()> {
        let before = host.log().matches(what).count();
        self.put(guest)?;
        host.signal(Signal::HangUp)?;
        wait_until(what, SOON, || {
            host.ensure_running()?;
            self.feed()?;
            Ok(host.log().matches(what).count() > before)
        })
        .with_context(|| format!("asked for {guest}"))
    }

    pub(crate) fn wait_for_results(&mut self, host: &mut HostProcess) -> Result<()> {
        wait_until("results", SOON, || {
            host.ensure_running()?;
            self.feed()?;
            Ok(self.place.kafka.partitions(&self.place.output())?.is_some()
                && !self.place.read("output")?.is_empty())
        })
    }

    /// Every sum is exact, and the records between two control records are of one module.
    pub(crate) fn check(&self) -> Result<()> {
        one_module_a_transaction(&self.place.read("output")?)?;
        self.check_sums()
    }

    /// The last results are exact, whoever has computed them; then their marks do not count.
    pub(crate) fn check_results(&self) -> Result<Vec<Record>> {
        let results: Vec<Record> = self.place.read("output")?.into_iter().map(without_mark).collect();
        let mut sums = self.workload.sums().clone();
        if self.poison > 0 {
            sums.insert(b"poison".to_vec(), i128::from(self.poison));
        }
        check::final_sums(&results, PARTITIONS, &sums)?;
        Ok(results)
    }

    /// Also what is between: every row is shuffled once, and every result is one of its key's running sums.
    pub(crate) fn check_sums(&self) -> Result<()> {
        let results = self.check_results()?;
        let mut sums = self.workload.sums().clone();
        if self.poison > 0 {
            sums.insert(b"poison".to_vec(), i128::from(self.poison));
        }
        let rows = check::repartition_rows(
            &self.place.kafka.read(&self.place.topic("sum-repartition"), Isolation::Committed)?,
        )?;
        check::shuffled_once(&rows, &sums)?;
        check::running_sums(&check::results(&results)?, &rows)
    }
}

/// The largest number behind `name` in the log.
fn largest(log: &str, name: &str) -> u64 {
    let name = format!("\"{name}\":");
    let numbers = log.split(&name).skip(1).filter_map(|rest| rest.split([',', '}']).next()?.parse().ok());
    numbers.max().unwrap_or(0)
}

#[expect(clippy::print_stderr, reason = "figures for a person; no test depends on them")]
fn show_figures(count: u32, log: &str) {
    let (pause_us, took_ms) = (largest(log, "pause_us"), largest(log, "took_ms"));
    eprintln!("{count} swaps: the longest pause of a worker {pause_us} us, the longest swap {took_ms} ms");
}

fn is_marked(record: &Record) -> bool {
    record.value.as_deref().is_some_and(|value| value.ends_with(MARK))
}

fn without_mark(mut record: Record) -> Record {
    if let Some(value) = record.value.as_mut().filter(|value| value.ends_with(MARK)) {
        value.truncate(value.len() - MARK.len());
    }
    record
}

/// A control record takes an offset, so that offsets without a gap belong to one transaction. Keys are placed
/// alike in the repartition topic and in the output, so one worker at a time writes to a partition.
fn one_module_a_transaction(records: &[Record]) -> Result<()> {
    let mut transactions = [0, 0];
    for (before, record) in records.iter().zip(records.iter().skip(1)) {
        let together = before.partition == record.partition && before.offset + 1 == record.offset;
        if !together {
            transactions[usize::from(is_marked(record))] += 1;
        }
        ensure!(
            !together || is_marked(before) == is_marked(record),
            "{}-{} and the record before are of one transaction and two modules",
            record.partition,
            record.offset
        );
    }
    ensure!(transactions.iter().all(|count| *count > 0), "only one module was at work: {transactions:?}");
    Ok(())
}

#[test]
fn swaps_under_load_lose_nothing_and_mix_nothing() {
    scenario("swap-load", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.clone().arg("--watch").start()?;
        swaps.wait_for_results(&mut host)?;
        let count = std::env::var("SWAPS").ok().and_then(|text| text.parse().ok()).unwrap_or(SWAPS);
        for swap in 0..count {
            let guest = if swap % 2 == 0 { "marked-sum" } else { "sum" };
            swaps.ask_for(guest, &mut host, SWAPPED)?;
        }
        swaps.feed()?;
        let ended = host.drain(SOON)?;
        show_figures(count, &ended.stderr);
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn kills_in_the_middle_of_swaps_lose_nothing_and_mix_nothing() {
    scenario("swap-kills", |s| {
        let mut swaps = Swaps::new(s)?;
        for kill in 0..5u32 {
            let mut host = swaps.command.start()?;
            swaps.wait_for_results(&mut host)?;
            let guests = if kill % 2 == 0 { ["marked-sum", "sum"] } else { ["sum", "marked-sum"] };
            let running = fs::read(&swaps.file)?;
            for guest in
                guests.iter().filter(|guest| fs::read(files::guest(guest)).ok() != Some(running.clone()))
            {
                swaps.ask_for(guest, &mut host, SWAPPED)?;
            }
            // The next one is under way when the kill comes.
            swaps.put(guests[usize::from(kill % 3 == 0)])?;
            host.signal(Signal::HangUp)?;
            std::thread::sleep(Duration::from_millis(u64::from(kill) * 70));
            host.kill()?;
        }
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

pub(crate) fn command_line(s: &Scenario, words: &[&str]) -> Result<(bool, String)> {
    let output = testkit::host::host()
        .args(words)
        .args(["--application-id", &s.id, "--state-dir"])
        .arg(s.file("state/wasmhost")?)
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// Calls of the versions, by their numbers.
fn calls(s: &Scenario) -> Result<serde_json::Map<String, Value>> {
    let (done, text) = command_line(s, &["modules", "sum", "--json"])?;
    ensure!(done, "{text}");
    let versions: Vec<Value> = serde_json::from_str(&text)?;
    let figures = versions.iter().filter(|version| version["number"].is_u64());
    Ok(figures.map(|version| (version["number"].to_string(), version["calls"].clone())).collect())
}

#[test]
fn commands_swap_roll_back_and_list() {
    embedded("swap-commands", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.start()?;
        swaps.wait_for_results(&mut host)?;
        let marked = files::guest("marked-sum").display().to_string();
        let (done, text) = command_line(s, &["swap", "sum", &marked])?;
        ensure!(done && text.contains("version 1 works"), "{text}");
        swaps.feed()?;
        let chain = files::guest("hash-chain").display().to_string();
        let (done, text) = command_line(s, &["swap", "sum", &chain])?;
        ensure!(!done && text.contains("refused at step schema"), "{text}");
        let first = calls(s)?["0"].clone();
        let (done, text) = command_line(s, &["rollback", "sum"])?;
        ensure!(done && text.contains("version 2 works"), "{text}");
        wait_until("calls of version 2", SOON, || {
            swaps.feed()?;
            Ok(calls(s)?["2"].as_u64() > Some(0))
        })?;
        ensure!(calls(s)?["0"] == first, "the same module as another version has figures of its own");
        let (done, text) = command_line(s, &["modules", "sum"])?;
        let states: Vec<_> = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
        ensure!(done && states == ["current", "refused", "previous", "past"], "{text}");
        swaps.feed()?;
        host.drain(SOON)?;
        let (done, text) = command_line(s, &["modules", "sum"])?;
        ensure!(!done && text.contains("does not run"), "{text}");
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn another_process_in_the_group_forbids_a_swap() {
    embedded("swap-group", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut first = swaps.command.start()?;
        swaps.wait_for_results(&mut first)?;
        let second = swaps.command.start()?;
        wait_until("the second process", SOON, || Ok(second.log().contains("\"message\":\"assigned\"")))?;
        swaps.ask_for("marked-sum", &mut first, REFUSED)?;
        ensure!(first.log().contains("\"step\":\"group\""), "{}", first.log());
        second.drain(SOON)?;
        first.drain(SOON)?;
        Ok(())
    });
}

#[test]
fn what_does_not_fit_is_refused_and_the_module_before_works_on() {
    embedded("swap-refused", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.start()?;
        swaps.wait_for_results(&mut host)?;
        for (guest, step) in [("hash-chain", "schema"), ("wrong-world", "describe")] {
            swaps.ask_for(guest, &mut host, REFUSED)?;
            let log = host.log();
            let refusal = log.lines().rfind(|line| line.contains(REFUSED)).unwrap_or_default();
            ensure!(refusal.contains(&format!("\"step\":\"{step}\"")), "{guest}: {refusal}");
        }
        swaps.ask_for("marked-sum", &mut host, SWAPPED)?;
        swaps.feed()?;
        host.drain(SOON)?;
        swaps.put("sum")?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn a_module_that_faults_on_real_records_gives_way_to_the_one_before() {
    scenario("swap-probation", |s| {
        let mut swaps = Swaps::new(s)?;
        // So that one fault would stop the application.
        let command = swaps.command.clone().args(["--workers", "2"]).setting("on_fault", "fail");
        let mut host = command.start()?;
        swaps.wait_for_results(&mut host)?;
        swaps.ask_for("marked-sum", &mut host, SWAPPED)?;
        wait_until("a marked result", SOON, || {
            host.ensure_running()?;
            swaps.feed()?;
            Ok(s.read("output")?.iter().any(is_marked))
        })?;
        swaps.feed_poison()?;
        wait_until("the roll-back", SOON, || {
            host.ensure_running()?;
            Ok(host.log().matches(SWAPPED).count() == 2)
        })?;
        // What the other worker has said of the same module is heard before the file is looked at.
        swaps.ask_for("sum", &mut host, SAME)?;
        swaps.ask_for("sum", &mut host, SAME)?;
        let (done, text) = command_line(s, &["modules", "sum"])?;
        let states: Vec<_> = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
        ensure!(done && states == ["current", "refused", "previous", "past"], "{text}");
        ensure!(text.contains("refused at step probation"), "{text}");
        swaps.feed()?;
        host.drain(SOON)?;
        swaps.put("sum")?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn another_row_schema_takes_over_once_nothing_is_on_its_way() {
    scenario("swap-drain", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.start()?;
        swaps.wait_for_results(&mut host)?;
        let (sum, wide) =
            (files::guest("sum").display().to_string(), files::guest("wide-sum").display().to_string());
        let (done, text) = command_line(s, &["swap", "sum", &wide])?;
        ensure!(!done && text.contains("refused at step schema") && text.contains("--drain"), "{text}");
        for (round, guest) in [&wide, &sum, &wide].into_iter().enumerate() {
            swaps.feed()?;
            let (done, text) = command_line(s, &["swap", "sum", guest, "--drain"])?;
            ensure!(done && text.contains(&format!("version {} works", round + 1)), "{text}");
            swaps.feed()?;
        }
        let (done, text) = command_line(s, &["rollback", "sum"])?;
        ensure!(done && text.contains("version 4 works"), "{text}");
        swaps.feed()?;
        host.drain(SOON)?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check_results().map(drop)
    });
}
