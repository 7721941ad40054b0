//! Counts words: a word is a key, its result how often it was there.
#![deny(unsafe_code)]

use std::fmt::Write as _;

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Merge, Operator, Output, Record, Reduce, Settings, Transform,
    Value,
};

/// Bytes of a word, at most; what is longer is no word of a language. Bounds the keys.
const WORD_BYTES_MAX: usize = 128;

/// The operator.
#[derive(Debug)]
pub struct WordCount {
    keeps_case: bool,
    /// Characters of a word, at least.
    length_min: usize,
    stop_words: Vec<String>,
}

impl Operator for WordCount {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "count:u64-le";
    const ROW_SCHEMA: &'static str = "word";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["keep_case", "length_min", "stop_words"])?;
        let stop_words = settings.get("stop_words").unwrap_or_default();
        Ok(Self {
            keeps_case: settings.parse("keep_case", false)?,
            length_min: settings.parse("length_min", 1)?,
            stop_words: words(stop_words).map(str::to_owned).collect(),
        })
    }
}

impl WordCount {
    fn counts(&self, word: &str) -> bool {
        word.len() <= WORD_BYTES_MAX
            && word.chars().count() >= self.length_min
            && !self.stop_words.iter().any(|stop| stop == word)
    }
}

impl Transform for WordCount {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let text = record.value_str()?;
        let lower = if self.keeps_case { None } else { Some(text.to_lowercase()) };
        for word in words(lower.as_deref().unwrap_or(text)).filter(|word| self.counts(word)) {
            out.emit(word, "");
        }
        Ok(())
    }
}

impl Reduce for WordCount {
    type Accumulator = u64;

    fn fold(&mut self, count: &mut Option<u64>, _: Value<'_>) -> Result<(), Error> {
        *count = Some(count.unwrap_or(0) + 1);
        Ok(())
    }
}

impl Merge for WordCount {
    fn merge(&mut self, count: u64, other: u64) -> Result<Option<u64>, Failure> {
        Ok(Some(count + other))
    }
}

impl Finish for WordCount {
    fn finish(&mut self, _word: &[u8], count: &u64, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{count}")?;
        Ok(Finished::Value)
    }
}

/// Runs of letters, digits and apostrophes, without the apostrophes around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_apostrophe = |c: char| c == '\'' || c == '\u{2019}';
    text.split(move |c: char| !c.is_alphanumeric() && !is_apostrophe(c))
        .map(move |word| word.trim_matches(is_apostrophe))
        .filter(|word| !word.is_empty())
}

guest_sdk::export!(WordCount: transform, reduce, finish, merge);
