//! `host inspect`: what a module's file is, what it needs, and what it says of itself.

use crate::config::{Config, ModuleSource};
use crate::exit::{ExitKind, Failure};
use crate::run::module::{self, Module};
use crate::shown::printable;
use crate::wasm::{self, Given};
use anyhow::{Context as _, anyhow};
use host_core::operator::Description;
use host_project::component::{self, Kind};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// What is known of a file.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// As it was given.
    pub file: String,
    /// Its size.
    pub bytes: usize,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// `component` or `core module`.
    pub kind: &'static str,
    /// What the module says of itself; none when it cannot be loaded.
    pub description: Option<Says>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it imports; of a core module: nothing is said about it.
    pub imports: Vec<Import>,
    /// Flags that open something to it.
    pub opens_with: Vec<&'static str>,
    /// Why it cannot be run.
    pub problem: Option<String>,
}

/// The description of a module.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with its name")]
pub struct Says {
    /// For people.
    pub name: String,
    /// For people.
    pub version: String,
    /// `transformer` is exported.
    pub transforms: bool,
    /// `reducer` or `processor` is exported: there is keyed state.
    pub reduces: bool,
    /// It is `processor`.
    pub processes: bool,
    /// `finisher` is exported.
    pub finishes: bool,
    /// `merger` is exported.
    pub merges: bool,
    /// The transform never changes a key.
    pub preserves_key: bool,
    /// Names the bytes of an accumulator.
    pub state_schema: String,
    /// Names the values between transform and reduce.
    pub row_schema: String,
}

/// One import.
#[derive(Debug, Serialize)]
pub struct Import {
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub given: Given,
    /// For a person.
    pub what: &'static str,
    /// The flag that opens it.
    pub flag: Option<&'static str>,
}

/// Looks into the module of `config`. The second part is why it cannot be run.
///
/// # Errors
/// The file cannot be read, or it is no Wasm at all.
pub fn inspect(config: &Config) -> Result<(Inspection, Option<Failure>), Failure> {
    let path = match &config.module {
        ModuleSource::Path(path) => path,
        ModuleSource::Native(name) => {
            let text = anyhow!("native:{name} is part of this program and has no file to look into");
            return Err(Failure::new(ExitKind::NoModule, text));
        }
    };
    let named = |error: anyhow::Error| {
        Failure::new(ExitKind::NoModule, error.context(format!("cannot inspect \"{}\"", path.display())))
    };
    let bytes = module::read(path, config).map_err(|error| named(error.into()))?;
    let shape = component::shape(&bytes).map_err(named)?;
    let (description, failure) = match shape.kind {
        Kind::Component => match Module::load(config) {
            Ok(module) => (Some(says(module.description())), None),
            Err(failure) => (None, Some(failure)),
        },
        Kind::Module => (None, Some(core_module(path, shape.has_world))),
    };
    let imports = match shape.kind {
        Kind::Component => shape.imports.into_iter().map(import).collect(),
        Kind::Module => Vec::new(),
    };
    let mut opens_with: Vec<_> = imports.iter().filter_map(|import: &Import| import.flag).collect();
    opens_with.sort_unstable();
    opens_with.dedup();
    let inspection = Inspection {
        file: path.display().to_string(),
        bytes: bytes.len(),
        sha256: wasm::sha256_hex(&bytes),
        kind: match shape.kind {
            Kind::Component => "component",
            Kind::Module => "core module",
        },
        description,
        exports: shape.exports,
        imports,
        opens_with,
        problem: failure.as_ref().map(|failure| format!("{:#}", failure.error)),
    };
    Ok((inspection, failure))
}

fn core_module(path: &Path, has_world: bool) -> Failure {
    let path = path.display();
    let failure = Failure::new(
        ExitKind::NoModule,
        Err::<(), _>(anyhow!("it is a core module and not a component"))
            .with_context(|| format!("cannot run \"{path}\""))
            .expect_err("it is an error"),
    );
    if has_world {
        return failure.hint(format!("`host build {path} -o NAME.wasm` makes a component of it"));
    }
    failure.hint("it was built without the bindings of an SDK; `host new` starts an operator that has them")
}

fn says(description: &Description) -> Says {
    let Description {
        name,
        version,
        preserves_key,
        state_schema,
        row_schema,
        transforms,
        reduces,
        processes,
        finishes,
        merges,
    } = description.clone();
    Says {
        name,
        version,
        transforms,
        reduces,
        processes,
        finishes,
        merges,
        preserves_key,
        state_schema,
        row_schema,
    }
}

fn import(name: String) -> Import {
    let wasm::Need { given, what, flag } = wasm::need(&name);
    Import { name, given, what, flag }
}

impl Inspection {
    /// For a person, with a line end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<14}{}", printable(value, usize::MAX));
        };
        line("file", &self.file);
        line("size", &format!("{} bytes", self.bytes));
        line("sha256", &self.sha256);
        line("kind", self.kind);
        if let Some(says) = &self.description {
            line("name", &says.name);
            line("version", &says.version);
            line("stages", &says.stages());
            if says.transforms && says.reduces {
                line("row-schema", &says.row_schema);
            }
            if says.reduces {
                line("state-schema", &says.state_schema);
            }
            line("keeps keys", if says.preserves_key { "yes" } else { "no" });
        }
        list(&mut line, "exports", self.exports.iter().cloned());
        if self.kind == "component" {
            let width = self.imports.iter().map(|import| import.name.len()).max().unwrap_or(0);
            let imports = self.imports.iter().map(|import| match import.flag {
                Some(flag) => format!("{:<width$}  {}; {flag} opens it", import.name, import.what),
                None => format!("{:<width$}  {}", import.name, import.what),
            });
            list(&mut line, "imports", imports);
        }
        text
    }
}

fn list(line: &mut impl FnMut(&str, &str), name: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        line(name, "nothing");
    }
    for (i, item) in items.enumerate() {
        line(if i == 0 { name } else { "" }, &item);
    }
}

impl Says {
    fn stages(&self) -> String {
        let stages = [
            (self.transforms, "transform"),
            (self.reduces && !self.processes, "reduce"),
            (self.processes, "process"),
            (self.finishes, "finish"),
            (self.merges, "merge"),
        ];
        let there = stages.into_iter().filter_map(|(is_there, stage)| is_there.then_some(stage));
        there.collect::<Vec<_>>().join(", ")
    }
}
