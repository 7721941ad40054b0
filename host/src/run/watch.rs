//! Looks at the module's file: all the time with `--watch`, and whenever SIGHUP comes. A file that was written
//! anew, renamed into place, or reached by a symbolic link that was switched has changed; what counts in the end
//! is the digest of its bytes.

use super::swap::{Candidate, Swapper};
use super::{module, signature};
use crate::config::{Config, ModuleSource};
use crate::wasm::sha256_hex;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the file is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The thread that looks.
pub(super) struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Ends the thread; a swap that is under way comes to its end first.
    pub(super) fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of this thread has been printed and costs nothing but the watching.
            let _ = thread.join();
        }
    }
}

/// Starts looking. A native operator has no file; then only workers are watched that went back to the module
/// before.
pub(super) fn start(swapper: &Arc<Swapper>, config: &Config, hang_ups: Arc<AtomicU32>) -> Watcher {
    let stop = Arc::new(AtomicBool::new(false));
    let (swapper, stopped) = (Arc::clone(swapper), Arc::clone(&stop));
    let mut file = match &config.module {
        ModuleSource::Path(path) => Some(Watched { path: path.clone(), seen: stamp(path), moving: false }),
        ModuleSource::Native(_) => None,
    };
    let (config, always) = (config.clone(), config.watch);
    let look = move || {
        let mut heard = 0;
        while !stopped.load(Ordering::Relaxed) {
            thread::park_timeout(LOOK_INTERVAL);
            swapper.heed_fallbacks();
            let Some(file) = &mut file else { continue };
            let told = hang_ups.load(Ordering::Relaxed);
            let is_told = told != std::mem::replace(&mut heard, told);
            if is_told || (always && file.has_changed()) {
                look(&swapper, &file.path, &config);
            }
        }
    };
    let thread = thread::Builder::new().name("watcher".to_owned()).spawn(look);
    let thread = thread.inspect_err(|error| tracing::error!(%error, "cannot watch the module's file")).ok();
    Watcher { stop, thread }
}

fn look(swapper: &Swapper, path: &Path, config: &Config) {
    match module::read(path, config) {
        Ok(bytes) if sha256_hex(&bytes) == swapper.digest() => {
            tracing::info!(file = %path.display(), "the module's file is that which runs");
        }
        Ok(bytes) => {
            match signature::of_file(path, config.module_key.as_deref()) {
                // The outcome is logged and counted there.
                Ok(signature) => {
                    let signature = signature.as_deref();
                    drop(swapper.swap(Candidate { bytes: &bytes, sha256: None, signature, drain: false }));
                }
                Err(error) => tracing::warn!("{error:#}; the module before stays"),
            }
        }
        Err(error) => tracing::warn!(%error, file = %path.display(), "cannot read the module's file"),
    }
}

/// What tells a changed file without reading it.
type Stamp = (u64, u64, i64, i64, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}

struct Watched {
    path: PathBuf,
    seen: Option<Stamp>,
    /// It has changed, and may still be written to.
    moving: bool,
}

impl Watched {
    /// True once a change has come to rest: two looks see the same file.
    fn has_changed(&mut self) -> bool {
        let now = stamp(&self.path);
        let changed = now != self.seen;
        self.seen = now;
        let rests = self.moving && !changed && now.is_some();
        self.moving = changed || (self.moving && !rests);
        rests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_it_rests() {
        let path = std::env::temp_dir().join(format!("wasmhost-watch-{}", std::process::id()));
        fs::write(&path, "1").expect("written");
        let mut file = Watched { path: path.clone(), seen: stamp(&path), moving: false };
        assert!(!file.has_changed());
        fs::write(&path, "22").expect("written");
        assert!(!file.has_changed(), "it may still be written to");
        assert!(file.has_changed());
        assert!(!file.has_changed(), "said once");
        fs::remove_file(&path).expect("removed");
        assert!(!file.has_changed());
        assert!(!file.has_changed(), "a file that is away is no new one");
        fs::write(&path, "333").expect("written");
        assert!(!file.has_changed());
        assert!(file.has_changed());
        fs::remove_file(&path).expect("removed");
    }
}
