//! Reading the project's own files for the checks in `tests/`. Reads only what git would keep: no target
//! folder, nothing hidden but `.ci`.

pub mod rust;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root: the one that cargo runs us for, as clones may share a target folder.
///
/// # Panics
/// This crate was moved, or cargo does not run it.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says which package is tested");
    let here = Path::new(&here);
    here.ancestors().nth(2).expect("this crate is tests/tidy").to_path_buf()
}

/// One file of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the root, with `/`.
    pub path: String,
    /// What is in it; invalid UTF-8 replaced.
    pub text: String,
}

impl Source {
    /// Lies below this folder (or is this file).
    pub fn is_below(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Has one of these extensions.
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }
}

/// All files of the repository, sorted by path.
pub fn files() -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// All Rust files.
pub fn rust_files() -> Vec<Source> {
    files().into_iter().filter(|file| file.has_extension(&["rs"])).collect()
}

/// Folders directly below `folder`, by name; none when there is no such folder.
pub fn folders(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<Source>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name == "target" || (name.starts_with('.') && name != ".ci") || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            let relative = path.strip_prefix(root).expect("it lies below the root");
            let relative = relative.to_string_lossy().replace('\\', "/");
            files.push(Source { path: relative, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
}

/// Fails with a list, one complaint a line.
///
/// # Panics
/// There is a complaint.
pub fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
