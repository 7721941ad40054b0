//! The compiler's and the runtime's settings, one engine a process, and the clock tick that lets the host
//! stop a call.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, EngineWeak, WasmFeatures};

use super::compiler::Compiler;
use super::limits::Limits;

/// How often a running guest is asked for its time; a deadline is missed by at most this, as long as the
/// machine has a core for the thread that ticks.
const TICK_MS: u64 = 10;

/// Compiles and runs modules under one set of [`Limits`]. Clones are the same engine; the thread that ticks
/// ends with the last of them and of the modules that they loaded.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    compiler: Compiler,
    engine: wasmtime::Engine,
    /// Held for its `Drop`.
    _ticker: Ticker,
}

impl Engine {
    /// An engine with these limits that compiles in this process.
    ///
    /// # Errors
    /// [`EngineError`] when the settings do not fit the machine, or no thread could be made.
    pub fn new(limits: Limits) -> Result<Self, EngineError> {
        Self::with_compiler(limits, Compiler::Here)
    }

    /// An engine with these limits.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_compiler(limits: Limits, compiler: Compiler) -> Result<Self, EngineError> {
        let engine =
            wasmtime::Engine::new(&config(&limits)).map_err(|error| EngineError::Settings(error.into()))?;
        let ticker = Ticker::start(engine.weak()).map_err(EngineError::Ticker)?;
        Ok(Self { shared: Arc::new(Shared { limits, compiler, engine, _ticker: ticker }) })
    }

    /// The limits on every module of this engine.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.engine
    }

    pub(super) fn compiler(&self) -> &Compiler {
        &self.shared.compiler
    }

    /// Native code of one engine can be used by another of the same fingerprint only: it holds the version of
    /// wasmtime, its settings and the machine's features.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.shared.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses the settings, which do not depend on any module.
    #[error("the Wasm engine cannot run on this machine")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that ticks could not be started.
    #[error("cannot start the thread that watches deadlines")]
    Ticker(#[source] std::io::Error),
}

/// Tier-1 features that guest toolchains use, and nothing else: each proposal is attack surface. NaN bits are
/// made the same everywhere, so that a replay gives the same answer.
fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes_max);
    config.cranelift_nan_canonicalization(true);
    config.concurrency_support(false);
    for (feature, enable) in [
        (WasmFeatures::COMPONENT_MODEL, true),
        (WasmFeatures::GC, false),
        (WasmFeatures::FUNCTION_REFERENCES, false),
        (WasmFeatures::EXCEPTIONS, false),
        (WasmFeatures::THREADS, false),
        (WasmFeatures::SHARED_EVERYTHING_THREADS, false),
        (WasmFeatures::STACK_SWITCHING, false),
        (WasmFeatures::RELAXED_SIMD, false),
        // Calls between the components that a component is made of (JavaScript's are) name the memories of both.
        (WasmFeatures::MULTI_MEMORY, true),
        (WasmFeatures::MEMORY64, false),
        (WasmFeatures::CUSTOM_PAGE_SIZES, false),
        (WasmFeatures::WIDE_ARITHMETIC, false),
    ] {
        config.wasm_features(feature, enable);
    }
    config
}

/// Advances the engine's epoch until it is dropped.
#[derive(Debug)]
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let tick = move || {
            while stopped.recv_timeout(Duration::from_millis(TICK_MS)) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("wasm-ticker".into()).spawn(tick)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread runs nothing that can panic, and there is nothing left to do if it did.
            drop(thread.join());
        }
    }
}
