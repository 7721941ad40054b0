//! What is done beside the workers: seeing that a batch job has reached its end, and purging rows of the
//! repartition topic that are committed.

use super::Application;
use crate::exit::Failure;
use crate::worker::{Control, at_start};
use host_core::record::{Offset, TopicPartition};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often `--until-end` looks at the committed offsets.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Offsets that the group has to reach: first those of the inputs, then those that the repartition topic has
/// at that moment.
#[derive(Debug)]
pub(super) enum Ends {
    /// The application has no end.
    Never,
    Inputs(Vec<(TopicPartition, Offset)>),
    Repartition(Vec<(TopicPartition, Offset)>),
}

impl Ends {
    /// The inputs' ends now, for `--until-end`.
    pub(super) fn now(application: &Application) -> Result<Self, Failure> {
        if !application.config.until_end {
            return Ok(Self::Never);
        }
        let partitions = application.admin.all_partitions(&application.topology.inputs).map_err(at_start)?;
        let ends = application.admin.stable_ends(&partitions).map_err(at_start)?;
        Ok(Self::Inputs(partitions.into_iter().zip(ends).collect()))
    }
}

/// The thread that follows.
pub(super) struct Housekeeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeper {
    /// Ends the thread, after the last purge.
    pub(super) fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of this thread has been printed and costs nothing but a purge.
            let _ = thread.join();
        }
    }
}

/// Starts following.
pub(super) fn start(application: &Arc<Application>, ends: Ends, controls: Vec<Arc<Control>>) -> Housekeeper {
    let stop = Arc::new(AtomicBool::new(false));
    let (application, stopped) = (Arc::clone(application), Arc::clone(&stop));
    let follow = move || Follower { application, ends, controls }.run(&stopped);
    let thread = thread::Builder::new().name("housekeeper".to_owned()).spawn(follow);
    let thread = thread.inspect_err(|error| tracing::error!(%error, "cannot start the housekeeper")).ok();
    Housekeeper { stop, thread }
}

struct Follower {
    application: Arc<Application>,
    ends: Ends,
    controls: Vec<Arc<Control>>,
}

impl Follower {
    fn run(mut self, stopped: &AtomicBool) {
        let purge_interval = self.application.config.repartition_purge_interval;
        let mut purged_at = Instant::now();
        while !stopped.load(Ordering::Relaxed) {
            thread::park_timeout(LOOK_INTERVAL);
            if let Err(failure) = self.look_at_ends() {
                tracing::warn!(?failure, "cannot see whether the end is reached; trying again");
            }
            if purge_interval.is_some_and(|interval| purged_at.elapsed() >= interval) {
                purged_at = Instant::now();
                self.purge();
            }
        }
        if purge_interval.is_some() {
            self.purge();
        }
    }

    /// Drains once all ends are committed.
    fn look_at_ends(&mut self) -> Result<(), host_core::event::Failure> {
        let (Ends::Inputs(ends) | Ends::Repartition(ends)) = &self.ends else { return Ok(()) };
        if !self.are_committed(ends)? {
            return Ok(());
        }
        if let (Ends::Inputs(_), Some(topic)) = (&self.ends, &self.application.topology.repartition) {
            let partitions = self.application.admin.all_partitions(&[topic])?;
            let ends = self.application.admin.high_watermarks(&partitions)?;
            self.ends = Ends::Repartition(partitions.into_iter().zip(ends).collect());
            return self.look_at_ends();
        }
        tracing::info!("the end is reached");
        self.ends = Ends::Never;
        for control in &self.controls {
            control.drain();
        }
        Ok(())
    }

    fn are_committed(&self, ends: &[(TopicPartition, Offset)]) -> Result<bool, host_core::event::Failure> {
        let partitions: Vec<_> = ends.iter().map(|(partition, _)| partition.clone()).collect();
        let committed = self.application.admin.committed(&partitions)?;
        // A log that is empty and was never read has nothing to be committed.
        Ok(ends.iter().zip(committed).all(|((_, end), committed)| committed.unwrap_or(0) >= *end))
    }

    /// Deletes committed rows of the repartition topic. Every process does it: it is cheap, and harmless twice.
    fn purge(&self) {
        let Some(topic) = &self.application.topology.repartition else { return };
        let purge = || {
            let partitions = self.application.admin.all_partitions(&[topic])?;
            let committed = self.application.admin.committed(&partitions)?;
            let before = partitions.into_iter().zip(committed);
            let before: Vec<_> =
                before.filter_map(|(partition, offset)| Some((partition, offset?))).collect();
            if before.is_empty() { Ok(()) } else { self.application.admin.delete_records(&before) }
        };
        if let Err(failure) = purge() {
            tracing::warn!(?failure, topic, "cannot purge the repartition topic; trying again later");
        }
    }
}
