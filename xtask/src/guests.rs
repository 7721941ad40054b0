//! `cargo xtask guests`: every guest of the repository as a component, `TARGET/guests/NAME.wasm`.
//!
//! Guests in Rust are the packages below `examples/` (or in its folders `rust`) and `tests/guests/`. They are built for
//! `wasm32-unknown-unknown` in a target folder of their own, because their compiler may be another one (see
//! `guests/toolchain.rs`). Those in other languages are the folders `examples/NAME/LANGUAGE` (see
//! `guests/languages.rs`). Nothing here may touch the environment of other builds.

mod debian;
pub mod languages;
mod toolchain;
pub mod tools;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::paths;
use anyhow::{Context, Result, bail};

use host_project::component;
pub use host_project::component::{Shape, shape};
use toolchain::Toolchain;

/// Folders whose sub-folders are guests.
const GUEST_FOLDERS: [&str; 2] = ["examples", "tests/guests"];
/// What a guest may import.
const GRANTED: [&str; 2] = ["host:operator/log@0.1.0", "host:operator/types@0.1.0"];
const TARGET: &str = "wasm32-unknown-unknown";

/// A guest that was built.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The package's name.
    pub name: String,
    /// The component.
    pub path: PathBuf,
    /// The component's size.
    pub size_bytes: usize,
    /// What it imports and exports.
    pub shape: Shape,
}

/// Builds the guests in Rust and prints a table of them. Quick when nothing has changed.
///
/// # Errors
/// There is no compiler for Wasm and none can be made, a guest does not build, or it imports more than an
/// operator is granted.
pub fn build() -> Result<Vec<Guest>> {
    let guests = build_rust()?;
    print(&guests);
    Ok(guests)
}

/// The same for the guests in all languages.
///
/// # Errors
/// As [`build`]; the tools of the other languages cannot be installed.
pub fn build_all() -> Result<Vec<Guest>> {
    let mut guests = build_rust()?;
    guests.extend(languages::build()?);
    print(&guests);
    Ok(guests)
}

fn build_rust() -> Result<Vec<Guest>> {
    let names = names()?;
    let toolchain = toolchain::find()?;
    let target = paths::target();
    let build_folder = target.join("guests-build").join(&toolchain.id);
    for name in &names {
        compile(&toolchain, name, &build_folder)?;
    }
    let modules = build_folder.join(TARGET).join("release");
    let out = folder()?;
    let mut guests = Vec::new();
    for name in names {
        let module = modules.join(name.replace('-', "_")).with_extension("wasm");
        guests.push(encode(name, &module, &out)?);
    }
    Ok(guests)
}

/// The folder of the components.
fn folder() -> Result<PathBuf> {
    let folder = paths::target().join("guests");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// Where the component of a guest is, built or not.
pub fn path(name: &str) -> PathBuf {
    paths::target().join("guests").join(name).with_extension("wasm")
}

/// The cargo that runs us, or the one on the path.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The package names of all guests, sorted.
fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in GUEST_FOLDERS {
        let folder = paths::root().join(folder);
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let folder = entry?.path();
            let manifests = [folder.join("Cargo.toml"), folder.join("rust/Cargo.toml")];
            if let Some(manifest) = manifests.iter().find(|manifest| manifest.is_file()) {
                names.push(package_name(manifest)?);
            }
        }
    }
    names.sort();
    Ok(names)
}

fn package_name(manifest: &Path) -> Result<String> {
    let text = fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("cannot parse {}", manifest.display()))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    Ok(name.with_context(|| format!("{} has no package name", manifest.display()))?.to_owned())
}

fn compile(toolchain: &Toolchain, name: &str, build_folder: &Path) -> Result<()> {
    let mut command = Command::new(cargo());
    command.current_dir(paths::root()).args(["rustc", "--quiet", "--release", "--lib", "--target", TARGET]);
    // Without the library that tests link, the compiler knows all callers: a record costs a sixth less.
    command.args(["--package", name, "--crate-type", "cdylib"]);
    // Lines and files are of no use in a module; names are, for backtraces, and stay with `debuginfo`.
    command
        .env("CARGO_TARGET_DIR", build_folder)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    toolchain.apply(&mut command);
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the guest {name} did not build ({status}); the compiler's words are above");
    }
    Ok(())
}

/// WASI is there for guests that ask for it, closed.
fn is_granted(import: &str) -> bool {
    GRANTED.contains(&import) || import.starts_with("wasi:")
}

fn encode(name: String, module: &Path, out: &Path) -> Result<Guest> {
    let bytes = fs::read(module).with_context(|| format!("cannot read the module {}", module.display()))?;
    let component = component::wrap(&bytes).with_context(|| format!("cannot make a component of {name}"))?;
    let path = out.join(&name).with_extension("wasm");
    host_project::write(&path, &component)?;
    guest(name, path, &component)
}

/// A component that was built, when it imports no more than it is granted.
fn guest(name: String, path: PathBuf, component: &[u8]) -> Result<Guest> {
    let shape = shape(component)?;
    if let Some(import) = shape.imports.iter().find(|import| !is_granted(import)) {
        bail!("the guest {name} imports \"{import}\", which no operator is granted");
    }
    Ok(Guest { name, path, size_bytes: component.len(), shape })
}

fn print(guests: &[Guest]) {
    println!("{:<16} {:>9}  {:<40} file", "guest", "bytes", "exports");
    for guest in guests {
        let exports: Vec<&str> = guest.shape.exports.iter().map(|name| short(name)).collect();
        let (size, exports) = (guest.size_bytes, exports.join(" "));
        println!("{:<16} {size:>9}  {exports:<40} {}", guest.name, guest.path.display());
    }
}

/// `module` of `host:operator/module@0.1.0`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_found_by_their_package_names() -> Result<()> {
        let names = names()?;
        for name in ["hash-chain", "hostile-guest", "marked-sum", "sum", "wrong-world"] {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
        Ok(())
    }

    #[test]
    fn guests_export_what_they_name_and_import_only_what_is_granted() -> Result<()> {
        let guests = build()?;
        let exports = |name: &str| {
            let guest = guests.iter().find(|guest| guest.name == name).context("the guest is missing")?;
            let mut exports: Vec<_> = guest.shape.exports.iter().map(|name| short(name)).collect();
            exports.sort_unstable();
            anyhow::Ok(exports.join(" "))
        };
        assert_eq!(exports("sum")?, "finisher merger module reducer transformer");
        assert_eq!(exports("hash-chain")?, "module reducer transformer");
        assert_eq!(exports("hostile-guest")?, "finisher module reducer transformer");
        assert_eq!(exports("curious-guest")?, "module transformer");
        assert_eq!(exports("wrong-world")?, "greeter");
        assert!(guests.iter().all(|guest| guest.path == path(&guest.name)));
        Ok(())
    }

    #[test]
    fn interfaces_are_shown_by_their_last_name() {
        assert_eq!(short("host:operator/module@0.1.0"), "module");
        assert_eq!(short("run"), "run");
    }
}
