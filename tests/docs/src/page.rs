//! The blocks of a page.

use anyhow::{Context as _, Result, bail, ensure};

/// What no test can run, and why.
pub const BY_HAND: [(&str, &str); 5] = [
    ("cargo xtask", "the tests are one of its commands, and CI runs it"),
    ("systemctl", "services belong to the machine"),
    ("journalctl", "so do their logs"),
    ("openssl", "it makes keys, which tests/e2e do otherwise"),
    ("kafka-acls", "the fault matrix gives the same rights by Kafka's own client"),
];
/// Names of shells that would not be run.
const OTHER_SHELLS: [&str; 6] = ["bash", "console", "shell", "shell-session", "zsh", ""];

/// What is done with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Run; `again`: until it does what is expected.
    Run {
        /// It may fail at first.
        again: bool,
        /// With this code it ends.
        exits: i32,
    },
    /// Started, and ended with the page.
    Background,
    /// Nothing: it was looked at here.
    ByHand,
    /// Compared with what the block before printed.
    Output,
    /// Written to a file of the session.
    File(String),
    /// Looked for in a file of the repository.
    From(String),
    /// Nothing.
    Shown,
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where its text begins.
    pub line: usize,
    /// What is done with it.
    pub kind: Kind,
    /// What stands between the fences.
    pub text: String,
}

/// All blocks of a Markdown text.
///
/// # Errors
/// A fence that is not closed, or an unknown word behind its language.
pub fn blocks(text: &str) -> Result<Vec<Block>> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open.take(), fence) {
            (None, Some(words)) => {
                let kind = kind(words).with_context(|| format!("line {number}"))?;
                Some(Block { line: number + 1, kind, text: String::new() })
            }
            (Some(block), Some("")) => {
                by_hand(&block).with_context(|| format!("line {}", block.line))?;
                found.push(block);
                None
            }
            (Some(mut block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
                Some(block)
            }
            (None, None) => None,
        };
    }
    ensure!(open.is_none(), "the last block is not closed");
    Ok(found)
}

fn kind(words: &str) -> Result<Kind> {
    let words: Vec<_> = words.split_whitespace().collect();
    let language = words.first().copied().unwrap_or_default();
    ensure!(
        !OTHER_SHELLS.contains(&language),
        "a block in \"{language}\": write sh for what is run, text for what is not"
    );
    let run = Kind::Run { again: false, exits: 0 };
    Ok(match (language, words.get(1).copied().unwrap_or_default()) {
        ("sh", "") => run,
        ("sh", "again") => Kind::Run { again: true, exits: 0 },
        ("sh", "background") => Kind::Background,
        ("sh", "by-hand") => Kind::ByHand,
        ("text", "output") => Kind::Output,
        (_, "") => Kind::Shown,
        (_, word) => match word.split_once('=') {
            Some(("exits", code)) if language == "sh" => Kind::Run { again: false, exits: code.parse()? },
            Some(("file", path)) => Kind::File(path.to_owned()),
            Some(("from", path)) => Kind::From(path.to_owned()),
            _ => bail!("unknown word \"{word}\" behind {language}"),
        },
    })
}

/// Commands that are not run are those that cannot be.
fn by_hand(block: &Block) -> Result<()> {
    if block.kind != Kind::ByHand {
        return Ok(());
    }
    let lines = block.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        ensure!(
            BY_HAND.iter().any(|(program, _)| line.starts_with(program)),
            "\"{line}\" can be run by a test: take by-hand away"
        );
    }
    Ok(())
}

/// Whether the lines stand in a file, one below the other, however far indented.
pub fn stands_in(lines: &str, file: &str) -> bool {
    let trimmed = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (lines, file) = (trimmed(lines.trim_end()), trimmed(file));
    file.windows(lines.len()).any(|window| window == lines)
}

/// The first expected line that was not printed behind those before it. `…` stands for anything.
pub fn missing<'a>(expected: &'a str, printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines();
    expected.lines().map(str::trim_end).find(|line| {
        let is_it = |candidate: &str| matches(line, candidate.trim_end());
        *line != "…" && !printed.any(is_it)
    })
}

fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut open_end = false;
    for part in parts {
        open_end = part.is_empty();
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    open_end || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_what_their_words_say() {
        let text = "a\n```sh\nhost new x\n```\n```text output\nb\n```\n```toml file=a/b.toml\nc = 1\n```\n";
        let found = blocks(text).expect("three blocks");
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].line, found[0].text.as_str()), (3, "host new x\n"));
        assert_eq!(found[0].kind, Kind::Run { again: false, exits: 0 });
        assert_eq!(found[1].kind, Kind::Output);
        assert_eq!(found[2].kind, Kind::File("a/b.toml".into()));
    }

    #[test]
    fn no_command_hides_from_the_test() {
        for text in [
            "```\nhost\n```\n",
            "```bash\nhost\n```\n",
            "```sh by-hand\nhost run\n```\n",
            "```sh later\n```\n",
        ] {
            assert!(blocks(text).is_err(), "{text}");
        }
        assert!(blocks("```sh by-hand\n# why\nsystemctl start host\n```\n").is_ok());
    }

    #[test]
    fn output_is_found_in_order_and_dots_are_anything() {
        let printed = "one\ntwo 25 ms\nthree\n";
        assert_eq!(missing("one\n…\nthree\n", printed), None);
        assert_eq!(missing("two … ms\n", printed), None);
        assert_eq!(missing("two …\nthree\n", printed), None);
        assert_eq!(missing("three\none\n", printed), Some("one"));
        assert_eq!(missing("two … s\n", printed), Some("two … s"));
    }

    #[test]
    fn a_quotation_stands_in_its_file() {
        assert!(stands_in("b\n  c\n", "a\n  b\n    c\nd\n"));
        assert!(!stands_in("b\nd\n", "a\nb\nc\nd\n"));
    }
}
