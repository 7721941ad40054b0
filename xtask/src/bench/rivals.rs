//! The programs that the host is compared with: jars from Maven Central, ours compiled against them.

use crate::{command, maven, paths};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders below `bench/rivals`, one a rival.
const FOLDERS: [&str; 3] = ["streams", "flink", "spark"];
/// What was compiled, kept beside the classes.
const STAMP: &str = "sources";

/// Fetches the jars of all rivals and compiles their programs. Quick when nothing has changed.
///
/// # Errors
/// Maven or javac fails.
pub fn build() -> Result<()> {
    FOLDERS.into_iter().try_for_each(|name| compile(name).with_context(|| format!("the rival {name}")))
}

/// The same for Kafka Streams alone.
///
/// # Errors
/// Maven or javac fails.
pub fn build_streams() -> Result<()> {
    compile("streams").context("the rival streams")
}

/// What `java` needs behind `-classpath` for the program of rival `name`, once it is built.
///
/// # Errors
/// Its jars can't be fetched.
pub fn class_path(name: &str) -> Result<OsString> {
    let mut path = classes(name).into_os_string();
    for part in [sources(name), jars(name)?.join("*")] {
        path.push(":");
        path.push(part);
    }
    Ok(path)
}

fn sources(name: &str) -> PathBuf {
    paths::root().join("bench/rivals").join(name)
}

fn classes(name: &str) -> PathBuf {
    paths::target().join("rivals").join(name)
}

fn jars(name: &str) -> Result<PathBuf> {
    let pom = sources(name).join("pom.xml");
    let text = fs::read_to_string(&pom).with_context(|| format!("cannot read {}", pom.display()))?;
    maven::fetch(&format!("rival-{name}"), &text)
}

fn compile(name: &str) -> Result<()> {
    let jars = jars(name)?;
    let mut files = java_files(&sources(name))?;
    files.extend(java_files(&paths::root().join("bench/rivals"))?);
    let mut stamp = fs::read_to_string(sources(name).join("pom.xml"))?;
    for file in &files {
        stamp.push_str(&fs::read_to_string(file)?);
    }
    let out = classes(name);
    if fs::read_to_string(out.join(STAMP)).is_ok_and(|text| text == stamp) {
        return Ok(());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    command::run(
        Command::new("javac")
            .args(["-Werror", "-encoding", "UTF-8", "-classpath"])
            .arg(jars.join("*"))
            .arg("-d")
            .arg(&out)
            .args(&files),
    )?;
    fs::write(out.join(STAMP), stamp)?;
    Ok(())
}

/// The Java files that lie in `folder` itself, sorted.
fn java_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "java"))
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rival_has_a_program_and_pinned_versions() -> Result<()> {
        for name in FOLDERS {
            assert_eq!(java_files(&sources(name))?.len(), 1, "{name}");
            let pom = fs::read_to_string(sources(name).join("pom.xml"))?;
            let versions = pom.matches("<version>").count() - 1;
            assert_eq!(versions, pom.matches("<dependency>").count(), "{name}: one version a dependency");
        }
        Ok(())
    }
}
