//! The contract (`/wit`) as text, and worlds of it that have exactly the interfaces of one operator.

use crate::languages;
use anyhow::Result;
use std::fmt::Write as _;
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// The world of an operator in [`text`].
pub(crate) const WORLD: &str = "this-operator";
/// The package of the contract, and how its interfaces begin in the names of exports.
const PACKAGE: &str = "host:operator/";
/// Where the package is named; its file has to come first in the text.
const FIRST: &str = "wit/types.wit";

/// The functions that SDKs of dynamic languages look for, and the interfaces that they make.
const FUNCTIONS: [(&str, &str); 5] = [
    ("transform", "transformer"),
    ("fold", "reducer"),
    ("finish", "finisher"),
    ("merge", "merger"),
    ("process", "processor"),
];

/// The interfaces of an operator with these functions.
pub(crate) fn interfaces<'a>(functions: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let functions: Vec<&str> = functions.into_iter().collect();
    let has = |name: &str| functions.contains(&name);
    let mut found = vec!["module"];
    found.extend(FUNCTIONS.iter().filter(|(function, _)| has(function)).map(|(_, interface)| *interface));
    found
}

/// The interfaces whose functions are among the exports of a core module: `host:operator/module@0.1.0#describe`.
pub(crate) fn exported<'a>(exports: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for export in exports {
        let interface = export.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@'));
        if let Some((name, _)) = interface.filter(|(name, _)| !found.contains(name)) {
            found.push(name);
        }
    }
    found
}

/// The whole contract with a world that exports these interfaces, as one file.
pub(crate) fn text(interfaces: &[&str]) -> String {
    let mut files: Vec<_> = languages::contract_files().collect();
    files.sort_by_key(|(path, _)| *path != FIRST);
    let mut text: String = files.iter().map(|(_, text)| *text).collect();
    let _ = writeln!(text, "\nworld {WORLD} {{\n  import log;");
    for interface in interfaces {
        let _ = writeln!(text, "  export {interface};");
    }
    text.push_str("}\n");
    text
}

/// The core module with a section that says of which world it is.
///
/// # Errors
/// It exports an interface that the contract does not have.
pub(crate) fn embed(module: &[u8], interfaces: &[&str]) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("contract.wit", &text(interfaces))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut module = module.to_vec();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_exports_make_the_same_interfaces() {
        let functions = interfaces(["finish", "helper", "transform"]);
        assert_eq!(functions, ["module", "transformer", "finisher"]);
        let exports =
            ["memory", "host:operator/module@0.1.0#configure", "host:operator/module@0.1.0#describe"];
        assert_eq!(exported(exports), ["module"]);
    }

    #[test]
    fn an_interface_that_there_is_none_of_is_refused() {
        let error = embed(b"\0asm\x01\0\0\0", &["module", "joiner"]).expect_err("there is no joiner");
        assert!(format!("{error:#}").contains("joiner"), "{error:#}");
    }
}
