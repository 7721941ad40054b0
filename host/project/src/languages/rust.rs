//! Rust, built by cargo for `wasm32-unknown-unknown`.

use super::{Sdk, Source};
use crate::build::is_wasm;
use crate::tools::Tools;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const TARGET: &str = "wasm32-unknown-unknown";
/// What is left out of a manifest inside another workspace stands behind this line.
const OWN_WORKSPACE: &str = "# A workspace of its own.";

pub(super) const SOURCE: Source = Source {
    files: &[("Cargo.toml", include_str!("../../templates/rust/Cargo.toml"))],
    operator: (
        "src/lib.rs",
        &[
            ("transform", include_str!("../../templates/rust/transform.rs")),
            ("reduce", include_str!("../../templates/rust/reduce.rs")),
            ("process", include_str!("../../templates/rust/process.rs")),
            ("sum", include_str!("../../templates/rust/sum.rs")),
        ],
    ),
    sdk: Sdk { folder: "", mark: "Cargo.toml", files: sdk_files, settle },
};

/// The SDK's sources and the contract that its bindings are generated from.
pub(super) const COPIES: &[(&str, &str)] = copies![
    "guest-sdk/src/accumulator.rs",
    "guest-sdk/src/bindings.rs",
    "guest-sdk/src/bytes.rs",
    "guest-sdk/src/cell.rs",
    "guest-sdk/src/error.rs",
    "guest-sdk/src/export.rs",
    "guest-sdk/src/lib.rs",
    "guest-sdk/src/log.rs",
    "guest-sdk/src/operator.rs",
    "guest-sdk/src/output.rs",
    "guest-sdk/src/record.rs",
    "guest-sdk/src/run.rs",
    "guest-sdk/src/testing.rs",
    "guest-sdk/src/testing/columns.rs",
    "guest-sdk/src/testing/merge.rs",
    "guest-sdk/src/testing/process.rs",
    "wit/module.wit",
    "wit/process.wit",
    "wit/reduce.wit",
    "wit/transform.wit",
    "wit/types.wit",
    "wit/worlds.wit",
];
const SDK_MANIFEST: &str = include_str!("../../../../guest-sdk/Cargo.toml");
const WORKSPACE_MANIFEST: &str = include_str!("../../../../Cargo.toml");

fn sdk_files() -> Result<Vec<(String, String)>> {
    let mut files = super::owned(COPIES);
    files.push(("guest-sdk/Cargo.toml".into(), standalone(SDK_MANIFEST, WORKSPACE_MANIFEST)?));
    Ok(files)
}

/// A manifest without its workspace: what it takes from there is written into it.
fn standalone(manifest: &str, workspace: &str) -> Result<String> {
    let mut manifest: toml::Table = manifest.parse().context("cannot read the SDK's manifest")?;
    let workspace: toml::Table = workspace.parse().context("cannot read the workspace's manifest")?;
    let inherited = workspace.get("workspace").and_then(toml::Value::as_table);
    for (section, from) in [("package", "package"), ("dependencies", "dependencies")] {
        let source = inherited.and_then(|table| table.get(from)).and_then(toml::Value::as_table);
        let Some(table) = manifest.get_mut(section).and_then(toml::Value::as_table_mut) else { continue };
        for (key, value) in table.iter_mut() {
            let is_inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if is_inherited {
                let found = source.and_then(|source| source.get(key));
                *value = found.with_context(|| format!("the workspace has no {section}.{key}"))?.clone();
            }
        }
    }
    for section in ["dev-dependencies", "lints"] {
        manifest.remove(section);
    }
    Ok(manifest.to_string())
}

/// Inside another workspace a package may not be one itself.
fn settle(path: &str, text: String, folder: &Path) -> Result<String> {
    match text.split_once(OWN_WORKSPACE) {
        Some((package, _)) if path == "Cargo.toml" && is_member(folder)? => {
            Ok(format!("{}\n", package.trim_end()))
        }
        _ => Ok(text),
    }
}

/// True if the nearest workspace around `folder` takes it for a member.
fn is_member(folder: &Path) -> Result<bool> {
    for ancestor in folder.ancestors().skip(1) {
        let Ok(text) = fs::read_to_string(ancestor.join("Cargo.toml")) else { continue };
        let table: toml::Table =
            text.parse().with_context(|| format!("cannot read {}", ancestor.display()))?;
        let Some(workspace) = table.get("workspace") else { continue };
        let members = workspace.get("members").and_then(toml::Value::as_array);
        return Ok(members.into_iter().flatten().filter_map(toml::Value::as_str).any(|member| match member
            .strip_suffix("/*")
        {
            Some(parent) => folder.parent() == Some(&ancestor.join(parent)),
            None => folder == ancestor.join(member),
        }));
    }
    Ok(false)
}

/// Builds the package in `folder`; cargo's words go to standard error.
pub(super) fn compile(folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
    check_target(folder, tools)?;
    let mut command = tools.command("cargo");
    command
        .current_dir(folder)
        // Without the library that tests link, the compiler knows all callers: a record costs a sixth less.
        .args(["rustc", "--release", "--lib", "--target", TARGET, "--crate-type", "cdylib"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let output = command.output().context(
        "cannot run cargo\nhint: install Rust from https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
    )?;
    if !output.status.success() {
        bail!("the package in {} does not build; cargo's words are above", folder.display());
    }
    let module = artifact(&String::from_utf8_lossy(&output.stdout)).with_context(|| {
        format!(
            "the package in {} makes no module\nhint: [lib] in Cargo.toml needs crate-type = [\"cdylib\", \"rlib\"]",
            folder.display()
        )
    })?;
    fs::read(&module).with_context(|| format!("cannot read what cargo built, {}", module.display()))
}

/// The module among cargo's messages; that of the package itself comes last.
fn artifact(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    let files = artifacts.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files.filter_map(|file| file.as_str().map(PathBuf::from)).rfind(|file| is_wasm(file))
}

/// A compiler without a standard library for Wasm fails with a hundred errors that say nothing of it.
fn check_target(folder: &Path, tools: &Tools) -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = tools.command(&rustc);
    command.current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]);
    let output = command.output().context(
        "cannot run rustc\nhint: install Rust from https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
    )?;
    let library = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let is_std = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("libstd-");
    let mut files = fs::read_dir(library).into_iter().flatten().flatten();
    if output.status.success() && files.any(|file| is_std(&file.file_name())) {
        return Ok(());
    }
    bail!(
        "the Rust compiler {} has no standard library for {TARGET}\n\
         hint: rustup target add {TARGET}\n\
         hint: where rustup cannot reach its server, set RUSTC to a compiler that has it, and \
         CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER to a rust-lld or wasm-ld; on Debian, `cargo xtask wasm-rust` \
         in wasmhost's repository makes such a compiler and prints both",
        rustc.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn a_manifest_stands_alone() {
        let text = standalone(SDK_MANIFEST, WORKSPACE_MANIFEST).expect("both are manifests");
        let table: toml::Table = text.parse().expect("it is TOML");
        assert_eq!(table["package"]["edition"].as_str(), Some("2024"));
        assert!(table["dependencies"]["wit-bindgen"]["version"].as_str().is_some(), "{text}");
        assert!(!text.contains("workspace") && !text.contains("dev-dependencies"), "{text}");
    }

    #[test]
    fn a_package_in_a_workspace_is_none_itself() {
        let manifest = SOURCE.files[0].1;
        let settled = |folder: &str| {
            settle("Cargo.toml", manifest.into(), &root().canonicalize().expect("it is there").join(folder))
                .expect("the workspace's manifest can be read")
        };
        assert!(!settled("examples/mine").contains("[workspace]"));
        assert!(settled("target/mine").contains("[workspace]"));
        assert!(settled("examples/mine").contains("[dependencies]"));
    }

    #[test]
    fn the_last_module_is_the_package_s_own() {
        let messages = "{\"reason\":\"compiler-artifact\",\"filenames\":[\"/t/a.wasm\"]}\nnoise\n\
                        {\"reason\":\"compiler-artifact\",\"filenames\":[\"/t/libb.rlib\",\"/t/b.wasm\"]}\n\
                        {\"reason\":\"build-finished\"}\n";
        assert_eq!(artifact(messages), Some("/t/b.wasm".into()));
        assert_eq!(artifact(""), None);
    }
}
