//! A new project: the files of its template, and an SDK.

use crate::languages::{Language, Sdk};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Name and description of the templates, which every language has.
pub const TEMPLATES: [(&str, &str); 4] = [
    ("transform", "rows in, rows out: lines of a log become rows by level"),
    ("reduce", "a state for each key: counts records"),
    ("process", "a state for each key, and rows: values that differ from the one before"),
    ("sum", "both: sums `key,value` lines per key"),
];

/// Where SDKs are in the repository.
const SDKS: &str = "guest-sdk";
/// What shows that a folder of SDKs is ours.
const CONTRACT: &str = "wit/types.wit";
/// Where a copy of an SDK lies in a project.
const COPY: &str = "sdk";
const NAME_BYTES_MAX: usize = 64;

/// Files that every project has.
const COMMON: [(&str, &str); 3] = [
    ("host.toml", include_str!("../templates/common/host.toml")),
    ("README.md", include_str!("../templates/common/README.md")),
    (".gitignore", include_str!("../templates/common/gitignore")),
];

/// A project that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// Its files but those of a copied SDK, from its folder.
    pub files: Vec<String>,
    /// The SDK was copied into it: none was found around it.
    pub sdk_is_copied: bool,
}

/// Records and what they come to.
fn data(template: &str) -> &'static [(&'static str, &'static str)] {
    match template {
        "transform" => &[
            ("input.txt", include_str!("../templates/data/transform/input.txt")),
            ("expected.txt", include_str!("../templates/data/transform/expected.txt")),
        ],
        "reduce" => &[
            ("input.jsonl", include_str!("../templates/data/reduce/input.jsonl")),
            ("expected.jsonl", include_str!("../templates/data/reduce/expected.jsonl")),
        ],
        "process" => &[
            ("input.jsonl", include_str!("../templates/data/process/input.jsonl")),
            ("expected.jsonl", include_str!("../templates/data/process/expected.jsonl")),
        ],
        _ => &[
            ("input.txt", include_str!("../templates/data/sum/input.txt")),
            ("expected.txt", include_str!("../templates/data/sum/expected.txt")),
        ],
    }
}

/// Makes a project in `folder`, which must not be there yet, or be empty. The operator is named as the folder.
///
/// # Errors
/// A name that no operator can have, a folder that is not empty, a template that there is none of.
pub fn new(folder: &Path, language: Language, template: &str) -> Result<Made> {
    let folder = std::path::absolute(folder).with_context(|| format!("cannot use {}", folder.display()))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name)?;
    let is_empty = fs::read_dir(&folder).map_or(!folder.exists(), |mut entries| entries.next().is_none());
    ensure!(
        is_empty,
        "{} is there already and not empty\nhint: choose another name, or remove it",
        folder.display()
    );
    let source = language.source();
    let (operator_path, operators) = source.operator;
    let Some((_, operator)) = operators.iter().find(|(name, _)| *name == template) else {
        let names: Vec<_> = operators.iter().map(|(name, _)| *name).collect();
        bail!(
            "there is no template \"{template}\" for {}\nhint: there are {}",
            language.name(),
            names.join(", ")
        );
    };
    let found = find(&folder, &source.sdk);
    let sdk = match &found {
        Some(sdk) => relative(&folder, sdk),
        None => Path::new(COPY).join(SDKS).join(source.sdk.folder),
    };
    let sdk = sdk.display().to_string();
    let own = COMMON.iter().chain(source.files).chain(data(template)).copied();
    let mut files = Vec::new();
    for (path, text) in own.chain([(operator_path, *operator)]) {
        let text = text
            .replace("{{name}}", &name)
            .replace("{{sdk}}", sdk.trim_end_matches('/'))
            .replace("{{source}}", operator_path);
        write(&folder, path, &(source.sdk.settle)(path, text, &folder)?)?;
        files.push(path.to_owned());
    }
    if found.is_none() {
        for (path, text) in (source.sdk.files)()? {
            write(&folder.join(COPY), &path, &text)?;
        }
    }
    files.sort();
    Ok(Made { folder, files, sdk_is_copied: found.is_none() })
}

/// Names are names of packages, files and topics.
fn check_name(name: &str) -> Result<()> {
    let is_good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    ensure!(
        is_good,
        "\"{name}\" cannot name an operator\n\
         hint: up to {NAME_BYTES_MAX} small letters, digits, - and _, first a letter; topics are named after it"
    );
    Ok(())
}

/// The SDK of a repository around the project.
fn find(folder: &Path, sdk: &Sdk) -> Option<PathBuf> {
    let around = folder.ancestors().skip(1).filter(|ancestor| ancestor.join(CONTRACT).is_file());
    let mut sdks = around.map(|ancestor| ancestor.join(SDKS).join(sdk.folder));
    sdks.find(|folder| folder.join(sdk.mark).is_file())
}

/// The way from one folder to another; both are absolute.
pub(crate) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    up.chain(to[shared..].iter().copied()).collect()
}

fn write(folder: &Path, path: &str, text: &str) -> Result<()> {
    let path = folder.join(path);
    let parent = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_template() {
        for language in Language::ALL {
            let names: Vec<_> = language.source().operator.1.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, TEMPLATES.map(|(name, _)| name), "{}", language.name());
        }
    }

    #[test]
    fn names_are_names_of_packages_and_topics() {
        for good in ["sum", "s", "my-sum_2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "2sum", "Sum", "a b", "a/b", "..", "süm", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_way_to_another_folder_goes_up_first() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/r/examples/x", "/r/guest-sdk"), "../../guest-sdk");
        assert_eq!(way("/r/x", "/r/x/sdk"), "sdk");
    }

    #[test]
    fn a_project_outside_has_a_copy_of_the_sdk_and_no_placeholders() {
        let folder = std::env::temp_dir().join(format!("wasmhost-new-{}", std::process::id()));
        for language in Language::ALL {
            for (template, _) in TEMPLATES {
                let project = folder.join(format!("{}-{template}", language.name()));
                let made = new(&project, language, template).expect("the temp folder is writable");
                assert!(made.sdk_is_copied);
                assert!(project.join("sdk/guest-sdk").is_dir());
                assert_eq!(Language::of(&project), Some(language));
                for file in &made.files {
                    let text = fs::read_to_string(project.join(file)).expect("it was written");
                    assert!(!text.contains("{{"), "{file} of {template} in {}", language.name());
                }
                let again = new(&project, language, template).expect_err("it is not empty");
                assert!(again.to_string().contains("not empty"));
            }
        }
        fs::remove_dir_all(&folder).expect("it was made above");
    }
}
