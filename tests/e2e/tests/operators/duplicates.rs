//! `dedupe` is killed again and again while duplicates flow: every id is in the output once.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::scenario::SOON;
use testkit::{HostCommand, Isolation, NewRecord, Producer, Rng, Scenario, files, wait_until};

const SEED: u64 = 0x00d0_b1e5;
const KILLS: u32 = 6;
const PARTITIONS: u32 = 4;
/// Records written at a time while the host runs.
const RECORDS: u32 = 200;
/// A kill comes at most so long after the first commit of a run.
const KILL_WITHIN_MS: u64 = 400;

struct Kills<'a> {
    place: &'a Scenario,
    command: HostCommand,
    producer: Producer,
    random: Rng,
    /// Ids that were sent at least once: 0 to this, without this.
    ids: u64,
    sent: u64,
}

pub(super) fn kill_and_check(s: &Scenario) -> Result<()> {
    s.kafka.create_topic(&s.input(), PARTITIONS)?;
    let command = s
        .host(files::guest("dedupe"))
        .args(["--set", "id_field=id", "--set", "ids_max=1000000"])
        .setting("repartition_purge_interval_ms", "0");
    let random = Rng::new(SEED);
    let mut kills = Kills { place: s, command, producer: s.kafka.producer()?, random, ids: 0, sent: 0 };
    for kill in 0..KILLS {
        kills.start_and_kill().with_context(|| format!("before kill {kill} of seed {SEED:#x}"))?;
    }
    kills.command.clone().arg("--until-end").complete(SOON)?;
    kills.check()
}

impl Kills<'_> {
    /// Every second record has an id that was there before, in any partition.
    fn feed(&mut self) -> Result<()> {
        for _ in 0..RECORDS {
            let is_new = self.ids == 0 || self.random.below(2) == 0;
            let id = if is_new { self.ids } else { self.random.below(self.ids) };
            self.ids += u64::from(is_new);
            self.sent += 1;
            let value = format!("{{\"id\":{id},\"record\":{}}}", self.sent);
            let partition = self.random.below(u64::from(PARTITIONS)) as u32;
            let record = NewRecord { partition, value: Some(value.as_bytes()), ..NewRecord::default() };
            self.producer.send(&self.place.input(), &record)?;
        }
        self.producer.flush()
    }

    fn written(&self) -> Result<i64> {
        if self.place.kafka.partitions(&self.place.output())?.is_none() {
            return Ok(0);
        }
        Ok(self.place.kafka.ends(&self.place.output(), Isolation::Committed)?.into_iter().sum())
    }

    /// Starts the host, waits until it has written something new, kills it at a random moment after that.
    fn start_and_kill(&mut self) -> Result<()> {
        let before = self.written()?;
        let mut host = self.command.start()?;
        wait_until("a commit", SOON, || {
            host.ensure_running()?;
            self.feed()?;
            Ok(self.written()? > before)
        })?;
        let moment = Instant::now() + Duration::from_millis(self.random.below(KILL_WITHIN_MS));
        while Instant::now() < moment {
            self.feed()?;
        }
        host.kill()
    }

    fn check(&self) -> Result<()> {
        let records = self.place.read("output")?;
        let mut times: BTreeMap<u64, u32> = BTreeMap::new();
        for record in &records {
            let value = record.value.as_deref().context("a row without a value")?;
            let json: serde_json::Value = serde_json::from_slice(value)?;
            *times.entry(json["id"].as_u64().context("a row without an id")?).or_default() += 1;
        }
        let twice = times.iter().find(|(_, times)| **times > 1);
        ensure!(twice.is_none(), "an id came through more than once: {twice:?}");
        ensure!(times.len() as u64 == self.ids, "{} of {} ids came through", times.len(), self.ids);
        ensure!(
            self.sent > self.ids + self.ids / 2,
            "{} records of {} ids: too few duplicates",
            self.sent,
            self.ids
        );
        let all = self.place.kafka.read(&self.place.output(), Isolation::Uncommitted)?;
        let between = self.place.topic("dedupe-repartition");
        let [all_between, between] = [Isolation::Uncommitted, Isolation::Committed]
            .map(|isolation| self.place.kafka.read(&between, isolation));
        let is_hit = all.len() > records.len() || all_between?.len() > between?.len();
        ensure!(is_hit, "no kill hit an open transaction: this run shows nothing");
        Ok(())
    }
}
