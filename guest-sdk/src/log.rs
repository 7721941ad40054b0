//! Lines in the host's log. The host cuts a line at 1,024 bytes and drops more than 64 a second.
//!
//! Natively, in tests, lines go to the standard error stream.

/// For whoever works on the operator.
pub fn debug(text: &str) {
    write(Level::Debug, text);
}

/// Rare changes.
pub fn info(text: &str) {
    write(Level::Info, text);
}

/// Odd, but handled.
pub fn warn(text: &str) {
    write(Level::Warn, text);
}

/// Data or progress is lost.
pub fn error(text: &str) {
    write(Level::Error, text);
}

use crate::bindings::module::log::Level;

#[cfg(target_arch = "wasm32")]
fn write(level: Level, text: &str) {
    crate::bindings::module::log::write(level, text);
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::print_stderr, reason = "there is no host; the test runner captures this stream")]
fn write(level: Level, text: &str) {
    eprintln!("{level:?}: {text}");
}

/// Sends the message of a panic to the host's log: on Wasm nothing else would show it.
#[cfg(target_arch = "wasm32")]
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}
