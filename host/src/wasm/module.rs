//! From a file's bytes to something that can be called, or a text that says what is wrong with the file.

use crate::hex;
use crate::shown::printable;
use host_core::check::SCHEMA_BYTES_MAX;
use host_core::operator::Description;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};

use super::bindings::exports::host::operator::{finisher, merger, module, processor, reducer, transformer};
use super::compiler::{self, Compiler};
use super::engine::Engine;
use super::error::CallError;
use super::instance::{Instance, Interfaces, Plan, StartError, State};
use super::log::{self, Log};
use super::operator::WasmOperator;
use super::usage::Usage;
use super::wasi::{self, Grants};

const MODULE: &str = "host:operator/module@0.1.0";
const TRANSFORMER: &str = "host:operator/transformer@0.1.0";
const REDUCER: &str = "host:operator/reducer@0.1.0";
const FINISHER: &str = "host:operator/finisher@0.1.0";
const MERGER: &str = "host:operator/merger@0.1.0";
const PROCESSOR: &str = "host:operator/processor@0.1.0";

/// A compiled module that has been configured once and has said what it is. Clones share it, and what they use.
#[derive(Clone)]
pub struct Module {
    pub(super) shared: Arc<Shared>,
    usage: Arc<Usage>,
}

pub(super) struct Shared {
    name: String,
    digest: String,
    pub(super) description: Description,
    pub(super) plan: Plan,
    /// Keeps the deadlines' clock ticking.
    _engine: Engine,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.shared.name)
            .field("digest", &self.shared.digest)
            .finish_non_exhaustive()
    }
}

/// Why a file is not a module that can run here.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is larger than `module_bytes_max`.
    #[error("the module has {found} bytes, and {max} are allowed")]
    TooLarge {
        /// Its size.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A core module.
    #[error(
        "the file is a core Wasm module and not a component\n\
         hint: `host build FILE` makes one of it when it was built with an SDK; `host inspect FILE` tells what it is"
    )]
    CoreModule,
    /// Not Wasm at all.
    #[error("the file is not a Wasm component")]
    NotWasm,
    /// A component that does not validate, or that needs a feature that is switched off.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// The process that compiles gave no answer.
    #[error("the compiler gave nothing for this component: {0}")]
    Compiler(String),
    /// Imports that this host does not grant.
    #[error(
        "the component imports what this host does not grant: {}\n\
         hint: there are `{}` and WASI 0.2 (cli, clocks, filesystem, io, random, sockets), which is closed until \
         --dir, --env and --allow open it; no flag opens a network",
        names(.0),
        log::INTERFACE
    )]
    UnknownImports(Vec<String>),
    /// `log` is imported with another type.
    #[error("the component's imports have not the types of this host: {0}")]
    WrongImports(String),
    /// `module`, or all of `transformer`, `reducer` and `processor`, are missing, or some of the others do not go
    /// together.
    #[error(
        "the component is not an operator: it exports {}\n\
         hint: an operator exports `{MODULE}` and at least one of `{TRANSFORMER}`, `{REDUCER}` and `{PROCESSOR}`, \
         not both of the last two (`{FINISHER}` and `{MERGER}` only beside `{REDUCER}`)",
        names(.0)
    )]
    WrongWorld(Vec<String>),
    /// An interface has not the functions, or they have not the types, that `wit/` says.
    #[error("the component's interface `{interface}` is not that of this host: {reason}")]
    WrongInterface {
        /// Its short name.
        interface: &'static str,
        /// What wasmtime found.
        reason: String,
    },
    /// `configure` refused the settings; the guest's text.
    #[error("the module refuses its settings: {0}")]
    Settings(String),
    /// The module faulted before it could say what it is.
    #[error("the module fails at its start ({kind}): {reason}")]
    Start {
        /// The kind of the fault.
        kind: &'static str,
        /// Its text.
        reason: String,
    },
    /// A text of the description is too long.
    #[error("the module's `{field}` has {found} bytes, and {SCHEMA_BYTES_MAX} are allowed")]
    Description {
        /// Which one.
        field: &'static str,
        /// Its size.
        found: usize,
    },
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

impl Module {
    /// Compiles `bytes`, checks what they import and export, and makes a first instance to hear what it is.
    /// Takes tens of milliseconds for a small module and tens of seconds for an interpreter.
    ///
    /// # Errors
    /// [`LoadError`]; each says what to do about the file or its settings.
    pub fn load(
        engine: &Engine,
        name: &str,
        bytes: &[u8],
        settings: &[(String, String)],
        grants: &Grants,
    ) -> Result<Self, LoadError> {
        let limits = engine.limits();
        let digest = sha256_hex(bytes);
        let component = compile(engine, &digest, bytes)?;
        let (pre, interfaces, has_wasi) = link(engine, &component)?;
        let mut settings = settings.to_vec();
        settings.sort();
        let log = Arc::new(Log::new(name, limits));
        let wasi = has_wasi.then(|| grants.clone());
        let plan = Plan { pre, interfaces, settings, limits: limits.clone(), log, wasi };
        let usage = Arc::default();
        let (_, description) = Instance::start(&plan, &usage)?;
        check_texts(&description)?;
        let shared = Shared { name: name.to_owned(), digest, description, plan, _engine: engine.clone() };
        Ok(Self { shared: Arc::new(shared), usage })
    }

    /// The same module, which has used nothing yet.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), usage: Arc::default() }
    }

    /// The name that it was loaded under, which is also that of its log lines.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the module says of itself.
    pub fn description(&self) -> &Description {
        &self.shared.description
    }

    /// The SHA-256 of the file, in lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.shared.digest
    }

    /// What it has used so far.
    pub fn usage(&self) -> &Arc<Usage> {
        &self.usage
    }

    /// Log lines of the module that were dropped because they were too many.
    pub fn log_lines_dropped(&self) -> u64 {
        self.shared.plan.log.dropped()
    }

    /// An operator for one worker; its instance is made by its first call.
    pub fn operator(&self) -> WasmOperator {
        WasmOperator::new(self.clone())
    }
}

fn compile(engine: &Engine, digest: &str, bytes: &[u8]) -> Result<Component, LoadError> {
    let max = engine.limits().module_bytes_max;
    if bytes.len() > max {
        return Err(LoadError::TooLarge { found: bytes.len(), max });
    }
    // Four bytes of magic, two of version, two of layer: 0 is a core module, 1 a component.
    match bytes.get(..8) {
        Some([b'\0', b'a', b's', b'm', _, _, 1, 0]) => {}
        Some([b'\0', b'a', b's', b'm', _, _, 0, 0]) => return Err(LoadError::CoreModule),
        _ => return Err(LoadError::NotWasm),
    }
    let wrong = |error: wasmtime::Error| LoadError::Compile(text(&error));
    match engine.compiler() {
        Compiler::Here => Component::from_binary(engine.wasmtime(), bytes).map_err(wrong),
        Compiler::Child { cache } => {
            let code = compiler::native_code(engine, cache.as_ref(), digest, bytes)?;
            compiler::deserialize(engine, &code).map_err(wrong)
        }
    }
}

/// Checks imports and exports, and connects the former.
fn link(engine: &Engine, component: &Component) -> Result<(InstancePre<State>, Interfaces, bool), LoadError> {
    let engine = engine.wasmtime();
    let ty = component.component_type();
    let imports = ty.imports(engine).filter(|(_, import)| !is_types_only(engine, &import.ty));
    let (wasi, others): (Vec<_>, Vec<_>) =
        imports.map(|(name, _)| name).partition(|name| wasi::is_import(name));
    let unknown: Vec<_> =
        others.into_iter().filter(|name| *name != log::INTERFACE).map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(LoadError::UnknownImports(unknown));
    }
    let has = |name| ty.get_export(engine, name).is_some();
    let does_something = has(TRANSFORMER) || has(REDUCER) || has(PROCESSOR);
    let fits = if has(REDUCER) { !has(PROCESSOR) } else { !has(FINISHER) && !has(MERGER) };
    let is_operator = has(MODULE) && does_something && fits;
    if !is_operator {
        return Err(LoadError::WrongWorld(ty.exports(engine).map(|(name, _)| name.to_owned()).collect()));
    }

    let mut linker = Linker::new(engine);
    log::add_to_linker(&mut linker).expect("an empty linker takes an interface");
    if !wasi.is_empty() {
        wasi::add_to_linker(&mut linker).expect("the linker has nothing of WASI yet");
    }
    let pre = linker.instantiate_pre(component).map_err(|error| LoadError::WrongImports(text(&error)))?;
    let wrong = |interface| move |error| wrong_interface(interface, &error);
    let interfaces = Interfaces {
        module: module::GuestIndices::new(&pre).map_err(wrong("module"))?,
        transformer: has(TRANSFORMER)
            .then(|| transformer::GuestIndices::new(&pre))
            .transpose()
            .map_err(wrong("transformer"))?,
        reducer: has(REDUCER)
            .then(|| reducer::GuestIndices::new(&pre))
            .transpose()
            .map_err(wrong("reducer"))?,
        finisher: has(FINISHER)
            .then(|| finisher::GuestIndices::new(&pre))
            .transpose()
            .map_err(wrong("finisher"))?,
        merger: has(MERGER).then(|| merger::GuestIndices::new(&pre)).transpose().map_err(wrong("merger"))?,
        processor: has(PROCESSOR)
            .then(|| processor::GuestIndices::new(&pre))
            .transpose()
            .map_err(wrong("processor"))?,
    };
    Ok((pre, interfaces, !wasi.is_empty()))
}

/// True for the imports by which a component names the types of its other interfaces; there is nothing in
/// them that could be called.
fn is_types_only(engine: &wasmtime::Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::Type(_) => true,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).all(|(_, export)| matches!(export.ty, ComponentItem::Type(_)))
        }
        _ => false,
    }
}

fn wrong_interface(interface: &'static str, error: &wasmtime::Error) -> LoadError {
    LoadError::WrongInterface { interface, reason: text(error) }
}

impl From<StartError> for LoadError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Refused(text) => Self::Settings(printable(&text, host_core::check::REASON_BYTES_MAX)),
            StartError::Fault(CallError { kind, reason }) => Self::Start { kind: kind.as_str(), reason },
            StartError::WrongType(interface, error) => wrong_interface(interface, &error),
        }
    }
}

fn check_texts(description: &Description) -> Result<(), LoadError> {
    let texts = [
        ("name", &description.name),
        ("version", &description.version),
        ("state-schema", &description.state_schema),
        ("row-schema", &description.row_schema),
    ];
    match texts.into_iter().find(|(_, text)| text.len() > SCHEMA_BYTES_MAX) {
        Some((field, text)) => Err(LoadError::Description { field, found: text.len() }),
        None => Ok(()),
    }
}

/// An error and its causes in one line, without what the file's names could do to a terminal.
fn text(error: &wasmtime::Error) -> String {
    printable(&format!("{error:#}").replace('\n', " "), 1_024)
}

/// The SHA-256 of a file, in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::write(&Sha256::digest(bytes))
}
