//! A host that is killed again and again loses nothing and repeats nothing.

use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use testkit::kafka::Group;
use testkit::scenario::SOON;
use testkit::{
    HostCommand, Isolation, Producer, Rng, Scenario, Workload, WorkloadSpec, check, scenario, wait_until,
};

const SEED: u64 = 0x00c0_ffee;
const KILLS: u32 = 20;
/// Kills of the same application when it folds before the shuffle.
const KILLS_WHEN_FOLDING: u32 = 8;
/// Every row goes through the repartition topic, where it can be counted.
const ROW_BY_ROW: &[&str] = &["--combine", "never"];
const PARTITIONS: u32 = 4;
/// Lines written at a time while the host runs.
const LINES: u64 = 200;
/// A kill comes at most so long after the first commit of a run.
const KILL_WITHIN_MS: u64 = 400;

/// A host that is killed, and the input that flows meanwhile.
struct Kills<'a> {
    place: &'a Scenario,
    command: HostCommand,
    group: Group,
    producer: Producer,
    workload: Workload,
    random: Rng,
}

impl<'a> Kills<'a> {
    fn new(place: &'a Scenario) -> Result<Self> {
        place.kafka.create_topic(&place.input(), PARTITIONS)?;
        let spec = WorkloadSpec {
            seed: SEED,
            records: u64::MAX,
            keys: 300,
            partitions: PARTITIONS,
            values: (1, 1000),
            ..WorkloadSpec::default()
        };
        Ok(Self {
            place,
            command: place
                .sum()
                .setting("repartition_purge_interval_ms", "0")
                .setting("snapshot_interval_ms", "100"),
            group: place.kafka.group(&place.id, Isolation::Uncommitted)?,
            producer: place.kafka.producer()?,
            workload: Workload::new(spec),
            random: Rng::new(SEED),
        })
    }

    fn feed(&mut self) -> Result<()> {
        self.workload.produce(&mut self.producer, &self.place.input(), LINES)
    }

    /// All committed offsets of the group together.
    fn committed(&self) -> Result<i64> {
        let mut sum = 0;
        for topic in [self.place.input(), self.place.topic("sum-repartition")] {
            sum += self.group.committed(&topic, PARTITIONS)?.into_iter().flatten().sum::<i64>();
        }
        Ok(sum)
    }

    /// Starts the host, waits until it has committed something new, kills it at a random moment after that.
    fn start_and_kill(&mut self) -> Result<()> {
        let before = self.committed()?;
        let mut host = self.command.start()?;
        wait_until("a commit", SOON, || {
            host.ensure_running()?;
            self.feed()?;
            Ok(self.committed()? > before)
        })?;
        let moment = Instant::now() + Duration::from_millis(self.random.below(KILL_WITHIN_MS));
        while Instant::now() < moment {
            self.feed()?;
        }
        host.kill()
    }
}

/// Kills it so often, and checks everything that is committed then.
fn kill_and_check(s: &Scenario, count: u32, arguments: &[&str]) -> Result<()> {
    let mut kills = Kills::new(s)?;
    kills.command = kills.command.args(arguments);
    for kill in 0..count {
        kills.start_and_kill().with_context(|| format!("before kill {kill} of seed {SEED:#x}"))?;
    }
    kills.command.clone().arg("--until-end").complete(SOON)?;
    let results = check::results(&s.check_sums(&kills.workload)?)?;
    let repartition = s.topic("sum-repartition");
    let committed = s.kafka.read(&repartition, Isolation::Committed)?;
    let rows = check::repartition_rows(&committed)?;
    if arguments == ROW_BY_ROW {
        check::every_row_once(&rows, kills.workload.counts())?;
        let all = s.kafka.read(&repartition, Isolation::Uncommitted)?;
        ensure!(all.len() > committed.len(), "no kill hit an open transaction: this run shows nothing");
    }
    check::shuffled_once(&rows, kills.workload.sums())?;
    check::running_sums(&results, &rows)
}

#[test]
fn twenty_kills_lose_nothing_and_repeat_nothing() {
    scenario("crash-kills", |s| kill_and_check(s, KILLS, ROW_BY_ROW));
}

#[test]
fn kills_lose_nothing_when_rows_are_folded_before_the_shuffle() {
    scenario("crash-folding", |s| kill_and_check(s, KILLS_WHEN_FOLDING, &[]));
}

#[test]
fn at_least_once_loses_nothing_when_killed() {
    scenario("crash-at-least-once", |s| {
        let mut kills = Kills::new(s)?;
        kills.command = kills.command.args(["--processing-guarantee", "at_least_once"]);
        for kill in 0..3 {
            kills.start_and_kill().with_context(|| format!("before kill {kill} of seed {SEED:#x}"))?;
        }
        kills.command.clone().arg("--until-end").complete(SOON)?;
        for (key, value) in check::results(&s.read("output")?)?.into_iter().collect::<check::Sums>() {
            let expected = kills.workload.sums().get(&key).copied().unwrap_or_default();
            let name = String::from_utf8_lossy(&key).into_owned();
            ensure!(value >= expected, "{name}: {value} is less than {expected}: something was lost");
        }
        Ok(())
    });
}
