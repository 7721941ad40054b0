//! A record as the value of a row: length and bytes of id, key, value, and of each header's name and value.

use guest_sdk::Record;

/// The length that stands for null.
const NULL: u32 = u32::MAX;

/// A record, unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Carried<'a> {
    /// None: the key is the id.
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// Appends a record with its id.
pub(crate) fn pack(out: &mut Vec<u8>, id: Option<&[u8]>, record: &Record<'_>) {
    for cell in [id, record.key, record.value] {
        push(out, cell);
    }
    for (name, value) in record.headers.iter() {
        push(out, Some(name));
        push(out, value);
    }
}

impl<'a> Carried<'a> {
    /// What [`pack`] wrote; none when these are other bytes.
    pub(crate) fn unpack(mut bytes: &'a [u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let [id, key, value] = [take(bytes)?, take(bytes)?, take(bytes)?];
        let mut headers = Vec::new();
        while !bytes.is_empty() {
            let name = std::str::from_utf8(take(bytes)??).ok()?;
            headers.push((name, take(bytes)?));
        }
        Some(Self { id, key, value, headers })
    }
}

fn push(out: &mut Vec<u8>, cell: Option<&[u8]>) {
    let length = cell.map_or(NULL, |bytes| bytes.len() as u32);
    out.extend(length.to_le_bytes());
    out.extend(cell.unwrap_or_default());
}

/// Outer none: the bytes end too early.
#[expect(clippy::option_option, reason = "no bytes, a null, bytes: three cases")]
fn take<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    if length == NULL {
        *bytes = rest;
        return Some(None);
    }
    let (cell, rest) = rest.split_at_checked(length as usize)?;
    *bytes = rest;
    Some(Some(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_end_too_early_are_none_of_ours() {
        let mut bytes = Vec::new();
        for cell in [None, Some(&b"k"[..]), Some(b""), Some(b"h"), None] {
            push(&mut bytes, cell);
        }
        let whole = Carried { id: None, key: Some(b"k"), value: Some(b""), headers: vec![("h", None)] };
        assert_eq!(Carried::unpack(&bytes), Some(whole));
        let without_header = 4 + 5 + 4;
        for end in (0..bytes.len()).filter(|end| *end != without_header) {
            assert_eq!(Carried::unpack(&bytes[..end]), None, "{end}");
        }
    }
}
