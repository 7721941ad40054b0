//! Makes the adapter of its text, so that no built module is kept in the repository.

use std::path::Path;
use std::{env, fs};

const SOURCE: &str = "adapter/closed-wasi.wat";

fn main() {
    println!("cargo:rerun-if-changed={SOURCE}");
    let module = wat::parse_file(SOURCE).unwrap_or_else(|error| panic!("{error}"));
    let out = env::var_os("OUT_DIR").expect("cargo says where to build");
    fs::write(Path::new(&out).join("closed-wasi.wasm"), module).expect("cargo's folder is writable");
}
