//! What the admin API asks of the application.

use serde::{Deserialize, Serialize};

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
}

/// One version of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleVersion {
    /// Counts the modules of this process from 0; none: it was refused.
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
