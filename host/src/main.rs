//! Parses, runs, prints the error chain once, exits with its code.

use clap::Parser as _;
use host::cli::{self, Cli};
use host::exit::ExitKind;
use std::io::stderr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match catch_unwind(AssertUnwindSafe(|| cli::run(cli))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            // Nobody is left to tell when standard error is gone.
            let _ = failure.print(&mut stderr());
            failure.kind.into()
        }
        // The panic hook has printed what and where.
        Err(_) => ExitKind::Bug.into(),
    }
}
