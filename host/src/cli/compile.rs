//! The compiler's process: not for people, see [`crate::wasm::Compiler`].

use crate::exit::Failure;
use crate::wasm::{Limits, compiler};
use clap::Args;

/// Compiles standard input to native code on standard output.
#[derive(Args, Debug)]
#[expect(clippy::struct_field_names, reason = "they are bounds, and flags are named as they are")]
pub(super) struct CompileModule {
    #[arg(long)]
    stack_bytes_max: usize,
    #[arg(long)]
    memory_bytes_max: u64,
    #[arg(long)]
    cpu_seconds_max: u64,
}

impl CompileModule {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let code = compiler::child(Limits {
            stack_bytes_max: self.stack_bytes_max,
            compile_memory_bytes_max: self.memory_bytes_max,
            compile_timeout_ms: self.cpu_seconds_max.saturating_mul(1_000),
            module_bytes_max: usize::MAX,
            ..Limits::default()
        });
        std::process::exit(code.into())
    }
}
