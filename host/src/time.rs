//! Moments as numbers.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// Milliseconds since 1970, now.
pub(crate) fn now_ms() -> u64 {
    unix_ms(SystemTime::now())
}
