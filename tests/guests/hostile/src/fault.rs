//! Faults that come instead of an answer.

use std::hint::black_box;

use crate::bindings::host::operator::log::{Level, write};
use crate::bindings::host::operator::types::Failure;
use crate::mode::Mode;

const FLOOD_LINES: usize = 10_000;
const FLOOD_LINE_BYTES: usize = 4 * 1024;
const COPY_BYTES: usize = 16 << 20;

/// Does what the mode asks for on call `call` of this instance.
pub(crate) fn before_answer(mode: &Mode, call: u32, values: &[Option<&[u8]>]) -> Result<(), Failure> {
    let any = |text: &str| values.iter().any(|value| contains(*value, text));
    match mode {
        Mode::Trap => trap(),
        Mode::TrapOn(text) if any(text) => trap(),
        Mode::TrapOnCall(number) if *number == call.to_string() => trap(),
        Mode::Panic => panic!("hostile: told to panic"),
        Mode::Spin => spin(),
        Mode::SpinOn(text) if any(text) => spin(),
        Mode::Retry => return Err(Failure::Retry("hostile: told to retry".into())),
        Mode::RetryOnce if call > 1 => return Err(Failure::Retry("hostile: told to retry once".into())),
        Mode::RetryOn(text) if any(text) => return Err(Failure::Retry(format!("hostile: retry on {text}"))),
        Mode::Fatal => return Err(Failure::Fatal("hostile: told to stop".into())),
        Mode::FatalOn(text) if any(text) => return Err(Failure::Fatal(format!("hostile: fatal on {text}"))),
        Mode::GrowMemory => grow(),
        Mode::DeepRecursion => {
            black_box(recurse(black_box(0)));
        }
        Mode::LogFlood => flood(),
        Mode::BulkCopy => copy(),
        _ => {}
    }
    Ok(())
}

/// True if the value has the text somewhere.
pub(crate) fn contains(value: Option<&[u8]>, text: &str) -> bool {
    value
        .is_some_and(|value| text.is_empty() || value.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Ends the instance at once, without a message.
pub(crate) fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn grow() -> ! {
    let mut blocks = Vec::new();
    loop {
        blocks.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn copy() -> ! {
    let (mut here, mut there) = (vec![1_u8; COPY_BYTES], vec![2_u8; COPY_BYTES]);
    loop {
        black_box(&mut there).copy_from_slice(black_box(&here));
        black_box(&mut here).copy_from_slice(black_box(&there));
    }
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 32]);
    recurse(depth.wrapping_add(1)).wrapping_add(frame[7])
}

fn flood() {
    let line = "x".repeat(FLOOD_LINE_BYTES);
    for _ in 0..FLOOD_LINES {
        write(Level::Warn, &line);
    }
}
