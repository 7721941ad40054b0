//! Swapping the module of a running application: the checks of a start and more, then every worker takes over
//! between two of its commits. Whatever goes wrong, the module before stays.

mod beside;
mod drain;
mod history;
mod together;
mod trial;

use super::Application;
use super::module::Module;
use super::purpose::Purpose;
use crate::metrics::recent;
use crate::wasm::{LoadError, sha256_hex};
use crate::worker::{Control, FellBack, Staged};
pub(super) use beside::Tally;
use beside::{Beside, Shadow};
use history::History;
pub(super) use history::{State, Version};
use host_core::operator::{Fault, Operator};
use host_core::record::Batch;
use host_core::swap::{Misfit, OnTheirWay};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long the workers may take to reach a commit.
const INSTALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How often they are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// Stack of the thread that tries candidates, as that of a worker.
const STACK_BYTES: usize = 8 << 20;

/// Where a swap was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Read,
    Digest,
    Signature,
    Imports,
    Compile,
    Describe,
    Schema,
    Trial,
    Group,
    Drain,
    Install,
    Probation,
}

impl Step {
    /// For logs and answers.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Digest => "digest",
            Self::Signature => "signature",
            Self::Imports => "imports",
            Self::Compile => "compile",
            Self::Describe => "describe",
            Self::Schema => "schema",
            Self::Trial => "trial",
            Self::Group => "group",
            Self::Drain => "drain",
            Self::Install => "install",
            Self::Probation => "probation",
        }
    }
}

/// Why the module before stays.
#[derive(Clone, Debug, thiserror::Error)]
#[error("refused at step {}: {reason}", .step.as_str())]
pub(super) struct Refused {
    /// Where.
    pub step: Step,
    /// Why, and what to do.
    pub reason: String,
}

impl Refused {
    fn new(step: Step, reason: impl std::fmt::Display) -> Self {
        Self { step, reason: reason.to_string() }
    }
}

/// What a user hands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// What its SHA-256 must be.
    pub sha256: Option<&'a str>,
    /// By the configured key.
    pub signature: Option<&'a [u8]>,
    /// Empty the repartition topic first when its rows would mean nothing to the module.
    pub drain: bool,
}

/// How a candidate is compared before anything is swapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShadowRun {
    /// Records that it is given.
    pub records: u64,
    /// How long to wait for them.
    pub timeout: Duration,
    /// Keys and values are shown as they are.
    pub show_keys: bool,
    /// Swap to it when every answer was the same.
    pub promote_if_equal: bool,
}

/// What a shadow run found.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    /// The counts.
    pub tally: Tally,
    /// The candidate saw as many records as asked for.
    pub is_complete: bool,
    /// The swap, when it was promoted.
    pub promoted: Option<Installed>,
}

/// A swap that is done in all workers, or only waits for their commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    /// Counts the modules of this process from 0, that of the start; with a control topic, those of the
    /// application from 1.
    pub version: u64,
    /// The module's digest, or `native:NAME`.
    pub digest: String,
    /// From the request to the last worker.
    pub took: Duration,
    /// The longest that a worker paused: the commit before the take-over is in it.
    pub pause: Duration,
}

struct Modules {
    number: u64,
    /// Counts what was staged; workers answer with it.
    stages: u64,
    /// The stage with which the current module came; those of shadow runs follow.
    since: u64,
    current: Arc<Module>,
    previous: Option<Arc<Module>>,
    history: History,
}

/// Swaps the module of one application in one process.
pub(super) struct Swapper {
    application: Arc<Application>,
    controls: Vec<Arc<Control>>,
    modules: Mutex<Modules>,
    /// Held during a swap: one at a time.
    busy: Mutex<()>,
    /// Held while operators are staged, which may be for another's swap.
    installing: Mutex<()>,
}

impl Swapper {
    pub(super) fn new(application: Arc<Application>, controls: Vec<Arc<Control>>) -> Self {
        let (current, number) = (Arc::clone(&application.module), application.version);
        let history = History::new(&current, number);
        let modules = Modules { number, stages: 0, since: 0, current, previous: None, history };
        let (busy, installing) = (Mutex::new(()), Mutex::new(()));
        Self { application, controls, modules: Mutex::new(modules), busy, installing }
    }

    /// Swaps to the module of a file.
    ///
    /// # Errors
    /// [`Refused`]; the module before works on.
    pub(super) fn swap(&self, candidate: Candidate<'_>) -> Result<Installed, Refused> {
        let began = Instant::now();
        let _one_at_a_time = self.one_at_a_time()?;
        let digest = sha256_hex(candidate.bytes);
        let checked = self.checked(candidate, &digest);
        self.noted(&digest, checked.and_then(|module| self.take_over(&module, candidate, began)))
    }

    /// Runs the module of a file beside the current one, and swaps to it if that is asked for and all is equal.
    ///
    /// # Errors
    /// [`Refused`]; the module before works on.
    pub(super) fn shadow(&self, candidate: Candidate<'_>, run: ShadowRun) -> Result<Compared, Refused> {
        let _one_at_a_time = self.one_at_a_time()?;
        let digest = sha256_hex(candidate.bytes);
        let module = match self.checked(candidate, &digest) {
            Ok(module) => module,
            Err(refused) => return self.noted(&digest, Err(refused)),
        };
        let shadow =
            Arc::new(Shadow::new(run.records, self.application.config.limits.shadow_time, run.show_keys));
        self.stage_current(|current, control| {
            let [current, candidate] = [current, &*module].map(|module| module.measured(control.times()));
            Box::new(Beside::new(current, candidate, Arc::clone(&shadow)))
        });
        let deadline = Instant::now() + run.timeout;
        while !shadow.is_over() && Instant::now() < deadline && !self.is_ending() {
            thread::sleep(LOOK_INTERVAL);
        }
        let tally = shadow.end();
        self.stage_current(|current, control| current.measured(control.times()));
        let is_complete = tally.records >= run.records;
        let (same, records) =
            (tally.different == 0 && tally.failed == 0 && tally.dropped.is_none(), tally.records);
        tracing::info!(
            digest,
            records,
            equal = tally.equal,
            different = tally.different,
            failed = tally.failed,
            "shadow run"
        );
        let promoted = if run.promote_if_equal && same && is_complete {
            Some(self.noted(&digest, self.take_over(&module, candidate, Instant::now()))?)
        } else {
            None
        };
        Ok(Compared { tally, is_complete, promoted })
    }

    /// Swaps back to the module before.
    ///
    /// # Errors
    /// [`Refused`], also when there is none.
    pub(super) fn rollback(&self) -> Result<Installed, Refused> {
        let began = Instant::now();
        let _one_at_a_time = self.one_at_a_time()?;
        if self.application.fleet.is_some() {
            return self.roll_fleet_back(began);
        }
        let previous = lock(&self.modules).previous.clone();
        let previous = previous.ok_or_else(|| {
            Refused::new(Step::Read, "no module was swapped since the start, so there is none to go back to")
        })?;
        let digest = previous.digest().to_owned();
        self.noted(
            &digest,
            self.alone().and_then(|()| self.install_drained(&previous, &Purpose::Rollback, began)),
        )
    }

    /// When a worker has gone back to the module before, all do.
    pub(super) fn heed_fallbacks(&self) {
        let fell_back = self.controls.iter().find_map(|control| control.take_fell_back());
        let Some(FellBack { version, reason }) = fell_back else { return };
        let _one_at_a_time = lock(&self.busy);
        let (current, previous, number, since) = {
            let Modules { current, previous, number, since, .. } = &*lock(&self.modules);
            (Arc::clone(current), previous.clone(), *number, *since)
        };
        if version < since {
            // It was one before the current module, which is not to blame and is for this worker too.
            self.stage_current(|current, control| current.measured(control.times()));
        } else if self.application.fleet.is_some() {
            self.fall_back_together(current.digest(), number, &reason);
        } else if let Some(previous) = previous {
            self.note_no_good(current.digest(), &reason);
            self.install(&previous, number + 1, &Purpose::FellBack(reason), Instant::now());
        }
    }

    /// All versions, the newest first.
    pub(super) fn versions(&self) -> Vec<Version> {
        lock(&self.modules).history.versions()
    }

    /// The digest of the module that works.
    pub(super) fn digest(&self) -> String {
        lock(&self.modules).current.digest().to_owned()
    }

    fn one_at_a_time(&self) -> Result<MutexGuard<'_, ()>, Refused> {
        self.busy.try_lock().map_err(|_| Refused::new(Step::Install, "another swap is under way; try again"))
    }

    /// Everything but the installation.
    fn checked(&self, candidate: Candidate<'_>, digest: &str) -> Result<Arc<Module>, Refused> {
        let Candidate { bytes, sha256, signature, drain } = candidate;
        if let Some(expected) = sha256.filter(|expected| !expected.eq_ignore_ascii_case(digest)) {
            return Err(Refused::new(
                Step::Digest,
                format!("the SHA-256 is {digest}, and {expected} was asked for"),
            ));
        }
        self.check_signature(bytes, signature)?;
        if drain && self.application.fleet.is_some() {
            let text = "--drain is for one process: all would have to hold back their inputs together\n\
                        hint: stop the others, start the last one with --module-topic off, and swap there";
            return Err(Refused::new(Step::Group, text));
        }
        self.alone()?;
        let current = Arc::clone(&lock(&self.modules).current);
        let module = self.load(bytes, &current, drain)?;
        self.try_out(&module, &current)?;
        Ok(module)
    }

    fn check_signature(&self, bytes: &[u8], signature: Option<&[u8]>) -> Result<(), Refused> {
        super::signature::check(bytes, signature, self.application.config.module_key.as_deref())
            .map_err(|error| Refused::new(Step::Signature, format!("{error:#}")))
    }

    fn load(&self, bytes: &[u8], current: &Module, drain: bool) -> Result<Arc<Module>, Refused> {
        let module = Module::of_bytes(bytes, &self.application.config).map_err(|error| refused(&error))?;
        let rows = if drain { OnTheirWay::None } else { self.rows_on_their_way() };
        host_core::swap::check(current.description(), module.description(), rows)
            .map_err(|found| misfit(&found))?;
        Ok(Arc::new(module))
    }

    fn rows_on_their_way(&self) -> OnTheirWay {
        if self.application.topology.repartition.is_some() { OnTheirWay::Some } else { OnTheirWay::None }
    }

    /// The checked module takes over: here, or in every process that follows the control topic.
    fn take_over(
        &self,
        module: &Arc<Module>,
        candidate: Candidate<'_>,
        began: Instant,
    ) -> Result<Installed, Refused> {
        if self.application.fleet.is_some() {
            return self.announce(module.digest(), candidate, began);
        }
        self.install_drained(module, &Purpose::Swap, began)
    }

    /// Installs a module; when rows on their way would mean nothing to it, once there are none.
    fn install_drained(
        &self,
        module: &Arc<Module>,
        purpose: &Purpose,
        began: Instant,
    ) -> Result<Installed, Refused> {
        let (number, current) = {
            let modules = lock(&self.modules);
            (modules.number + 1, Arc::clone(&modules.current))
        };
        let rows = self.rows_on_their_way();
        let fits = host_core::swap::check(current.description(), module.description(), rows).is_ok();
        let _held = if fits { None } else { Some(drain::empty(&self.application, &self.controls)?) };
        Ok(self.install(module, number, purpose, began))
    }

    /// Other processes would go on with the module before, and records would depend on who reads them.
    fn alone(&self) -> Result<(), Refused> {
        if self.application.fleet.is_some() {
            return Ok(());
        }
        let ours: Vec<String> =
            (0..self.controls.len()).map(|i| self.application.identity.instance_id(i)).collect();
        let strangers = self.application.admin.strangers(&ours).map_err(|failure| {
            Refused::new(Step::Group, format!("cannot see who else is in the group: {failure:?}"))
        })?;
        if strangers == 0 {
            return Ok(());
        }
        Err(Refused::new(
            Step::Group,
            format!(
                "{strangers} workers of other processes are in the group, and they would keep the module that they have\n\
                 hint: start all processes with --module-topic on, and they swap together; or restart them one after \
                 the other with the new module"
            ),
        ))
    }

    /// A fault on rows that the current module can take is a reason to stay.
    fn try_out(&self, module: &Module, current: &Module) -> Result<(), Refused> {
        let mut batches = vec![("a canned batch", trial::canned(&self.application.topology.inputs[0]))];
        batches.extend(
            self.controls.iter().filter_map(|control| control.sample()).map(|b| ("a recent batch", b)),
        );
        for (what, batch) in &batches {
            let Err(fault) = try_one(module, batch)? else { continue };
            if try_one(current, batch)?.is_ok() {
                let (kind, reason) = (fault.kind.as_str(), &fault.reason);
                return Err(Refused::new(
                    Step::Trial,
                    format!("it faults on {what} that the current module can take ({kind}): {reason}"),
                ));
            }
        }
        Ok(())
    }

    /// All workers take the module over, between two of their commits. What it did as an earlier version, or in a
    /// trial, is not counted for this one.
    fn install(&self, module: &Module, number: u64, purpose: &Purpose, began: Instant) -> Installed {
        let _one_at_a_time = lock(&self.installing);
        let module = Arc::new(module.afresh());
        {
            // From here on it takes over, now or later.
            let mut modules = lock(&self.modules);
            modules.number = number;
            modules.since = modules.stages + 1;
            let before = std::mem::replace(&mut modules.current, Arc::clone(&module));
            modules.previous = Some(before);
        }
        self.stage(&module, |control| module.measured(control.times()));
        let digest = module.digest().to_owned();
        let done = Installed { version: number, digest, took: began.elapsed(), pause: self.pause() };
        self.note_installed(&module, purpose, &done);
        done
    }

    /// Gives every worker an operator with the current module in it. Another may take over before and after, not
    /// meanwhile.
    fn stage_current(&self, operator: impl Fn(&Module, &Control) -> Box<dyn Operator + Send>) {
        let _one_at_a_time = lock(&self.installing);
        let current = Arc::clone(&lock(&self.modules).current);
        self.stage(&current, |control| operator(&current, control));
    }

    /// Gives every worker an operator of this module, and waits until all have it.
    fn stage(&self, module: &Module, operator: impl Fn(&Control) -> Box<dyn Operator + Send>) {
        let stage = {
            let mut modules = lock(&self.modules);
            modules.stages += 1;
            modules.stages
        };
        for control in &self.controls {
            control.stage(Staged {
                version: stage,
                operator: operator(control),
                module: module.digest().to_owned(),
            });
        }
        let deadline = Instant::now() + INSTALL_TIMEOUT;
        loop {
            let waiting =
                self.controls.iter().position(|control| control.version().0 < stage && !control.is_ending());
            let Some(worker) = waiting else { break };
            if Instant::now() >= deadline {
                tracing::warn!(
                    worker,
                    "no commit within {INSTALL_TIMEOUT:?}; it takes over once it comes to one"
                );
                break;
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// The longest that a worker paused for its newest operator.
    fn pause(&self) -> Duration {
        self.controls.iter().map(|control| control.version().1).max().unwrap_or_default()
    }

    fn is_ending(&self) -> bool {
        self.controls.iter().any(|control| control.is_ending())
    }

    /// Counts, logs and remembers a refusal.
    fn noted<T>(&self, digest: &str, outcome: Result<T, Refused>) -> Result<T, Refused> {
        outcome.inspect_err(|refused| {
            self.note_refused(digest, refused);
            let swap = recent::Swap::refused(digest, refused.to_string());
            self.application.metrics.recent.swaps.push(swap);
        })
    }

    /// The same for a module that did not pass its probation; its end is told when the one before works again.
    fn note_no_good(&self, digest: &str, reason: &str) {
        self.note_refused(digest, &Refused::new(Step::Probation, reason));
    }

    fn note_refused(&self, digest: &str, refused: &Refused) {
        self.application.metrics.swaps_refused.add(1);
        let (step, reason) = (refused.step.as_str(), &refused.reason);
        tracing::warn!(digest, step, reason, "module refused; the one before stays");
        lock(&self.modules).history.refused(digest, refused.to_string());
    }

    /// Counts, logs and remembers a module that took over.
    fn note_installed(&self, module: &Module, purpose: &Purpose, done: &Installed) {
        let metrics = &self.application.metrics;
        metrics.swaps.add(1);
        metrics.swap_pause_us.set(done.pause.as_micros() as u64);
        lock(&self.modules).history.installed(module, done.version);
        let reason = match purpose {
            Purpose::FellBack(reason) => Some(Refused::new(Step::Probation, reason).to_string()),
            Purpose::Swap | Purpose::Rollback => None,
        };
        metrics.recent.swaps.push(recent::Swap {
            at: SystemTime::now(),
            number: Some(done.version),
            digest: done.digest.clone(),
            taken: purpose.taken(),
            took: Some(done.took),
            pause: Some(done.pause),
            reason,
        });
        let (took_ms, pause_us) = (done.took.as_millis() as u64, done.pause.as_micros() as u64);
        tracing::info!(version = done.version, digest = done.digest, took_ms, pause_us, "module swapped");
    }
}

/// On a thread of its own, as guests need a deep stack.
fn try_one(module: &Module, batch: &Batch) -> Result<Result<(), Fault>, Refused> {
    // What it uses here is not counted for the version that works.
    let mut operator = module.afresh().operator();
    thread::scope(|scope| {
        let run = move || trial::run(operator.as_mut(), batch);
        let thread = thread::Builder::new().name("trial".to_owned()).stack_size(STACK_BYTES);
        let trial = thread.spawn_scoped(scope, run).map_err(|error| Refused::new(Step::Trial, error))?;
        trial.join().map_err(|_| Refused::new(Step::Trial, "the trial panicked; the message is in the log"))
    })
}

fn misfit(misfit: &Misfit) -> Refused {
    let hint = match misfit {
        Misfit::RowSchema { .. } => "with --drain the repartition topic is emptied first",
        _ => "give it its own --application-id instead",
    };
    Refused::new(Step::Schema, format!("{misfit}\nhint: {hint}"))
}

fn refused(error: &anyhow::Error) -> Refused {
    let step = match error.downcast_ref::<LoadError>() {
        Some(LoadError::TooLarge { .. }) => Step::Read,
        Some(LoadError::UnknownImports(_) | LoadError::WrongImports(_)) => Step::Imports,
        Some(LoadError::CoreModule | LoadError::NotWasm | LoadError::Compile(_) | LoadError::Compiler(_))
        | None => Step::Compile,
        Some(_) => Step::Describe,
    };
    Refused::new(step, format!("{error:#}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
