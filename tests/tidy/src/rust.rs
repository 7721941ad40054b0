//! As much of Rust's grammar as the checks need: what is code and what is not, and where functions end.
//!
//! It knows comments (nested ones too), strings, raw strings, byte strings, characters and lifetimes. It
//! does not expand macros: a `fn` written inside a macro call counts as a function of the file.

/// The text with everything inside comments, strings and characters replaced by spaces. Line ends stay, so
/// that line numbers are the same.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        if end == at {
            out.push(bytes[at]);
            at += 1;
        } else {
            out.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment, string or character that begins at `at` ends; `at` itself when none begins there.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + 1 + quoted(&rest[1..], b'"'),
        [b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 1),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 2),
        [b'\'', b'\\', ..] => at + 1 + quoted(&rest[1..], b'\''),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length up to and with the closing quote; a backslash takes the next byte with it.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string, 0 when it is none (`r#type`).
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let close: Vec<u8> = [b"\"".to_vec(), vec![b'#'; hashes]].concat();
    let body = &rest[open + 1..];
    let end =
        body.windows(close.len()).position(|window| window == close).map_or(body.len(), |i| i + close.len());
    open + 1 + end
}

/// The length of a character literal, 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let valid = text.unwrap_or_else(|error| {
        std::str::from_utf8(&rest[1..=error.valid_up_to()]).expect("it is valid up to there")
    });
    let width = valid.chars().next().map_or(0, char::len_utf8);
    if width > 0 && rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of the word `fn`, from 1.
    pub line: usize,
    /// Lines from there to the closing brace, both included.
    pub lines: usize,
}

/// All functions of a text from [`code_only`], nested ones too.
pub fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(rest) {
            let line = code[..at].matches('\n').count() + 1;
            let lines = rest[..end].matches('\n').count() + 1;
            found.push(Function { name, line, lines });
        }
    }
    found
}

/// Where the body's closing brace is; none for a declaration without a body.
fn body_end(rest: &str) -> Option<usize> {
    let (mut parentheses, mut braces) = (0_i32, 0_i32);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => parentheses += 1,
            ')' | ']' => parentheses -= 1,
            ';' if braces == 0 && parentheses == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces <= 0 && parentheses == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// `word` stands in `code` as a whole word.
pub fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        !is_part(code[..at].chars().next_back()) && !is_part(code[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_no_code() {
        let text = "a /* x /* y */ z */ b // c\n\"d \\\" e\" f r#\"g \" h\"# i b'\\'' 'j' k<'l> '\"' m r#type n 'ä' o";
        let code = code_only(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "f", "i", "b", "k<'l>", "m", "r#type", "n", "o"]);
        assert_eq!(code.matches('\n').count(), 1);
    }

    #[test]
    fn functions_end_at_their_own_brace() {
        let text = "trait T { fn none(&self) -> [u8; 2]; }\nfn one(a: [u8; 3]) -> u8 {\n  if a { 1 } else { 2 }\n}\n\
                    impl X { fn two() { fn three() {\n} } }\nlet fnord = \"fn four() {\";";
        let found = functions(&code_only(text));
        let seen: Vec<(&str, usize, usize)> =
            found.iter().map(|function| (function.name.as_str(), function.line, function.lines)).collect();
        assert_eq!(seen, [("one", 2, 3), ("two", 5, 2), ("three", 5, 2)]);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use rdkafka::x", "rdkafka"));
        assert!(!has_word("use rdkafka_sys::x", "rdkafka"));
        assert!(!has_word("ardkafka", "rdkafka"));
    }
}
