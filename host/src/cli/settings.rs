//! The flags that are settings, and how they become a layer. Nothing is checked here but `name=value`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use crate::config::{ConfigError, Entry, Origin, REPROCESS, Raw, Sources};
use clap::Args;
use std::path::PathBuf;

/// Flags that set settings. Defaults are in `default.toml`, not here.
#[derive(Args, Debug)]
pub(super) struct Settings {
    /// Settings file [default: ./host.toml when it exists]
    #[arg(long, value_name = "PATH", help_heading = "Module")]
    config: Option<PathBuf>,
    /// One of the operators of a settings file with [[operators]]
    #[arg(long, value_name = "NAME", help_heading = "Module")]
    operator: Option<String>,
    /// The .wasm file, or native:NAME (sum, count, min, max, last)
    #[arg(short, long, value_name = "PATH|native:NAME", help_heading = "Module")]
    module: Option<String>,
    /// The operator's name; internal topics carry it [default: the module's file stem]
    #[arg(long, value_name = "NAME", help_heading = "Module")]
    name: Option<String>,
    /// What the SHA-256 of the module's file must be, in hexadecimal digits
    #[arg(long, value_name = "HEX", help_heading = "Module")]
    module_sha256: Option<String>,
    /// The public key (ed25519, PEM) that must have signed the module; the signature is PATH.sig
    #[arg(long, value_name = "PATH", help_heading = "Module")]
    module_key: Option<String>,
    /// The topic by which several processes swap together: auto, on, off [default: auto, when it exists]
    #[arg(long, value_name = "WHEN", help_heading = "Module")]
    module_topic: Option<String>,
    /// A setting for the module; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Module")]
    set: Vec<String>,

    /// A folder that the module may see; repeatable
    #[arg(long, value_name = "HOST::GUEST[::ro]", help_heading = "Module")]
    dir: Vec<String>,
    /// An environment variable that the module may see; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Module")]
    env: Vec<String>,
    /// Let the module see the clock, or random numbers: clock,random
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "Module")]
    allow: Vec<String>,

    /// Where to connect: host:port, separated by commas [default: localhost:9092]
    #[arg(short, long, alias = "bootstrap-server", value_name = "SERVERS", help_heading = "Kafka")]
    bootstrap_servers: Option<String>,
    /// Consumer group and prefix of internal topics [default: the name]
    #[arg(long, value_name = "ID", help_heading = "Kafka")]
    application_id: Option<String>,
    /// A property of librdkafka for all clients; repeatable, wins over -F
    #[arg(short = 'X', value_name = "KEY=VALUE", help_heading = "Kafka")]
    property: Vec<String>,
    /// A file of such properties, one a line; repeatable
    #[arg(short = 'F', long = "kafka-config", value_name = "PATH", help_heading = "Kafka")]
    properties: Vec<PathBuf>,
    /// static (a restart gets its partitions back) or dynamic [default: static]
    #[arg(long, value_name = "KIND", help_heading = "Kafka")]
    membership: Option<String>,

    /// A topic to read; repeatable [default: NAME-input]
    #[arg(short, long, value_name = "TOPIC", help_heading = "Topics")]
    input: Vec<String>,
    /// The topic to write [default: NAME-output]
    #[arg(short, long, value_name = "TOPIC", help_heading = "Topics")]
    output: Option<String>,
    /// Where to start where nothing is committed: earliest, latest, none, offset:N, or a time such as
    /// 2026-11-01T00:00:00Z [default: earliest]
    #[arg(long, value_name = "POLICY", help_heading = "Topics")]
    offset_reset: Option<String>,
    /// The same as --offset-reset earliest
    #[arg(long, help_heading = "Topics")]
    from_beginning: bool,
    /// The same as --offset-reset, but for a new --application-id only: where offsets are committed already it
    /// is an error
    #[arg(long, value_name = "POLICY", help_heading = "Topics")]
    reprocess: Option<String>,
    /// Say in headers of outputs which module made them, and of which offsets
    #[arg(long, help_heading = "Topics")]
    stamp: bool,
    /// Re-key before a reduce: auto, never, always [default: auto]
    #[arg(long, value_name = "WHEN", help_heading = "Topics")]
    repartition: Option<String>,
    /// Fold rows before the shuffle if the module can merge: auto, never [default: auto]
    #[arg(long, value_name = "WHEN", help_heading = "Topics")]
    combine: Option<String>,
    /// Create missing topics: none, own (output and internal), all [default: own]
    #[arg(long, value_name = "WHICH", help_heading = "Topics")]
    create_topics: Option<String>,
    /// Partitions of created topics [default: the largest count among the inputs]
    #[arg(long, value_name = "N", help_heading = "Topics")]
    partitions: Option<String>,
    /// Replicas of created topics [default: the broker's]
    #[arg(long, value_name = "N", help_heading = "Topics")]
    replication_factor: Option<String>,

    /// exactly_once_v2 or at_least_once [default: exactly_once_v2]
    #[arg(long, value_name = "GUARANTEE", help_heading = "Processing")]
    processing_guarantee: Option<String>,
    /// Worker threads [default: the number of cores]
    #[arg(short, long, value_name = "N", help_heading = "Processing")]
    workers: Option<String>,
    /// Time between two commits, 1ms to 5m [default: 100ms]
    #[arg(long, visible_alias = "batch-interval", value_name = "DURATION", help_heading = "Processing")]
    commit_interval: Option<String>,
    /// When a key that changes has a result: commit, batch, record [default: commit]
    #[arg(long, value_name = "WHEN", help_heading = "Processing")]
    emit: Option<String>,
    /// How soon a record should be in a committed result; bounds batches [default: two commit intervals]
    #[arg(long, value_name = "DURATION", help_heading = "Processing")]
    latency_target: Option<String>,
    /// Records in a batch, at most [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Processing")]
    batch_records: Option<String>,
    /// Folder for ids, locks and state [default: $XDG_STATE_HOME/wasmhost]
    #[arg(long, value_name = "PATH", help_heading = "Processing")]
    state_dir: Option<String>,

    /// What the state of all tasks may take [default: half of the machine's memory]
    #[arg(long, value_name = "SIZE", help_heading = "Processing")]
    state_memory: Option<String>,
    /// Where the admin API speaks HTTP: ADDRESS:PORT or off [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS", help_heading = "Processing")]
    admin: Option<String>,
    /// Records that the module rejects: dead-letter, skip, fail [default: dead-letter]
    #[arg(long, value_name = "POLICY", help_heading = "Failing records")]
    on_rejected: Option<String>,
    /// Records on which the module faults (trap, deadline, memory): as above [default: dead-letter]
    #[arg(long, value_name = "POLICY", help_heading = "Failing records")]
    on_fault: Option<String>,

    /// auto (text on a terminal, else JSON), text, json [default: auto]
    #[arg(long, value_name = "FORMAT", help_heading = "Logs (standard error)")]
    log_format: Option<String>,
}

impl Settings {
    /// What [`crate::config::load`] reads, with the environment of this process.
    ///
    /// # Errors
    /// A `name=value` without `=`.
    pub(super) fn sources(&self) -> Result<Sources, ConfigError> {
        Ok(Sources {
            file: self.config.clone(),
            operator: self.operator.clone(),
            variables: variables(),
            properties: self.properties.clone(),
            flags: self.entries()?,
            until_end: false,
            watch: false,
            print: false,
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, ConfigError> {
        let single = [
            ("module", "--module", &self.module),
            ("admin", "--admin", &self.admin),
            ("module_key", "--module-key", &self.module_key),
            ("module_topic", "--module-topic", &self.module_topic),
            ("module_sha256", "--module-sha256", &self.module_sha256),
            ("name", "--name", &self.name),
            ("bootstrap_servers", "--bootstrap-servers", &self.bootstrap_servers),
            ("application_id", "--application-id", &self.application_id),
            ("membership", "--membership", &self.membership),
            ("output", "--output", &self.output),
            ("offset_reset", "--offset-reset", &self.offset_reset),
            ("repartition", "--repartition", &self.repartition),
            ("combine", "--combine", &self.combine),
            ("create_topics", "--create-topics", &self.create_topics),
            ("partitions", "--partitions", &self.partitions),
            ("replication_factor", "--replication-factor", &self.replication_factor),
            ("processing_guarantee", "--processing-guarantee", &self.processing_guarantee),
            ("workers", "--workers", &self.workers),
            ("commit_interval_ms", "--commit-interval", &self.commit_interval),
            ("emit", "--emit", &self.emit),
            ("latency_target_ms", "--latency-target", &self.latency_target),
            ("batch_records_max", "--batch-records", &self.batch_records),
            ("state_dir", "--state-dir", &self.state_dir),
            ("state_memory_bytes_max", "--state-memory", &self.state_memory),
            ("on_rejected", "--on-rejected", &self.on_rejected),
            ("on_fault", "--on-fault", &self.on_fault),
            ("log_format", "--log-format", &self.log_format),
        ];
        let mut entries = Vec::new();
        for (key, flag, value) in single {
            if let Some(text) = value {
                entries.push(Entry::for_key(key, Raw::Text(text.clone()), Origin::Flag(flag))?);
            }
        }
        if self.from_beginning {
            let earliest = Raw::Text("earliest".into());
            entries.push(Entry::for_key("offset_reset", earliest, Origin::Flag("--from-beginning"))?);
        }
        if let Some(policy) = &self.reprocess {
            let policy = Raw::Text(policy.clone());
            entries.push(Entry::for_key("offset_reset", policy, REPROCESS)?);
        }
        if self.stamp {
            entries.push(Entry::for_key("stamp", Raw::Text("on".into()), Origin::Flag("--stamp"))?);
        }
        let lists = [
            ("inputs", "--input", &self.input),
            ("grants.dirs", "--dir", &self.dir),
            ("grants.allow", "--allow", &self.allow),
        ];
        for (key, flag, items) in lists {
            if !items.is_empty() {
                entries.push(Entry::for_key(key, Raw::List(items.clone()), Origin::Flag(flag))?);
            }
        }
        for text in &self.env {
            entries.push(pair(text, "grants.env", "--env")?);
        }
        for text in &self.set {
            entries.push(pair(text, "settings", "--set")?);
        }
        for text in &self.property {
            entries.push(pair(text, "kafka", "-X")?);
        }
        Ok(entries)
    }
}

/// The environment. A variable that is not text cannot be one of ours.
pub(super) fn variables() -> Vec<(String, String)> {
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// `name=value` of a repeatable flag.
pub(super) fn pair(text: &str, section: &str, flag: &'static str) -> Result<Entry, ConfigError> {
    let origin = Origin::Flag(flag);
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Entry::for_key(&format!("{section}.{}", name.trim()), Raw::Text(value.into()), origin)
        }
        _ => {
            Err(ConfigError::at(&origin, format!("{text:?} has no \"=\" behind a name"))
                .hint("write name=value"))
        }
    }
}
