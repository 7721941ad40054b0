//! Snapshots: the state of a task in a file, so that a restart reads it and the tail of the changelog instead of all
//! of the changelog.
//!
//! A snapshot is taken in small steps between batches, while the state goes on changing ([`taker`]). Its offset is
//! the changelog's end when it was begun, and each key is in it with an accumulator that was committed since. That
//! is enough: whatever changed after the beginning is behind that offset in the changelog, and a restore reads from
//! there on. A file is used only if it fits in every respect ([`Header`]); otherwise it is counted, the log says
//! why, and the changelog is read from its start.

mod file;
mod folder;
mod taker;
mod writer;

pub use folder::Folder;
pub use taker::{Opened, Settings, Taker};

use crate::metrics::Counter;
use serde::{Deserialize, Serialize};

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The application's id.
    pub application_id: String,
    /// The task, `0_3`.
    pub task: String,
    /// The changelog's name ...
    pub changelog: String,
    /// ... its id, which a topic of the same name that is made later does not have ...
    pub topic_id: String,
    /// ... its partition ...
    pub partition: u32,
    /// ... where to go on reading there ...
    pub offset: i64,
    /// ... and the epoch of the leader that gave this offset; -1: not known.
    #[serde(default = "unknown")]
    pub leader_epoch: i32,
    /// The module that worked then; for people.
    pub module: String,
    /// What the accumulators' bytes mean.
    pub state_schema: String,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub begun_at_ms: u64,
}

/// The epoch of a file from before epochs were kept.
fn unknown() -> i32 {
    -1
}

/// What became of snapshots.
#[derive(Debug, Default)]
pub struct Counts {
    /// Files written.
    pub written: Counter,
    /// Files that could not be written.
    pub failed: Counter,
    /// Files from which a task was restored.
    pub restored: Counter,
    /// Files that did not fit.
    pub refused: Counter,
    /// Bytes of the file that was written last.
    pub bytes: Counter,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It is of something else.
    #[error("its {field} is {found:?}, and {expected:?} is needed")]
    Other {
        /// What differs.
        field: &'static str,
        /// In the file.
        found: String,
        /// Here.
        expected: String,
    },
    /// Its offset is not in the changelog.
    #[error("its changelog offset {offset} is not between the changelog's start {start} and its end {end}")]
    Offset {
        /// In the file.
        offset: i64,
        /// Of the changelog.
        start: i64,
        /// Of the changelog.
        end: i64,
    },
    /// A log's leader epochs only rise: this one is not the log that it was taken of.
    #[error("it was taken under leader epoch {epoch} of its changelog, which is only at epoch {now}")]
    Epoch {
        /// In the file.
        epoch: i32,
        /// Of the changelog.
        now: i32,
    },
    /// Other records may stand in the log than those that it has.
    #[error(
        "its changelog was cut off before offset {offset}, and has grown since: the leader of epoch {epoch} had not got there"
    )]
    CutOff {
        /// In the file.
        offset: i64,
        /// In the file.
        epoch: i32,
    },
    /// Nobody says whether they do.
    #[error("whether its changelog was cut off since is not known: {0}")]
    Unknown(String),
    /// Tombstones that it has not seen may have been removed.
    #[error("it is {age_s} s old, and the changelog keeps tombstones for {max_s} s")]
    Old {
        /// Its age.
        age_s: u64,
        /// `delete.retention.ms` of the changelog.
        max_s: u64,
    },
}

impl Header {
    /// Whether it may be used where `expected` is needed, whose offset and time are now.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, expected: &Self, start: i64, delete_retention_ms: u64) -> Result<(), Unusable> {
        let texts = [
            ("application id", &self.application_id, &expected.application_id),
            ("task", &self.task, &expected.task),
            ("changelog", &self.changelog, &expected.changelog),
            ("topic id", &self.topic_id, &expected.topic_id),
            ("state-schema", &self.state_schema, &expected.state_schema),
        ];
        let partitions = (self.partition.to_string(), expected.partition.to_string());
        let all = texts.into_iter().chain([("partition", &partitions.0, &partitions.1)]);
        if let Some((field, found, expected)) = all.into_iter().find(|(_, found, expected)| found != expected)
        {
            return Err(Unusable::Other { field, found: found.clone(), expected: expected.clone() });
        }
        if !(start..=expected.offset).contains(&self.offset) {
            return Err(Unusable::Offset { offset: self.offset, start, end: expected.offset });
        }
        let (epoch, now) = (self.leader_epoch, expected.leader_epoch);
        if now >= 0 && epoch > now {
            return Err(Unusable::Epoch { epoch, now });
        }
        let age_ms = expected.begun_at_ms.saturating_sub(self.begun_at_ms);
        if age_ms >= delete_retention_ms {
            return Err(Unusable::Old { age_s: age_ms / 1000, max_s: delete_retention_ms / 1000 });
        }
        Ok(())
    }

    /// The same for a changelog that has another leader now: `was_cut_off` asks whether that one has what was there.
    ///
    /// # Errors
    /// It has not, or there is no answer.
    pub fn check_leader(
        &self,
        now: i32,
        was_cut_off: impl FnOnce(i64, i32) -> Result<bool, String>,
    ) -> Result<(), Unusable> {
        let (offset, epoch) = (self.offset, self.leader_epoch);
        if epoch < 0 || epoch == now {
            return Ok(());
        }
        if was_cut_off(offset, epoch).map_err(Unusable::Unknown)? {
            return Err(Unusable::CutOff { offset, epoch });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            application_id: "app".into(),
            task: "1_3".into(),
            changelog: "app-sum-changelog".into(),
            topic_id: "id".into(),
            partition: 3,
            offset: 100,
            leader_epoch: 2,
            module: "m".into(),
            state_schema: "i128".into(),
            begun_at_ms: 5_000,
        }
    }

    #[test]
    fn epochs_count_only_where_they_are_known() {
        let unknown = |header: &Header| Header { leader_epoch: -1, ..header.clone() };
        assert!(header().check(&unknown(&header()), 0, 10_000).is_ok());
        assert!(unknown(&header()).check(&header(), 0, 10_000).is_ok());
        let mut text = serde_json::to_value(header()).expect("it is plain");
        text.as_object_mut().expect("it is an object").remove("leader_epoch");
        let before: Header = serde_json::from_value(text).expect("a file from before epochs");
        assert_eq!(before, unknown(&header()));
    }

    #[test]
    fn another_leader_is_asked_for_what_was_there() {
        let never = |_, _| unreachable!("nothing to ask for");
        assert!(header().check_leader(2, never).is_ok());
        assert!(Header { leader_epoch: -1, ..header() }.check_leader(3, never).is_ok());
        let told = |answer: Result<bool, String>| {
            let asked = header().check_leader(3, |offset, epoch| {
                assert_eq!((offset, epoch), (100, 2));
                answer
            });
            asked.map_err(|why| why.to_string())
        };
        assert_eq!(told(Ok(false)), Ok(()));
        let cut = told(Ok(true)).expect_err("other records stand there");
        assert!(cut.contains("cut off before offset 100"), "{cut}");
        let unknown = told(Err("no answer".into())).expect_err("nobody knows");
        assert!(unknown.contains("not known: no answer"), "{unknown}");
    }

    #[test]
    fn a_snapshot_is_used_only_where_it_fits() {
        let now =
            Header { offset: 200, leader_epoch: 4, begun_at_ms: 9_000, module: "other".into(), ..header() };
        let check =
            |header: Header, start| header.check(&now, start, 10_000).map_err(|error| error.to_string());
        assert_eq!(check(header(), 0), Ok(()));
        assert_eq!(check(header(), 100), Ok(()));
        let refused = |header, start, words: &str| {
            let error = check(header, start).expect_err(words);
            assert!(error.contains(words), "{error}");
        };
        refused(
            header(),
            101,
            "its changelog offset 100 is not between the changelog's start 101 and its end 200",
        );
        refused(Header { offset: 201, ..header() }, 0, "end 200");
        refused(Header { topic_id: "before".into(), ..header() }, 0, "topic id is \"before\"");
        refused(Header { state_schema: "i64".into(), ..header() }, 0, "state-schema");
        refused(Header { partition: 4, ..header() }, 0, "partition is \"4\"");
        refused(Header { task: "0_3".into(), ..header() }, 0, "task");
        refused(Header { leader_epoch: 5, ..header() }, 0, "leader epoch 5 of its changelog");
        assert_eq!(check(Header { leader_epoch: 4, ..header() }, 0), Ok(()));
        let old = header().check(&now, 0, 4_000).expect_err("as old as tombstones get").to_string();
        assert!(old.contains("it is 4 s old"), "{old}");
    }
}
