//! Blocks of a document that commands write, between marks, and sentences of people around them, which stay:
//!
//! ```text
//! <!-- NAME: begin -->
//! …
//! <!-- NAME: end -->
//! ```

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// What stands in the block.
///
/// # Errors
/// There is no such block.
pub fn get<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    Ok(parts(text, name)?.1)
}

/// The text with another body in the block.
///
/// # Errors
/// There is no such block.
pub fn with(text: &str, name: &str, body: &str) -> Result<String> {
    let (before, _, after) = parts(text, name)?;
    Ok(format!("{before}\n\n{}\n\n{after}", body.trim()))
}

/// Puts into a file's block what `body` makes of what is there.
///
/// # Errors
/// There is no such file or block, `body` fails, or the file cannot be written.
pub fn update(path: &Path, name: &str, body: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let place = || format!("in {}", path.display());
    let body = get(&text, name).and_then(body).with_context(place)?;
    let text = with(&text, name, &body).with_context(place)?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("written: {}", path.display());
    Ok(())
}

/// Up to the first mark and with it, between them, from the second one.
fn parts<'a>(text: &'a str, name: &str) -> Result<(&'a str, &'a str, &'a str)> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let found = text.find(&begin).and_then(|at| {
        let (before, rest) = text.split_at(at + begin.len());
        let (block, after) = rest.split_at(rest.find(&end)?);
        Some((before, block, after))
    });
    found.with_context(|| format!("there is no block \"{name}\": {begin} … {end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# A\n<!-- x: begin -->\nold\n<!-- x: end -->\nby hand\n<!-- y: begin -->\n<!-- y: end -->\n";

    #[test]
    fn a_block_is_replaced_and_the_rest_stays() {
        let new = with(TEXT, "x", "new\n").expect("it is there");
        let expected =
            "# A\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nby hand\n<!-- y: begin -->\n<!-- y: end -->\n";
        assert_eq!(new, expected);
        assert_eq!(with(&new, "x", "new").expect("again"), new);
        assert_eq!(get(&new, "x").expect("it is there").trim(), "new");
        assert!(get(TEXT, "z").is_err());
    }
}
