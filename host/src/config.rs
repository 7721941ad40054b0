//! The settings of an application: defaults, file, environment and flags become one typed [`Config`].
//!
//! Everything else in this program takes its settings from here and never reads the environment itself.
//! There is no `Default`: every default is written in `default.toml`.

mod build;
mod chain;
mod env;
mod file;
mod grants;
mod hint;
mod kafka;
mod layer;
mod names;
mod offset_reset;
mod ports;
mod property;
mod show;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use grants::{Dir, Grants};
pub use kafka::{Client, KafkaProperties};
pub use layer::{ConfigError, Entry, Origin, Target};
pub use offset_reset::{OffsetReset, REPROCESS};
pub use show::{Shown, toml};
pub use table::{SETTINGS, Setting};
pub use value::Raw;

pub use host_core::emit::Emit;
pub use host_core::policy::Policy;
pub use host_core::topology::Repartition;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The file that is read when no other is named.
pub const FILE_DEFAULT: &str = "host.toml";

/// All settings, checked. Durations and sizes are within the bounds of the table.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent choices of the user, each with its name")]
pub struct Config {
    /// Consumer group, prefix of internal topics and transactional ids.
    pub application_id: String,
    /// The operator's name; internal topics carry it.
    pub name: String,
    /// What runs.
    pub module: ModuleSource,
    /// Handed to the module's `configure`, sorted by name.
    pub settings: BTreeMap<String, String>,
    /// What the module may see beyond that.
    pub grants: Grants,
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Topics to read; at least one, all different.
    pub inputs: Vec<String>,
    /// The topic to write; none of the inputs.
    pub output: String,
    /// Worker threads, at least one.
    pub workers: usize,
    /// Time between two commits.
    pub commit_interval: Duration,
    /// Records in a batch, at most.
    pub batch_records_max: usize,
    /// To so many records a batch may shrink to be in time.
    pub batch_records_min: usize,
    /// Within what time of a record's arrival its result is wanted.
    pub latency_target: Duration,
    /// When results are written.
    pub emit: Emit,
    /// Rows of a reduce that merges are folded before they are shuffled.
    pub combines: bool,
    /// Bytes of keys and values in a batch, at most.
    pub batch_bytes_max: usize,
    /// What a crash may do to results.
    pub processing_guarantee: ProcessingGuarantee,
    /// Where to start where nothing is committed.
    pub offset_reset: OffsetReset,
    /// Stop when the ends seen at the start are committed (`--until-end`).
    pub until_end: bool,
    /// Refuse where something is committed already.
    pub reprocess: bool,
    /// Outputs say where they come from.
    pub stamp: bool,
    /// Print results to standard output (`--print`).
    pub print: bool,
    /// Swap when the module's file changes (`--watch`).
    pub watch: bool,
    /// What the SHA-256 of the module's file must be; 64 hexadecimal digits.
    pub module_sha256: Option<String>,
    /// The ed25519 public key (PEM) that must have signed the module.
    pub module_key: Option<PathBuf>,
    /// The control topic for modules.
    pub module_topic: ModuleTopic,
    /// When a reduce reads a repartition topic.
    pub repartition: Repartition,
    /// Partitions of created topics; none: the largest count among the inputs.
    pub partitions: Option<NonZeroU32>,
    /// Replicas of created topics; none: the broker's default.
    pub replication_factor: Option<NonZeroU32>,
    /// Which missing topics are created.
    pub create_topics: CreateTopics,
    /// Records that the module rejects.
    pub on_rejected: Policy,
    /// Records on which the module faults.
    pub on_fault: Policy,
    /// How a process is known to its group.
    pub membership: Membership,
    /// Ids, locks and state files.
    pub state_dir: PathBuf,
    /// How long a drain may take.
    pub shutdown_timeout: Duration,
    /// How often committed rows of the repartition topic are deleted; none: never.
    pub repartition_purge_interval: Option<Duration>,
    /// Bytes of state in all tasks of a process, at most; none: half of the machine's memory.
    pub state_memory_bytes_max: Option<u64>,
    /// How often a task's state is written to a snapshot; none: never.
    pub snapshot_interval: Option<Duration>,
    /// How long the first connection may take.
    pub connect_timeout: Duration,
    /// Aborted transactions in a row before the application stops.
    pub abort_retries_max: u32,
    /// The admin API.
    pub admin: Admin,
    /// What is known of it before it is there.
    pub page: Page,
    /// Results that are kept for people to see; 0: none.
    pub admin_outputs: usize,
    /// How logs look.
    pub log_format: LogFormat,
    /// Bounds on the module.
    pub limits: Limits,
    /// For librdkafka, as they were given, references resolved; without `bootstrap.servers`.
    pub kafka: KafkaProperties,
    /// Every setting as text with its origin, secrets hidden.
    pub shown: Vec<Shown>,
}

impl std::fmt::Debug for Config {
    /// What tells two applications apart; the rest may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("application_id", &self.application_id)
            .field("module", &self.module)
            .field("inputs", &self.inputs)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// Where the admin API speaks HTTP; its socket is there in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// Nowhere.
    Off,
    /// Here, if nobody else does: it is the default.
    Default(SocketAddr),
    /// Here, or the application does not start.
    Asked(SocketAddr),
}

impl Admin {
    /// The address, if there is one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::Default(address) | Self::Asked(address) => Some(address),
        }
    }

    /// The same with another address.
    fn at(self, address: SocketAddr) -> Self {
        match self {
            Self::Off => Self::Off,
            Self::Default(_) => Self::Default(address),
            Self::Asked(_) => Self::Asked(address),
        }
    }
}

/// What the admin API and its page are given before they are there. Not a setting.
#[derive(Clone, Default)]
pub struct Page {
    /// Has the address already, so that nobody else can take it before the start; none: it is bound at the start.
    pub listener: Listener,
    /// The token for changes over HTTP; none: one is made at the start.
    pub token: Option<String>,
    /// The operators of this process with the ports of their admin APIs, as far as these are known.
    pub operators: Vec<(String, u16)>,
}

/// A listener for whoever takes it first; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Listener(Arc<Mutex<Option<TcpListener>>>);

impl Listener {
    /// One that waits to be taken.
    pub fn new(listener: TcpListener) -> Self {
        Self(Arc::new(Mutex::new(Some(listener))))
    }

    /// Takes it; none: there was none, or somebody has it.
    pub fn take(&self) -> Option<TcpListener> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSource {
    /// A `.wasm` file; relative to the working folder.
    Path(PathBuf),
    /// A built-in operator (`native:NAME`); whether there is one of this name is not checked here.
    Native(String),
}

/// The control topic by which the processes of an application run one module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleTopic {
    /// Followed when it exists.
    Auto,
    /// Made when it does not exist.
    On,
    /// Not looked at.
    Off,
}

/// What a crash may do to results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessingGuarantee {
    /// Nothing: one transaction holds outputs, changelog and offsets.
    ExactlyOnce,
    /// Results may be written twice, and counted twice.
    AtLeastOnce,
}

/// Which missing topics are created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateTopics {
    /// None.
    None,
    /// The output and internal topics.
    Own,
    /// The inputs too.
    All,
}

/// How a process is known to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// By an id of its own: a restart gets the same partitions back.
    Static,
    /// By whatever the broker gives: leaving is noticed at once.
    Dynamic,
}

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// Bounds on what a module may use. Prose and defaults: `default.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Memory of one instance.
    pub memory_bytes_max: usize,
    /// Linear memories of one instance.
    pub memories_max: usize,
    /// Tables of one instance.
    pub tables_max: usize,
    /// Elements of a table.
    pub table_elements_max: usize,
    /// Core instances in a component.
    pub instances_max: usize,
    /// Stack of one call.
    pub stack_bytes_max: usize,
    /// CPU time for configure and describe.
    pub start_deadline: Duration,
    /// CPU time for a call ...
    pub batch_deadline: Duration,
    /// ... and this much more for each of its records.
    pub record_deadline_us: u64,
    /// Bytes that one call may return.
    pub output_bytes_max: usize,
    /// Rows that one call may return.
    pub output_records_max: usize,
    /// Bytes of one output record.
    pub output_record_bytes_max: usize,
    /// Bytes of one log line.
    pub log_line_bytes_max: usize,
    /// Log lines a second.
    pub log_lines_per_second_max: u32,
    /// Bytes of the module's file.
    pub module_bytes_max: u64,
    /// Time to compile a module.
    pub compile_timeout: Duration,
    /// Memory to compile a module.
    pub compile_memory_bytes_max: u64,
    /// How often a batch is tried again when the module asks for it.
    pub retries_max: u32,
    /// Share of records that may fault, 0 to 1.
    pub fault_ratio_max: f64,
    /// Faulted records before that share is judged.
    pub fault_records_min: u64,
    /// Batches of a worker after a swap within which the module before is still kept.
    pub probation_batches: u64,
    /// Time that a candidate may take beside the current module, in each worker.
    pub shadow_time: Duration,
}

/// Milliseconds of a duration with its unit, as flags take them.
pub fn duration_ms(text: &str) -> Option<u64> {
    value::micros(text).map(|micros| micros / 1000)
}

/// What [`load`] reads.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that the user names; none: [`FILE_DEFAULT`] when it exists.
    pub file: Option<PathBuf>,
    /// Which of the file's operators; none: the file has no `[[operators]]`.
    pub operator: Option<String>,
    /// The process's environment.
    pub variables: Vec<(String, String)>,
    /// Properties files (`-F`).
    pub properties: Vec<PathBuf>,
    /// Flags.
    pub flags: Vec<Entry>,
    /// `--until-end`.
    pub until_end: bool,
    /// `--watch`.
    pub watch: bool,
    /// `--print`.
    pub print: bool,
}

/// What came of [`load`] or [`show()`].
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The result.
    pub value: T,
    /// To be logged once logs are set up.
    pub warnings: Vec<String>,
}

/// The state folder of an application that names none.
///
/// # Errors
/// The environment names no home.
pub fn default_state_dir(variables: &[(String, String)]) -> Result<PathBuf, ConfigError> {
    build::state_dir(variables).map(|(path, _)| path.into())
}

/// Reads all layers and checks everything that needs neither the module nor Kafka.
///
/// # Errors
/// The first setting that is wrong, with its layer and what is allowed.
pub fn load(sources: &Sources) -> Result<Loaded<Config>, ConfigError> {
    let (mut resolved, warnings) = lay(sources)?;
    build::derive(&mut resolved, &sources.variables)?;
    let value = build::config(&resolved, sources)?;
    Ok(Loaded { value, warnings })
}

/// The names of the operators of the settings file, in their order; empty when it has no `[[operators]]`, or one of
/// them was chosen.
///
/// # Errors
/// The file is wrong.
pub fn operators(sources: &Sources) -> Result<Vec<String>, ConfigError> {
    match config_file(sources) {
        Some(path) if sources.operator.is_none() => chain::names(&file::parse(&read(&path)?, &path)?),
        _ => Ok(Vec::new()),
    }
}

/// The settings of every operator of the settings file, or of the one application.
///
/// # Errors
/// As [`load`].
pub fn load_all(sources: &Sources) -> Result<Vec<Loaded<Config>>, ConfigError> {
    let names = operators(sources)?;
    if names.is_empty() {
        return load(sources).map(|loaded| vec![loaded]);
    }
    let one = |name: String| load(&Sources { operator: Some(name), ..sources.clone() });
    let mut loaded: Vec<_> = names.into_iter().map(one).collect::<Result<_, _>>()?;
    ports::spread(&mut loaded.iter_mut().map(|loaded| &mut loaded.value).collect::<Vec<_>>());
    Ok(loaded)
}

/// Tells the operators of one process where the admin APIs of all of them are; again when that has changed.
pub(crate) fn introduce(configs: &mut [Config]) {
    ports::introduce(&mut configs.iter_mut().collect::<Vec<_>>());
}

/// All settings as text. Unlike [`load`] it does not ask for a module.
///
/// # Errors
/// As [`load`].
pub fn show(sources: &Sources) -> Result<Loaded<Vec<Shown>>, ConfigError> {
    let (resolved, warnings) = lay(sources)?;
    if build::has_module(&resolved) {
        return load(sources).map(|loaded| Loaded { value: loaded.value.shown, warnings });
    }
    Ok(Loaded { value: show::shown(&resolved), warnings })
}

fn lay(sources: &Sources) -> Result<(layer::Resolved, Vec<String>), ConfigError> {
    let mut entries = file::defaults()?;
    let (variables, warnings) = env::parse(&sources.variables);
    if let Some(path) = config_file(sources) {
        let file = file::parse(&read(&path)?, &path)?;
        if !file.operators.is_empty() {
            variables.iter().chain(&sources.flags).try_for_each(chain::check)?;
        }
        entries.extend(chain::select(file, sources.operator.as_deref())?);
    }
    entries.extend(variables);
    for path in &sources.properties {
        entries.extend(file::parse_properties(&read(path)?, path)?);
    }
    entries.extend(sources.flags.iter().cloned());
    let mut resolved = layer::Resolved::default();
    for entry in entries {
        resolved.lay(entry)?;
    }
    Ok((resolved, warnings))
}

fn config_file(sources: &Sources) -> Option<PathBuf> {
    let variable = || sources.variables.iter().find(|(name, _)| name == "HOST_CONFIG");
    let named = sources.file.clone().or_else(|| variable().map(|(_, path)| PathBuf::from(path)));
    named.or_else(|| Path::new(FILE_DEFAULT).is_file().then(|| FILE_DEFAULT.into()))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::nowhere(format!("cannot read the file {:?}: {error}", path.display())))
}
