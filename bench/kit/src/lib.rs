//! What the programs that are measured share with the one that measures them: their arguments, and what a
//! reader says it has seen.

mod arguments;
mod seen;

pub use arguments::Arguments;
pub use seen::Seen;
