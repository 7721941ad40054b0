//! The sandbox with real guests: hostile ones, limits, load errors, the laws, and native operators beside
//! their Wasm twins. The guests are built by `cargo xtask guests`.

mod guests;
mod hostile;
mod instructions;
mod languages;
mod laws;
mod limits;
mod load;
mod native;
mod sessions;
mod wasi;
