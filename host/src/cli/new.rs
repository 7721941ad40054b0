//! `host new` and `host build`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::print;
use crate::exit::{ExitKind, Failure};
use crate::wasm::{self, Given};
use anyhow::anyhow;
use clap::Args;
use clap::builder::PossibleValuesParser;
use host_project::{Language, TEMPLATES, Tools, new};
use std::path::PathBuf;

/// Start a project of an operator.
#[derive(Args, Debug)]
pub(super) struct New {
    /// The folder, and the operator's name
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// The language
    #[arg(long, value_name = "LANGUAGE", default_value = "rust", value_parser = languages())]
    lang: String,
    /// What it begins with
    #[arg(long, value_name = "TEMPLATE", default_value = "sum", value_parser = templates())]
    template: String,
}

/// Build a project to a component.
#[derive(Args, Debug)]
pub(super) struct Build {
    /// The project's folder, or a core module to make a component of
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    source: PathBuf,
    /// Where the component goes [default: the module of the project's host.toml, else NAME.wasm in it]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// The language [default: told by the project's files]
    #[arg(long, value_name = "LANGUAGE", value_parser = languages())]
    lang: Option<String>,
}

fn languages() -> PossibleValuesParser {
    PossibleValuesParser::new(Language::ALL.map(Language::name))
}

fn templates() -> PossibleValuesParser {
    let values = TEMPLATES.map(|(name, about)| clap::builder::PossibleValue::new(name).help(about));
    PossibleValuesParser::new(values)
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::new(ExitKind::Failure, error)
}

impl New {
    pub(super) fn run(self) -> Result<(), Failure> {
        let language = Language::named(&self.lang).expect("the parser knows the languages");
        let made = new(&self.folder, language, &self.template).map_err(failed)?;
        let sdk = if made.sdk_is_copied { "; the SDK is in sdk/" } else { "" };
        let (folder, files) = (self.folder.display(), made.files.join(" "));
        print(&format!("{folder}: {files}{sdk}\nnext: cd {folder} && host build && host test\n"))
    }
}

impl Build {
    pub(super) fn run(self) -> Result<(), Failure> {
        let language = self.lang.as_deref().and_then(Language::named);
        let built = host_project::build(&self.source, self.output.as_deref(), language, &Tools::default())
            .map_err(failed)?;
        let refused = built.shape.imports.iter().find(|import| wasm::need(import).given == Given::Never);
        if let Some(import) = refused {
            let text = anyhow!("{} imports \"{import}\", which no module is granted", built.path.display());
            let hint =
                "`host inspect` lists what it imports; nothing in a module may need more than WASI 0.2";
            return Err(Failure::new(ExitKind::NoModule, text).hint(hint));
        }
        let (path, bytes) = (built.path.display(), built.bytes.len());
        let same = if built.is_new { "" } else { ", as it was" };
        print(&format!("{path}: {bytes} bytes, sha256 {}{same}\n", wasm::sha256_hex(&built.bytes)))
    }
}
