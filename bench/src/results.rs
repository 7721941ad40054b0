//! `bench/RESULTS.md`: blocks that commands write, between marks, and sentences of people around them, which
//! stay.

use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use xtask::{blocks, paths};

/// Puts `body` into the block `name` of `bench/RESULTS.md`.
pub(crate) fn write(name: &str, body: &str) -> Result<()> {
    blocks::update(&folder().join("RESULTS.md"), name, |_| Ok(body.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_blocks_that_are_written() {
        let text = fs::read_to_string(folder().join("RESULTS.md")).expect("the results are a file");
        for name in ["rivals", "scale", "fetch", "languages", "latency", "restart"] {
            assert!(blocks::get(&text, name).is_ok(), "{name}");
        }
        let text = fs::read_to_string(paths::root().join("tests/FAULTS.md")).expect("the matrix is a file");
        assert!(blocks::get(&text, "streams").is_ok());
    }
}
