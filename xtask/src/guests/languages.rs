//! The guests in other languages than Rust: the folders `examples/NAME/LANGUAGE`, built to `NAME-LANGUAGE.wasm` as
//! `host build` builds projects, with the tools of [`super::tools`].

use super::{Guest, folder, guest, tools};
use crate::paths;
use anyhow::{Context, Result};
use host_project::{Language, Tools};
use std::fs;
use std::path::{Path, PathBuf};

/// A project to build.
struct Project {
    name: String,
    folder: PathBuf,
    language: Language,
}

/// Builds those of which something has changed.
pub(super) fn build() -> Result<Vec<Guest>> {
    let tools = tools::ensure_installed()?;
    let out = folder()?;
    projects()?.iter().map(|project| project.build(&tools, &out)).collect()
}

/// Those that there are, sorted by name.
fn projects() -> Result<Vec<Project>> {
    let examples = paths::root().join("examples");
    let mut found = Vec::new();
    for entry in fs::read_dir(&examples).with_context(|| format!("cannot list {}", examples.display()))? {
        let example = entry?;
        for language in Language::ALL.into_iter().filter(|language| *language != Language::Rust) {
            let folder = example.path().join(language.name());
            if folder.join(language.mark()).is_file() {
                let name = format!("{}-{}", example.file_name().to_string_lossy(), language.name());
                found.push(Project { name, folder, language });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Project {
    fn build(&self, tools: &Tools, out: &Path) -> Result<Guest> {
        let path = out.join(&self.name).with_extension("wasm");
        let made_of = out.join(format!(".{}.made-of", self.name));
        let digest = self.digest()?;
        if !path.is_file() || fs::read_to_string(&made_of).ok().as_ref() != Some(&digest) {
            eprintln!("guests: {} ({})", self.name, self.language.name());
            host_project::build(&self.folder, Some(&path), Some(self.language), tools)
                .with_context(|| format!("the guest {} does not build", self.name))?;
            fs::write(&made_of, digest).with_context(|| format!("cannot write {}", made_of.display()))?;
        }
        let component = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        guest(self.name.clone(), path, &component)
    }

    /// What it is made of: its source, its SDK, the contract, and what builds it.
    fn digest(&self) -> Result<String> {
        let root = paths::root();
        let sdk = root.join("guest-sdk").join(self.language.name());
        let builder = ["host/project/src", "host/project/adapter", "wit"].map(|folder| root.join(folder));
        let folders = [vec![self.folder.clone(), sdk], builder.into()].concat();
        Ok(format!("{:016x}", tools::digest(&folders)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_and_sessions_are_there_in_every_language() -> Result<()> {
        let names: Vec<String> = projects()?.into_iter().map(|project| project.name).collect();
        for language in ["c", "go", "javascript", "python"] {
            for name in [format!("sessions-{language}"), format!("sum-{language}")] {
                assert!(names.contains(&name), "{name} in {names:?}");
            }
        }
        Ok(())
    }
}
