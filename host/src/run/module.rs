//! The module that an application runs: a Wasm component from a file, or a native operator.

use super::signature;
use crate::config::{Config, Grants, ModuleSource};
use crate::exit::{ExitKind, Failure};
use crate::metrics::{Calls, Measured, Times};
use crate::native::Native;
use crate::wasm;
use anyhow::Context as _;
use host_core::operator::{Description, Operator};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// In the state folder; no application can have this name.
const CACHE_FOLDER: &str = "@modules";

/// A loaded module; workers take operators from it.
pub(crate) struct Module {
    source: Source,
    calls: Arc<Calls>,
}

enum Source {
    Wasm(wasm::Module),
    Native(Native, String),
}

/// Loads the module, without Kafka, and asks what it is.
///
/// # Errors
/// A module that is missing or cannot be loaded.
pub fn describe(config: &Config) -> Result<Description, Failure> {
    Ok(Module::load(config)?.description().clone())
}

impl Module {
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        let settings: Vec<(String, String)> = config.settings.clone().into_iter().collect();
        let loaded = match &config.module {
            ModuleSource::Native(name) => Native::load(name, &settings)
                .map(|native| Source::Native(native, format!("native:{name}")))
                .with_context(|| format!("cannot load the module \"native:{name}\"")),
            ModuleSource::Path(path) => load_file(path, config, &settings)
                .map(Source::Wasm)
                .with_context(|| format!("cannot load the module \"{}\"", path.display())),
        };
        loaded.map(Self::new).map_err(|error| Failure::new(ExitKind::NoModule, error))
    }

    /// A module of a file's bytes, for a swap.
    pub(crate) fn of_bytes(bytes: &[u8], config: &Config) -> anyhow::Result<Self> {
        let settings: Vec<(String, String)> = config.settings.clone().into_iter().collect();
        load_bytes(bytes, config, &settings).map(|module| Self::new(Source::Wasm(module)))
    }

    fn new(source: Source) -> Self {
        Self { source, calls: Arc::default() }
    }

    /// The same module as another version, which has done nothing yet.
    pub(super) fn afresh(&self) -> Self {
        Self::new(match &self.source {
            Source::Wasm(module) => Source::Wasm(module.afresh()),
            Source::Native(native, name) => Source::Native(native.clone(), name.clone()),
        })
    }

    pub(crate) fn description(&self) -> &Description {
        match &self.source {
            Source::Wasm(module) => module.description(),
            Source::Native(native, _) => native.description(),
        }
    }

    /// The SHA-256 of the file, or `native:NAME`.
    pub(crate) fn digest(&self) -> &str {
        match &self.source {
            Source::Wasm(module) => module.digest(),
            Source::Native(_, name) => name,
        }
    }

    /// What it has used so far; none for native operators.
    pub(super) fn usage(&self) -> Option<Arc<wasm::Usage>> {
        match &self.source {
            Source::Wasm(module) => Some(Arc::clone(module.usage())),
            Source::Native(..) => None,
        }
    }

    /// How long its calls took.
    pub(super) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// An operator for one worker, whose calls are timed.
    pub(super) fn measured(&self, times: &Arc<Times>) -> Box<dyn Operator + Send> {
        Box::new(Measured::new(self.operator(), Arc::clone(&self.calls), Arc::clone(times)))
    }

    /// An operator.
    pub(crate) fn operator(&self) -> Box<dyn Operator + Send> {
        match &self.source {
            Source::Wasm(module) => Box::new(module.operator()),
            Source::Native(native, _) => Box::new(native.clone()),
        }
    }
}

fn load_file(path: &Path, config: &Config, settings: &[(String, String)]) -> anyhow::Result<wasm::Module> {
    let bytes = read(path, config)?;
    let digest = wasm::sha256_hex(&bytes);
    match &config.module_sha256 {
        Some(expected) if !expected.eq_ignore_ascii_case(&digest) => {
            anyhow::bail!("its SHA-256 is {digest}, and module_sha256 is {expected}")
        }
        _ => {}
    }
    let key = config.module_key.as_deref();
    signature::check(&bytes, signature::of_file(path, key)?.as_deref(), key)?;
    load_bytes(&bytes, config, settings)
}

fn load_bytes(bytes: &[u8], config: &Config, settings: &[(String, String)]) -> anyhow::Result<wasm::Module> {
    let engine = wasm::Engine::with_compiler(limits(config), wasm::Compiler::Child { cache: cache(config) })?;
    Ok(wasm::Module::load(&engine, &config.name, bytes, settings, &grants(config))?)
}

/// Reads at most one byte more than is allowed.
pub(crate) fn read(path: &Path, config: &Config) -> std::io::Result<Vec<u8>> {
    let bytes_max = config.limits.module_bytes_max;
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Compiled modules are kept in the state folder; without it they are compiled at every start.
fn cache(config: &Config) -> Option<wasm::Cache> {
    let path = config.state_dir.join(CACHE_FOLDER);
    let opened = wasm::Cache::open(&path);
    let opened = opened.inspect_err(|error| {
        tracing::warn!(%error, folder = %path.display(), "cannot keep compiled modules");
    });
    opened.ok()
}

fn limits(config: &Config) -> wasm::Limits {
    let limits = &config.limits;
    wasm::Limits {
        module_bytes_max: usize::try_from(limits.module_bytes_max).unwrap_or(usize::MAX),
        compile_timeout_ms: limits.compile_timeout.as_millis() as u64,
        compile_memory_bytes_max: limits.compile_memory_bytes_max,
        memory_bytes_max: limits.memory_bytes_max,
        stack_bytes_max: limits.stack_bytes_max,
        start_deadline_ms: limits.start_deadline.as_millis() as u64,
        call_deadline_ms: limits.batch_deadline.as_millis() as u64,
        call_deadline_record_us: limits.record_deadline_us,
        output_bytes_max: limits.output_bytes_max,
        log_line_bytes_max: limits.log_line_bytes_max,
        log_lines_per_second_max: limits.log_lines_per_second_max,
        memories_max: limits.memories_max,
        tables_max: limits.tables_max,
        table_elements_max: limits.table_elements_max,
        instances_max: limits.instances_max,
        output_records_max: limits.output_records_max,
    }
}

fn grants(config: &Config) -> wasm::Grants {
    let Grants { dirs, env, clock, random } = config.grants.clone();
    let dirs = dirs.into_iter().map(|dir| wasm::DirGrant {
        host: dir.host,
        guest: dir.guest,
        is_read_only: dir.is_read_only,
    });
    wasm::Grants { dirs: dirs.collect(), env, clock, random }
}
