//! The processes under fire.

use crate::hosted;
use crate::measure::Place;
use crate::program::{self, Membership, Program};
use crate::rivals::{Job, streams};
use anyhow::{Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use testkit::Kafka;
use xtask::process::{self, Signal};

/// From SIGTERM to the end.
const DRAIN_DEADLINE: Duration = Duration::from_mins(2);

/// What all processes of one application are told.
pub(super) struct Subject {
    pub(super) program: Program,
    pub(super) membership: Membership,
    pub(super) kafka: Kafka,
    pub(super) application: String,
    pub(super) folder: PathBuf,
}

impl Subject {
    pub(super) fn input(&self) -> String {
        format!("{}-input", self.application)
    }

    pub(super) fn output(&self) -> String {
        format!("{}-output", self.application)
    }

    /// Starts the process that takes this place; one that was there before must have ended.
    pub(super) fn start(&self, slot: u32) -> Result<Process> {
        let folder = self.folder.join(format!("slot-{slot}"));
        fs::create_dir_all(folder.join("tmp"))?;
        let mut command = match self.program {
            Program::Host => self.host(),
            Program::Streams => self.streams(&folder, slot)?,
        };
        let child = program::spawn(&mut command, &folder)?;
        Ok(Process { child, log: folder.join("log"), slot })
    }

    fn host(&self) -> Command {
        let (input, output) = (self.input(), self.output());
        let topics = ["--input", &input, "--output", &output, "--membership", self.membership.name()];
        let flags = ["--repartition", "always", "--combine", "never", "--from-beginning"];
        // Shorter waits for what never comes, in the client as in the group; the same for both programs.
        let clocks = ["socket.timeout.ms=3000", "session.timeout.ms=10000", "heartbeat.interval.ms=500"];
        let clocks: Vec<&str> = clocks.iter().flat_map(|clock| ["-X", clock]).collect();
        let arguments = [&topics[..], &flags, &clocks, &["-X", "reconnect.backoff.max.ms=500"]].concat();
        let mut command =
            hosted::endless(&self.kafka, &self.folder, &self.application, &hosted::module(true), &arguments);
        command.env("HOST_REPARTITION_PURGE_INTERVAL_MS", "0").env("HOST_SNAPSHOT_INTERVAL_MS", "200");
        command
    }

    fn streams(&self, folder: &Path, slot: u32) -> Result<Command> {
        let (kafka, application, input) = (&self.kafka, self.application.clone(), self.input());
        let job = Job { kafka, application, input: &input, records: i64::MAX.cast_unsigned() };
        let place = Place(folder.to_owned());
        let mut command = streams(&job, &place, "rekeyed", "commit")?;
        command.args([
            "--membership",
            self.membership.name(),
            "--instance",
            &slot.to_string(),
            "--clocks",
            "short",
        ]);
        Ok(command)
    }
}

/// One process; killed when dropped.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    pub(super) slot: u32,
}

impl Process {
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(process::send(self.child.id(), signal)?)
    }

    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it in order.
    pub(super) fn drain(mut self) -> Result<()> {
        self.signal(Signal::Terminate)?;
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < DRAIN_DEADLINE, "a process does not end: {}", self.log.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(super) fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("a process has ended with {status}"),
        }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
