//! `bench/RESULTS.md`: blocks that commands write, between marks, and sentences of people around them, which
//! stay.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use xtask::paths;

/// Puts `body` into the block `name` of `bench/RESULTS.md`.
pub(crate) fn write(name: &str, body: &str) -> Result<()> {
    write_into(&folder().join("RESULTS.md"), name, body)
}

/// The same of another file.
pub(crate) fn write_into(path: &Path, name: &str, body: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = with_block(&text, name, body).with_context(|| format!("in {}", path.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("written: {}", path.display());
    Ok(())
}

/// Writes the chart `NAME.svg` beside it.
pub(crate) fn write_chart(name: &str, svg: &str) -> Result<()> {
    let path = folder().join(format!("{name}.svg"));
    fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("written: {}", path.display());
    Ok(())
}

fn folder() -> PathBuf {
    paths::root().join("bench")
}

fn with_block(text: &str, name: &str, body: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let missing = || format!("there is no block \"{name}\": {begin}…{end}");
    let (before, rest) = text.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", body.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# A\n<!-- x: begin -->\nold\n<!-- x: end -->\nby hand\n<!-- y: begin -->\n<!-- y: end -->\n";

    #[test]
    fn a_block_is_replaced_and_the_rest_stays() {
        let new = with_block(TEXT, "x", "new\n").expect("it is there");
        assert_eq!(
            new,
            "# A\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nby hand\n<!-- y: begin -->\n<!-- y: end -->\n"
        );
        assert_eq!(with_block(&new, "x", "new").expect("again"), new);
        assert!(with_block(TEXT, "z", "new").is_err());
    }

    #[test]
    fn the_file_has_the_blocks_that_are_written() {
        let text = fs::read_to_string(folder().join("RESULTS.md")).expect("the results are a file");
        for name in ["rivals", "scale", "fetch", "languages", "latency", "restart"] {
            assert!(with_block(&text, name, "").is_ok(), "{name}");
        }
        let text = fs::read_to_string(paths::root().join("tests/FAULTS.md")).expect("the matrix is a file");
        assert!(with_block(&text, "streams", "").is_ok());
    }
}
