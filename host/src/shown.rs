//! Words of modules, records and machines as people see them, in logs and on terminals.

use std::io::IsTerminal;

/// Digits of a digest: enough to tell two apart.
const DIGEST_DIGITS: usize = 12;

/// The first digits of a SHA-256; a name such as `native:sum` as it is.
pub(crate) fn short(digest: &str) -> &str {
    if digest.starts_with("native:") { digest } else { digest.get(..DIGEST_DIGITS).unwrap_or(digest) }
}

/// `text` cut to `bytes_max` at the end of a character, with harmful characters escaped: nothing in it can
/// move a terminal's cursor or fake a log line.
pub(crate) fn printable(text: &str, bytes_max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(bytes_max)];
    let mut out = String::with_capacity(cut.len());
    for c in cut.chars() {
        if is_harmful(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// The character, or `?` in the place of a harmful one, where columns are counted.
pub(crate) fn harmless(c: char) -> char {
    if is_harmful(c) { '?' } else { c }
}

/// Control characters, and those that change the direction of the text around them.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Whether colours may go there. <https://no-color.org>
pub(crate) fn colours_are_wanted(out: &impl IsTerminal) -> bool {
    out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_move_the_cursor_or_fake_another() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d", 100), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d");
        assert_eq!(
            "a\u{9b}2J\u{61c}\u{2067}b\u{e9}".chars().map(harmless).collect::<String>(),
            "a?2J??b\u{e9}"
        );
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(printable("ab\u{e9}", 3), "ab");
    }

    #[test]
    fn a_digest_is_short_and_a_name_is_whole() {
        assert_eq!(short("0123456789abcdef"), "0123456789ab");
        assert_eq!([short("native:a-long-name"), short("abc")], ["native:a-long-name", "abc"]);
    }
}
