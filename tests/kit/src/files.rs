//! What was built: the guests and the host.

use std::path::PathBuf;
use xtask::paths;

/// The module `name`.
///
/// # Panics
/// It is not built.
pub fn guest(name: &str) -> PathBuf {
    built(paths::target().join("guests").join(format!("{name}.wasm")), "cargo xtask guests")
}

/// The real `host`.
///
/// # Panics
/// It is not built.
pub fn host_binary() -> PathBuf {
    built(paths::release_binary("host"), "cargo build --release --package host")
}

fn built(path: PathBuf, command: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing; run: {command} (or all of it: cargo xtask test)", path.display());
    path
}
