//! One application under fire: its input flows, its hosts come and go, and in the end everything is checked.

use crate::row::Case;
use crate::verifier::{Topics, verify};
use anyhow::{Result, ensure};
use std::time::Duration;
use testkit::kafka::Group;
use testkit::{
    HostCommand, HostProcess, Isolation, Producer, Scenario, Workload, WorkloadSpec, check, wait_until,
};

/// For whatever must happen by itself, on a busy machine: sessions of ten seconds and waits of clients included.
pub(crate) const HEALED: Duration = Duration::from_mins(2);
pub(crate) const PARTITIONS: u32 = 2;
/// What a host says when its identity is used elsewhere.
pub(crate) const SAME_IDENTITY: &str = "another process uses the same identity";
/// Different keys, so that each has many results.
const KEYS: u64 = 200;
/// Lines written at a time while hosts run.
pub(crate) const LINES: u64 = 100;

/// The application of one run.
pub(crate) struct Run<'a> {
    pub(crate) place: &'a Scenario,
    /// A host of it.
    pub(crate) command: HostCommand,
    pub(crate) workload: Workload,
    group: Group,
    producer: Producer,
}

impl<'a> Run<'a> {
    /// Its topics, with nothing in them.
    pub(crate) fn new(case: &mut Case<'a>) -> Result<Self> {
        Self::with_keys(case, KEYS)
    }

    /// The same with other than few keys.
    pub(crate) fn with_keys(case: &mut Case<'a>, keys: u64) -> Result<Self> {
        let place = case.place;
        place.kafka.create_topic(&place.input(), PARTITIONS)?;
        let spec = WorkloadSpec {
            seed: case.random.bits(),
            records: u64::MAX,
            keys,
            partitions: PARTITIONS,
            values: (1, 1000),
            ..WorkloadSpec::default()
        };
        let command = place
            .sum()
            .args(["--workers", "1", "--combine", "never"])
            // Shorter waits for what never comes, in the client as in the group.
            .args(["-X", "socket.timeout.ms=3000", "-X", "session.timeout.ms=10000"])
            .args(["-X", "heartbeat.interval.ms=500", "-X", "reconnect.backoff.max.ms=500"])
            .setting("repartition_purge_interval_ms", "0")
            .setting("snapshot_interval_ms", "200")
            .setting("admin", "off");
        Ok(Self {
            place,
            command,
            workload: Workload::new(spec),
            group: place.kafka.group(&place.id, Isolation::Uncommitted)?,
            producer: place.kafka.producer()?,
        })
    }

    /// The same with a host that has made its way through what was there.
    pub(crate) fn started(case: &mut Case<'a>) -> Result<(Self, HostProcess)> {
        let mut run = Self::new(case)?;
        let mut host = run.command.start()?;
        run.progress(&mut [&mut host])?;
        Ok((run, host))
    }

    /// The host has worked, and has stopped with everything committed.
    pub(crate) fn stopped(case: &mut Case<'a>) -> Result<Self> {
        let (run, host) = Self::started(case)?;
        host.drain(HEALED)?;
        Ok(run)
    }

    /// A start ends by itself with a code, and these words.
    pub(crate) fn refuses(&self, words: &str) -> Result<()> {
        let ended = self.command.clone().arg("--until-end").start()?.wait(HEALED)?;
        ensure!(ended.code.is_some_and(|code| code != 0), "it ended with {:?}", ended.code);
        ensure!(ended.stderr.contains(words), "it does not say \"{words}\":\n{}", ended.stderr);
        Ok(())
    }

    /// What the ids of its workers' clients begin with.
    pub(crate) fn clients(&self) -> String {
        format!("{0}-{0}-", self.place.id)
    }

    /// The same of the host that took this slot of the state folder.
    pub(crate) fn clients_of(&self, slot: u32) -> Result<String> {
        let path = self.place.file("state")?.join("wasmhost").join("installation");
        let installation = std::fs::read_to_string(path)?;
        Ok(format!("{}{}-{slot}-", self.clients(), installation.trim()))
    }

    /// Writes some more lines.
    pub(crate) fn feed(&mut self) -> Result<()> {
        self.feed_lines(LINES)
    }

    /// Writes so many.
    pub(crate) fn feed_lines(&mut self, lines: u64) -> Result<()> {
        self.workload.produce(&mut self.producer, &self.place.input(), lines)
    }

    fn topics(&self) -> [String; 2] {
        [self.place.input(), self.place.topic("sum-repartition")]
    }

    /// All committed offsets of the group together.
    pub(crate) fn committed(&self) -> Result<i64> {
        let mut sum = 0;
        for topic in self.topics() {
            sum += self.group.committed(&topic, PARTITIONS)?.into_iter().flatten().sum::<i64>();
        }
        Ok(sum)
    }

    /// A static member that was away past its session may be taken for a second one of its name, which ends it: a
    /// supervisor starts it again, as we do.
    ///
    /// # Errors
    /// It has ended for another reason.
    pub(crate) fn supervise(&self, host: &mut HostProcess) -> Result<()> {
        if let Err(ended) = host.ensure_running() {
            ensure!(host.log().contains(SAME_IDENTITY), ended);
            *host = self.command.start()?;
        }
        Ok(())
    }

    /// Feeds until the fact holds; the hosts run all the time.
    pub(crate) fn feed_until(
        &mut self,
        what: &str,
        hosts: &mut [&mut HostProcess],
        mut fact: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        wait_until(what, HEALED, || {
            for host in hosts.iter_mut() {
                self.supervise(host)?;
            }
            self.feed()?;
            fact(self)
        })
    }

    /// Feeds until all that was in every partition at the call is committed.
    pub(crate) fn progress(&mut self, hosts: &mut [&mut HostProcess]) -> Result<()> {
        self.feed()?;
        let kafka = &self.place.kafka;
        let mut all = Vec::new();
        for topic in self.topics() {
            // Before the first start there is no topic behind the shuffle.
            if kafka.partitions(&topic)?.is_some() {
                let ends = kafka.ends(&topic, Isolation::Uncommitted)?;
                all.push((topic, ends));
            }
        }
        self.feed_until("progress of the application", hosts, |run| {
            for (topic, ends) in &all {
                let committed = run.group.committed(topic, PARTITIONS)?;
                if ends.iter().zip(committed).any(|(end, offset)| offset.unwrap_or_default() < *end) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Lets a last host do the rest, and checks all that is committed.
    pub(crate) fn finish(self) -> Result<()> {
        self.command.clone().arg("--until-end").complete(HEALED)?;
        self.check()
    }

    /// Sums are exact, each row was shuffled once, results are running sums, the changelog comes to the same, and no
    /// transaction hangs: by the kit's own oracles, and by another client in another language.
    pub(crate) fn check(&self) -> Result<()> {
        let place = self.place;
        let results = check::results(&place.check_sums(&self.workload)?)?;
        let rows = check::repartition_rows(&place.read("sum-repartition")?)?;
        check::every_row_once(&rows, self.workload.counts())?;
        check::running_sums(&results, &rows)?;
        check::same_sums(&check::changelog_sums(&place.read("sum-changelog")?)?, self.workload.sums())?;
        for what in ["output", "sum-repartition", "sum-changelog"] {
            check::settled(&place.kafka, &place.topic(what), HEALED)?;
        }
        verify(place, &Topics::of(place))
    }
}
