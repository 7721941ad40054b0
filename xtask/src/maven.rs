//! Jars from Maven Central, fetched once into the cache.

use crate::{command, paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The cache's folder `name` with the runtime jars of this POM; fetched with Maven when it is not there or was
/// made from another POM. Made aside and then renamed, so that a folder of this name is whole.
///
/// # Errors
/// Maven fails, or the cache cannot be written.
pub fn fetch(name: &str, pom: &str) -> Result<PathBuf> {
    let cache = paths::cache()?;
    let folder = cache.join(name);
    if fs::read_to_string(folder.join("pom.xml")).is_ok_and(|text| text == pom) {
        return Ok(folder);
    }
    let aside = cache.join(format!("{name}.partial-{}", std::process::id()));
    fs::create_dir_all(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
    fs::write(aside.join("pom.xml"), pom)?;
    eprintln!("fetching {name} from Maven Central into {}", folder.display());
    command::run(
        Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(aside.join("pom.xml"))
            .arg("dependency:copy-dependencies")
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", aside.display())),
    )?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    if let Err(error) = fs::rename(&aside, &folder) {
        fs::remove_dir_all(&aside)?;
        // Another process that fetched at the same time was first: its folder is as good as ours.
        if !folder.join("pom.xml").exists() {
            return Err(error).with_context(|| format!("cannot rename to {}", folder.display()));
        }
    }
    Ok(folder)
}
