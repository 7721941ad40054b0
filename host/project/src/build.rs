//! Builds a project with the tool of its language, and makes a component of what comes out.

use crate::component::{self, Kind, Shape};
use crate::languages::Language;
use crate::tools::Tools;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
    /// What it imports and exports.
    pub shape: Shape,
    /// False: the file held the very same before.
    pub is_new: bool,
}

/// Builds the project in `source`, or wraps the core module that it is, and writes the component to `output`, else
/// to the file that the project's `host.toml` names, else to `NAME.wasm` in the project, named as its folder. `tools`
/// are the languages' own; the language is told by the project's files unless it is given.
///
/// # Errors
/// No project that we know, a tool that is missing, a source that does not build, a module that is no operator.
pub fn build(
    source: &Path,
    output: Option<&Path>,
    language: Option<Language>,
    tools: &Tools,
) -> Result<Built> {
    let source = std::path::absolute(source).with_context(|| format!("cannot use {}", source.display()))?;
    let bytes = if source.is_file() {
        fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?
    } else {
        language_of(&source, language)?.compile(&source, tools)?
    };
    let bytes = match component::shape(&bytes)?.kind {
        Kind::Component => bytes,
        Kind::Module => component::wrap(&bytes).context("cannot make a component of the core module")?,
    };
    let path = match output {
        Some(path) => path.to_owned(),
        None if source.is_file() => bail!("where to?\nhint: name the component with --output NAME.wasm"),
        None => default_output(&source)?,
    };
    let is_new = write(&path, &bytes)?;
    let shape = component::shape(&bytes)?;
    Ok(Built { path, bytes, shape, is_new })
}

fn language_of(folder: &Path, language: Option<Language>) -> Result<Language> {
    if !folder.is_dir() {
        bail!("there is no {}", folder.display());
    }
    language.or_else(|| Language::of(folder)).with_context(|| {
        let marks = Language::ALL.map(|language| format!("{} ({})", language.mark(), language.name()));
        format!(
            "{} is no project: there is no {}\nhint: `host new NAME` makes one; a core module can be named itself",
            folder.display(),
            marks.join(", ")
        )
    })
}

/// Its name ends in `.wasm`.
pub(crate) fn is_wasm(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}

fn default_output(folder: &Path) -> Result<PathBuf> {
    let settings = folder.join("host.toml");
    if let Ok(text) = fs::read_to_string(&settings) {
        let table: toml::Table =
            text.parse().with_context(|| format!("cannot read {}", settings.display()))?;
        let module = table.get("module").and_then(toml::Value::as_str);
        if let Some(module) = module.map(Path::new).filter(|module| is_wasm(module)) {
            return Ok(folder.join(module));
        }
    }
    let name = folder.file_name().context("the root folder is no project")?;
    Ok(folder.join(name).with_extension("wasm"))
}

/// Writes a file whole or not at all, and only when it differs (then true): a host that watches it is not woken for
/// nothing.
///
/// # Errors
/// The folder is not there or not writable.
pub fn write(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).ok().as_deref() == Some(bytes) {
        return Ok(false);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(|| format!("{} is no file's name", path.display()))?;
    let new = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    fs::write(&new, bytes).with_context(|| format!("cannot write {}", new.display()))?;
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_project_says_what_is_looked_for() {
        let folder = std::env::temp_dir().join(format!("wasmhost-no-project-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temp folder is writable");
        let error = build(&folder, None, None, &Tools::default()).expect_err("it is empty").to_string();
        fs::remove_dir_all(&folder).expect("it was made above");
        assert!(error.contains("Cargo.toml (rust)") && error.contains("host new"), "{error}");
        assert!(
            build(&folder, None, None, &Tools::default())
                .expect_err("it is gone")
                .to_string()
                .contains("there is no")
        );
    }

    #[test]
    fn the_settings_file_names_the_component() {
        let folder = std::env::temp_dir().join(format!("wasmhost-output-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temp folder is writable");
        let by_folder = default_output(&folder).expect("it has a name");
        fs::write(folder.join("host.toml"), "module = \"x.wasm\"\n").expect("the temp folder is writable");
        let by_file = default_output(&folder).expect("the file is TOML");
        fs::remove_dir_all(&folder).expect("it was made above");
        assert_eq!(by_folder, folder.join(format!("wasmhost-output-{}.wasm", std::process::id())));
        assert_eq!(by_file, folder.join("x.wasm"));
    }
}
