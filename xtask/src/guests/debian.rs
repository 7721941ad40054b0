//! Makes a Rust toolchain for Wasm of Debian packages, for machines that reach package registries but not
//! rustup's server. Nothing is installed: packages are downloaded and unpacked.
//!
//! Debian's `rustc-web` comes with the source of its standard library; that is built for Wasm once and put
//! beside the compiler. It takes about a minute and a half and 500 MB. A toolchain is made in a folder of its
//! own and renamed when it has built a guest, so that a half-made one is never used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::toolchain::{Tools, linker};
use super::{TARGET, cargo};

/// In a finished toolchain: a file with its id.
pub(super) const READY: &str = "ready";
/// Changes when toolchains are made differently.
const PREFIX: &str = "wasm-rust-v1-";
const MAKING: &str = ".making-";

/// A finished toolchain in the cache, the newest.
pub(super) fn made_before(cache: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(cache).ok()?.flatten().map(|entry| entry.path());
    folders.filter(|folder| name(folder).starts_with(PREFIX) && folder.join(READY).is_file()).max()
}

/// Makes a toolchain and returns its folder.
pub(super) fn make(cache: &Path) -> Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make the folder {}", cache.display()))?;
    remove_abandoned(cache);
    let packages = packages()?;
    let folder = cache.join(format!("{MAKING}{}", id()));
    eprintln!("guests: making a Rust toolchain for Wasm of Debian packages, once (2 minutes, 500 MB)");
    let made = fill(&folder, &packages).and_then(|()| {
        let made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        fs::write(folder.join(READY), format!("{}-{made_at}\n", packages.key))?;
        let ready = cache.join(format!("{PREFIX}{}", packages.key));
        match fs::rename(&folder, &ready) {
            // Another process was faster, and its toolchain is as good.
            Err(_) if ready.join(READY).is_file() => fs::remove_dir_all(&folder).map(|()| ready),
            renamed => renamed.map(|()| ready),
        }
        .context("cannot put the toolchain in its place")
    });
    if made.is_err() {
        // What went wrong is told by `made`; the folder is also removed by the next run.
        let _ = fs::remove_dir_all(&folder);
    }
    made
}

/// The packages to unpack, and what tells their version apart.
struct Packages {
    names: Vec<String>,
    key: String,
}

fn packages() -> Result<Packages> {
    if version("rustc-web").is_none() {
        update_lists()?;
    }
    let version = version("rustc-web").context("the package rustc-web is not in apt's lists")?;
    let library = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&library, "libllvm")?;
    let fixed = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"].map(String::from);
    let names = fixed.into_iter().chain([library, llvm]).collect();
    let key = version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    Ok(Packages { names, key })
}

/// The version of a package that apt would install.
fn version(package: &str) -> Option<String> {
    let policy = run(Command::new("apt-cache").args(["policy", package])).ok()?;
    let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (candidate != "(none)").then(|| candidate.to_owned())
}

/// The first package that `package` depends on whose name starts so.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let depends = run(Command::new("apt-cache").args(["depends", package]))?;
    let mut names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let found = names.find(|name| name.starts_with(prefix));
    Ok(found.with_context(|| format!("the package {package} has no dependency {prefix}*"))?.to_owned())
}

fn update_lists() -> Result<()> {
    eprintln!("guests: apt-get update");
    run(Command::new("apt-get").args(["update", "-qq"]))
        .or_else(|_| run(Command::new("sudo").args(["-n", "apt-get", "update", "-qq"])))
        .map(|_| ())
        .context("apt does not know the package rustc-web; run this line: sudo apt-get update")
}

/// Everything but the name: compiler, standard library, proof that it works.
fn fill(folder: &Path, packages: &Packages) -> Result<()> {
    let (downloads, root) = (folder.join("deb"), folder.join("root"));
    fs::create_dir_all(&downloads)?;
    fs::create_dir_all(&root)?;
    run(Command::new("apt-get").args(["download", "-qq"]).args(&packages.names).current_dir(&downloads))?;
    for package in fs::read_dir(&downloads)? {
        run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&root))?;
    }
    fs::remove_dir_all(&downloads)?;
    let tools = Tools { rustc: wrapper(folder, &root)?, linker: linker()? };
    let library = folder.join("library");
    build(&library, &tools, true)?;
    install_library(&library, &root)?;
    fs::remove_dir_all(&library)?;
    let proof = folder.join("proof");
    let module = build(&proof, &tools, false).context("the new toolchain does not build a guest")?;
    if !fs::read(&module)?.starts_with(b"\0asm") {
        bail!("the new toolchain made {}, which is not Wasm", module.display());
    }
    fs::remove_dir_all(&proof)?;
    fs::remove_dir_all(root.join("usr/src"))?;
    fs::remove_dir_all(root.join("usr/share")).context("cannot remove what is not needed")
}

/// A script that runs the unpacked compiler with its own libraries, wherever the folder is.
fn wrapper(folder: &Path, root: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let libraries = fs::read_dir(root.join("usr/lib"))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| name(path).ends_with("-linux-gnu"))
        .context("the packages have no libraries")?;
    let text = format!(
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\n\
         LD_LIBRARY_PATH=\"$here/root/usr/lib/{}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\" \
         exec \"$here/root/usr/bin/rustc\" \"$@\"\n",
        name(&libraries)
    );
    let path = folder.join("rustc");
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Builds a tiny guest, with the standard library from source or the one beside the compiler.
fn build(package: &Path, tools: &Tools, library_from_source: bool) -> Result<PathBuf> {
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), TINY_GUEST)?;
    fs::write(package.join("Cargo.toml"), TINY_MANIFEST)?;
    let mut command = Command::new(cargo());
    command.current_dir(package).args(["build", "--quiet", "--release", "--target", TARGET]);
    command.env("CARGO_TARGET_DIR", package.join("target"));
    // What is set for the project's own build is not meant for this one.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    tools.apply(&mut command);
    if library_from_source {
        // Bitcode, so that guests may use link-time optimisation.
        command
            .arg("-Zbuild-std=std,panic_abort")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Cembed-bitcode=yes");
    }
    run(&mut command)?;
    Ok(package.join("target").join(TARGET).join("release/tiny.wasm"))
}

const TINY_GUEST: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn double(n: usize) -> usize {\n    \
                          vec![0_u8; n].len() + format!(\"{n}\").len()\n}\n";
const TINY_MANIFEST: &str = "[package]\nname = \"tiny\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                             [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n[profile.release]\npanic = \"abort\"\n";

/// Puts the built library where the compiler looks for it.
fn install_library(package: &Path, root: &Path) -> Result<()> {
    let to = root.join("usr/lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&to)?;
    for file in fs::read_dir(package.join("target").join(TARGET).join("release/deps"))? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "rlib") {
            fs::copy(&file, to.join(name(&file)))?;
        }
    }
    Ok(())
}

/// Removes what killed runs have left.
fn remove_abandoned(cache: &Path) {
    for folder in fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if let Some(process) = name(&folder).strip_prefix(MAKING)
            && !Path::new("/proc").join(process).exists()
        {
            // At worst it stays until the next time.
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Runs a command and returns what it printed.
fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {} failed ({}):\n{}", arguments.join(" "), output.status, words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_made_toolchains_are_not_found() -> Result<()> {
        let cache = std::env::temp_dir().join(format!("wasmhost-cache-{}", id()));
        let half = cache.join(format!("{PREFIX}1.0"));
        fs::create_dir_all(&half)?;
        fs::create_dir_all(cache.join(format!("{MAKING}1")))?;
        let before = made_before(&cache);
        fs::write(half.join(READY), "1.0-0\n")?;
        let after = made_before(&cache);
        fs::remove_dir_all(&cache)?;
        assert_eq!((before, after), (None, Some(half)));
        Ok(())
    }
}
