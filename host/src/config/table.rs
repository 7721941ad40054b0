//! The table of all settings: name, flag, what is allowed. Defaults and prose are in `default.toml`.

use super::value::Kind;

/// One setting.
#[derive(Debug, PartialEq)]
pub struct Setting {
    /// Its key in a TOML file; `limits.x` is `x` under `[limits]`.
    pub key: &'static str,
    /// Its flag without the dashes; empty when it has none.
    pub flag: &'static str,
    /// What is allowed.
    pub kind: Kind,
}

impl Setting {
    /// Its environment variable.
    pub fn variable(&self) -> String {
        // HOST_NAME holds the machine's name on many systems.
        let name = if self.key == "name" { "operator_name" } else { self.key };
        format!("HOST_{}", name.replace('.', "_").to_ascii_uppercase())
    }
}

const fn setting(key: &'static str, flag: &'static str, kind: Kind) -> Setting {
    Setting { key, flag, kind }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const POLICIES: Kind = Kind::Choice(&["dead-letter", "skip", "fail"]);

/// All settings but the free ones (`[settings]`, `[kafka]`), in the order of `default.toml`.
pub static SETTINGS: [Setting; 61] = [
    setting("module", "module", Kind::Text),
    setting("module_sha256", "module-sha256", Kind::Text),
    setting("module_key", "module-key", Kind::Text),
    setting("module_topic", "module-topic", Kind::Choice(&["auto", "on", "off"])),
    setting("name", "name", Kind::Text),
    setting("application_id", "application-id", Kind::Text),
    setting("bootstrap_servers", "bootstrap-servers", Kind::Text),
    setting("inputs", "input", Kind::List),
    setting("output", "output", Kind::Text),
    setting("stamp", "stamp", Kind::Choice(&["off", "on"])),
    setting("offset_reset", "offset-reset", Kind::FirstPosition),
    setting("repartition", "repartition", Kind::Choice(&["auto", "never", "always"])),
    setting("combine", "combine", Kind::Choice(&["auto", "never"])),
    setting("partitions", "partitions", Kind::Auto(1, 100_000)),
    setting("replication_factor", "replication-factor", Kind::Auto(1, 1000)),
    setting("create_topics", "create-topics", Kind::Choice(&["none", "own", "all"])),
    setting("repartition_purge_interval_ms", "", Kind::Millis(0, 24 * HOUR_MS)),
    setting(
        "processing_guarantee",
        "processing-guarantee",
        Kind::Choice(&["exactly_once_v2", "exactly_once", "at_least_once"]),
    ),
    setting("workers", "workers", Kind::Auto(1, 1024)),
    setting("commit_interval_ms", "commit-interval", Kind::Millis(1, 5 * MINUTE_MS)),
    setting("emit", "emit", Kind::Choice(&["commit", "batch", "record"])),
    setting("latency_target_ms", "latency-target", Kind::Millis(0, HOUR_MS)),
    setting("batch_records_max", "batch-records", Kind::Count(1, 10_000_000)),
    setting("batch_records_min", "", Kind::Count(1, 10_000_000)),
    setting("batch_bytes_max", "", Kind::Bytes(4 * KIB, 256 * MIB)),
    setting("membership", "membership", Kind::Choice(&["static", "dynamic"])),
    setting("state_dir", "state-dir", Kind::Text),
    setting("state_memory_bytes_max", "state-memory", Kind::Bytes(0, 64 * 1024 * GIB)),
    setting("snapshot_interval_ms", "", Kind::Millis(0, 24 * HOUR_MS)),
    setting("admin", "admin", Kind::Text),
    setting("admin_outputs", "", Kind::Count(0, 20)),
    setting("abort_retries_max", "", Kind::Count(0, 1000)),
    setting("connect_timeout_ms", "", Kind::Millis(100, 10 * MINUTE_MS)),
    setting("shutdown_timeout_ms", "", Kind::Millis(SECOND_MS, HOUR_MS)),
    setting("on_rejected", "on-rejected", POLICIES),
    setting("on_fault", "on-fault", POLICIES),
    setting("log_format", "log-format", Kind::Choice(&["auto", "text", "json"])),
    setting("limits.memory_bytes_max", "", Kind::Bytes(MIB, 4 * GIB)),
    setting("limits.memories_max", "", Kind::Count(1, 100)),
    setting("limits.tables_max", "", Kind::Count(1, 1000)),
    setting("limits.table_elements_max", "", Kind::Count(1, 10_000_000)),
    setting("limits.instances_max", "", Kind::Count(1, 10_000)),
    setting("limits.stack_bytes_max", "", Kind::Bytes(64 * KIB, 2 * MIB)),
    setting("limits.start_deadline_ms", "", Kind::Millis(10, 10 * MINUTE_MS)),
    setting("limits.batch_deadline_ms", "", Kind::Millis(10, 10 * MINUTE_MS)),
    setting("limits.record_deadline_us", "", Kind::Micros(0, 60_000_000)),
    setting("limits.output_bytes_max", "", Kind::Bytes(4 * KIB, GIB)),
    setting("limits.output_records_max", "", Kind::Count(1, 100_000_000)),
    setting("limits.output_record_bytes_max", "", Kind::Bytes(KIB, GIB)),
    setting("limits.log_line_bytes_max", "", Kind::Bytes(64, MIB)),
    setting("limits.log_lines_per_second_max", "", Kind::Count(0, 1_000_000)),
    setting("limits.module_bytes_max", "", Kind::Bytes(KIB, GIB)),
    setting("limits.compile_timeout_ms", "", Kind::Millis(SECOND_MS, HOUR_MS)),
    setting("limits.compile_memory_bytes_max", "", Kind::Bytes(256 * MIB, 64 * GIB)),
    setting("limits.retries_max", "", Kind::Count(0, 1000)),
    setting("limits.fault_ratio_max", "", Kind::Ratio),
    setting("limits.fault_records_min", "", Kind::Count(1, 1_000_000_000)),
    setting("limits.probation_batches", "", Kind::Count(0, 1_000_000_000)),
    setting("limits.shadow_time_ms", "", Kind::Millis(1, HOUR_MS)),
    setting("grants.dirs", "dir", Kind::List),
    setting("grants.allow", "allow", Kind::List),
];

/// The setting with this key.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The setting that a user of Kafka Streams means by `key`, or none.
pub(super) fn by_streams_name(key: &str) -> Option<&'static Setting> {
    const NAMES: [(&str, &str); 10] = [
        ("application.id", "application_id"),
        ("processing.guarantee", "processing_guarantee"),
        ("commit.interval.ms", "commit_interval_ms"),
        ("num.stream.threads", "workers"),
        ("state.dir", "state_dir"),
        ("replication.factor", "replication_factor"),
        ("repartition.purge.interval.ms", "repartition_purge_interval_ms"),
        ("max.poll.records", "batch_records_max"),
        ("deserialization.exception.handler", "on_rejected"),
        ("processing.exception.handler", "on_fault"),
    ];
    let (_, ours) = NAMES.iter().find(|(theirs, _)| *theirs == key)?;
    by_key(ours)
}
