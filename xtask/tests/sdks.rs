//! The SDKs' own tests, each by its language's tool and without a host. They run the examples of their language over
//! their input too, so that the SDKs and the examples are what `README.md` says of them.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use xtask::guests::tools;
use xtask::paths;

/// Runs a test program of an SDK in the tools' environment.
fn passes(folder: &str, program: impl AsRef<Path>, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).current_dir(paths::root().join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
    for (name, value) in tools::ensure_installed()?.variables {
        command.env(name, value);
    }
    let output = command.output().with_context(|| format!("cannot run {}", program.as_ref().display()))?;
    let printed =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    ensure!(output.status.success(), "{}:\n{printed}", output.status);
    Ok(())
}

#[test]
fn the_tests_of_the_c_sdk_pass() -> Result<()> {
    let program = std::env::temp_dir().join(format!("wasmhost-c-sdk-{}", std::process::id()));
    let path = program.to_string_lossy();
    let source = "guest-sdk/c/test/operator_test.c";
    passes("", "python-zig", &["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-o", &path, source])?;
    let tested = passes("", &program, &[]);
    std::fs::remove_file(&program)?;
    tested
}

#[test]
fn the_tests_of_the_go_sdk_pass() -> Result<()> {
    passes("guest-sdk/go", "go", &["test", "./..."])?;
    passes("guest-sdk/go", "go", &["vet", "./..."])
}

#[test]
fn the_tests_of_the_javascript_sdk_pass() -> Result<()> {
    passes("guest-sdk/javascript", "node", &["--test"])
}

#[test]
fn the_tests_of_the_python_sdk_pass() -> Result<()> {
    passes("guest-sdk/python", "python3", &["-m", "unittest", "discover", "tests"])
}
