//! The sum of each key, and which have changed.

use anyhow::{Context, Result};
use hashbrown::HashMap;

/// Sums by key; each key once, in the order in which they were first seen.
#[derive(Default)]
pub(crate) struct Sums {
    places: HashMap<Box<[u8]>, usize, foldhash::fast::RandomState>,
    entries: Vec<Entry>,
    changed: Vec<usize>,
}

struct Entry {
    key: Box<[u8]>,
    sum: i128,
    changed: bool,
}

impl Sums {
    /// Adds a line `key,value` and says what its key's sum is now.
    ///
    /// # Errors
    /// It is no such line.
    pub(crate) fn add(&mut self, line: &[u8]) -> Result<(&[u8], i128)> {
        let (key, number) =
            parse(line).with_context(|| format!("no line: {}", String::from_utf8_lossy(line)))?;
        let place = if let Some(place) = self.places.get(key) {
            *place
        } else {
            self.places.insert(key.into(), self.entries.len());
            self.entries.push(Entry { key: key.into(), sum: 0, changed: false });
            self.entries.len() - 1
        };
        let entry = &mut self.entries[place];
        entry.sum += i128::from(number);
        if !entry.changed {
            entry.changed = true;
            self.changed.push(place);
        }
        Ok((&entry.key, entry.sum))
    }

    /// The keys that have changed since this was asked last.
    pub(crate) fn take_changed(&mut self, mut show: impl FnMut(&[u8], i128)) {
        for place in self.changed.drain(..) {
            let entry = &mut self.entries[place];
            entry.changed = false;
            show(&entry.key, entry.sum);
        }
    }
}

/// Key and number of a line.
fn parse(line: &[u8]) -> Option<(&[u8], i64)> {
    let comma = line.iter().position(|byte| *byte == b',')?;
    let (key, text) = (&line[..comma], &line[comma + 1..]);
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?;
        number = if negative { number.checked_sub(digit)? } else { number.checked_add(digit)? };
    }
    Some((key, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_or_refused() {
        assert_eq!(parse(b"a,1"), Some((b"a".as_slice(), 1)));
        assert_eq!(parse(b",-9223372036854775808"), Some((b"".as_slice(), i64::MIN)));
        for wrong in ["a", "a,", "a,-", "a,1x", "a,9223372036854775808"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_changed_key_is_shown_once_with_its_last_sum() -> Result<()> {
        let mut sums = Sums::default();
        for line in ["a,1", "b,5", "a,2"] {
            sums.add(line.as_bytes())?;
        }
        assert_eq!(sums.add(b"b,1")?, (b"b".as_slice(), 6));
        let mut shown = Vec::new();
        sums.take_changed(|key, sum| shown.push((key.to_vec(), sum)));
        assert_eq!(shown, [(b"a".to_vec(), 3), (b"b".to_vec(), 6)]);
        sums.add(b"b,1")?;
        shown.clear();
        sums.take_changed(|key, sum| shown.push((key.to_vec(), sum)));
        assert_eq!(shown, [(b"b".to_vec(), 7)]);
        Ok(())
    }
}
