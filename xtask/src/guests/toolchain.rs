//! Finds a compiler with a standard library for Wasm.
//!
//! [`CHOICE`] in the environment may be `ordinary` or `debian`. Without it, in this order: the ordinary compiler, when it has the target; one that was made here before; the ordinary
//! one after `rustup target add`; one made of Debian packages (see [`super::debian`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{TARGET, debian};

/// Names the variable that picks a toolchain.
pub(super) const CHOICE: &str = "WASMHOST_GUEST_TOOLCHAIN";
/// How long `rustup target add` may take. Where it cannot reach its server it tries for minutes.
const RUSTUP_WAIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

/// A compiler for guests.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    /// Names what was compiled with it: objects of two toolchains must not meet.
    pub(super) id: String,
    /// The compiler and the linker, when they are not the ordinary ones.
    tools: Option<Tools>,
}

/// A compiler of our own.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) rustc: PathBuf,
    pub(super) linker: PathBuf,
}

impl Tools {
    /// Makes cargo use this compiler, in this one child process.
    pub(super) fn apply(&self, command: &mut Command) {
        command
            .env("RUSTC", &self.rustc)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &self.linker)
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER");
    }
}

impl Toolchain {
    fn ordinary() -> Self {
        Self { id: "ordinary".into(), tools: None }
    }

    fn made(folder: &Path) -> Result<Self> {
        let id = fs::read_to_string(folder.join(debian::READY)).context("cannot read the toolchain's id")?;
        let tools = Tools { rustc: folder.join("rustc"), linker: linker()? };
        Ok(Self { id: id.trim().to_owned(), tools: Some(tools) })
    }

    /// Makes cargo use this toolchain, in this one child process.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Some(tools) = &self.tools {
            tools.apply(command);
        }
    }
}

/// The best toolchain there is; makes one when there is none.
pub(super) fn find() -> Result<Toolchain> {
    let choice = std::env::var(CHOICE).unwrap_or_default();
    if !["", "ordinary", "debian"].contains(&choice.as_str()) {
        bail!("{CHOICE} is \"{choice}\"; it may be ordinary or debian");
    }
    if choice != "debian" && has_target() {
        return Ok(Toolchain::ordinary());
    }
    let cache = cache_folder()?;
    if choice != "ordinary"
        && let Some(folder) = debian::made_before(&cache)
    {
        return Toolchain::made(&folder);
    }
    if choice != "debian" && add_target() && has_target() {
        return Ok(Toolchain::ordinary());
    }
    if choice == "ordinary" {
        bail!("rustup target add {TARGET} failed, and {CHOICE} allows nothing else");
    }
    let folder = debian::make(&cache).with_context(|| {
        format!(
            "there is no Rust standard library for Wasm, and none can be made here\n\
             hint: with a network, `rustup target add {TARGET}` is all that is needed"
        )
    })?;
    Toolchain::made(&folder)
}

/// True if the ordinary compiler has the core library for Wasm.
fn has_target() -> bool {
    let Ok(output) = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output()
    else {
        return false;
    };
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success()
        && fs::read_dir(folder).is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
        })
}

/// Asks rustup for the target; false when it fails or takes too long.
fn add_target() -> bool {
    eprintln!("guests: rustup target add {TARGET} (at most {} s)", RUSTUP_WAIT.as_secs());
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let deadline = Instant::now() + RUSTUP_WAIT;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(POLL),
            Ok(Some(status)) => return status.success(),
            Err(_) => break,
        }
    }
    // Either may fail because it has just ended, which is what we want.
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// `rust-lld` of the ordinary toolchain, or a `wasm-ld` on the path.
pub(super) fn linker() -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let mut candidates = Vec::new();
    if let Ok(targets) = fs::read_dir(sysroot.join("lib/rustlib")) {
        candidates.extend(targets.flatten().map(|target| target.path().join("bin/rust-lld")));
    }
    if let Some(path) = std::env::var_os("PATH") {
        candidates.extend(std::env::split_paths(&path).map(|folder| folder.join("wasm-ld")));
    }
    candidates.into_iter().find(|file| file.is_file()).context(
        "there is no linker for Wasm: neither rust-lld in the toolchain nor wasm-ld on the path\n\
         hint: apt-get install lld",
    )
}

/// `${XDG_CACHE_HOME:-~/.cache}/wasmhost`.
fn cache_folder() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(base.context("set HOME or XDG_CACHE_HOME: there is nowhere to keep a toolchain")?.join("wasmhost"))
}
