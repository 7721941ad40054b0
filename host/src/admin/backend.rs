//! What the admin API asks of the application.

use crate::feed::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The application behind the API. Calls may block.
pub trait Backend: Send + Sync + 'static {
    /// The operator's name.
    fn name(&self) -> &str;
    /// Bytes of a module's file that are taken.
    fn module_bytes_max(&self) -> usize;
    /// What keeps the application from working; empty: nothing.
    fn obstacles(&self) -> Vec<String>;
    /// All metrics in the text format of Prometheus.
    fn metrics(&self) -> String;
    /// All versions of the module, the newest first.
    fn modules(&self) -> Vec<ModuleVersion>;
    /// Swaps to the module of these bytes.
    ///
    /// # Errors
    /// The module before works on.
    fn swap(&self, request: SwapRequest) -> Result<Installed, Refused>;
    /// Runs the module of these bytes beside the current one.
    ///
    /// # Errors
    /// It does not even come to that.
    fn shadow(&self, request: ShadowRequest) -> Result<ShadowReport, Refused>;
    /// What the application is and does.
    fn status(&self) -> Status;
    /// All that is measured; rates are over the time since it was asked before, so one asks, once a second.
    fn next_snapshot(&self) -> Snapshot;
    /// Swaps to the module before.
    ///
    /// # Errors
    /// The module of now works on.
    fn rollback(&self) -> Result<Installed, Refused>;
}

/// A module to swap to.
#[derive(Clone, Debug, Default)]
pub struct SwapRequest {
    /// The file.
    pub bytes: Vec<u8>,
    /// What its SHA-256 must be, in hexadecimal digits.
    pub sha256: Option<String>,
    /// An ed25519 signature of the bytes.
    pub signature: Option<Vec<u8>>,
    /// Empty the repartition topic first when the module has another row-schema.
    pub drain: bool,
}

/// A module to run beside the current one.
#[derive(Clone, Debug)]
pub struct ShadowRequest {
    /// The module.
    pub candidate: SwapRequest,
    /// Records that it is given.
    pub records: u64,
    /// How long to wait for them.
    pub timeout: Duration,
    /// Show keys and values instead of their hashes.
    pub show_keys: bool,
    /// Swap to it when every answer was the same.
    pub promote_if_equal: bool,
}

/// What came of it. An answer is what comes of one row of a transform, or of one key of a reduce or finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowReport {
    /// Records that both were given.
    pub records: u64,
    /// Answers that are the same.
    pub equal: u64,
    /// Answers that differ.
    pub different: u64,
    /// Answers that the candidate owes because it faulted.
    pub failed: u64,
    /// The first that are not equal.
    pub differences: Vec<Difference>,
    /// CPU time of the current module.
    pub current_us: u64,
    /// CPU time of the candidate.
    pub candidate_us: u64,
    /// Why it was dropped before the end.
    pub dropped: Option<String>,
    /// It saw as many records as asked for.
    pub is_complete: bool,
    /// The swap, if it was promoted.
    pub promoted: Option<Installed>,
}

/// One answer that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `transform`, `reduce`, `process`, `merge` or `finish`.
    pub interface: String,
    /// Where the row was read, or its key.
    pub at: String,
    /// What the current module answers.
    pub current: String,
    /// What the candidate answers.
    pub candidate: String,
}

/// The application at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Of this program.
    pub product_version: String,
    /// The group's id.
    pub application_id: String,
    /// The operator's name.
    pub name: String,
    /// The module that works.
    pub digest: String,
    /// Its number.
    pub number: u64,
    /// Worker threads of this process.
    pub workers: u64,
    /// What keeps it from working; empty: nothing.
    pub obstacles: Vec<String>,
    /// Input records whose transaction is committed, since the start of the process.
    pub records_consumed: u64,
    /// Records written to the output.
    pub records_produced: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Records behind the end of the log, over all partitions of this process.
    pub records_lag: u64,
    /// Keys in the state.
    pub state_keys: u64,
}

/// One version of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleVersion {
    /// Counts the modules of this process from 0, or with a control topic those of the application from 1;
    /// none: it was refused.
    pub number: Option<u64>,
    /// SHA-256 of the file, or `native:NAME`.
    pub digest: String,
    /// As the module says.
    pub version: String,
    /// Seconds since the Unix epoch.
    pub since_s: u64,
    /// `current`, `previous` (a rollback goes to it), `past` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Calls with data in this process; none: native, or refused.
    pub calls: Option<u64>,
    /// Those that faulted.
    pub faults: Option<u64>,
    /// CPU time of its calls, in microseconds.
    pub cpu_us: Option<u64>,
    /// The largest memory of an instance.
    pub memory_bytes_max: Option<u64>,
}

/// A swap that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The version that works now.
    pub number: u64,
    /// Its digest.
    pub digest: String,
    /// From the request to the last worker.
    pub took_ms: u64,
    /// The longest that a worker paused.
    pub pause_us: u64,
}

/// A swap that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// At which check.
    pub step: String,
    /// Why, and what to do.
    pub reason: String,
}
