//! What the control topic says: announcements of versions, and the modules' bytes in chunks. Pure.
//!
//! | key | value |
//! |---|---|
//! | `chunk/DIGEST/INDEX` | bytes of the module with this SHA-256, in the order of the index; deleted when nobody goes back to it |
//! | `module` | the [`Announcement`] of the version that works now, as JSON |
//!
//! Chunks come before the announcement that needs them, in the same transaction.

use crate::run::purpose::Purpose;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a chunk: well below what brokers take by default.
pub(super) const CHUNK_BYTES: usize = 512 << 10;
/// The key of announcements.
const ANNOUNCEMENT: &str = "module";

/// A version of the application's module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// Rises by one.
    pub version: u64,
    /// SHA-256 of the bytes.
    pub digest: String,
    /// How many bytes there are.
    pub bytes: usize,
    /// In how many chunks.
    pub chunks: u32,
    /// An ed25519 signature of the bytes, in hexadecimal digits.
    pub signature: Option<String>,
    /// The digest before; a roll-back goes to it.
    pub previous: Option<String>,
    /// The process that announced it.
    pub by: String,
    /// Older hosts do not say.
    #[serde(default)]
    pub purpose: Purpose,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Book {
    chunks: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    /// All digests' signatures, as announced.
    signatures: BTreeMap<String, String>,
    latest: Option<Announcement>,
}

/// A record of the control topic that this version of host cannot read.
#[derive(Debug, thiserror::Error)]
#[error("the record with key \"{key}\" of the control topic cannot be read: {reason}")]
pub(super) struct Unreadable {
    key: String,
    reason: String,
}

impl Book {
    /// Takes a record. True: it announces a newer version.
    ///
    /// # Errors
    /// Something else writes to the topic, or a newer host does.
    pub(super) fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, Unreadable> {
        let key = String::from_utf8_lossy(key.unwrap_or_default()).into_owned();
        let unreadable = |reason: String| Unreadable { key: key.clone(), reason };
        if key == ANNOUNCEMENT {
            let Some(value) = value else { return Err(unreadable("it was deleted".into())) };
            let found: Announcement =
                serde_json::from_slice(value).map_err(|error| unreadable(error.to_string()))?;
            if let Some(signature) = &found.signature {
                self.signatures.insert(found.digest.clone(), signature.clone());
            }
            // A second reader begins at the start again.
            let is_new = self.latest.as_ref().is_none_or(|latest| latest.version < found.version);
            if is_new {
                self.latest = Some(found);
            }
            return Ok(is_new);
        }
        let place = key.strip_prefix("chunk/").and_then(|rest| rest.split_once('/'));
        let place = place.and_then(|(digest, index)| Some((digest, index.parse().ok()?)));
        let Some((digest, index)) = place else { return Err(unreadable("no such key is known".into())) };
        match value {
            Some(bytes) => {
                self.chunks.entry(digest.to_owned()).or_default().insert(index, bytes.to_vec());
            }
            None => {
                if let Some(chunks) = self.chunks.get_mut(digest) {
                    chunks.remove(&index);
                }
            }
        }
        self.chunks.retain(|_, chunks| !chunks.is_empty());
        Ok(false)
    }

    /// The version that works now; none before the first.
    pub(super) fn latest(&self) -> Option<&Announcement> {
        self.latest.as_ref()
    }

    /// The bytes of a module; none when not all of them are there.
    pub(super) fn bytes(&self, digest: &str) -> Option<Vec<u8>> {
        let chunks = self.chunks.get(digest)?;
        let is_whole = chunks.keys().copied().eq(0..chunks.len() as u32);
        is_whole.then(|| chunks.values().flatten().copied().collect())
    }

    /// The signature of a module that was announced with one.
    pub(super) fn signature(&self, digest: &str) -> Option<&str> {
        self.signatures.get(digest).map(String::as_str)
    }

    /// The records that announce this module as the next version, in order; null values delete.
    pub(super) fn announce(
        &self,
        digest: &str,
        bytes: &[u8],
        signature: Option<&str>,
        (by, purpose): (&str, &Purpose),
    ) -> Vec<(String, Option<Vec<u8>>)> {
        let previous = self.latest().map(|latest| latest.digest.clone());
        let chunks = bytes.chunks(CHUNK_BYTES);
        let announcement = Announcement {
            version: self.latest().map_or(0, |latest| latest.version) + 1,
            digest: digest.to_owned(),
            bytes: bytes.len(),
            chunks: chunks.len() as u32,
            signature: signature.map(str::to_owned),
            previous: previous.clone(),
            by: by.to_owned(),
            purpose: purpose.clone(),
        };
        let key = |digest: &str, index| format!("chunk/{digest}/{index:05}");
        let mut records = Vec::new();
        if self.bytes(digest).is_none() {
            records
                .extend((0..).zip(chunks).map(|(i, chunk): (u32, _)| (key(digest, i), Some(chunk.to_vec()))));
        }
        let json = serde_json::to_vec(&announcement).expect("texts and numbers are JSON");
        records.push((ANNOUNCEMENT.to_owned(), Some(json)));
        let kept = |found: &str| found == digest || previous.as_deref() == Some(found);
        for (old, chunks) in self.chunks.iter().filter(|(old, _)| !kept(old)) {
            records.extend(chunks.keys().map(|index| (key(old, *index), None)));
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(book: &mut Book, digest: &str, bytes: &[u8]) -> usize {
        let records = book.announce(digest, bytes, None, ("me", &Purpose::Swap));
        for (key, value) in &records {
            book.take(Some(key.as_bytes()), value.as_deref()).expect("our own records");
        }
        records.len()
    }

    #[test]
    fn modules_come_back_whole_and_only_the_last_two_are_kept() {
        let mut book = Book::default();
        let large = vec![7; 2 * CHUNK_BYTES + 1];
        assert_eq!(write(&mut book, "a", &large), 4, "three chunks and an announcement");
        assert_eq!(book.bytes("a"), Some(large.clone()));
        assert_eq!(write(&mut book, "b", b"bb"), 2);
        assert_eq!(write(&mut book, "a", &large), 1, "its chunks are there");
        assert_eq!(
            book.latest().map(|latest| (latest.version, latest.previous.clone())),
            Some((3, Some("b".into())))
        );
        assert_eq!(write(&mut book, "c", b"c"), 3, "the one before the last goes");
        assert_eq!((book.bytes("a").is_some(), book.bytes("b")), (true, None));
    }

    #[test]
    fn an_announcement_of_an_older_host_is_a_swap() {
        let mut book = Book::default();
        let json =
            br#"{"version":1,"digest":"a","bytes":1,"chunks":1,"signature":null,"previous":null,"by":"me"}"#;
        assert!(book.take(Some(b"module"), Some(json)).expect("an announcement"));
        assert_eq!(book.latest().map(|latest| &latest.purpose), Some(&Purpose::Swap));
    }

    #[test]
    fn a_module_with_a_hole_is_not_there() {
        let mut book = Book::default();
        book.take(Some(b"chunk/a/00001"), Some(b"x")).expect("a chunk");
        assert_eq!(book.bytes("a"), None);
    }

    #[test]
    fn what_is_not_ours_is_named() {
        let mut book = Book::default();
        let error = book.take(Some(b"hello"), Some(b"x")).expect_err("not ours");
        assert!(error.to_string().contains("\"hello\""), "{error}");
        book.take(Some(b"module"), Some(b"{}")).expect_err("no announcement");
        book.take(Some(b"module"), None).expect_err("nobody deletes it");
    }
}
