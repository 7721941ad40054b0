//! What `wit/` says, as Rust: generated, so that nobody touches guest pointers or lengths by hand.
//!
//! Parameters are borrowed, so that the core's columns are copied once, into the guest; results are lifted in
//! bulk into vectors of their own, which the core then takes over.
#![allow(missing_docs, reason = "generated; the documentation is in wit/")]
#![allow(clippy::pedantic, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "host:operator/everything",
    ownership: Borrowing { duplicate_if_necessary: true },
});
