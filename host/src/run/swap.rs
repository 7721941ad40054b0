//! Swapping the module of a running application: the checks of a start and more, then every worker takes over
//! between two of its commits. Whatever goes wrong, the module before stays.

use super::module::Module;
use super::{Application, trial};
use crate::wasm::{LoadError, sha256_hex};
use crate::worker::{Control, Staged};
use host_core::operator::Fault;
use host_core::record::Batch;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Versions that are remembered.
const HISTORY_MAX: usize = 32;
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
            Self::Install => "install",
            Self::Probation => "probation",
        }
    }
}

/// Why the module before stays.
#[derive(Debug, thiserror::Error)]
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

/// A swap that is done in all workers, or only waits for their commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    /// Counts the modules of this process, from 0, the one of the start.
    pub version: u64,
    /// The module's digest, or `native:NAME`.
    pub digest: String,
    /// From the request to the last worker.
    pub took: Duration,
    /// The longest that a worker paused: the commit before the take-over is in it.
    pub pause: Duration,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It works.
    Current,
    /// A roll-back goes to it.
    Previous,
    /// It worked once.
    Past,
    /// It never worked.
    Refused,
}

/// One line of the history.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// None: refused.
    pub number: Option<u64>,
    /// The module's digest, or `native:NAME`.
    pub digest: String,
    /// As the module says.
    pub described: String,
    /// When it took over, or was refused.
    pub since: SystemTime,
    /// What became of it.
    pub state: State,
    /// Why it was refused.
    pub reason: Option<String>,
}

struct Modules {
    number: u64,
    current: Arc<Module>,
    previous: Option<Arc<Module>>,
    history: Vec<Version>,
}

/// Swaps the module of one application in one process.
pub(super) struct Swapper {
    application: Arc<Application>,
    controls: Vec<Arc<Control>>,
    modules: Mutex<Modules>,
    /// Held during a swap: one at a time.
    busy: Mutex<()>,
}

impl Swapper {
    pub(super) fn new(application: Arc<Application>, controls: Vec<Arc<Control>>) -> Self {
        let current = Arc::clone(&application.module);
        let first = version(&current, Some(0), State::Current, None);
        let modules = Modules { number: 0, current, previous: None, history: vec![first] };
        Self { application, controls, modules: Mutex::new(modules), busy: Mutex::new(()) }
    }

    /// Swaps to the module of this file's bytes. `sha256`: what its digest must be. `signature`: by the
    /// configured key.
    ///
    /// # Errors
    /// [`Refused`]; the module before works on.
    pub(super) fn swap(
        &self,
        bytes: &[u8],
        sha256: Option<&str>,
        signature: Option<&[u8]>,
    ) -> Result<Installed, Refused> {
        let began = Instant::now();
        let _one_at_a_time = self.one_at_a_time()?;
        let digest = sha256_hex(bytes);
        let result =
            self.checked(bytes, &digest, sha256, signature).map(|module| self.install(&module, began));
        self.note(&digest, &result);
        result
    }

    /// Swaps back to the module before.
    ///
    /// # Errors
    /// [`Refused`], also when there is none.
    pub(super) fn rollback(&self) -> Result<Installed, Refused> {
        let began = Instant::now();
        let _one_at_a_time = self.one_at_a_time()?;
        let previous = lock(&self.modules).previous.clone();
        let previous = previous.ok_or_else(|| {
            Refused::new(Step::Read, "no module was swapped since the start, so there is none to go back to")
        })?;
        let digest = previous.digest().to_owned();
        let result = self.alone().map(|()| self.install(&previous, began));
        self.note(&digest, &result);
        result
    }

    /// When a worker has gone back to the module before, all do.
    pub(super) fn heed_fallbacks(&self) {
        let Some(reason) = self.controls.iter().find_map(|control| control.take_fell_back()) else { return };
        let _one_at_a_time = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let (bad, previous) = {
            let modules = lock(&self.modules);
            (modules.current.digest().to_owned(), modules.previous.clone())
        };
        let Some(previous) = previous else { return };
        self.note(&bad, &Err(Refused::new(Step::Probation, reason)));
        let done = self.install(&previous, Instant::now());
        self.note(previous.digest(), &Ok(done));
    }

    /// All versions, the newest first.
    pub(super) fn versions(&self) -> Vec<Version> {
        lock(&self.modules).history.iter().rev().cloned().collect()
    }

    /// The digest of the module that works.
    pub(super) fn digest(&self) -> String {
        lock(&self.modules).current.digest().to_owned()
    }

    fn one_at_a_time(&self) -> Result<MutexGuard<'_, ()>, Refused> {
        self.busy.try_lock().map_err(|_| Refused::new(Step::Install, "another swap is under way; try again"))
    }

    /// Everything but the installation.
    fn checked(
        &self,
        bytes: &[u8],
        digest: &str,
        sha256: Option<&str>,
        signature: Option<&[u8]>,
    ) -> Result<Arc<Module>, Refused> {
        if let Some(expected) = sha256.filter(|expected| !expected.eq_ignore_ascii_case(digest)) {
            return Err(Refused::new(
                Step::Digest,
                format!("the SHA-256 is {digest}, and {expected} was asked for"),
            ));
        }
        super::signature::check(bytes, signature, self.application.config.module_key.as_deref())
            .map_err(|error| Refused::new(Step::Signature, format!("{error:#}")))?;
        self.alone()?;
        let current = Arc::clone(&lock(&self.modules).current);
        let module = Module::of_bytes(bytes, &self.application.config).map_err(|error| refused(&error))?;
        host_core::swap::check(current.description(), module.description()).map_err(|misfit| {
            Refused::new(Step::Schema, format!("{misfit}\nhint: give it its own --application-id instead"))
        })?;
        self.try_out(&module, &current)?;
        Ok(Arc::new(module))
    }

    /// Other processes would go on with the module before, and records would depend on who reads them.
    fn alone(&self) -> Result<(), Refused> {
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
                 hint: restart the processes one after the other with the new module"
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

    /// Stages the module in all workers and waits until they have taken over.
    fn install(&self, module: &Arc<Module>, began: Instant) -> Installed {
        let number = lock(&self.modules).number + 1;
        for control in &self.controls {
            let (operator, module) = (module.operator(), module.digest().to_owned());
            control.stage(Staged { version: number, operator, module });
        }
        {
            // From here on it takes over, now or later.
            let mut modules = lock(&self.modules);
            modules.number = number;
            let before = std::mem::replace(&mut modules.current, Arc::clone(module));
            modules.previous = Some(before);
        }
        let deadline = Instant::now() + INSTALL_TIMEOUT;
        loop {
            let waiting =
                self.controls.iter().position(|control| control.version().0 < number && !control.is_ending());
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
        let pause = self.controls.iter().map(|control| control.version().1).max().unwrap_or_default();
        Installed { version: number, digest: module.digest().to_owned(), took: began.elapsed(), pause }
    }

    /// Counts, logs and remembers.
    fn note(&self, digest: &str, result: &Result<Installed, Refused>) {
        let metrics = &self.application.metrics;
        let mut modules = lock(&self.modules);
        match result {
            Ok(done) => {
                metrics.swaps.add(1);
                let (took_ms, pause_us) = (done.took.as_millis() as u64, done.pause.as_micros() as u64);
                tracing::info!(version = done.version, digest, took_ms, pause_us, "module swapped");
                for version in &mut modules.history {
                    version.state = match version.state {
                        State::Current => State::Previous,
                        State::Previous => State::Past,
                        state => state,
                    };
                }
                let entry = version(&modules.current, Some(done.version), State::Current, None);
                modules.history.push(entry);
            }
            Err(refused) => {
                metrics.swaps_refused.add(1);
                let (step, reason) = (refused.step.as_str(), &refused.reason);
                tracing::warn!(digest, step, reason, "module refused; the one before stays");
                modules.history.push(Version {
                    number: None,
                    digest: digest.to_owned(),
                    described: String::new(),
                    since: SystemTime::now(),
                    state: State::Refused,
                    reason: Some(refused.to_string()),
                });
            }
        }
        let over = modules.history.len().saturating_sub(HISTORY_MAX);
        modules.history.drain(..over);
    }
}

fn version(module: &Module, number: Option<u64>, state: State, reason: Option<String>) -> Version {
    let described = module.description().version.clone();
    let digest = module.digest().to_owned();
    Version { number, digest, described, since: SystemTime::now(), state, reason }
}

/// On a thread of its own, as guests need a deep stack.
fn try_one(module: &Module, batch: &Batch) -> Result<Result<(), Fault>, Refused> {
    let mut operator = module.operator();
    thread::scope(|scope| {
        let run = move || trial::run(operator.as_mut(), batch);
        let thread = thread::Builder::new().name("trial".to_owned()).stack_size(STACK_BYTES);
        let trial = thread.spawn_scoped(scope, run).map_err(|error| Refused::new(Step::Trial, error))?;
        trial.join().map_err(|_| Refused::new(Step::Trial, "the trial panicked; the message is in the log"))
    })
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
