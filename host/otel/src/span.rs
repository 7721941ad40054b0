//! A span that has ended.

use crate::context::Context;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// Name and value.
pub type Attribute = (&'static str, Value);

/// A record whose own trace this span has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What its header said.
    pub context: Context,
    /// Where it was read.
    pub attributes: Vec<Attribute>,
}

/// A transaction from its first batch to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its ids.
    pub context: Context,
    /// `process`, and what was read.
    pub name: String,
    /// Nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// The same.
    pub end_ns: u64,
    /// What it was.
    pub attributes: Vec<Attribute>,
    /// Not more than [`crate::LINKS_MAX`].
    pub links: Vec<Link>,
    /// So many more contexts there were; those beyond the first few thousand count each time that they come.
    pub links_dropped: u32,
    /// Why it was aborted; none: it was committed.
    pub error: Option<String>,
}
