//! The application as the admin API sees it.

use super::swap::{self, Candidate, Compared, ShadowRun, State, Swapper};
use super::{Application, sample};
use crate::admin::{
    Backend, Difference, Http, Installed, ModuleVersion, Refused, Server, ShadowReport, ShadowRequest,
    Sockets, Status, SwapRequest, metrics,
};
use crate::config::Admin;
use crate::exit::{ExitKind, Failure};
use crate::feed::{Feed, Sample, snapshot::Snapshot};
use crate::time::unix_ms;
use crate::worker::Control;
use anyhow::Context as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The server and the files that it has made.
pub(super) struct Api {
    _server: Server,
    _sockets: Sockets,
}

/// Starts the admin API.
pub(super) fn start(
    application: &Arc<Application>,
    swapper: &Arc<Swapper>,
    controls: Vec<Arc<Control>>,
    started: Instant,
) -> Result<Api, Failure> {
    let config = &application.config;
    let sockets = Sockets::of(&config.state_dir, &config.application_id, application.identity.slot());
    let feed = Mutex::new(Feed::new(sample::about(application)));
    let (application, swapper) = (Arc::clone(application), Arc::clone(swapper));
    let backend = Behind { application, swapper, controls, started, feed };
    let http = match config.admin {
        Admin::Off => None,
        Admin::Default(address) => Some(Http { address, is_asked_for: false }),
        Admin::Asked(address) => Some(Http { address, is_asked_for: true }),
    };
    let server = Server::start(Arc::new(backend), &sockets, http, config.page.clone())
        .with_context(|| format!("cannot serve the admin API {http:?}"))
        .map_err(|error| Failure::new(ExitKind::BadConfig, error))?;
    Ok(Api { _server: server, _sockets: sockets })
}

struct Behind {
    application: Arc<Application>,
    swapper: Arc<Swapper>,
    controls: Vec<Arc<Control>>,
    started: Instant,
    feed: Mutex<Feed>,
}

impl Behind {
    fn sample(&self) -> Sample {
        sample::now(&self.application, &self.swapper, &self.controls, self.started.elapsed())
    }
}

impl Backend for Behind {
    fn name(&self) -> &str {
        &self.application.config.name
    }

    fn module_bytes_max(&self) -> usize {
        usize::try_from(self.application.config.limits.module_bytes_max).unwrap_or(usize::MAX)
    }

    fn obstacles(&self) -> Vec<String> {
        obstacles(&self.controls)
    }

    fn metrics(&self) -> String {
        metrics::text(&self.application.metrics, &sample::about(&self.application), &self.sample())
    }

    fn modules(&self) -> Vec<ModuleVersion> {
        self.swapper.versions().into_iter().map(line).collect()
    }

    fn swap(&self, request: SwapRequest) -> Result<Installed, Refused> {
        self.swapper.swap(candidate(&request)).map(installed).map_err(refused)
    }

    fn shadow(&self, request: ShadowRequest) -> Result<ShadowReport, Refused> {
        let ShadowRequest { records, timeout, show_keys, promote_if_equal, .. } = request;
        let run = ShadowRun { records, timeout, show_keys, promote_if_equal };
        self.swapper.shadow(candidate(&request.candidate), run).map(report).map_err(refused)
    }

    fn status(&self) -> Status {
        let Application { config, metrics, .. } = &*self.application;
        let current = self.swapper.versions().into_iter().find(|version| version.state == State::Current);
        let current = current.expect("some version works");
        Status {
            product_version: env!("CARGO_PKG_VERSION").to_owned(),
            application_id: config.application_id.clone(),
            name: config.name.clone(),
            digest: current.digest,
            number: current.number.unwrap_or_default(),
            workers: config.workers as u64,
            obstacles: self.obstacles(),
            records_consumed: metrics.records_consumed.get(),
            records_produced: metrics.results.get(),
            commits: metrics.commits.get(),
            records_lag: metrics.snapshot().lag.into_values().sum(),
            state_keys: metrics.keys.get(),
        }
    }

    fn next_snapshot(&self) -> Snapshot {
        let now = self.sample();
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        feed.next(now, &self.application.metrics.recent)
    }

    fn rollback(&self) -> Result<Installed, Refused> {
        self.swapper.rollback().map(installed).map_err(refused)
    }
}

/// What keeps workers from working.
pub(super) fn obstacles(controls: &[Arc<Control>]) -> Vec<String> {
    let mut obstacles = Vec::new();
    for (worker, control) in controls.iter().enumerate() {
        if control.is_ending() {
            obstacles.push(format!("worker {worker} drains"));
        } else if !control.is_ready() {
            obstacles.push(format!("worker {worker} joins the group or restores its state"));
        }
    }
    obstacles
}

/// A version as the API has it. A native operator has calls too.
pub(super) fn line(version: swap::Version) -> ModuleVersion {
    let state = match version.state {
        State::Current => "current",
        State::Previous => "previous",
        State::Past => "past",
        State::Refused => "refused",
    };
    ModuleVersion {
        number: version.number,
        digest: version.digest,
        version: version.described,
        since_s: unix_ms(version.since) / 1000,
        state: state.to_owned(),
        reason: version.reason,
        calls: version.calls.as_ref().map(|calls| calls.durations().count()),
        faults: version.calls.as_ref().map(|calls| calls.faults()),
        cpu_us: version.usage.as_ref().map(|usage| usage.cpu().as_micros() as u64),
        memory_bytes_max: version.usage.as_ref().map(|usage| usage.memory_bytes_max() as u64),
    }
}

fn candidate(request: &SwapRequest) -> Candidate<'_> {
    let SwapRequest { bytes, sha256, signature, drain } = request;
    Candidate { bytes, sha256: sha256.as_deref(), signature: signature.as_deref(), drain: *drain }
}

fn report(compared: Compared) -> ShadowReport {
    let Compared { tally, is_complete, promoted } = compared;
    let differences = tally.differences.into_iter().map(|found| Difference {
        interface: found.interface.to_owned(),
        at: found.at,
        current: found.current,
        candidate: found.candidate,
    });
    ShadowReport {
        records: tally.records,
        equal: tally.equal,
        different: tally.different,
        failed: tally.failed,
        differences: differences.collect(),
        current_us: tally.current.as_micros() as u64,
        candidate_us: tally.candidate.as_micros() as u64,
        dropped: tally.dropped,
        is_complete,
        promoted: promoted.map(installed),
    }
}

fn installed(done: swap::Installed) -> Installed {
    Installed {
        number: done.version,
        digest: done.digest,
        took_ms: done.took.as_millis() as u64,
        pause_us: done.pause.as_micros() as u64,
    }
}

fn refused(refused: swap::Refused) -> Refused {
    Refused { step: refused.step.as_str().to_owned(), reason: refused.reason }
}
