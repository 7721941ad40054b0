//! Well-known Python libraries to compare with, in environments of their own in the cache folder.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use xtask::paths;

/// Runs `tests/e2e/python/SCRIPT` with these packages, `NAME==VERSION` and all that they need, and gives what it prints,
/// JSON.
pub(crate) fn run(packages: &[&str], script: &str, arguments: &[&OsStr]) -> Result<serde_json::Value> {
    let path = paths::root().join("tests/e2e/python").join(script);
    let mut command = Command::new(environment(packages)?);
    command.arg("-I").arg(path).args(arguments);
    let answer = output(&mut command)?;
    serde_json::from_slice(&answer).with_context(|| format!("{script} did not print JSON"))
}

/// The interpreter of the environment, which is made when it is not there. The folder is named after the packages, so
/// that others get another one.
fn environment(packages: &[&str]) -> Result<PathBuf> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock();
    let folder = paths::cache()?.join("python").join(packages.join("+").replace("==", "-"));
    let interpreter = folder.join("bin/python");
    if interpreter.exists() {
        return Ok(interpreter);
    }
    let new = folder.with_file_name(format!("new-{}", std::process::id()));
    fs::create_dir_all(&new)?;
    output(Command::new("python3").args(["-m", "venv"]).arg(&new))
        .context("no Python environment; on Debian: apt-get install python3-venv")?;
    let mut install = Command::new(new.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--only-binary", ":all:"]);
    output(install.args(packages))?;
    // Another process may have been faster; its environment is as good.
    if fs::rename(&new, &folder).is_err() {
        fs::remove_dir_all(&new)?;
    }
    Ok(interpreter)
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let answer = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let words = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{command:?} failed ({}):\n{words}", answer.status);
    Ok(answer.stdout)
}
