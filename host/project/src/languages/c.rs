//! C, compiled by zig, which brings the compiler, the linker and a C library for Wasm.

use super::{Sdk, Source};
use crate::tools::{Scratch, Tools, read, run};
use anyhow::Result;
use std::path::Path;

const HINT: &str = "install zig from https://ziglang.org, or with `pip install ziglang==0.17.1`";
/// Bytes of the module's stack.
const STACK_BYTES: u32 = 1 << 20;

pub(super) const SOURCE: Source = Source {
    files: &[],
    operator: (
        "operator.c",
        &[
            ("transform", include_str!("../../templates/c/transform.c")),
            ("reduce", include_str!("../../templates/c/reduce.c")),
            ("process", include_str!("../../templates/c/process.c")),
            ("sum", include_str!("../../templates/c/sum.c")),
        ],
    ),
    sdk: Sdk { folder: "c", mark: "operator.h", files: || Ok(super::owned(COPIES)), settle: super::as_it_is },
};

pub(super) const COPIES: &[(&str, &str)] = copies![
    "guest-sdk/c/README.md",
    "guest-sdk/c/operator.h",
    "guest-sdk/c/operator/abi.h",
    "guest-sdk/c/operator/arena.h",
    "guest-sdk/c/operator/bytes.h",
    "guest-sdk/c/operator/error.h",
    "guest-sdk/c/operator/export.h",
    "guest-sdk/c/operator/log.h",
    "guest-sdk/c/operator/number.h",
    "guest-sdk/c/operator/output.h",
    "guest-sdk/c/operator/process.h",
    "guest-sdk/c/operator/record.h",
    "guest-sdk/c/operator/run.h",
    "guest-sdk/c/operator/settings.h",
    "guest-sdk/c/operator/state.h",
    "guest-sdk/c/operator/testing.h",
];

/// The core module of `operator.c`.
pub(super) fn compile(folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
    let zig = tools.first(&["zig", "python-zig"], &["version"], HINT)?;
    let scratch = Scratch::new()?;
    let module = scratch.file("operator.wasm");
    let mut command = tools.command(zig);
    command
        .current_dir(folder)
        .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-std=c11", "-O2", "-s", "-Wall"])
        .arg(format!("-Wl,-z,stack-size={STACK_BYTES}"))
        .args(["operator.c", "-o"])
        .arg(&module);
    run(&mut command, HINT)?;
    read(&module)
}
