//! One application under fire: its input flows, its processes come and go, and each fault's time is taken.

use super::check;
use super::subject::{Process, Subject};
use crate::hosted;
use crate::input::PARTITIONS;
use crate::measure::Place;
use crate::program::{Membership, Program};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use testkit::host::last_lines;
use testkit::kafka::Group;
use testkit::{Bed, Isolation, Producer, Rng, Workload, WorkloadSpec};

/// For whatever must happen by itself.
const HEALED: Duration = Duration::from_mins(3);
/// Lines written at a time, and between two such times.
const LINES: u64 = 100;
const FEED_INTERVAL: Duration = Duration::from_millis(10);
const KEYS: u64 = 200;

/// See the head of this file.
pub(super) struct Run<'a> {
    pub(super) bed: &'a Bed,
    pub(super) subject: Subject,
    pub(super) random: Rng,
    pub(super) processes: Vec<Process>,
    /// From each fault until all partitions have gone on.
    pub(super) seconds: Vec<f64>,
    workload: Workload,
    producer: Producer,
    group: Group,
    place: Place,
}

impl<'a> Run<'a> {
    /// Its topics, with nothing in them. `seed`: where chances come from.
    pub(super) fn new(
        bed: &'a Bed,
        program: Program,
        membership: Membership,
        name: &str,
        seed: u64,
    ) -> Result<Self> {
        let (kafka, place) = (bed.kafka(), Place::new(name)?);
        let (application, folder) = (name.to_owned(), place.0.clone());
        let subject = Subject { program, membership, kafka: bed.entry(), application, folder };
        kafka.create_topic(&subject.input(), PARTITIONS)?;
        kafka.create_topic(&subject.output(), PARTITIONS)?;
        let spec = WorkloadSpec {
            records: u64::MAX,
            keys: KEYS,
            partitions: PARTITIONS,
            values: (1, 1000),
            ..WorkloadSpec::default()
        };
        Ok(Self {
            bed,
            subject,
            random: Rng::new(seed),
            processes: Vec::new(),
            seconds: Vec::new(),
            workload: Workload::new(spec),
            producer: kafka.producer()?,
            group: kafka.group(name, Isolation::Uncommitted)?,
            place,
        })
    }

    /// Starts a process in this place.
    pub(super) fn start(&mut self, slot: u32) -> Result<()> {
        self.processes.push(self.subject.start(slot)?);
        Ok(())
    }

    /// Starts one beside the others, and waits until it is a member and the partitions are given out anew.
    pub(super) fn join(&mut self, slot: u32) -> Result<()> {
        self.start(slot)?;
        let members = self.processes.len();
        self.feed_until("all members with their partitions", |run| Ok(run.group.members()? == Some(members)))
    }

    fn feed(&mut self) -> Result<()> {
        self.workload.produce(&mut self.producer, &self.subject.input(), LINES)
    }

    /// The input's committed offsets.
    fn committed(&self) -> Result<Vec<i64>> {
        let offsets = self.group.committed(&self.subject.input(), PARTITIONS)?;
        Ok(offsets.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Feeds until the fact holds; all processes run all the time.
    pub(super) fn feed_until(
        &mut self,
        what: &str,
        mut fact: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        let began = Instant::now();
        while !fact(self)? {
            ensure!(began.elapsed() < HEALED, "{what}: not within {HEALED:?}");
            for process in &mut self.processes {
                process.ensure_running()?;
            }
            self.feed()?;
            std::thread::sleep(FEED_INTERVAL);
        }
        Ok(())
    }

    /// Feeds for a while.
    pub(super) fn feed_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        self.feed_until("time", |_| Ok(Instant::now() >= end))
    }

    /// Feeds until each partition has gone on.
    pub(super) fn go_on(&mut self) -> Result<()> {
        let before = self.committed()?;
        self.feed_until("progress of each partition", |run| {
            Ok(run.committed()?.iter().zip(&before).all(|(now, before)| now > before))
        })
    }

    /// Does a fault, and takes the time from its beginning until each partition has gone on since it was done: what the
    /// others commit meanwhile does not count.
    pub(super) fn fault(&mut self, fault: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let began = Instant::now();
        fault(self)?;
        let before = self.committed()?;
        self.feed_until("a commit of each partition after the fault", |run| {
            Ok(run.committed()?.iter().zip(&before).all(|(now, before)| now > before))
        })?;
        self.seconds.push(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Lets a last process do the rest, ends it, and checks all that is committed.
    pub(super) fn finish(&mut self) -> Result<()> {
        for process in self.processes.drain(..) {
            process.drain()?;
        }
        self.start(0)?;
        let (kafka, began) = (self.bed.kafka(), Instant::now());
        let [repartition, ..] = hosted::internal_topics(&self.subject.application);
        for (topic, marker) in [(self.subject.input(), 0), (repartition, 1)] {
            while !check::is_done(&kafka, &self.group, &topic, marker)? {
                ensure!(began.elapsed() < HEALED, "{topic} is not read to its end within {HEALED:?}");
                self.processes[0].ensure_running()?;
                std::thread::sleep(FEED_INTERVAL);
            }
        }
        for process in self.processes.drain(..) {
            process.drain()?;
        }
        check::all(&kafka, &self.subject, &self.workload)
    }

    /// Removes its files.
    pub(super) fn remove(self) -> Result<()> {
        self.place.remove()
    }

    /// The ends of its processes' logs.
    pub(super) fn logs(&self) -> String {
        let of = |process: &Process| format!("slot {}:\n{}", process.slot, last_lines(&process.log(), 20));
        let logs = self.processes.iter().map(of).collect::<Vec<_>>().join("\n");
        format!("{logs}\nfolder: {}", self.place.0.display())
    }
}
