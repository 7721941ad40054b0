//! JavaScript, in a component with the engine `QuickJS` inside, made by componentize-qjs.

use super::{Sdk, Source};
use crate::contract;
use crate::tools::{Scratch, Tools, read, run};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

const HINT: &str = "install Node.js 20 or newer, then `npm install` in the project's folder (or `npm install --global \
                    componentize-qjs@0.4.5`)";
/// The tool in a project that has installed it for itself.
const INSTALLED: &str = "node_modules/.bin/componentize-qjs";
/// Prints what a module exports.
const EXPORTS: &str = "console.log(Object.keys(await import(process.argv[1])).join(' '))";

pub(super) const SOURCE: Source = Source {
    files: &[("package.json", include_str!("../../templates/javascript/package.json"))],
    operator: (
        "operator.js",
        &[
            ("transform", include_str!("../../templates/javascript/transform.js")),
            ("reduce", include_str!("../../templates/javascript/reduce.js")),
            ("process", include_str!("../../templates/javascript/process.js")),
            ("sum", include_str!("../../templates/javascript/sum.js")),
        ],
    ),
    sdk: Sdk {
        folder: "javascript",
        mark: "package.json",
        files: || Ok(super::owned(COPIES)),
        settle: super::as_it_is,
    },
};

pub(super) const COPIES: &[(&str, &str)] = copies![
    "guest-sdk/javascript/README.md",
    "guest-sdk/javascript/component.js",
    "guest-sdk/javascript/index.js",
    "guest-sdk/javascript/package.json",
    "guest-sdk/javascript/src/columns.js",
    "guest-sdk/javascript/src/errors.js",
    "guest-sdk/javascript/src/folding.js",
    "guest-sdk/javascript/src/kinds.js",
    "guest-sdk/javascript/src/log.js",
    "guest-sdk/javascript/src/output.js",
    "guest-sdk/javascript/src/record.js",
    "guest-sdk/javascript/src/run.js",
    "guest-sdk/javascript/src/settings.js",
    "guest-sdk/javascript/src/utf8.js",
    "guest-sdk/javascript/testing.js",
];

/// The component of `operator.js`: it has the interfaces whose functions the module exports.
pub(super) fn compile(folder: &Path, tools: &Tools) -> Result<Vec<u8>> {
    let folder = folder.canonicalize().with_context(|| format!("cannot use {}", folder.display()))?;
    let sdk = sdk(&folder)?;
    let operator = format!("file://{}", folder.join("operator.js").display());
    let mut node = tools.command("node");
    node.current_dir(&folder).args(["--input-type=module", "--eval", EXPORTS, &operator]);
    let exports = run(&mut node, HINT)?;
    let interfaces = contract::interfaces(exports.split_whitespace());

    let scratch = Scratch::new()?;
    let wit = scratch.write("contract.wit", &contract::text(&interfaces))?;
    let entry = Entry::new(&folder, &sdk, &interfaces)?;
    let component = scratch.file("operator.wasm");
    let installed = folder.join(INSTALLED);
    let tool = if installed.is_file() { installed.as_path() } else { Path::new("componentize-qjs") };
    let mut command = tools.command(tool);
    command.current_dir(&folder).args(["--sync", "--world", contract::WORLD, "--wit"]).arg(wit);
    command.arg("--js").arg(&entry.0).arg("--module-root").arg(shared(&folder, &sdk));
    command.arg("--output").arg(&component);
    run(&mut command, HINT)?;
    read(&component)
}

/// The SDK's folder, as `package.json` has it.
fn sdk(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("package.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let package: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let sdk = package["wasmhost"]["sdk"].as_str().with_context(|| {
        format!(
            "{} does not say where the SDK is\nhint: \"wasmhost\": {{ \"sdk\": \"PATH\" }}",
            path.display()
        )
    })?;
    let sdk = folder.join(sdk);
    ensure!(sdk.join("component.js").is_file(), "there is no SDK in {}", sdk.display());
    sdk.canonicalize().with_context(|| format!("cannot use {}", sdk.display()))
}

/// The nearest folder that both are in.
fn shared<'a>(folder: &'a Path, sdk: &Path) -> &'a Path {
    folder.ancestors().find(|ancestor| sdk.starts_with(ancestor)).unwrap_or(Path::new("/"))
}

/// The component's first module, beside the operator while it is built: imports are looked for from there.
struct Entry(PathBuf);

impl Entry {
    fn new(folder: &Path, sdk: &Path, interfaces: &[&str]) -> Result<Self> {
        let path = folder.join(format!(".component-{}.js", std::process::id()));
        let (sdk, names) = (crate::new::relative(folder, sdk), interfaces.join(", "));
        let text = format!(
            "import log from 'host:operator/log@0.1.0';\n\
             import * as operator from './operator.js';\n\
             import {{ component }} from './{}/component.js';\n\
             export const {{ {names} }} = component(operator, log.write);\n",
            sdk.display()
        );
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // A file that is left does no harm.
        let _ = fs::remove_file(&self.0);
    }
}
