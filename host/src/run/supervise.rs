//! Starts the workers and waits for them: signals, progress, and the end.

use super::signals::Signals;
use super::swap::Swapper;
use super::{Application, api, fleet, follow, on_terminal, watch};
use crate::exit::{ExitKind, Failure};
use crate::progress::{Progress, summary};
use crate::worker::Control;
use anyhow::anyhow;
use host_core::error::Stop;
use std::io::Write as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the main thread looks around.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);
/// How often progress is shown.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Stack of a worker: guests may use 512 KiB of it, and the rest must never run out, as that ends the process.
const STACK_BYTES: usize = 8 << 20;

type Handle = JoinHandle<Result<(), Stop>>;

/// Runs the application until it is drained.
pub(super) fn supervise(application: Application, signals: &Signals) -> Result<(), Failure> {
    let started = Instant::now();
    let application = Arc::new(application);
    let ends = follow::Ends::now(&application)?;
    let controls: Vec<_> = (0..application.config.workers).map(|_| Arc::new(Control::default())).collect();
    let swapper = Arc::new(Swapper::new(Arc::clone(&application), controls.clone()));
    let api = api::start(&application, &swapper, controls.clone(), started)?;
    let mut team = Team::start(&application, controls, started)?;
    let watcher = watch::start(&swapper, &application.config, signals.hang_ups());
    let follower = fleet::follow(&application, &swapper)?;
    let housekeeper = follow::start(&application, ends, team.controls());
    let mut progress = Progress::new(on_terminal());
    let result = team.wait(&application, signals, &mut progress);
    drop(api);
    watcher.stop();
    follower.stop();
    housekeeper.stop();
    progress.clear();
    let counters = application.metrics.snapshot();
    if on_terminal() {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}", summary(&counters, started.elapsed()).trim_end());
    } else {
        crate::progress::log_summary(&counters, started.elapsed());
    }
    result
}

/// The workers of this process.
struct Team {
    controls: Vec<Arc<Control>>,
    workers: Vec<Option<Handle>>,
    started: Instant,
    /// When the drain began, and the code if it takes too long.
    ending: Option<(Instant, ExitKind)>,
    result: Result<(), Failure>,
}

impl Team {
    fn start(
        application: &Arc<Application>,
        controls: Vec<Arc<Control>>,
        started: Instant,
    ) -> Result<Self, Failure> {
        let mut team = Self { controls, workers: Vec::new(), started, ending: None, result: Ok(()) };
        for (index, control) in team.controls.iter().enumerate() {
            let (shared, order) = (Arc::clone(application), Arc::clone(control));
            let worker = thread::Builder::new()
                .name(format!("worker-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || shared.worker(index, order, started)?.run())
                .map_err(|error| Failure::new(ExitKind::Failure, error))?;
            team.workers.push(Some(worker));
        }
        Ok(team)
    }

    fn controls(&self) -> Vec<Arc<Control>> {
        self.controls.clone()
    }

    /// Waits until all have ended, or until they take too long to.
    fn wait(
        &mut self,
        application: &Application,
        signals: &Signals,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut shown_at = Instant::now();
        while self.workers.iter().any(Option::is_some) {
            thread::sleep(LOOK_INTERVAL);
            self.join_ended();
            if let Some(failure) = application.take_trouble() {
                self.fail(failure);
            }
            if let Some(failure) = self.heed(signals, application.config.shutdown_timeout) {
                return Err(failure);
            }
            if shown_at.elapsed() >= PROGRESS_INTERVAL {
                shown_at = Instant::now();
                progress.show(&application.metrics.snapshot(), self.started.elapsed());
                self.watch_commits(application.kafka.transaction_timeout());
            }
        }
        std::mem::replace(&mut self.result, Ok(()))
    }

    /// Joins workers that have ended; when one failed the others are drained.
    fn join_ended(&mut self) {
        for index in 0..self.workers.len() {
            let Some(worker) = self.workers[index].take_if(|worker| worker.is_finished()) else { continue };
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(stop)) => self.fail(Failure::from(stop)),
                Err(_) => {
                    self.fail(Failure::new(
                        ExitKind::Bug,
                        anyhow!("a worker panicked; the message is above"),
                    ));
                }
            }
        }
    }

    /// Drains what still works; the first failure is the one that counts.
    fn fail(&mut self, failure: Failure) {
        for control in &self.controls {
            control.drain();
        }
        if self.result.is_ok() {
            self.result = Err(failure);
        }
    }

    /// The first signal drains, the second one quits.
    fn heed(&mut self, signals: &Signals, timeout: Duration) -> Option<Failure> {
        let (count, kind) = signals.seen()?;
        let (since, _) = *self.ending.get_or_insert_with(|| {
            tracing::info!("draining: the batch is finished and committed, then the group is left");
            (Instant::now(), kind)
        });
        for control in &self.controls {
            if count > 1 {
                control.quit();
            } else {
                control.drain();
            }
        }
        if count > 1 && self.result.is_ok() {
            self.result = Err(Failure::new(
                kind,
                anyhow!("ended by a second signal; the open transaction was aborted"),
            ));
        }
        (since.elapsed() > timeout).then(|| {
            Failure::new(kind, anyhow!("not drained within shutdown_timeout = {timeout:?}; nothing is lost"))
        })
    }

    /// A commit waits for the brokers as long as its transaction may last; say so when it does.
    fn watch_commits(&self, timeout: Duration) {
        let now_ms = self.started.elapsed().as_millis() as u64;
        for (worker, control) in self.controls.iter().enumerate() {
            let waiting = control.committing_since_ms().map(|since| now_ms.saturating_sub(since));
            if let Some(waiting_ms) = waiting.filter(|ms| u128::from(*ms) > timeout.as_millis()) {
                tracing::error!(worker, waiting_ms, "a commit is not answered; are the brokers there?");
            }
        }
    }
}
