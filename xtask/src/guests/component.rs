//! Core modules become components, and components are looked into.

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// What a component imports and exports at its top, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Names such as `host:operator/log@0.1.0`.
    pub imports: Vec<String>,
    /// The same.
    pub exports: Vec<String>,
}

/// The component of a module that carries its worlds, as the binding generators write them.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(module)?.validate(true).encode()
}

/// Reads the shape of a component.
///
/// # Errors
/// The bytes are not a component.
pub fn shape(component: &[u8]) -> Result<Shape> {
    let mut shape = Shape::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.context("cannot read the component")? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    shape.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    shape.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_component_are_refused() {
        assert!(shape(b"not wasm").is_err());
        assert!(encode(b"\0asm\x01\0\0").is_err());
    }
}
