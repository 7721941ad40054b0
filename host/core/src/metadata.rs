//! What is committed with an offset: who committed it, in which transaction, with which module.
//!
//! After an unknown outcome it tells whose transaction the broker knows; after a restart it tells whether
//! the module that wrote the state has the schemas of today's.

use crate::hash::fingerprint;
use crate::operator::Description;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// The metadata of a committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// One life of one worker: random, made at its start.
    pub incarnation: u64,
    /// The worker's transactions, counted from 1.
    pub transaction: u64,
    /// The module's digest, or `native:NAME`.
    pub module: String,
    /// Fingerprint of the module's state schema.
    pub state_schema: u32,
    /// Fingerprint of the module's row schema.
    pub row_schema: u32,
}

impl Metadata {
    /// The metadata of this module before its first transaction.
    pub fn new(incarnation: u64, module: &str, description: &Description) -> Self {
        Self {
            incarnation,
            transaction: 0,
            module: module.into(),
            state_schema: fingerprint(&description.state_schema),
            row_schema: fingerprint(&description.row_schema),
        }
    }

    /// Reads committed metadata; none when another program, or another format, wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next() != Some("wasmhost/1") {
            return None;
        }
        let metadata = Self {
            incarnation: u64::from_str_radix(words.next()?, 16).ok()?,
            transaction: words.next()?.parse().ok()?,
            state_schema: u32::from_str_radix(words.next()?, 16).ok()?,
            row_schema: u32::from_str_radix(words.next()?, 16).ok()?,
            module: words.next()?.into(),
        };
        words.next().is_none().then_some(metadata)
    }

    /// The text that is committed in transaction `number`.
    pub fn text(&self, number: u64) -> String {
        format!("{}", Self { transaction: number, ..self.clone() })
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "wasmhost/1 {:016x} {} {:08x} {:08x} {}",
            self.incarnation, self.transaction, self.state_schema, self.row_schema, self.module
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_back_as_written() {
        let metadata = Metadata {
            incarnation: 0xfeed,
            transaction: 41,
            module: "native:sum".into(),
            state_schema: 1,
            row_schema: 0xffff_ffff,
        };
        assert_eq!(Metadata::parse(&format!("{metadata}")), Some(metadata));
    }

    #[test]
    fn text_of_others_is_none() {
        for text in ["", "wasmhost/1", "wasmhost/2 1 2 3 4 m", "wasmhost/1 1 2 3 4 m more", "consumer-1"] {
            assert_eq!(Metadata::parse(text), None, "{text}");
        }
    }
}
