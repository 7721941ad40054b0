//! What is remembered of the fields of a key.

use guest_sdk::{Accumulator, Bytes};
use std::collections::BTreeMap;

/// Bytes of a last value, at most; a longer one is not remembered, and the one before is forgotten.
const LAST_BYTES_MAX: usize = 1024;

/// Of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Memory {
    /// Its last value, as JSON.
    Last(String),
    /// Of its numbers.
    Mean { count: u64, mean: f64 },
}

/// By field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known(BTreeMap<String, Memory>);

impl Known {
    pub(crate) fn get(&self, field: &str) -> Option<&Memory> {
        self.0.get(field)
    }

    pub(crate) fn set_last(&mut self, field: &str, json: &str) {
        if json.len() > LAST_BYTES_MAX {
            self.0.remove(field);
        } else {
            self.0.insert(field.to_owned(), Memory::Last(json.to_owned()));
        }
    }

    pub(crate) fn add(&mut self, field: &str, number: f64) {
        let before = match self.0.get(field) {
            Some(Memory::Mean { count, mean }) => (*count, *mean),
            _ => (0, 0.0),
        };
        let count = before.0 + 1;
        let mean = before.1 + (number - before.1) / count as f64;
        self.0.insert(field.to_owned(), Memory::Mean { count, mean });
    }
}

const LAST: u8 = 0;
const MEAN: u8 = 1;

impl Accumulator for Known {
    fn encode(&self, out: &mut Bytes) {
        for (field, memory) in &self.0 {
            push_text(out, field);
            match memory {
                Memory::Last(json) => {
                    out.push(&[LAST]);
                    push_text(out, json);
                }
                Memory::Mean { count, mean } => {
                    out.push(&[MEAN]);
                    out.push(&count.to_le_bytes());
                    out.push(&mean.to_le_bytes());
                }
            }
        }
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut known = BTreeMap::new();
        while !bytes.is_empty() {
            let field = take_text(&mut bytes)?;
            let memory = match take(&mut bytes)? {
                [LAST] => Memory::Last(take_text(&mut bytes)?),
                [MEAN] => Memory::Mean {
                    count: u64::from_le_bytes(take(&mut bytes)?),
                    mean: f64::from_le_bytes(take(&mut bytes)?),
                },
                _ => return None,
            };
            known.insert(field, memory);
        }
        Some(Self(known))
    }
}

fn push_text(out: &mut Bytes, text: &str) {
    out.push(&(text.len() as u32).to_le_bytes());
    out.push(text.as_bytes());
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let length = u32::from_le_bytes(take(bytes)?) as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut known = Known::default();
        known.add("t", 20.0);
        known.add("t", 21.0);
        known.set_last("unit", "\"°C\"");
        let mut bytes = Bytes::default();
        known.encode(&mut bytes);
        assert_eq!(known.get("t"), Some(&Memory::Mean { count: 2, mean: 20.5 }));
        assert_eq!(Known::decode(bytes.as_slice()), Some(known));
        assert_eq!(Known::decode(&bytes.as_slice()[1..]), None);
    }

    #[test]
    fn a_value_that_is_too_long_is_forgotten() {
        let mut known = Known::default();
        known.set_last("a", "1");
        known.set_last("a", &"1".repeat(1025));
        assert_eq!(known.get("a"), None);
    }
}
