//! Where things are: the repository, what cargo built, what may be cached.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The repository's root: the one that cargo runs us for. Not the one that we were built in: clones that
/// share a target folder may share this program too.
///
/// # Panics
/// Neither cargo nor the current folder is in a clone of this project.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = package.or_else(|| std::env::current_dir().ok()).expect("there is a current folder");
    let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").exists());
    root.expect("run this inside of the repository").to_path_buf()
}

/// The target folder that the running program was built into, whatever cargo was told.
///
/// # Panics
/// When the running program is not where cargo puts programs.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the running program has a path");
    let profile = program
        .parent()
        .and_then(|folder| if folder.ends_with("deps") { folder.parent() } else { Some(folder) });
    let target =
        profile.and_then(Path::parent).expect("cargo builds into TARGET/PROFILE or TARGET/PROFILE/deps");
    target.to_path_buf()
}

/// The program `name` as built by `cargo build --release`.
pub fn release_binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// A folder for what is costly to make and outlives the target folder: `$XDG_CACHE_HOME/wasmhost`.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("set HOME or XDG_CACHE_HOME: nowhere to cache")?)
                .join(".cache")
        }
    };
    Ok(base.join("wasmhost"))
}
