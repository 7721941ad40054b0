//! The records inside a batch that is not compressed, as far as a broker looks at them: time, key, whether the value is
//! null.

use crate::batch::Batch;

/// One record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Behind the batch's first.
    pub(crate) offset_delta: i64,
    /// Milliseconds behind the batch's first.
    pub(crate) timestamp_delta: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) has_value: bool,
    /// As it is encoded, with its length.
    pub(crate) encoded: &'a [u8],
}

/// All records of a batch; none when it is compressed or makes no sense.
pub(crate) fn records(batch: &Batch) -> Option<Vec<Record<'_>>> {
    if batch.is_compressed() {
        return None;
    }
    let mut rest = batch.records();
    (0..batch.count()).map(|_| record(&mut rest)).collect()
}

fn record<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let whole = *rest;
    let length = usize::try_from(varint(rest)?).ok()?;
    let mut body = rest.split_off(..length)?;
    let encoded = &whole[..whole.len() - rest.len()];
    // The attributes say nothing.
    body.split_off_first()?;
    let (timestamp_delta, offset_delta) = (varint(&mut body)?, varint(&mut body)?);
    let key = match usize::try_from(varint(&mut body)?) {
        Ok(length) => Some(body.split_off(..length)?),
        Err(_) => None,
    };
    let has_value = varint(&mut body)? >= 0;
    Some(Record { offset_delta, timestamp_delta, key, has_value, encoded })
}

/// Seven bits a byte, the lowest first; even numbers stand for 0, 1, 2…, odd ones for -1, -2…
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut bits = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        bits |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::varint;

    #[test]
    fn numbers_of_both_signs_are_read() {
        for (bytes, number) in
            [(&[0_u8][..], 0), (&[1], -1), (&[2], 1), (&[0xac, 0x02], 150), (&[0xff, 0x01], -128)]
        {
            assert_eq!(varint(&mut &*bytes), Some(number));
        }
        assert_eq!(varint(&mut &[0x80_u8][..]), None);
        assert_eq!(varint(&mut &[0xff_u8; 11][..]), None);
    }
}
