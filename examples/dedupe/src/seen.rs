//! The ids of one bucket.

use guest_sdk::{Accumulator, Bytes};

/// What is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Ids in a bucket, at most; the one that came first goes first.
    pub(crate) ids_max: usize,
    /// How long, in record time, an id is known. None: for ever.
    pub(crate) window_ms: Option<i64>,
}

/// The id of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) time_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    time_ms: i64,
    id: Vec<u8>,
}

/// Ids with the times of the records that brought them, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(Vec<Known>);

impl Seen {
    /// True when the id is new; it is known from here on.
    pub(crate) fn admits(&mut self, id: &Id<'_>, bounds: &Bounds) -> bool {
        let is_near = |known: &Known| {
            bounds.window_ms.is_none_or(|window| known.time_ms.abs_diff(id.time_ms) < window.unsigned_abs())
        };
        if self.0.iter().any(|known| known.id == id.bytes && is_near(known)) {
            return false;
        }
        self.0.push(Known { time_ms: id.time_ms, id: id.bytes.to_vec() });
        self.forget(bounds);
        true
    }

    fn forget(&mut self, bounds: &Bounds) {
        if let Some(window) = bounds.window_ms {
            let newest = self.0.iter().map(|known| known.time_ms).max().unwrap_or_default();
            self.0.retain(|known| known.time_ms > newest.saturating_sub(window));
        }
        let surplus = self.0.len().saturating_sub(bounds.ids_max);
        self.0.drain(..surplus);
    }
}

impl Accumulator for Seen {
    fn encode(&self, out: &mut Bytes) {
        for known in &self.0 {
            out.push(&known.time_ms.to_le_bytes());
            out.push(&(known.id.len() as u16).to_le_bytes());
            out.push(&known.id);
        }
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut seen = Vec::new();
        while !bytes.is_empty() {
            let (time_ms, rest) = bytes.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (id, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            seen.push(Known { time_ms: i64::from_le_bytes(*time_ms), id: id.to_vec() });
            bytes = rest;
        }
        Some(Self(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bounds: Bounds, ids: &[(&str, i64)]) -> Vec<usize> {
        let mut seen = Seen::default();
        let mut admits = |id: &str, time_ms| seen.admits(&Id { bytes: id.as_bytes(), time_ms }, &bounds);
        (0..).zip(ids).filter(|(_, (id, time_ms))| admits(id, *time_ms)).map(|(i, _)| i).collect()
    }

    #[test]
    fn the_oldest_id_is_forgotten_when_there_are_too_many() {
        let bounds = Bounds { ids_max: 2, window_ms: None };
        let ids = [("a", 0), ("b", 0), ("a", 0), ("c", 0), ("b", 0), ("a", 0)];
        assert_eq!(passed(bounds, &ids), [0, 1, 3, 5]);
    }

    #[test]
    fn an_id_is_known_for_the_window_after_its_first_record() {
        let bounds = Bounds { ids_max: 10, window_ms: Some(10) };
        let ids = [("a", 100), ("a", 109), ("a", 110), ("a", 119), ("b", 90), ("a", 101)];
        // A record that comes late is one of its own when its time is outside of the window.
        assert_eq!(passed(bounds, &ids), [0, 2, 4]);
        let late = [("a", 100), ("a", 90), ("a", 91), ("a", 105)];
        assert_eq!(passed(bounds, &late), [0, 1]);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut seen = Seen::default();
        let bounds = Bounds { ids_max: 3, window_ms: None };
        for id in ["", "a", "a longer one"] {
            assert!(seen.admits(&Id { bytes: id.as_bytes(), time_ms: -5 }, &bounds));
        }
        let mut bytes = Bytes::default();
        seen.encode(&mut bytes);
        assert_eq!(Seen::decode(bytes.as_slice()), Some(seen));
        assert_eq!(Seen::decode(&bytes.as_slice()[1..]), None);
    }
}
