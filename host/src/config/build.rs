//! Turns resolved layers into the typed [`Config`]: fills in what depends on other settings and checks what
//! concerns several of them.

use super::layer::{ConfigError, Resolved};
use super::value::Value;
use super::{
    Admin, Config, CreateTopics, Emit, KafkaProperties, Limits, LogFormat, Membership, ModuleSource,
    ModuleTopic, OffsetReset, Origin, Policy, ProcessingGuarantee, REPROCESS, Repartition, Sources, names,
    show,
};
use host_core::topology::{dead_letter_topic, internal_topic};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// True when some layer names a module.
pub(super) fn has_module(resolved: &Resolved) -> bool {
    !text(resolved, "module").is_empty()
}

/// Fills in the settings that were left empty or `auto` and follow from others.
///
/// # Errors
/// No module, a name that Kafka refuses, no folder for the state.
pub(super) fn derive(resolved: &mut Resolved, variables: &[(String, String)]) -> Result<(), ConfigError> {
    if !has_module(resolved) {
        return Err(ConfigError::nowhere("no module is given")
            .hint("give --module PATH.wasm, or set module in host.toml"));
    }
    if text(resolved, "name").is_empty() {
        let name = names::of_module(text(resolved, "module"));
        if let Some(problem) = names::problem(&name) {
            let message = format!("the module's name {name:?} cannot name topics: {problem}");
            return Err(ConfigError::at(resolved.origin("module"), message).hint("give --name"));
        }
        resolved.derive("name", Value::Text(name), "module");
    }
    let name = text(resolved, "name").to_owned();
    if text(resolved, "application_id").is_empty() {
        resolved.derive("application_id", Value::Text(name.clone()), "name");
    }
    if list(resolved, "inputs").is_empty() {
        resolved.derive("inputs", Value::List(vec![format!("{name}-input")]), "name");
    }
    if text(resolved, "output").is_empty() {
        resolved.derive("output", Value::Text(format!("{name}-output")), "name");
    }
    if *resolved.value("workers") == Value::Auto {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        resolved.derive("workers", Value::Number(cores as u64), "the number of cores");
    }
    if text(resolved, "state_dir").is_empty() {
        let (path, from) = state_dir(variables)?;
        resolved.derive("state_dir", Value::Text(path), from);
    }
    Ok(())
}

pub(super) fn state_dir(variables: &[(String, String)]) -> Result<(String, &'static str), ConfigError> {
    let variable = |name: &str| {
        let (_, value) = variables.iter().find(|(variable, value)| variable == name && !value.is_empty())?;
        Some(value)
    };
    if let Some(folder) = variable("XDG_STATE_HOME") {
        return Ok((format!("{folder}/wasmhost"), "XDG_STATE_HOME"));
    }
    match variable("HOME") {
        Some(home) => Ok((format!("{home}/.local/state/wasmhost"), "HOME")),
        None => Err(ConfigError::nowhere("no folder for the state: neither XDG_STATE_HOME nor HOME is set")
            .hint("give --state-dir, or set state_dir")),
    }
}

/// The typed settings. Call [`derive()`] first.
///
/// # Errors
/// Settings that do not go together, and names that Kafka refuses.
pub(super) fn config(resolved: &Resolved, sources: &Sources) -> Result<Config, ConfigError> {
    check(resolved)?;
    let mut kafka = KafkaProperties::default();
    for (client, name, property) in resolved.kafka() {
        kafka.section_mut(client).insert(name.into(), property.value.clone());
    }
    let purge = number(resolved, "repartition_purge_interval_ms");
    let snapshot = number(resolved, "snapshot_interval_ms");
    Ok(Config {
        application_id: text(resolved, "application_id").into(),
        name: text(resolved, "name").into(),
        module: module(text(resolved, "module")),
        settings: resolved.guest().map(|(name, property)| (name.into(), property.value.clone())).collect(),
        grants: super::grants::of(resolved)?,
        bootstrap_servers: text(resolved, "bootstrap_servers").into(),
        inputs: list(resolved, "inputs").to_vec(),
        output: text(resolved, "output").into(),
        workers: size(resolved, "workers"),
        commit_interval: millis(resolved, "commit_interval_ms"),
        batch_records_max: size(resolved, "batch_records_max"),
        batch_records_min: size(resolved, "batch_records_min"),
        latency_target: latency_target(resolved),
        emit: choice(resolved, "emit", &EMITS),
        combines: text(resolved, "combine") == "auto",
        batch_bytes_max: size(resolved, "batch_bytes_max"),
        processing_guarantee: choice(resolved, "processing_guarantee", &GUARANTEES),
        offset_reset: super::offset_reset::parse(text(resolved, "offset_reset")).unwrap_or(OffsetReset::None),
        stamp: choice(resolved, "stamp", &[("off", false), ("on", true)]),
        until_end: sources.until_end,
        reprocess: *resolved.origin("offset_reset") == REPROCESS,
        watch: sources.watch,
        module_key: given(resolved, "module_key").map(PathBuf::from),
        module_sha256: given(resolved, "module_sha256").map(str::to_owned),
        module_topic: choice(resolved, "module_topic", &MODULE_TOPICS),
        print: sources.print,
        repartition: choice(resolved, "repartition", &REPARTITIONS),
        partitions: maybe(resolved, "partitions"),
        replication_factor: maybe(resolved, "replication_factor"),
        create_topics: choice(resolved, "create_topics", &CREATE_TOPICS),
        on_rejected: choice(resolved, "on_rejected", &POLICIES),
        on_fault: choice(resolved, "on_fault", &POLICIES),
        membership: choice(resolved, "membership", &MEMBERSHIPS),
        state_dir: PathBuf::from(text(resolved, "state_dir")),
        shutdown_timeout: millis(resolved, "shutdown_timeout_ms"),
        repartition_purge_interval: (purge > 0).then(|| Duration::from_millis(purge)),
        state_memory_bytes_max: Some(number(resolved, "state_memory_bytes_max")).filter(|bytes| *bytes > 0),
        snapshot_interval: (snapshot > 0).then(|| Duration::from_millis(snapshot)),
        admin: admin(resolved)?,
        page: super::Page::default(),
        admin_outputs: size(resolved, "admin_outputs"),
        connect_timeout: millis(resolved, "connect_timeout_ms"),
        abort_retries_max: small(resolved, "abort_retries_max"),
        log_format: choice(resolved, "log_format", &LOG_FORMATS),
        limits: limits(resolved),
        kafka,
        shown: show::shown(resolved),
    })
}

fn limits(resolved: &Resolved) -> Limits {
    Limits {
        memory_bytes_max: size(resolved, "limits.memory_bytes_max"),
        memories_max: size(resolved, "limits.memories_max"),
        tables_max: size(resolved, "limits.tables_max"),
        table_elements_max: size(resolved, "limits.table_elements_max"),
        instances_max: size(resolved, "limits.instances_max"),
        stack_bytes_max: size(resolved, "limits.stack_bytes_max"),
        start_deadline: millis(resolved, "limits.start_deadline_ms"),
        batch_deadline: millis(resolved, "limits.batch_deadline_ms"),
        record_deadline_us: number(resolved, "limits.record_deadline_us"),
        output_bytes_max: size(resolved, "limits.output_bytes_max"),
        output_records_max: size(resolved, "limits.output_records_max"),
        output_record_bytes_max: size(resolved, "limits.output_record_bytes_max"),
        log_line_bytes_max: size(resolved, "limits.log_line_bytes_max"),
        log_lines_per_second_max: small(resolved, "limits.log_lines_per_second_max"),
        module_bytes_max: number(resolved, "limits.module_bytes_max"),
        compile_timeout: millis(resolved, "limits.compile_timeout_ms"),
        compile_memory_bytes_max: number(resolved, "limits.compile_memory_bytes_max"),
        retries_max: small(resolved, "limits.retries_max"),
        fault_ratio_max: match resolved.value("limits.fault_ratio_max") {
            Value::Ratio(ratio) => *ratio,
            other => unreachable!("the table says ratio, not {other:?}"),
        },
        fault_records_min: number(resolved, "limits.fault_records_min"),
        probation_batches: number(resolved, "limits.probation_batches"),
        shadow_time: millis(resolved, "limits.shadow_time_ms"),
    }
}

const POLICIES: [(&str, Policy); 3] =
    [("dead-letter", Policy::DeadLetter), ("skip", Policy::Skip), ("fail", Policy::Fail)];
const GUARANTEES: [(&str, ProcessingGuarantee); 3] = [
    ("at_least_once", ProcessingGuarantee::AtLeastOnce),
    ("exactly_once", ProcessingGuarantee::ExactlyOnce),
    ("exactly_once_v2", ProcessingGuarantee::ExactlyOnce),
];
const MODULE_TOPICS: [(&str, ModuleTopic); 3] =
    [("auto", ModuleTopic::Auto), ("on", ModuleTopic::On), ("off", ModuleTopic::Off)];
const CREATE_TOPICS: [(&str, CreateTopics); 3] =
    [("none", CreateTopics::None), ("own", CreateTopics::Own), ("all", CreateTopics::All)];
const MEMBERSHIPS: [(&str, Membership); 2] =
    [("static", Membership::Static), ("dynamic", Membership::Dynamic)];
const LOG_FORMATS: [(&str, LogFormat); 3] =
    [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
const EMITS: [(&str, Emit); 3] = [("commit", Emit::Commit), ("batch", Emit::Batch), ("record", Emit::Record)];

/// By default a result is wanted before the second commit after its record.
const COMMITS_PER_LATENCY_TARGET: u32 = 2;

fn latency_target(resolved: &Resolved) -> Duration {
    let target = millis(resolved, "latency_target_ms");
    if target.is_zero() {
        millis(resolved, "commit_interval_ms") * COMMITS_PER_LATENCY_TARGET
    } else {
        target
    }
}

const REPARTITIONS: [(&str, Repartition); 3] =
    [("auto", Repartition::Auto), ("never", Repartition::Never), ("always", Repartition::Always)];

fn check(resolved: &Resolved) -> Result<(), ConfigError> {
    let refuse = |key: &'static str, message: String| ConfigError::at(resolved.origin(key), message);
    for key in ["application_id", "name", "output"] {
        let value = text(resolved, key);
        if let Some(problem) = names::problem(value) {
            return Err(refuse(key, format!("{key} {value:?} cannot be used in Kafka: {problem}")));
        }
    }
    if text(resolved, "bootstrap_servers").split(',').any(|server| server.trim().is_empty()) {
        let message = "bootstrap_servers has an empty address";
        return Err(refuse("bootstrap_servers", message.into()).hint("write host:port, separated by commas"));
    }
    if text(resolved, "module") == "native:" {
        return Err(refuse("module", "native: needs a name".into()).hint("for example native:sum"));
    }
    check_inputs(resolved)?;
    check_internal(resolved)
}

/// None: empty, as by default.
fn given<'a>(resolved: &'a Resolved, key: &str) -> Option<&'a str> {
    Some(text(resolved, key)).filter(|text| !text.is_empty())
}

fn admin(resolved: &Resolved) -> Result<Admin, ConfigError> {
    let (text, origin) = (text(resolved, "admin"), resolved.origin("admin"));
    match text.parse() {
        _ if text == "off" => Ok(Admin::Off),
        Ok(address) if *origin == Origin::Default => Ok(Admin::Default(address)),
        Ok(address) => Ok(Admin::Asked(address)),
        Err(_) => Err(ConfigError::at(origin, format!("admin {text:?} is no address"))
            .hint("write an IP address and a port, like 127.0.0.1:9464, or off")),
    }
}

fn check_inputs(resolved: &Resolved) -> Result<(), ConfigError> {
    let refuse = |message: String| ConfigError::at(resolved.origin("inputs"), message);
    let inputs = list(resolved, "inputs");
    let mut seen = BTreeSet::new();
    for input in inputs {
        if let Some(problem) = names::problem(input) {
            return Err(refuse(format!("input {input:?} cannot be used in Kafka: {problem}")));
        }
        if !seen.insert(input) {
            return Err(refuse(format!("input {input:?} is given twice")));
        }
    }
    let output = text(resolved, "output");
    if inputs.iter().any(|input| input == output) {
        let message = format!("output {output:?} is also an input");
        return Err(
            ConfigError::at(resolved.origin("output"), message).hint("read and write different topics")
        );
    }
    let never = choice(resolved, "repartition", &REPARTITIONS) == Repartition::Never;
    if inputs.len() > 1 && never {
        let message =
            "repartition = \"never\" needs a single input: equal keys of two topics must meet somewhere";
        return Err(ConfigError::at(resolved.origin("repartition"), message).hint("leave it at auto"));
    }
    Ok(())
}

/// Internal topics must have valid names and be nobody's input or output.
fn check_internal(resolved: &Resolved) -> Result<(), ConfigError> {
    let (application_id, name) = (text(resolved, "application_id"), text(resolved, "name"));
    let internal = [
        internal_topic(application_id, name, "repartition"),
        internal_topic(application_id, name, "changelog"),
        dead_letter_topic(application_id),
    ];
    for topic in internal {
        if let Some(problem) = names::problem(&topic) {
            let message = format!("the internal topic {topic:?} cannot be used in Kafka: {problem}");
            return Err(ConfigError::at(resolved.origin("application_id"), message)
                .hint("choose a shorter application_id or name"));
        }
        let user = if list(resolved, "inputs").contains(&topic) {
            "inputs"
        } else if text(resolved, "output") == topic {
            "output"
        } else {
            continue;
        };
        let message = format!("{user}: {topic:?} is an internal topic of this application");
        return Err(ConfigError::at(resolved.origin(user), message).hint("choose another application_id"));
    }
    Ok(())
}

fn module(text: &str) -> ModuleSource {
    match text.strip_prefix("native:") {
        Some(name) => ModuleSource::Native(name.into()),
        None => ModuleSource::Path(text.into()),
    }
}

fn text<'a>(resolved: &'a Resolved, key: &str) -> &'a str {
    match resolved.value(key) {
        Value::Text(text) => text,
        other => unreachable!("the table says text for {key}, not {other:?}"),
    }
}

pub(super) fn list<'a>(resolved: &'a Resolved, key: &str) -> &'a [String] {
    match resolved.value(key) {
        Value::List(items) => items,
        other => unreachable!("the table says list for {key}, not {other:?}"),
    }
}

fn number(resolved: &Resolved, key: &str) -> u64 {
    match resolved.value(key) {
        Value::Number(number) => *number,
        other => unreachable!("the table says number for {key}, not {other:?}"),
    }
}

fn maybe(resolved: &Resolved, key: &str) -> Option<NonZeroU32> {
    match resolved.value(key) {
        Value::Auto => None,
        _ => NonZeroU32::new(small(resolved, key)),
    }
}

fn size(resolved: &Resolved, key: &str) -> usize {
    usize::try_from(number(resolved, key)).expect("the table's bounds fit 64 bits")
}

fn small(resolved: &Resolved, key: &str) -> u32 {
    u32::try_from(number(resolved, key)).expect("the table's bounds fit 32 bits")
}

fn millis(resolved: &Resolved, key: &str) -> Duration {
    Duration::from_millis(number(resolved, key))
}

fn choice<T: Copy>(resolved: &Resolved, key: &str, words: &[(&str, T)]) -> T {
    let word = text(resolved, key);
    words.iter().find(|(name, _)| *name == word).expect("the table lists the same words").1
}
