//! How long a restart after SIGKILL takes with a million keys in the state, and what snapshots cost meanwhile; beside
//! Kafka Streams, which does the same job on the same broker.
//!
//! A restart is over when the group's committed offsets move: the state is there, new records were folded into it, and
//! their transaction is committed. Lines wait in the input, so that there is something to commit at once.

mod log;
mod program;

use crate::figures::{median, range};
use crate::input::PARTITIONS;
use crate::measure::{self, Place};
use crate::options::Options;
use crate::program::{Membership, Program};
use crate::{hosted, machine, results};
use anyhow::{Context, Result, bail, ensure};
use log::Restore;
use std::fmt::Write as _;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};
use testkit::check::{self, Sums};
use testkit::kafka::{Group, Log};
use testkit::{Isolation, Kafka, NewRecord, Producer, murmur2};

/// Where the lines are.
pub(crate) const INPUT: &str = "restart-input";
/// Keys in the state, unless `--records` says otherwise.
const KEYS: u64 = 1_000_000;
/// Lines that wait when a program is started again, and that are written at a time while it runs.
const LINES: u64 = 10_000;
/// Between two looks at the committed offsets.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Between two writes while a program runs.
const FEED_INTERVAL: Duration = Duration::from_millis(200);
/// For all lines, a session of 45 seconds, and a restore.
const DEADLINE: Duration = Duration::from_mins(4);

/// One restart.
struct Restart {
    title: String,
    state: &'static str,
    first_commit_s: f64,
    /// User and system time until then.
    cpu_s: f64,
    restore: Option<Restore>,
}

/// Measures, prints, and keeps.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (kafka, keys) = (options.kafka(), options.records(KEYS));
    let cases = options
        .choose(program::all().to_vec(), |(program, membership)| program::name(*program, *membership))?;
    let rounds = options.rounds(1);
    kafka.create_topic(INPUT, PARTITIONS)?;
    let mut input = Input { producer: kafka.producer()?, keys, lines: 0 };
    input.write(keys)?;
    eprintln!("{keys} keys are in {INPUT}");
    let (mut restarts, mut pauses) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        for (program, membership) in &cases {
            let name = format!("{}-{round}", program::name(*program, *membership));
            let mut case = Case::start(&kafka, &mut input, *program, *membership, &name)?;
            let measured = case.measure(&mut restarts, &mut pauses);
            let log = case.place.log();
            measured.with_context(|| format!("{name}; its log:\n{}", testkit::host::last_lines(&log, 20)))?;
            case.end()?;
        }
    }
    let text = table(keys, rounds, &restarts, &pauses)?;
    println!("{text}");
    if options.is_whole() { results::write("restart", &text) } else { Ok(()) }
}

fn table(keys: u64, rounds: u32, restarts: &[Restart], pauses: &[log::Pause]) -> Result<String> {
    let mut text = format!(
        "{}\n\n{keys} keys, {PARTITIONS} partitions, equal keys share a partition, exactly-once, a commit each \
         100 ms; {LINES} lines wait. Each was ended by SIGKILL while it worked. Medians of {rounds}.\n\n\
         | program | state | start to first commit s | CPU s until then | restore: thousand records/s |\n|---|---|---:|---:|---:|\n",
        machine::line()
    );
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for restart in restarts {
        let kind = (restart.title.as_str(), restart.state);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for (title, state) in kinds {
        let all = || restarts.iter().filter(move |one| one.title == title && one.state == state);
        let (first_commit, cpu) =
            (median(all().map(|one| one.first_commit_s)), median(all().map(|one| one.cpu_s)));
        let rate = median(all().filter_map(|one| one.restore).map(|restore| restore.rate() / 1000.0));
        let rate = if rate.is_nan() { "–".to_owned() } else { format!("{rate:.0}") };
        writeln!(text, "| {title} | {state} | {first_commit:.2} | {cpu:.2} | {rate} |")?;
    }
    if pauses.is_empty() {
        return Ok(text);
    }
    let (_, longest) = range(pauses.iter().map(|pause| pause.longest_ms));
    let (_, spent) = range(pauses.iter().map(|pause| pause.spent_ms));
    writeln!(
        text,
        "\nSnapshots of the host, {} of at least {} keys while lines came: the longest time that one kept its worker \
         from processing was {longest:.1} ms, all its steps together at most {spent:.0} ms of the worker's time.",
        pauses.len(),
        of_a_task(keys),
    )?;
    Ok(text)
}

/// At least so many keys are in a task that has its share.
fn of_a_task(keys: u64) -> u64 {
    keys / u64::from(PARTITIONS) / 2
}

/// The input, which grows.
struct Input {
    producer: Producer,
    keys: u64,
    lines: u64,
}

impl Input {
    /// Writes lines: each key once before any comes again, each with the value 1.
    fn write(&mut self, lines: u64) -> Result<()> {
        for _ in 0..lines {
            let key = format!("k{}", self.lines % self.keys);
            let line = format!("{key},1");
            let partition = murmur2::partition_of(key.as_bytes(), PARTITIONS);
            let (key, value) = (Some(key.as_bytes()), Some(line.as_bytes()));
            self.producer.send(INPUT, &NewRecord { partition, key, value, ..NewRecord::default() })?;
            self.lines += 1;
        }
        self.producer.flush()
    }

    /// What the values of each key come to.
    fn sums(&self) -> Sums {
        let (all, more) = (self.lines / self.keys, self.lines % self.keys);
        let sum = |key| (format!("k{key}").into_bytes(), i128::from(all + u64::from(key < more)));
        (0..self.keys).map(sum).collect()
    }
}

/// One program over the whole input, and again over what comes.
struct Case<'a> {
    kafka: &'a Kafka,
    input: &'a mut Input,
    program: Program,
    membership: Membership,
    application: String,
    place: Place,
    group: Group,
    ends: Log,
    child: Child,
}

impl<'a> Case<'a> {
    fn start(
        kafka: &'a Kafka,
        input: &'a mut Input,
        program: Program,
        membership: Membership,
        application: &str,
    ) -> Result<Self> {
        let application = application.to_owned();
        kafka.create_topic(&program::output(&application), PARTITIONS)?;
        let place = Place::new(&application)?;
        let child = program::start(program, kafka, &application, membership, &place)?;
        let group = kafka.group(&application, Isolation::Uncommitted)?;
        let ends = kafka.log(INPUT, Isolation::Uncommitted)?;
        Ok(Self { kafka, input, program, membership, application, place, group, ends, child })
    }

    fn measure(&mut self, restarts: &mut Vec<Restart>, pauses: &mut Vec<log::Pause>) -> Result<()> {
        self.catch_up()?;
        pauses.extend(self.settle()?);
        restarts.push(self.restart("warm")?);
        if self.membership == Membership::Static {
            self.settle()?;
            restarts.push(self.restart("cold")?);
        }
        self.check()
    }

    fn committed(&self) -> Result<i64> {
        Ok(self.group.committed(INPUT, PARTITIONS)?.into_iter().flatten().sum())
    }

    /// Waits for a fact; the program must not have ended.
    fn wait(&mut self, what: &str, mut fact: impl FnMut(&mut Self) -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !fact(self)? {
            ensure!(began.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
            if let Some(status) = self.child.try_wait()? {
                bail!("{what}: it has ended with {status}");
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    /// Waits until all that is there is committed.
    fn catch_up(&mut self) -> Result<()> {
        let end: i64 = self.ends.ends()?.iter().sum();
        self.wait("all lines", |case| Ok(case.committed()? >= end))
    }

    /// Lines come until each task of the host has a snapshot, or for a while; what the snapshots cost.
    fn settle(&mut self) -> Result<Vec<log::Pause>> {
        let keys_min = of_a_task(self.input.keys);
        let (mut rounds, mut fed) = (10, Instant::now());
        self.wait("snapshots", |case| {
            if fed.elapsed() < FEED_INTERVAL {
                return Ok(false);
            }
            fed = Instant::now();
            case.input.write(LINES / 5)?;
            rounds -= u32::from(rounds > 0);
            let is_enough = rounds == 0
                && (case.program != Program::Host
                    || log::snapshots(&case.place.log(), keys_min) >= PARTITIONS as usize);
            Ok(is_enough)
        })?;
        Ok(log::pauses(&self.place.log(), keys_min))
    }

    /// Ends it by SIGKILL while it works, and starts it again.
    fn restart(&mut self, state: &'static str) -> Result<Restart> {
        self.input.write(LINES)?;
        self.child.kill()?;
        self.child.wait()?;
        self.input.write(LINES)?;
        if state == "cold" {
            program::forget(self.program, &self.application, &self.place)?;
        }
        let (before, began) = (self.committed()?, Instant::now());
        self.child =
            program::start(self.program, self.kafka, &self.application, self.membership, &self.place)?;
        self.wait("a first commit", |case| Ok(case.committed()? > before))?;
        let first_commit_s = began.elapsed().as_secs_f64();
        let cpu_s = measure::cpu_of(self.child.id()).unwrap_or(f64::NAN);
        self.catch_up()?;
        let title = program::title(self.program, self.membership);
        eprintln!("{title}, {state}: {first_commit_s:.2} s, {cpu_s:.2} s of CPU");
        let restore = program::restore(self.program, &self.place)?;
        ensure!(state != "cold" || restore.is_some(), "{title} has not restored from its changelog");
        Ok(Restart { title, state, first_commit_s, cpu_s, restore: restore.filter(|_| state == "cold") })
    }

    /// Each key's sum is the number of its lines.
    fn check(&mut self) -> Result<()> {
        self.catch_up()?;
        let mut sums = Sums::new();
        self.kafka.watch(&program::output(&self.application), Isolation::Committed, |record| {
            let value = std::str::from_utf8(record.value.unwrap_or_default())?.parse()?;
            sums.insert(record.key.unwrap_or_default().to_vec(), value);
            Ok(())
        })?;
        check::same_sums(&sums, &self.input.sums())
    }

    fn end(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let (output, changelog) = (program::output(&self.application), hosted::changelog(&self.application));
        self.kafka.delete_topics(&[&output, &changelog])?;
        self.place.remove()
    }
}
