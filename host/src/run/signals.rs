//! SIGINT, SIGTERM and SIGHUP, counted from the very start, so that none ends a process that is still starting.

use crate::exit::{ExitKind, Failure};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGXFSZ: a file would grow beyond `ulimit -f`.
const FILE_TOO_LARGE: i32 = 25;

/// What came so far. A clone is the same.
#[derive(Clone)]
pub(super) struct Signals {
    interrupts: Arc<AtomicU32>,
    terminations: Arc<AtomicU32>,
    hang_ups: Arc<AtomicU32>,
}

impl Signals {
    /// Counts from here on.
    ///
    /// # Errors
    /// The system gives no thread or no handler.
    pub(super) fn listen() -> Result<Self, Failure> {
        Self::try_listen().map_err(|error| Failure::new(ExitKind::Failure, error))
    }

    fn try_listen() -> std::io::Result<Self> {
        let signals =
            Self { interrupts: Arc::default(), terminations: Arc::default(), hang_ups: Arc::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let interrupts = count(signal(SignalKind::interrupt())?, Arc::clone(&signals.interrupts));
        let terminations = count(signal(SignalKind::terminate())?, Arc::clone(&signals.terminations));
        let hang_ups = count(signal(SignalKind::hangup())?, Arc::clone(&signals.hang_ups));
        // Heard, it does not end the process: the write fails instead, as on a full disk.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        drop(entered);
        let listen = move || {
            runtime.block_on(async move { tokio::join!(interrupts, terminations, hang_ups) });
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(signals)
    }

    /// Counts SIGHUP: look at the module's file again.
    pub(super) fn hang_ups(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.hang_ups)
    }

    /// As if SIGTERM had come.
    pub(super) fn terminate(&self) {
        self.terminations.fetch_add(1, Ordering::Relaxed);
    }

    /// How many came that end the process, and the exit code of the kind that came.
    pub(super) fn seen(&self) -> Option<(u32, ExitKind)> {
        let interrupts = self.interrupts.load(Ordering::Relaxed);
        let terminations = self.terminations.load(Ordering::Relaxed);
        let kind = if interrupts > 0 { ExitKind::Interrupted } else { ExitKind::Terminated };
        Some((interrupts + terminations, kind)).filter(|(count, _)| *count > 0)
    }
}

async fn count(mut signal: Signal, counter: Arc<AtomicU32>) {
    while signal.recv().await.is_some() {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
