//! Links in Markdown files lead somewhere.

use tidy_tests::{Source, files, none, root};

/// The targets of `[text](target)`, outside code blocks.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        for part in line.split("](").skip(1) {
            if let Some((target, _)) = part.split_once(')') {
                found.push(target.split(' ').next().unwrap_or_default().to_owned());
            }
        }
    }
    found
}

fn leads_nowhere(file: &Source, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with('#') {
        return false;
    }
    let path = target.split('#').next().unwrap_or_default();
    let here = root().join(&file.path);
    let folder = here.parent().expect("a file lies in a folder");
    !folder.join(path).exists()
}

#[test]
fn links_to_files_lead_to_files() {
    let mut complaints = Vec::new();
    for file in files().into_iter().filter(|file| file.has_extension(&["md"])) {
        for target in links(&file.text).into_iter().filter(|target| leads_nowhere(&file, target)) {
            complaints.push(format!("{}: ({target}) leads nowhere", file.path));
        }
    }
    none(&complaints);
}

#[test]
fn links_are_found_outside_code_blocks() {
    let text = "a [b](c.md#d) and [e](f)\n```\n[g](h)\n```\n[i](j \"title\")";
    assert_eq!(links(text), ["c.md#d", "f", "j"]);
}
