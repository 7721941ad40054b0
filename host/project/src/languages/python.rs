//! Python, in a component with the `CPython` interpreter, made by componentize-py.

use super::{Sdk, Source};
use crate::contract;
use crate::tools::{Scratch, Tools, read, run};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

const HINT: &str = "install Python 3.10 or newer, then `pip install componentize-py==0.25.1`";
/// The SDK's module around the operator.
const ENTRY: &str = "wasmhost_component";
/// Prints the names of the functions of a file without running it.
const FUNCTIONS: &str = "import ast, sys\n\
                         for part in ast.parse(open(sys.argv[1], encoding='utf-8').read(), sys.argv[1]).body:\n\
                         \x20   if isinstance(part, ast.FunctionDef): print(part.name)";

pub(super) const SOURCE: Source = Source {
    files: &[("pyproject.toml", include_str!("../../templates/python/pyproject.toml"))],
    operator: (
        "app.py",
        &[
            ("transform", include_str!("../../templates/python/transform.py")),
            ("reduce", include_str!("../../templates/python/reduce.py")),
            ("process", include_str!("../../templates/python/process.py")),
            ("sum", include_str!("../../templates/python/sum.py")),
        ],
    ),
    sdk: Sdk {
        folder: "python",
        mark: "wasmhost/__init__.py",
        files: || Ok(super::owned(COPIES)),
        settle: super::as_it_is,
    },
};

pub(super) const COPIES: &[(&str, &str)] = copies![
    "guest-sdk/python/README.md",
    "guest-sdk/python/wasmhost/__init__.py",
    "guest-sdk/python/wasmhost/accumulators.py",
    "guest-sdk/python/wasmhost/columns.py",
    "guest-sdk/python/wasmhost/description.py",
    "guest-sdk/python/wasmhost/errors.py",
    "guest-sdk/python/wasmhost/folding.py",
    "guest-sdk/python/wasmhost/log.py",
    "guest-sdk/python/wasmhost/output.py",
    "guest-sdk/python/wasmhost/records.py",
    "guest-sdk/python/wasmhost/run.py",
    "guest-sdk/python/wasmhost/testing.py",
    "guest-sdk/python/wasmhost_component.py",
];

/// The component of `app.py`: it has the interfaces whose functions the module defines.
pub(super) fn compile(folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
    let sdk = sdk(folder)?;
    let mut python = tools.command("python3");
    python.current_dir(folder).args(["-c", FUNCTIONS, "app.py"]);
    let functions = run(&mut python, HINT)?;
    let interfaces = contract::interfaces(functions.lines());

    let scratch = Scratch::new()?;
    let wit = scratch.write("contract.wit", &contract::text(&interfaces))?;
    let component = scratch.file("operator.wasm");
    let mut command = tools.command("componentize-py");
    command.current_dir(folder).args(["--quiet", "--world", contract::WORLD, "--wit-path"]).arg(wit);
    command.args(["componentize", ENTRY, "--python-path", ".", "--python-path"]).arg(sdk);
    command.arg("--output").arg(&component);
    run(&mut command, HINT)?;
    read(&component)
}

/// The SDK's folder, as `pyproject.toml` has it.
fn sdk(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("pyproject.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("cannot read {}", path.display()))?;
    let tool = table.get("tool").and_then(|tool| tool.get("wasmhost"));
    let sdk = tool.and_then(|tool| tool.get("sdk")).and_then(toml::Value::as_str).with_context(|| {
        format!("{} does not say where the SDK is\nhint: [tool.wasmhost] with sdk = \"PATH\"", path.display())
    })?;
    let sdk = folder.join(sdk);
    ensure!(sdk.join(ENTRY).with_extension("py").is_file(), "there is no SDK in {}", sdk.display());
    Ok(sdk)
}
