//! The table of all settings, made of `host/default.toml`, which is their reference.

use std::fmt::Write as _;

/// A table for each part of the file, in Markdown.
pub fn tables(defaults: &str) -> String {
    let (mut out, mut prose, mut table) = (String::new(), Vec::new(), String::new());
    // What stands before the first part is on the page in other words.
    let start = defaults.find("# --- ").unwrap_or_default();
    for line in defaults[start..].lines() {
        if let Some(title) = line.strip_prefix("# --- ") {
            heading(&mut out, title.trim_end_matches([' ', '-']));
            prose.clear();
        } else if let Some(text) = line.strip_prefix("# ") {
            prose.push(text);
        } else if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']');
            let is_new = name != "grants.env" && !name.starts_with("kafka.");
            if is_new {
                heading(&mut out, &format!("[{name}]"));
            }
            let says = prose.join(" ");
            row(&mut out, &format!("[{name}]"), "", &says);
            table = format!("{name}.");
            prose.clear();
        } else if let Some((key, value)) = line.split_once(" = ") {
            row(&mut out, &format!("{table}{key}"), value, &prose.join(" "));
            prose.clear();
        }
    }
    out
}

fn heading(out: &mut String, title: &str) {
    let (first, rest) = title.split_at(1);
    // A String takes all text.
    let _ =
        write!(out, "\n### {}{rest}\n\n| setting | default | |\n| --- | --- | --- |\n", first.to_uppercase());
}

fn row(out: &mut String, name: &str, value: &str, says: &str) {
    let says = says.replace('|', "\\|").replace('<', "&lt;");
    let value = if value.is_empty() { String::new() } else { format!("`{value}`") };
    let _ = writeln!(out, "| `{name}` | {value} | {says} |");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_their_prose_and_their_table() {
        let text = "# Head.\n\n# --- what runs ---\n\n# The <module>,\n# a file.\nmodule = \"\"\n\n# Bounds.\n[limits]\n\n\
                    # Bytes.\nmemory = 1\n";
        let tables = tables(text);
        assert!(tables.contains("### What runs\n"), "{tables}");
        assert!(tables.contains("| `module` | `\"\"` | The &lt;module>, a file. |\n"), "{tables}");
        assert!(
            tables.contains("| `[limits]` |  | Bounds. |\n| `limits.memory` | `1` | Bytes. |\n"),
            "{tables}"
        );
    }
}
