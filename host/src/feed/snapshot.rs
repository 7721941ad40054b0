//! What the admin API shows of an application each second, as JSON: `GET /api/v1/snapshot` and the events of
//! `GET /api/v1/events`. Texts of modules are untrusted.

use crate::admin::ModuleVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The application at one moment. Rates are per second, over the time since the snapshot before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Since the start of the process.
    pub uptime_s: f64,
    /// The group's id.
    pub application_id: String,
    /// The operator's name.
    pub operator: String,
    /// Of this program.
    pub product_version: String,
    /// Worker threads of this process.
    pub workers: u64,
    /// What keeps it from working; empty: nothing.
    pub obstacles: Vec<String>,
    /// What flows.
    pub rates: Rates,
    /// Since the start of the process.
    pub totals: Totals,
    /// By partition.
    pub lag: Vec<Lag>,
    /// Shares of the workers' time, by phase; all 0 when nothing was measured.
    pub time: BTreeMap<String, f64>,
    /// Ends of transactions.
    pub commit: Commits,
    /// Of all tasks.
    pub state: State,
    /// Tasks that restore.
    pub restore: Restore,
    /// The versions of the module, the newest first.
    pub modules: Vec<Module>,
    /// The last swaps, the newest last.
    pub swaps: Vec<Swap>,
    /// The last faults, the newest last.
    pub faults: Vec<Fault>,
    /// The last results, the newest last; only with `admin_outputs`.
    pub outputs: Vec<Output>,
    /// What reads what.
    pub topology: Topology,
}

/// Per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of `Totals`")]
pub struct Rates {
    pub records_consumed: f64,
    pub bytes_consumed: f64,
    pub records_produced: f64,
    pub commits: f64,
}

/// Counts; the words are those of the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are metrics, see deploy/README.md")]
pub struct Totals {
    pub records_consumed: u64,
    pub records_produced: u64,
    pub records_repartitioned: u64,
    pub records_combined: u64,
    pub partials_repartitioned: u64,
    pub commits: u64,
    pub aborts: u64,
    pub producer_replacements: u64,
    pub rebalances: u64,
    pub records_restored: u64,
    pub dead_letter_records: BTreeMap<String, u64>,
    pub dropped_records: BTreeMap<String, u64>,
    pub module_faults: BTreeMap<String, u64>,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// Records behind the end of the log.
    pub records: u64,
}

/// Ends of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// Of the last minute's commits.
    pub p50_us: Option<u64>,
    /// Of the last minute's commits.
    pub p99_us: Option<u64>,
    /// The last 30, the newest last.
    pub last: Vec<Commit>,
}

/// The end of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// From the last record to the broker's answer.
    pub took_us: u64,
    /// `committed`, `committed-unclean` or `aborted`.
    pub result: String,
    /// Records that were read in it.
    pub records: u64,
}

/// The state of all tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and accumulators.
    pub bytes: u64,
    /// What it may take, bookkeeping included.
    pub bytes_max: u64,
}

/// Tasks that restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// How many.
    pub tasks: u64,
    /// Rows that they have read.
    pub rows: u64,
    /// Offsets to the ends of their changelogs, at least as many as rows; none: nothing restores.
    pub rows_remaining: Option<u64>,
}

/// One version of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// As `/api/v1/modules` has it.
    #[serde(flatten)]
    pub version: ModuleVersion,
    /// Of the last minute's calls.
    pub call_p50_us: Option<u64>,
    /// Of the last minute's calls.
    pub call_p99_us: Option<u64>,
}

/// A swap, or why there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The version; none: refused.
    pub number: Option<u64>,
    /// Of the module that was to take over.
    pub digest: String,
    /// `swap`, `rollback`, `fell-back` or `refused`.
    pub kind: String,
    /// From the request to the last worker.
    pub took_ms: Option<u64>,
    /// The longest that a worker paused.
    pub pause_us: Option<u64>,
    /// Why it was refused, or the module before works again.
    pub reason: Option<String>,
}

/// A call that faulted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// As in the metrics.
    pub kind: String,
    /// The partition of the batch.
    pub source: String,
    /// The first and the last offset of the batch.
    pub offsets: [i64; 2],
    /// One line.
    pub reason: String,
    /// More lines.
    pub backtrace: Option<String>,
    /// The version of the module.
    pub number: Option<u64>,
}

/// A record of the output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The output.
    pub topic: String,
    /// As text, cut.
    pub key: Option<String>,
    /// As text, cut.
    pub value: Option<String>,
}

/// What reads what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// Topics and operators.
    pub nodes: Vec<Node>,
    /// Who gives to whom.
    pub edges: Vec<Edge>,
}

/// A topic or an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// `topic:` and its name, or `step:` and its word: a topic may be called `reduce` too.
    pub id: String,
    /// `topic` or `operator`.
    pub kind: String,
    /// The topic's name, or the step's word.
    pub name: String,
}

/// From one node to another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// A node's id.
    pub from: String,
    /// A node's id.
    pub to: String,
    /// None: between two steps of one call chain nobody counts.
    pub records_per_s: Option<f64>,
}
