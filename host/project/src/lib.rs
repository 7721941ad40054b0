#![forbid(unsafe_code)]
//! Projects of operators, one folder each: made from templates ([`new()`]), built to components ([`build()`]). Each
//! language is one file below `languages/` and its templates; nothing here knows where the repository is.

mod build;
pub mod component;
mod contract;
mod languages;
mod new;
mod tools;

pub use build::{Built, build, write};
pub use languages::Language;
pub use new::{Made, TEMPLATES, new};
pub use tools::Tools;
