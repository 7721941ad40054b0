//! Waiting for a fact, with a deadline.

use anyhow::{Result, bail};
use std::thread;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is true.
///
/// # Errors
/// The question fails, or its answer is not true in time; the text names `what`.
pub fn wait_until(what: &str, within: Duration, mut fact: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + within;
    while !fact()? {
        if Instant::now() > deadline {
            bail!("waited {within:?} in vain for {what}");
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
