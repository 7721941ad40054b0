//! The composition root: makes the parts of an application, and runs them until they are drained. The only
//! place that names both Kafka and Wasm.

mod api;
mod chain;
mod fleet;
mod follow;
pub(crate) mod module;
mod purpose;
mod sample;
mod signals;
mod signature;
mod start;
mod state;
mod supervise;
mod swap;
mod topics;
mod transfer;
mod watch;

pub use module::describe;
pub use state::{KeyState, Reset, reset, state};
pub use transfer::{export, import};

use crate::config::{self, Config, Membership, OffsetReset, ProcessingGuarantee};
use crate::exit::{ExitKind, Failure};
use crate::identity::Identity;
use crate::kafka::{self, Admin, Consumer, Restorer};
use crate::metrics::{Metrics, Stopwatch};
use crate::snapshot;
use crate::worker::{
    Collector, Control, Outbox, OutboxSettings, Reporter, Resets, Restoring, StateMemory, Worker,
    default_bytes_max,
};
use fleet::Fleet;
use host_core::Machine;
use host_core::error::{Stop, StopKind};
use host_core::machine::Settings;
use host_core::operator::Description;
use host_core::pace::Pace;
use host_core::policy::{Limits, Policies};
use host_core::topology::Topology;
use module::Module;
use signals::Signals;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Share of the transaction timeout that faulted calls may take in one transaction.
const ISOLATION_SHARE: u32 = 4;

/// Everything that the workers of one process share.
struct Application {
    config: Config,
    kafka: kafka::Settings,
    /// The one of the start.
    module: Arc<Module>,
    /// Its number.
    version: u64,
    /// None: without a control topic.
    fleet: Option<Fleet>,
    /// Why the process must end, when it is nobody's worker who says so.
    trouble: Mutex<Option<Failure>>,
    topology: Topology,
    identity: Identity,
    metrics: Arc<Metrics>,
    /// None: no state, or they are off.
    snapshots: Option<snapshot::Settings>,
    /// Where spans of transactions go.
    collector: Collector,
    admin: Admin,
}

/// Runs an application, or a chain of them, until it is drained.
///
/// # Errors
/// Whatever ends it otherwise, with its exit code.
pub fn run(mut configs: Vec<Config>) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    if configs.len() > 1 {
        return chain::run(configs, &signals);
    }
    let only = configs.pop().expect("there is a first application");
    application(only, &signals)
}

fn application(config: Config, signals: &Signals) -> Result<(), Failure> {
    let mut settings = kafka_settings(&config);
    settings.check().map_err(|error| Failure::new(ExitKind::BadConfig, error))?;
    let collector = Collector::from_env();
    let module = Module::load(&config)?;
    tracing::info!("effective settings\n{}", config::toml(&config.shown));
    let admin = connect(&config, &settings)?;
    let identity = Identity::claim(&config.state_dir, &config.application_id)
        .map_err(|error| Failure::new(ExitKind::StateIo, error))?;
    let me = identity.instance_id(0);
    let start::Start { module, version, fleet } = start::join(&admin, &config, &settings, &me, module)?;
    let topology = crate::topology::of(&config, module.description());
    let topology = topics::prepare(&admin, &config, topology)?;
    settings.known_topics = topics::known(&admin, &topology);
    if config.reprocess {
        refuse_committed(&admin, &config, &topology)?;
    }
    tracing::info!(
        module = module.digest(),
        librdkafka = kafka::client_version(),
        "topology\n{}",
        crate::topology::Topology::new(&config, module.description()).text(crate::topology::Format::Ascii)
    );
    let metrics = Arc::new(Metrics::new(&topology, config.admin_outputs));
    let snapshots = snapshots(&admin, &config, &topology, module.description(), &metrics);
    let module = Arc::new(module);
    let trouble = Mutex::default();
    let application = Application {
        config,
        kafka: settings,
        module,
        version,
        fleet,
        trouble,
        topology,
        identity,
        metrics,
        snapshots,
        collector,
        admin,
    };
    supervise::supervise(application, signals)
}

/// An order to begin somewhere must not go unheard because something is committed.
fn refuse_committed(admin: &Admin, config: &Config, topology: &Topology) -> Result<(), Failure> {
    let all = admin.all_partitions(&topology.inputs).map_err(unreachable_kafka)?;
    let committed = admin.committed(&all).map_err(unreachable_kafka)?;
    let Some((source, offset)) = all.iter().zip(committed).find_map(|(source, found)| Some((source, found?)))
    else {
        return Ok(());
    };
    let text = anyhow::anyhow!(
        "--reprocess, and application \"{}\" has committed offset {offset} of {source}",
        config.application_id
    );
    let hint = "choose a new --application-id, or `host reset`; to go on from there, leave out --reprocess";
    Err(Failure::new(ExitKind::BadConfig, text).hint(hint))
}

/// A changelog whose id or configuration cannot be had has no snapshots: nobody could tell whether they fit.
fn snapshots(
    admin: &Admin,
    config: &Config,
    topology: &Topology,
    module: &Description,
    metrics: &Metrics,
) -> Option<snapshot::Settings> {
    let (changelog, interval) = (topology.changelog.as_ref()?, config.snapshot_interval?);
    let known = admin.topic_id(changelog).and_then(|id| Ok((id, admin.topic_configs(changelog)?)));
    let folder = snapshot::Folder::open(&config.state_dir, &config.application_id);
    match (known, folder) {
        (Ok((topic_id, configs)), Ok(folder)) => Some(snapshot::Settings {
            folder,
            interval,
            application_id: config.application_id.clone(),
            changelog: changelog.clone(),
            topic_id,
            delete_retention_ms: configs.get("delete.retention.ms")?.parse().ok()?,
            state_schema: module.state_schema.clone(),
            counts: Arc::clone(&metrics.snapshots),
        }),
        (Err(failure), _) => {
            tracing::warn!(?failure, "no snapshots: the changelog's id and configuration cannot be read");
            None
        }
        (_, Err(error)) => {
            tracing::warn!(%error, "no snapshots: their folder below state_dir cannot be used");
            None
        }
    }
}

pub(crate) fn kafka_settings(config: &Config) -> kafka::Settings {
    let properties = config.kafka.clone();
    kafka::Settings {
        bootstrap_servers: config.bootstrap_servers.clone(),
        application_id: config.application_id.clone(),
        commit_interval: config.commit_interval,
        properties: kafka::Properties {
            common: properties.common,
            consumer: properties.consumer,
            producer: properties.producer,
            admin: properties.admin,
        },
        known_topics: kafka::KnownTopics::default(),
    }
}

/// Reaches a broker, and checks that it allows our transactions.
pub(crate) fn connect(config: &Config, settings: &kafka::Settings) -> Result<Admin, Failure> {
    let admin = Admin::new(settings).map_err(unreachable_kafka)?;
    admin.reach(config.connect_timeout).map_err(unreachable_kafka)?;
    let timeout = settings.transaction_timeout();
    match admin.transaction_timeout_max() {
        Some(max) if timeout > max && config.processing_guarantee == ProcessingGuarantee::ExactlyOnce => {
            let text = anyhow::anyhow!(
                "a commit interval of {:?} needs transactions of {timeout:?}, and the brokers allow {max:?}",
                config.commit_interval
            );
            let hint = "commit more often, or raise transaction.max.timeout.ms of the brokers";
            Err(Failure::new(ExitKind::BadConfig, text).hint(hint))
        }
        _ => Ok(admin),
    }
}

fn unreachable_kafka(failure: host_core::event::Failure) -> Failure {
    let stop = crate::worker::at_start(failure);
    let kind = match stop.kind {
        StopKind::Kafka => ExitKind::KafkaUnreachable,
        kind => kind.into(),
    };
    Failure::new(kind, stop)
}

impl Application {
    /// Ends the process; the first reason counts.
    fn give_up(&self, failure: Failure) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    fn take_trouble(&self) -> Option<Failure> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes a worker; on its own thread, as the clients stay on it.
    fn worker(&self, index: usize, control: Arc<Control>, started: Instant) -> Result<Worker, Stop> {
        self.parts(index, control, started).map_err(crate::worker::at_start)
    }

    fn parts(
        &self,
        index: usize,
        control: Arc<Control>,
        started: Instant,
    ) -> Result<Worker, host_core::event::Failure> {
        let id = self.identity.instance_id(index);
        let limits = kafka::Limits {
            records_max: self.config.batch_records_max,
            bytes_max: self.config.batch_bytes_max,
        };
        let is_transactional = self.config.processing_guarantee == ProcessingGuarantee::ExactlyOnce;
        let outbox = Outbox::new(OutboxSettings {
            kafka: self.kafka.clone(),
            client_id: id.clone(),
            transactional_id: is_transactional.then(|| id.clone()),
            topology: self.topology.clone(),
        })?;
        let restorer = Restorer::new(&self.kafka, &id, limits)?;
        let is_static = self.config.membership == Membership::Static;
        let topics = self.topology.sources().map(str::to_owned).collect();
        let consumer = Consumer::new(&self.kafka, &id, is_static.then_some(id.as_str()), topics)?;
        let operator = self.module.measured(control.times());
        let watch = Stopwatch::start(Arc::clone(control.times()));
        let metrics = Arc::clone(&self.metrics);
        Ok(Worker {
            machine: Machine::new(operator, &self.machine_settings()),
            consumer,
            outbox,
            restorer,
            state_memory: StateMemory::new(Arc::clone(&self.metrics), self.state_memory_bytes_max()),
            snapshots: self.taker(),
            loading: VecDeque::new(),
            reporter: Reporter::new(metrics, self.topology.clone(), index, self.config.print),
            traces: self.collector.traces(&self.config.application_id, &id),
            batch_bytes_max: limits.bytes_max,
            pace: Pace::new(
                self.config.batch_records_min,
                self.config.batch_records_max,
                self.config.latency_target.as_micros() as u64,
            ),
            resets: Resets {
                inputs: first_position(self.config.offset_reset),
                repartition: self.topology.repartition.clone(),
            },
            control,
            started,
            swapping: None,
            sampled_at: None,
            watch,
            restoring: Restoring::default(),
        })
    }

    /// What the state of all tasks of this process may take.
    fn state_memory_bytes_max(&self) -> u64 {
        self.config.state_memory_bytes_max.unwrap_or_else(default_bytes_max)
    }

    fn taker(&self) -> Option<snapshot::Taker> {
        let settings = self.snapshots.clone()?;
        snapshot::Taker::new(settings)
            .inspect_err(
                |error| tracing::warn!(%error, "no snapshots of this worker's tasks: it gets no thread"),
            )
            .ok()
    }

    fn machine_settings(&self) -> Settings {
        let config = &self.config;
        let budget = self.kafka.transaction_timeout() / ISOLATION_SHARE;
        Settings {
            topology: self.topology.clone(),
            policies: Policies { rejected: config.on_rejected, fault: config.on_fault },
            limits: Limits {
                commit_interval_ms: config.commit_interval.as_millis() as u64,
                call_records_max: config.batch_records_max,
                output_record_bytes_max: config.limits.output_record_bytes_max,
                retries_max: config.limits.retries_max,
                isolation_budget_us: budget.as_micros() as u64,
                fault_ratio_max: config.limits.fault_ratio_max,
                fault_records_min: config.limits.fault_records_min,
                probation_batches: config.limits.probation_batches,
                aborts_max: config.abort_retries_max,
            },
            incarnation: random(),
            module: self.module.digest().to_owned(),
            hash_seed: random(),
            stamp: config.stamp,
            emit: config.emit,
        }
    }
}

/// A random number of the standard library's hasher keys: enough to tell lives apart and to seed hashes.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn first_position(reset: OffsetReset) -> kafka::Reset {
    match reset {
        OffsetReset::Earliest => kafka::Reset::Earliest,
        OffsetReset::Latest => kafka::Reset::Latest,
        OffsetReset::None => kafka::Reset::None,
        OffsetReset::Offset(offset) => kafka::Reset::Offset(offset),
        OffsetReset::Time(time) => kafka::Reset::Time(time),
    }
}

fn on_terminal() -> bool {
    std::io::stderr().is_terminal()
}
