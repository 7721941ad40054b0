//! The tools of the languages: run with what they need in their environment, and told how to get when missing.

use anyhow::{Context as _, Result, anyhow, bail};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the tools of the languages are found, when not only by the environment of this process.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// Variables of their environment: `PATH`, folders for caches.
    pub variables: Vec<(String, OsString)>,
}

impl Tools {
    /// A command in the environment of the tools.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// The first of these programs that can be started with `arguments`.
    ///
    /// # Errors
    /// None can; `hint` says what to install.
    pub(crate) fn first<'a>(&self, programs: &[&'a str], arguments: &[&str], hint: &str) -> Result<&'a str> {
        let starts = |program: &&&str| {
            let mut command = self.command(**program);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let found = programs.iter().find(starts).copied();
        found.with_context(|| format!("cannot run {}\nhint: {hint}", programs.join(" or ")))
    }
}

/// Runs a command and returns what it printed; its complaints go to standard error.
///
/// # Errors
/// It cannot be started (`hint` says what to install) or fails.
pub(crate) fn run(command: &mut Command, hint: &str) -> Result<String> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("cannot run {program}\nhint: {hint}"),
        _ => anyhow!("cannot run {program}: {error}"),
    })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("it does not build; the words of {program} are above\n{}", printed.trim());
    }
    Ok(printed)
}

/// A folder for one build, which is gone afterwards.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("wasmhost-build-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.file(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left lies in the temp folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a tool has built.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read what was built, {}", path.display()))
}
