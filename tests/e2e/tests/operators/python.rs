//! Well-known Python libraries to compare with, in an environment of their own in the cache folder.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use xtask::paths;

/// What is compared with, and all that it needs. The folder is named after them, so that others get another one.
const PACKAGES: [&str; 8] = [
    "scikit-learn==1.9.1",
    "efficient-apriori==2.0.6",
    "numpy==2.4.6",
    "scipy==1.17.1",
    "joblib==1.6.0",
    "cloudpickle==3.1.3",
    "threadpoolctl==3.8.0",
    "narwhals==2.29.0",
];

/// Runs `tests/e2e/python/SCRIPT` and gives what it prints, JSON.
pub(super) fn run(script: &str, arguments: &[&OsStr]) -> Result<serde_json::Value> {
    let path = paths::root().join("tests/e2e/python").join(script);
    let mut command = Command::new(environment()?);
    command.arg("-I").arg(path).args(arguments);
    let answer = output(&mut command)?;
    serde_json::from_slice(&answer).with_context(|| format!("{script} did not print JSON"))
}

/// The interpreter of the environment, which is made when it is not there.
fn environment() -> Result<PathBuf> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock();
    let folder = paths::cache()?.join("python").join(PACKAGES.join("+").replace("==", "-"));
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
    output(install.args(PACKAGES))?;
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
