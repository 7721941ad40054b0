//! Pairs of `--name value`.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::str::FromStr;

/// What the command line says.
#[derive(Debug)]
pub struct Arguments(HashMap<String, String>);

impl Arguments {
    /// Reads the words behind a verb.
    ///
    /// # Errors
    /// A name without a value, or a word where a name should be.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").with_context(|| format!("no name of an argument: {word}"))?;
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Self(values))
    }

    /// The value of an argument that must be there.
    ///
    /// # Errors
    /// It is not there.
    pub fn get(&self, name: &str) -> Result<&str> {
        let value = self.0.get(name).with_context(|| format!("--{name} is missing"))?;
        Ok(value)
    }

    /// The value of an argument that must be a number.
    ///
    /// # Errors
    /// It is not there, or no such number.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.get(name)?;
        text.parse().ok().with_context(|| format!("--{name} is no such number: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments> {
        Arguments::parse(text.split_whitespace().map(String::from))
    }

    #[test]
    fn pairs_are_read_and_the_rest_refused() {
        let arguments = parse("--topic a --threads 2").expect("two pairs");
        assert_eq!(arguments.get("topic").ok(), Some("a"));
        assert_eq!(arguments.number("threads").ok(), Some(2_u32));
        assert!(arguments.get("input").is_err() && arguments.number::<u32>("topic").is_err());
        assert!(parse("topic a").is_err() && parse("--topic").is_err());
    }
}
