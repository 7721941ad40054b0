//! The languages that operators are written in: how a project is told, what its files are, what builds it.

mod rust;

use anyhow::Result;
use std::path::Path;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A folder with `Cargo.toml`.
    Rust,
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

impl Language {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Rust];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
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
        }
    }

    pub(crate) fn source(self) -> &'static Source {
        match self {
            Self::Rust => &rust::SOURCE,
        }
    }

    /// The Wasm file of the project in `folder`: a component, or a core module with its world.
    pub(crate) fn compile(self, folder: &Path) -> Result<Vec<u8>> {
        match self {
            Self::Rust => rust::compile(folder),
        }
    }
}
