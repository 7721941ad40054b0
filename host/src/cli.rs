//! The command line: flags only; each verb has its file. Values are checked in [`crate::config`].

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

mod compile;
mod config;
mod dev;
mod guest;
mod inspect;
mod modules;
mod new;
mod run;
mod settings;
mod state;
mod test;
mod top;
mod topology;

use crate::exit::{ExitKind, Failure};
use clap::{Args, Parser, Subcommand};
use std::io::{self, Write as _};

pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 drained or done, 1 failed while running, 2 wrong flag, 65 bad data (a record and
policy fail, faults on most records, a file), 66 module missing or not loadable, 69 Kafka not
reached at the start, 70 bug, 74 state, 77 not authorised, 78 wrong setting, 130 and 143 killed
before the drain ended";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "host",
    bin_name = "host",
    display_name = "wasmhost",
    version = concat!(env!("CARGO_PKG_VERSION"), " (host)"),
    about = "Pipes Kafka records through sandboxed Wasm modules, with keyed state, exactly once",
    after_help = EXIT_CODES,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run an application until SIGTERM or SIGINT, or the end of the input with --until-end
    Run(Box<run::Run>),
    /// Try an application: a broker, sample records and the application in one process
    Dev(Box<dev::Dev>),
    /// Swap the module of a running application
    Swap(modules::Swap),
    /// Swap back to the module before
    Rollback(modules::Rollback),
    /// List the versions of a running application's module
    Modules(modules::Modules),
    /// Watch what a running application does, in a terminal
    Top(top::Top),
    /// Start a project of an operator: its source, records to test it with, an SDK
    New(new::New),
    /// Build the project in this folder to a module
    Build(new::Build),
    /// Run a module on files, without Kafka: expected rows, other cuts, kills, swaps
    Test(Box<test::Test>),
    /// Look into a module's file: what it is, what it needs, what it says of itself
    Inspect(inspect::Inspect),
    /// Print the topology of an application; connects to nothing
    Topology(Box<topology::PrintTopology>),
    /// Look at the state of an application
    #[command(subcommand)]
    State(state::Verb),
    /// Delete what an application has written for itself, so that it begins anew
    Reset(Box<state::ResetApplication>),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Verb),
    #[command(hide = true, name = crate::wasm::compiler::VERB)]
    CompileModule(compile::CompileModule),
}

/// How much is logged.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Logs (standard error)")]
struct Logs {
    /// Log more; twice for everything. HOST_LOG (a filter: info,rdkafka=debug) wins
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Log warnings and errors only; twice for errors only
    #[arg(short, long, action = clap::ArgAction::Count)]
    quiet: u8,
}

impl From<Logs> for crate::logging::Verbosity {
    fn from(logs: Logs) -> Self {
        Self { verbose: logs.verbose, quiet: logs.quiet }
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// Whatever went wrong, with its exit code.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.verb {
        Verb::Run(run) => run.run(),
        Verb::Dev(dev) => dev.run(),
        Verb::Swap(swap) => swap.run(),
        Verb::Rollback(rollback) => rollback.run(),
        Verb::Modules(modules) => modules.run(),
        Verb::Top(top) => top.run(),
        Verb::New(new) => new.run(),
        Verb::Build(build) => build.run(),
        Verb::Inspect(inspect) => inspect.run(),
        Verb::Test(test) => test.run(),
        Verb::Topology(topology) => topology.run(),
        Verb::State(verb) => verb.run(),
        Verb::Reset(reset) => reset.run(),
        Verb::Config(verb) => verb.run(),
        Verb::CompileModule(compile) => compile.run(),
    }
}

/// Writes data to standard output. A reader that went away is no error.
fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// The same for bytes that may be no text.
fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ExitKind::Failure,
            anyhow::Error::new(error).context("cannot write to standard output"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_table_exists() {
        let command = Cli::command();
        let run = command.find_subcommand("run").expect("host run exists");
        let flags: Vec<_> = run.get_arguments().filter_map(clap::Arg::get_long).collect();
        for setting in crate::config::SETTINGS.iter().filter(|setting| !setting.flag.is_empty()) {
            assert!(flags.contains(&setting.flag), "--{}", setting.flag);
        }
    }
}
