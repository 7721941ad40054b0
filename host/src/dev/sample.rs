//! Sample records, so many a second.

use super::Flow;
use super::lines::Lines;
use crate::exit::{ExitKind, Failure};
use crate::kafka::{SampleWriter, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a few are written: often enough for an even flow.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);
const SEED: u64 = 2026;

/// The thread that writes; it ends when this is dropped.
pub(super) struct Sample {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sample {
    /// Starts to write to all of a topic's partitions.
    ///
    /// # Errors
    /// There is no client, or no thread.
    pub(super) fn start(
        settings: &Settings,
        topic: &str,
        partitions: u32,
        flow: Flow,
    ) -> Result<Self, Failure> {
        let writer = SampleWriter::new(settings).map_err(crate::worker::at_start)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, topic) = (Arc::clone(&stop), topic.to_owned());
        let write = move || write(&writer, &topic, partitions, flow, &stopped);
        let thread = thread::Builder::new().name("sample".to_owned()).spawn(write);
        let thread = thread.map_err(|error| Failure::new(ExitKind::Failure, error))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of this thread has been printed, and costs nothing but the samples.
            let _ = thread.join();
        }
    }
}

fn write(writer: &SampleWriter, topic: &str, partitions: u32, flow: Flow, stop: &AtomicBool) {
    let mut lines = Lines::new(SEED);
    let began = Instant::now();
    let most = flow.records.unwrap_or(u64::MAX);
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = began.elapsed().as_micros() * u128::from(flow.records_per_s) / 1_000_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX).min(most);
        while written < due && !stop.load(Ordering::Relaxed) {
            let (partition, line) = lines.next(partitions);
            while !writer.send(topic, partition, line) && !stop.load(Ordering::Relaxed) {
                thread::sleep(WRITE_INTERVAL);
            }
            written += 1;
        }
        // The writer delivers in the background, so it lives until the end.
        thread::sleep(WRITE_INTERVAL);
    }
}
