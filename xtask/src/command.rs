//! Running other programs: says what runs, and turns an exit code into an error with a name.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// `cargo` with these arguments, in the repository's root, building into the same target folder as ours.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(crate::paths::root()).env("CARGO_TARGET_DIR", crate::paths::target());
    command
}

/// Shows the command, runs it with our output.
///
/// # Errors
/// It cannot be started, or ends with another code than 0.
pub fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot run \"{line}\""))?;
    if !status.success() {
        bail!("\"{line}\" failed: {status}");
    }
    Ok(())
}

/// True when the command can be started and ends with 0; its output is dropped.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
