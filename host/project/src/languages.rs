//! The languages that operators are written in: how a project is told, what its files are, what builds it.

/// Files of the repository, as (path from its root, text).
macro_rules! copies {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../", $path)))),+]
    };
}

mod c;
mod go;
mod javascript;
mod python;
mod rust;

use crate::tools::Tools;
use anyhow::Result;
use std::path::Path;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A folder with `Cargo.toml`.
    Rust,
    /// A folder with `go.mod`.
    Go,
    /// A folder with `package.json`.
    JavaScript,
    /// A folder with `pyproject.toml`.
    Python,
    /// A folder with `operator.c`.
    C,
}

/// What a new project of a language is made of.
pub(crate) struct Source {
    /// Files of every project; paths from its folder. `{{name}}` and `{{sdk}}` stand for the operator's name and
    /// the path of the SDK.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// The path of the one file that differs by template, and its text for each of [`crate::TEMPLATES`].
    pub(crate) operator: (&'static str, &'static [(&'static str, &'static str)]),
    /// The SDK.
    pub(crate) sdk: Sdk,
}

/// A language's SDK: taken from where it lies, else copied into the project.
pub(crate) struct Sdk {
    /// Its folder below the folder that all SDKs are in.
    pub(crate) folder: &'static str,
    /// A file that shows that it is there.
    pub(crate) mark: &'static str,
    /// The copy below the project's folder `sdk/`, with what it needs beside it.
    pub(crate) files: fn() -> Result<Vec<(String, String)>>,
    /// Looks over a file of the project before it is written: its path, its text, the project's folder.
    pub(crate) settle: fn(&str, String, &Path) -> Result<String>,
}

/// The files of the contract, as (path, text).
pub(crate) fn contract_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    rust::COPIES.iter().copied().filter(|(path, _)| path.starts_with("wit/"))
}

fn owned(copies: &[(&str, &str)]) -> Vec<(String, String)> {
    copies.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "another language's may fail")]
fn as_it_is(_: &str, text: String, _: &Path) -> Result<String> {
    Ok(text)
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Go, Self::JavaScript, Self::Python, Self::C];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Go => "go",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::C => "c",
        }
    }

    /// The language of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// The language of the project in a folder.
    pub fn of(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|language| folder.join(language.mark()).is_file())
    }

    /// The file that shows a project's language.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Go => "go.mod",
            Self::JavaScript => "package.json",
            Self::Python => "pyproject.toml",
            Self::C => "operator.c",
        }
    }

    pub(crate) fn source(self) -> &'static Source {
        match self {
            Self::Rust => &rust::SOURCE,
            Self::Go => &go::SOURCE,
            Self::JavaScript => &javascript::SOURCE,
            Self::Python => &python::SOURCE,
            Self::C => &c::SOURCE,
        }
    }

    /// The Wasm file of the project in `folder`: a component, or a core module whose exports or section tell its world.
    pub(crate) fn compile(self, folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
        match self {
            Self::Rust => rust::compile(folder, tools),
            Self::Go => go::compile(folder, tools),
            Self::JavaScript => javascript::compile(folder, tools),
            Self::Python => python::compile(folder, tools),
            Self::C => c::compile(folder, tools),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// The files of a folder that make an SDK: not its tests, not what tools leave behind.
    fn files_below(folder: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let entries = fs::read_dir(root().join(folder)).expect("it is a folder of the repository");
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_test =
                ["test", "tests", "__pycache__"].contains(&name.as_str()) || name.ends_with("_test.go");
            let path = format!("{folder}/{name}");
            if entry.path().is_dir() && !is_test {
                found.extend(files_below(&path));
            } else if !is_test {
                found.insert(path);
            }
        }
        found
    }

    fn paths(copies: &[(&str, &str)]) -> BTreeSet<String> {
        copies.iter().map(|(path, _)| (*path).to_owned()).collect()
    }

    #[test]
    fn the_copy_of_an_sdk_has_all_its_files() {
        let rust: BTreeSet<_> = files_below("guest-sdk/src").union(&files_below("wit")).cloned().collect();
        assert_eq!(paths(rust::COPIES), rust);
        assert_eq!(paths(go::COPIES), files_below("guest-sdk/go"));
        assert_eq!(paths(javascript::COPIES), files_below("guest-sdk/javascript"));
        assert_eq!(paths(python::COPIES), files_below("guest-sdk/python"));
        assert_eq!(paths(c::COPIES), files_below("guest-sdk/c"));
    }
}
