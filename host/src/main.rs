//! Parses, runs, prints the error chain once, exits with its code.

use clap::Parser as _;
use host::cli::{self, Cli};
use host::exit::ExitKind;
use std::io::stderr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's header, which the crate has no name for; the same in its versions 2 and 3.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
const NEVER: std::ffi::c_long = -1;

/// Freed memory stays ours: giving it back and getting it again, cleared, took a third of the time of librdkafka's
/// threads, which free and make an object a record.
#[allow(unsafe_code, reason = "a call of the allocator's C interface")]
fn keep_memory() {
    // SAFETY: sets an option, which may be done at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, NEVER) }
}

fn main() -> ExitCode {
    keep_memory();
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
