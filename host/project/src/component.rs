//! Looks into Wasm files without running or compiling them, and makes components of core modules.

use crate::contract;
use anyhow::{Context as _, Result, bail};
use std::borrow::Cow;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// What binding generators name the custom sections in which they leave a module's world.
const WORLD_SECTION: &str = "component-type";
/// What core modules import that were built for WASI preview 1, and what stands in for it.
const WASI: &str = "wasi_snapshot_preview1";
const CLOSED_WASI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/closed-wasi.wasm"));

/// The two kinds of Wasm files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A core module.
    #[default]
    Module,
    /// A component.
    Component,
}

/// What a file imports and exports at its top, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// What the file is.
    pub kind: Kind,
    /// Names such as `host:operator/log@0.1.0`; those of a core module as `module/name`.
    pub imports: Vec<String>,
    /// The same; those of a core module are bare names.
    pub exports: Vec<String>,
    /// A core module carries the worlds that a component is made of.
    pub has_world: bool,
}

/// Reads the shape of a file.
///
/// # Errors
/// The bytes are not Wasm.
pub fn shape(bytes: &[u8]) -> Result<Shape> {
    let mut shape = Shape::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.context("cannot read it as Wasm")?;
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } if depth == 0 => {
                shape.kind = Kind::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            payload if depth == 0 => top(&mut shape, payload)?,
            _ => {}
        }
    }
    Ok(shape)
}

fn top(shape: &mut Shape, payload: Payload<'_>) -> Result<()> {
    match payload {
        Payload::ComponentImportSection(imports) => {
            for import in imports {
                shape.imports.push(import?.name.name.to_owned());
            }
        }
        Payload::ComponentExportSection(exports) => {
            for export in exports {
                shape.exports.push(export?.name.name.to_owned());
            }
        }
        Payload::ImportSection(imports) => {
            for import in imports.into_imports() {
                let import = import?;
                shape.imports.push(format!("{}/{}", import.module, import.name));
            }
        }
        Payload::ExportSection(exports) => {
            for export in exports {
                shape.exports.push(export?.name.to_owned());
            }
        }
        Payload::CustomSection(section) => shape.has_world |= section.name().starts_with(WORLD_SECTION),
        _ => {}
    }
    Ok(())
}

/// The component of a core module. Its world is the one that binding generators left in it, else what its exports are
/// of the contract. WASI preview 1 is there for it, closed.
///
/// # Errors
/// The bytes are no core module, it exports nothing of the contract, or does not fit it.
pub fn wrap(module: &[u8]) -> Result<Vec<u8>> {
    let shape = shape(module)?;
    if shape.kind == Kind::Component {
        bail!("it is a component already");
    }
    let module =
        if shape.has_world { Cow::Borrowed(module) } else { Cow::Owned(with_world(module, &shape)?) };
    let mut encoder = ComponentEncoder::default().module(&module)?.validate(true);
    if shape.imports.iter().any(|import| import.starts_with(WASI)) {
        encoder = encoder.adapter(WASI, CLOSED_WASI)?;
    }
    encoder.encode()
}

/// The module with the world that its exports tell.
fn with_world(module: &[u8], shape: &Shape) -> Result<Vec<u8>> {
    let interfaces = contract::exported(shape.exports.iter().map(String::as_str));
    if interfaces.is_empty() {
        bail!(
            "the core module exports nothing of the contract, and does not say which world it is of\n\
             hint: it was built without an SDK, or without the functions that one exports"
        );
    }
    contract::embed(module, &interfaces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_wasm_are_refused() {
        assert!(shape(b"not wasm").is_err());
        assert!(wrap(b"not wasm").is_err());
    }

    #[test]
    fn a_core_module_without_a_world_is_no_operator() {
        let error = wrap(b"\0asm\x01\0\0\0").expect_err("there is no world");
        assert!(error.to_string().contains("which world"), "{error}");
    }

    #[test]
    fn exports_tell_the_world_and_wasi_is_closed() {
        let text = r#"(module
            (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
            (import "host:operator/log@0.1.0" "write" (func (param i32 i32 i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "host:operator/module@0.1.0#configure") (param i32 i32) (result i32) unreachable)
            (func (export "host:operator/module@0.1.0#describe") (result i32) unreachable)
            (func (export "host:operator/transformer@0.1.0#transform") (param i32) (result i32) unreachable))"#;
        let module = wat::parse_str(text).expect("it is a module");
        let component = wrap(&module).expect("it exports two interfaces");
        let shape = shape(&component).expect("it is a component");
        assert_eq!(shape.exports, ["host:operator/module@0.1.0", "host:operator/transformer@0.1.0"]);
        let mut imports = shape.imports;
        imports.sort();
        assert_eq!(imports, ["host:operator/log@0.1.0", "host:operator/types@0.1.0"]);
    }

    #[test]
    fn a_component_is_not_wrapped_again() {
        let empty = b"\0asm\x0d\0\x01\0";
        assert_eq!(shape(empty).expect("it is a component").kind, Kind::Component);
        assert!(wrap(empty).is_err());
    }
}
