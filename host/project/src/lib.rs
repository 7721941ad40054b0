#![forbid(unsafe_code)]
//! Projects of operators, one folder each: made from templates ([`new()`]), built to components ([`build()`]). Each
//! language is one file below `languages/` and its templates; nothing here knows where the repository is.

mod build;
pub mod component;
mod languages;
mod new;

pub use build::{Built, build};
pub use languages::Language;
pub use new::{Made, TEMPLATES, new};
