//! The last of what happened: short lists that are locked for one push or one copy.

use host_core::record::{Offset, TopicPartition};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Commits that are kept.
const COMMITS_MAX: usize = 30;
/// Swaps that are kept.
const SWAPS_MAX: usize = 50;
/// Faults that are kept.
const FAULTS_MAX: usize = 20;
/// Bytes of an output's key or value that are kept.
pub const OUTPUT_BYTES_MAX: usize = 256;

/// The last few of something, the newest last.
#[derive(Debug)]
pub struct Last<T> {
    max: usize,
    items: Mutex<VecDeque<T>>,
}

impl<T: Clone> Last<T> {
    /// Keeps so many.
    pub fn new(max: usize) -> Self {
        Self { max, items: Mutex::new(VecDeque::with_capacity(max)) }
    }

    /// Adds some; the oldest make room.
    pub fn extend(&self, new: impl IntoIterator<Item = T>) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.extend(new);
        let over = items.len().saturating_sub(self.max);
        items.drain(..over);
    }

    /// How many are kept.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Adds one.
    pub fn push(&self, item: T) {
        self.extend([item]);
    }

    /// A copy.
    pub fn items(&self) -> Vec<T> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Committed.
    Clean,
    /// Committed, and a request of it may still be under way.
    Unclean,
    /// Aborted.
    Aborted,
}

/// All ends.
pub const ENDS: [Ended; 3] = [Ended::Clean, Ended::Unclean, Ended::Aborted];

impl Ended {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "committed",
            Self::Unclean => "committed-unclean",
            Self::Aborted => "aborted",
        }
    }
}

/// The end of one transaction.
#[derive(Clone, Debug)]
pub struct Commit {
    /// When.
    pub at: SystemTime,
    /// From the last record to the broker's answer.
    pub took: Duration,
    /// How.
    pub ended: Ended,
    /// Records that were read in it, those of the repartition topic included.
    pub records: u64,
}

/// What became of a module that was to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It works.
    Swap,
    /// It works again, as somebody wanted.
    Rollback,
    /// It works again, as the one behind it would have stopped the application.
    FellBack,
    /// The one before stays.
    Refused,
}

impl Taken {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::Rollback => "rollback",
            Self::FellBack => "fell-back",
            Self::Refused => "refused",
        }
    }
}

/// A swap, or why there was none.
#[derive(Clone, Debug)]
pub struct Swap {
    /// When.
    pub at: SystemTime,
    /// The version; none: refused.
    pub number: Option<u64>,
    /// Of the module that was to take over.
    pub digest: String,
    /// What became of it.
    pub taken: Taken,
    /// From the request to the last worker.
    pub took: Option<Duration>,
    /// The longest that a worker paused.
    pub pause: Option<Duration>,
    /// Why it was refused.
    pub reason: Option<String>,
}

impl Swap {
    /// One that was not done.
    pub fn refused(digest: &str, reason: String) -> Self {
        Self {
            at: SystemTime::now(),
            number: None,
            digest: digest.to_owned(),
            taken: Taken::Refused,
            took: None,
            pause: None,
            reason: Some(reason),
        }
    }
}

/// A call that faulted.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When.
    pub at: SystemTime,
    /// What happened.
    pub kind: &'static str,
    /// The partition of the batch.
    pub source: String,
    /// The first and last offset of the batch.
    pub offsets: (Offset, Offset),
    /// The first line of what is known, harmless characters only.
    pub reason: String,
    /// The other lines.
    pub backtrace: Option<String>,
    /// Of the module.
    pub digest: String,
}

impl Fault {
    /// A fault of now; its text has been cut already.
    pub fn new(
        source: &TopicPartition,
        offsets: (Offset, Offset),
        fault: &host_core::operator::Fault,
        module: &str,
    ) -> Self {
        let (reason, backtrace) = fault.reason.split_once('\n').unwrap_or((&fault.reason, ""));
        Self {
            at: SystemTime::now(),
            kind: fault.kind.as_str(),
            source: source.to_string(),
            offsets,
            reason: reason.to_owned(),
            backtrace: Some(backtrace.to_owned()).filter(|text| !text.is_empty()),
            digest: module.to_owned(),
        }
    }
}

/// A record that was written to the output, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// When its transaction was committed.
    pub at: SystemTime,
    /// At most [`OUTPUT_BYTES_MAX`] bytes.
    pub key: Option<String>,
    /// At most [`OUTPUT_BYTES_MAX`] bytes.
    pub value: Option<String>,
}

/// Bytes as text of at most [`OUTPUT_BYTES_MAX`] bytes; what is no UTF-8 is escaped.
pub fn shown(bytes: &[u8]) -> String {
    let some = &bytes[..bytes.len().min(OUTPUT_BYTES_MAX)];
    let mut text = match std::str::from_utf8(some) {
        Ok(text) => text.to_owned(),
        // A character that was cut through.
        Err(error) if error.error_len().is_none() && some.len() < bytes.len() => {
            String::from_utf8_lossy(&some[..error.valid_up_to()]).into_owned()
        }
        Err(_) => some.escape_ascii().to_string(),
    };
    text.truncate(text.floor_char_boundary(OUTPUT_BYTES_MAX));
    text
}

/// The lists of one process.
#[derive(Debug)]
pub struct Recent {
    /// Ends of transactions.
    pub commits: Last<Commit>,
    /// Swaps, also those that were refused.
    pub swaps: Last<Swap>,
    /// Faulted calls.
    pub faults: Last<Fault>,
    /// Committed records of the output.
    pub outputs: Last<Output>,
}

impl Recent {
    /// `outputs_max`: outputs to keep, as keys and values may be personal.
    pub fn new(outputs_max: usize) -> Self {
        Self {
            commits: Last::new(COMMITS_MAX),
            swaps: Last::new(SWAPS_MAX),
            faults: Last::new(FAULTS_MAX),
            outputs: Last::new(outputs_max),
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let last = Last::new(3);
        last.extend([1, 2]);
        last.extend([3, 4, 5]);
        assert_eq!(last.items(), [3, 4, 5]);
        let none = Last::new(0);
        none.push(1);
        assert!(none.items().is_empty());
    }

    #[test]
    fn outputs_are_short_text() {
        assert_eq!(shown(b"k17"), "k17");
        assert_eq!(shown(&[0xff, b'a']), "\\xffa");
        assert_eq!(shown("ä".repeat(200).as_bytes()), "ä".repeat(128));
        assert_eq!(shown(format!("x{}", "ä".repeat(200)).as_bytes()), format!("x{}", "ä".repeat(127)));
        assert!(shown(&[0xff; 1000]).len() <= OUTPUT_BYTES_MAX);
    }
}
