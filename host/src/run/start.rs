//! Which module a process starts with: that of its file, or, when the application has a control topic, the one
//! that the other processes run.

use super::fleet::{self, Announced, Fleet};
use super::module::{self, Module};
use super::purpose::Purpose;
use super::signature;
use super::topics::create_modules;
use crate::config::{Config, ModuleSource, ModuleTopic};
use crate::exit::{ExitKind, Failure};
use crate::kafka::{Admin, Settings};
use crate::worker::at_start;
use anyhow::{Context as _, anyhow};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Bounds waiting for a first module that was announced.
const FIRST_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What a process starts with.
pub(super) struct Start {
    pub module: Module,
    /// 0 without a control topic.
    pub version: u64,
    pub fleet: Option<Fleet>,
}

/// Joins the control topic if there is one, or is to be one. `local`: the module of the file.
pub(super) fn join(
    admin: &Admin,
    config: &Config,
    kafka: &Settings,
    me: &str,
    local: Module,
) -> Result<Start, Failure> {
    let topic = fleet::topic(&config.application_id);
    let is_there = config.module_topic != ModuleTopic::Off
        && admin.partitions(&[&topic]).map_err(at_start)?.into_iter().flatten().next().is_some();
    let is_wanted = is_there || config.module_topic == ModuleTopic::On;
    let path = match &config.module {
        _ if !is_wanted => return Ok(Start { module: local, version: 0, fleet: None }),
        ModuleSource::Path(path) => path,
        ModuleSource::Native(name) => {
            let text = anyhow!("native:{name} is no file that the control topic \"{topic}\" could hold");
            let hint = "give a .wasm file, or --module-topic off";
            return Err(Failure::new(ExitKind::BadConfig, text).hint(hint));
        }
    };
    if !is_there {
        create_modules(admin, config, &topic)?;
    }
    follow_or_found(config, kafka, me, local, path).map_err(|error| Failure::new(ExitKind::NoModule, error))
}

/// Takes the newest version, or announces the first one.
fn follow_or_found(
    config: &Config,
    kafka: &Settings,
    me: &str,
    local: Module,
    path: &Path,
) -> anyhow::Result<Start> {
    let mut fleet = Fleet::join(kafka, me)?;
    if fleet.latest()?.is_none() {
        let bytes = module::read(path, config)?;
        let signature = signature::of_file(path, config.module_key.as_deref())?;
        // It may have changed since it was loaded.
        let local = Module::of_bytes(&bytes, config)?;
        match fleet.announce(None, local.digest(), &bytes, signature.as_deref(), &Purpose::Swap) {
            Ok(version) => tracing::info!(version, digest = local.digest(), "the application's first module"),
            // Another process was faster; then there is one now.
            Err(error) => tracing::info!("{error:#}"),
        }
        fleet = Fleet::join(kafka, me)?;
        // What was committed just now, here or there, is seen once Kafka has written the end of its transaction.
        let deadline = Instant::now() + FIRST_TIMEOUT;
        while fleet.latest()?.is_none() && Instant::now() < deadline {
            thread::sleep(FIRST_PAUSE);
            fleet = Fleet::join(kafka, me)?;
        }
    }
    let newest = fleet.latest()?.context("no process could announce a first module")?;
    let Announced { version, digest, bytes, signature, by, purpose: _ } = newest;
    if digest == local.digest() {
        tracing::info!(version, digest, "the file is the application's module");
        return Ok(Start { module: local, version, fleet: Some(fleet) });
    }
    let (file, file_digest) = (path.display(), local.digest());
    tracing::warn!(
        version, digest, by, %file, file_digest,
        "the application runs another module than the file: that of its control topic is taken; host swap changes it"
    );
    signature::check(&bytes, signature.as_deref(), config.module_key.as_deref())?;
    let module = Module::of_bytes(&bytes, config)?;
    Ok(Start { module, version, fleet: Some(fleet) })
}
