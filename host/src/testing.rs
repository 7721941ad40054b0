//! `host test`: an application on files, without Kafka. The machine, the operators and the formats are those of
//! `host run`; only the brokers are a model ([`host_model`]).

mod compare;
mod expected;
mod further;
mod history;
mod input;
mod json;
mod report;
mod sources;
mod steady;
#[cfg(test)]
mod tests;

pub use history::{Counts, Scenario};
pub use input::Format;
pub use report::Report;

use crate::config::{Config, Repartition};
use crate::exit::{ExitKind, Failure};
use crate::run::module::{self, Module};
use anyhow::{Context as _, anyhow};
use compare::Judged;
use further::Further;
use history::{History, Modules};
use host_core::machine::Settings;
use host_core::operator::Operator;
use host_core::policy::{Limits, Policies};
use host_core::swap::OnTheirWay;
use host_core::topology::Topology;
use input::{Input, Places};
use report::{Check, Failed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;

/// Stack of the thread that calls the module, as that of a worker.
const STACK_BYTES: usize = 8 << 20;
/// Where records are looked for when no file is named; the expected rows stand beside them.
const INPUTS: [(&str, &str); 2] = [("input.jsonl", "expected.jsonl"), ("input.txt", "expected.txt")];
/// The expected failed records.
const EXPECTED_FAILED: &str = "expected-failed.txt";

/// What is to be tested.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Files that stand for the inputs; empty: those of the working folder.
    pub inputs: Vec<PathBuf>,
    /// How they are read.
    pub format: Format,
    /// What stands between key and value in lines of text.
    pub key_separator: Option<String>,
    /// Partitions of every topic.
    pub partitions: u32,
    /// Workers.
    pub workers: usize,
    /// The rows that it should come to; none: those beside the default input, when they are there.
    pub expected: Option<PathBuf>,
    /// The records that should fail; the same.
    pub expected_failed: Option<PathBuf>,
    /// Write the expected files and do not compare.
    pub update: bool,
    /// Further runs with the log cut in other ways.
    pub repeats: u32,
    /// Kills of workers in each further run.
    pub crashes: u32,
    /// Swaps of the module in each further run.
    pub swaps: u32,
    /// What is swapped to; none: the same module anew.
    pub swap_with: Option<PathBuf>,
    /// All that is random follows from it.
    pub seed: u64,
}

/// The files of a plan.
struct Files {
    inputs: Vec<PathBuf>,
    expected: Option<PathBuf>,
    expected_failed: Option<PathBuf>,
}

/// Runs a plan. The report says whether the module passed.
///
/// # Errors
/// A file that cannot be read, a module that cannot be loaded, an application that stopped.
pub fn run(config: &Config, plan: &Plan) -> Result<Report, Failure> {
    let files = files(plan)?;
    let topics = topics(config, &files.inputs)?;
    let read = |(topic, path): (String, &PathBuf)| {
        Input::read(topic, path, plan.format, plan.key_separator.as_deref(), plan.partitions)
    };
    let inputs: Vec<Input> =
        topics.into_iter().zip(&files.inputs).map(read).collect::<Result<_, Failure>>()?;
    let modules = Loaded::load(config, plan)?;
    thread::scope(|scope| {
        let work = || Test::new(config, plan, files, &inputs, &modules).run();
        let thread = thread::Builder::new().name("test".into()).stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work);
        let thread = thread.map_err(|error| Failure::new(ExitKind::Failure, error))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn files(plan: &Plan) -> Result<Files, Failure> {
    let given = |path: &Option<PathBuf>, default: Option<&str>| {
        let default = default.map(PathBuf::from).filter(|path| plan.update || path.is_file());
        path.clone().or(default)
    };
    if !plan.inputs.is_empty() {
        return Ok(Files {
            inputs: plan.inputs.clone(),
            expected: plan.expected.clone(),
            expected_failed: plan.expected_failed.clone(),
        });
    }
    let Some((input, expected)) = INPUTS.iter().find(|(input, _)| Path::new(input).is_file()) else {
        let text = anyhow!("there are no records: neither input.jsonl nor input.txt is in this folder");
        let hint = "name a file with --input: a record's value on each line, or JSON lines";
        return Err(Failure::new(ExitKind::Usage, text).hint(hint));
    };
    let failed = Path::new(EXPECTED_FAILED).is_file().then_some(EXPECTED_FAILED);
    Ok(Files {
        inputs: vec![input.into()],
        expected: given(&plan.expected, Some(expected)),
        expected_failed: given(&plan.expected_failed, failed),
    })
}

/// The topics that the files stand for: the inputs of the application when there are as many, else topics that
/// are named after the files.
fn topics(config: &Config, files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    if config.inputs.len() == files.len() {
        return Ok(config.inputs.clone());
    }
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        Some((_, name)) => {
            let text = anyhow!("two input files would stand for the topic \"{name}\"");
            Err(Failure::new(ExitKind::Usage, text).hint("rename one; topics are named after the files"))
        }
        None => Ok(names),
    }
}

/// The modules of a test.
struct Loaded {
    first: Module,
    second: Option<Module>,
}

impl Loaded {
    fn load(config: &Config, plan: &Plan) -> Result<Self, Failure> {
        let first = Module::load(config)?;
        let Some(path) = &plan.swap_with else { return Ok(Self { first, second: None }) };
        let load = || {
            let second = Module::of_bytes(&module::read(path, config)?, config)?;
            host_core::swap::check(first.description(), second.description(), OnTheirWay::Some)?;
            anyhow::Ok(second)
        };
        let second = load()
            .with_context(|| format!("cannot swap to the module \"{}\"", path.display()))
            .map_err(|error| Failure::new(ExitKind::NoModule, error))?;
        Ok(Self { first, second: Some(second) })
    }
}

impl Modules for Loaded {
    fn operator(&self, swaps: usize) -> (Box<dyn Operator + Send>, String) {
        let module = self.second.as_ref().filter(|_| swaps > 0).unwrap_or(&self.first);
        // Another name, so that the machine takes it for another module.
        let name =
            if swaps == 0 { module.digest().to_owned() } else { format!("{}+{swaps}", module.digest()) };
        (module.operator(), name)
    }
}

struct Test<'a> {
    config: &'a Config,
    plan: &'a Plan,
    files: Files,
    inputs: &'a [Input],
    modules: &'a Loaded,
    places: Places,
    scenario: Scenario,
    judged: Judged,
}

impl<'a> Test<'a> {
    fn new(
        config: &'a Config,
        plan: &'a Plan,
        files: Files,
        inputs: &'a [Input],
        modules: &'a Loaded,
    ) -> Self {
        let topics = inputs.iter().map(|input| input.topic.clone()).collect();
        let description = modules.first.description();
        let io = (topics, config.output.clone());
        let mut topology =
            Topology::new(&config.application_id, &config.name, io, description, config.repartition);
        topology.combines = config.combines;
        if topology.reduces && config.repartition == Repartition::Never {
            topology.trusted_partitions = Some(plan.partitions);
        }
        let scenario = scenario(config, plan, topology);
        let judged = Judged::of(description);
        let places = Places::of(inputs);
        Self { config, plan, files, inputs, modules, places, scenario, judged }
    }

    fn run(self) -> Result<Report, Failure> {
        let plain = history::run(&self.scenario, self.inputs, self.modules);
        let plain = plain.map_err(|stop| self.stopped(&stop))?;
        let mut checks = Vec::new();
        if self.plan.update {
            checks.extend(self.update(&plain)?);
        } else {
            checks.extend(self.expectations(&plain)?);
        }
        checks.extend(self.further().run(&plain));
        Ok(self.report(plain, checks))
    }

    fn further(&self) -> Further<'_> {
        Further {
            plan: self.plan,
            inputs: self.inputs,
            modules: self.modules,
            places: &self.places,
            scenario: &self.scenario,
            judged: self.judged,
            // Another module may well come to something else.
            is_compared: self.modules.second.is_none() || self.plan.swaps == 0,
        }
    }

    /// Names the lines of records in the message of a stop.
    fn stopped(&self, stop: &host_core::error::Stop) -> Failure {
        let (message, hint) = match stop.message.split_once("\nhint: ") {
            Some((message, hint)) => (message, Some(hint)),
            None => (stop.message.as_str(), None),
        };
        let failure = Failure::new(stop.kind.into(), anyhow!("{}", self.places.explain(message)));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    // ---- expected files

    fn update(&self, plain: &History) -> Result<Vec<Check>, Failure> {
        let mut checks = Vec::new();
        if let Some(path) = &self.files.expected {
            let rows = expected::rows(plain, self.judged);
            write(path, &expected::file_text(path, &rows))?;
            checks.push(Check::passed(path.display(), format!("{} rows written", rows.len())));
        }
        if let Some(path) = &self.files.expected_failed {
            let text: String = plain.failed.iter().map(expected::failed_row).collect();
            write(path, text.as_bytes())?;
            checks.push(Check::passed(path.display(), format!("{} records written", plain.failed.len())));
        }
        Ok(checks)
    }

    fn expectations(&self, plain: &History) -> Result<Vec<Check>, Failure> {
        let mut checks = Vec::new();
        if let Some(path) = &self.files.expected {
            let rows = expected::rows(plain, self.judged).len();
            let compared = expected::compare(path, plain, self.judged, &self.places)?;
            checks.push(Check::of(path.display(), compared, || format!("{rows} rows as expected")));
        }
        if let Some(path) = &self.files.expected_failed {
            let compared = expected::compare_failed(path, &plain.failed)?;
            let count = plain.failed.len();
            checks
                .push(Check::of(path.display(), compared, || format!("{count} failed records as expected")));
        }
        Ok(checks)
    }

    // ---- report

    fn report(&self, plain: History, checks: Vec<Check>) -> Report {
        let failed = plain.failed.iter().map(|failed| Failed {
            at: self.places.show(&failed.at),
            topic: failed.at.0.topic.clone(),
            partition: failed.at.0.partition,
            offset: failed.at.1,
            cause: failed.cause.as_str(),
            reason: failed.reason.clone(),
        });
        let description = self.modules.first.description();
        let keys = if self.judged.has_state() { plain.state.len() } else { 0 };
        Report {
            module: self.config.name.clone(),
            version: description.version.clone(),
            sha256: self.modules.first.digest().to_owned(),
            records: self.inputs.iter().map(|input| input.records.len()).sum(),
            inputs: self.inputs.iter().map(|input| input.path.display().to_string()).collect(),
            partitions: self.plan.partitions,
            seed: self.plan.seed,
            is_keyed: self.judged.has_state(),
            rows: plain.rows.len(),
            keys,
            failed: failed.collect(),
            incidents: plain.incidents.iter().map(|text| self.places.explain(text)).collect(),
            counts: plain.counts,
            is_passed: checks.iter().all(|check| check.is_passed),
            checks,
            printed: plain.rows,
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .with_context(|| format!("cannot write \"{}\"", path.display()))
        .map_err(|error| Failure::new(ExitKind::Failure, error))
}

fn scenario(config: &Config, plan: &Plan, topology: Topology) -> Scenario {
    let settings = Settings {
        topology,
        policies: Policies { rejected: config.on_rejected, fault: config.on_fault },
        limits: Limits {
            commit_interval_ms: config.commit_interval.as_millis() as u64,
            call_records_max: config.batch_records_max,
            output_record_bytes_max: config.limits.output_record_bytes_max,
            retries_max: config.limits.retries_max,
            // Time is none of a test's business.
            isolation_budget_us: u64::MAX,
            fault_ratio_max: config.limits.fault_ratio_max,
            fault_records_min: config.limits.fault_records_min,
            probation_batches: config.limits.probation_batches,
            aborts_max: config.abort_retries_max,
        },
        incarnation: 0,
        module: String::new(),
        hash_seed: plan.seed,
        stamp: false,
        emit: config.emit,
    };
    Scenario {
        settings,
        partitions: plan.partitions,
        batch_records_max: config.batch_records_max,
        batch_bytes_max: config.batch_bytes_max,
        workers: plan.workers,
        seed: plan.seed,
        cuts: false,
        crashes: BTreeSet::new(),
        swaps: BTreeSet::new(),
        records_max: usize::MAX,
    }
}
