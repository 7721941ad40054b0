//! Batches written by another implementation, and batches spoiled at random.

use bytes::{BufMut, Bytes, BytesMut};
use direct_fetch::{Aborted, Batch, Codec, Control, Corrupt, Decompressor};
use host_core::record::{Offset, Rows};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use proptest::prelude::*;
use std::io::Write;

fn record(offset: Offset, key: Option<&str>, value: Option<&str>) -> Record {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: i32::try_from(offset).expect("small"),
        timestamp: 1_000 + 3 * offset,
        key: key.map(bytes),
        value: value.map(bytes),
        headers: [(StrBytes::from_static_str("h"), None)]
            .into_iter()
            .take(usize::from(offset == 8))
            .collect(),
    }
}

fn records() -> Vec<Record> {
    vec![
        record(5, Some("a"), Some("one")),
        record(6, None, Some("")),
        record(8, Some(""), None),
        record(9, Some("key"), Some("a longer value, a longer value")),
    ]
}

fn encode(records: &[Record], compression: Compression) -> Vec<u8> {
    let compress = |from: &mut BytesMut, to: &mut BytesMut, compression: Compression| {
        match compression {
            Compression::None => to.put_slice(from),
            Compression::Zstd => to.put_slice(&zstd::stream::encode_all(&**from, 1)?),
            Compression::Snappy => to.put_slice(&snap::raw::Encoder::new().compress_vec(from)?),
            Compression::Lz4 => {
                let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
                lz4.write_all(from)?;
                to.put_slice(&lz4.finish()?);
            }
            Compression::Gzip => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(from)?;
                to.put_slice(&gzip.finish()?);
            }
        }
        Ok(())
    };
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode_with_custom_compression(&mut bytes, records, &options, Some(compress))
        .expect("the records are right");
    bytes.to_vec()
}

fn decode(bytes: &[u8], from: Offset) -> Result<(Vec<Offset>, Rows), Corrupt> {
    let (mut rest, mut offsets, mut rows) = (bytes, Vec::new(), Rows::new());
    let mut decompressor = Decompressor::default();
    while let Some(batch) = Batch::take(&mut rest)? {
        batch.check()?;
        if batch.control()?.is_none() {
            batch.append(from, &mut decompressor, &mut offsets, &mut rows)?;
        }
    }
    Ok((offsets, rows))
}

fn assert_all(offsets: &[Offset], rows: &Rows) {
    assert_eq!(offsets, [5, 6, 8, 9]);
    for (i, expected) in records().iter().enumerate() {
        assert_eq!(rows.key(i), expected.key.as_deref());
        assert_eq!(rows.value(i), expected.value.as_deref());
        assert_eq!(rows.timestamps[i], expected.timestamp);
        assert_eq!(rows.headers(i).count(), expected.headers.len());
    }
    assert_eq!(rows.headers(2).next(), Some((b"h".as_slice(), None)));
}

#[test]
fn records_come_out_as_they_went_in_whatever_the_codec() {
    for (compression, codec) in [
        (Compression::None, Codec::None),
        (Compression::Gzip, Codec::Gzip),
        (Compression::Snappy, Codec::Snappy),
        (Compression::Lz4, Codec::Lz4),
        (Compression::Zstd, Codec::Zstd),
    ] {
        let bytes = encode(&records(), compression);
        let batch = Batch::take(&mut bytes.as_slice()).expect("whole").expect("one");
        assert_eq!(batch.codec(), Ok(codec));
        assert_eq!((batch.base_offset, batch.last_offset), (5, 9));
        let (offsets, rows) = decode(&bytes, 0).expect("right");
        assert_all(&offsets, &rows);
    }
}

#[test]
fn a_fetch_from_the_middle_of_a_batch_gives_the_rest_of_it() {
    let (offsets, rows) = decode(&encode(&records(), Compression::Lz4), 7).expect("right");
    assert_eq!((offsets, rows.len()), (vec![8, 9], 2));
}

#[test]
fn a_batch_that_is_cut_off_is_none_and_the_ones_before_it_are_read() {
    let whole = encode(&records(), Compression::None);
    let two = [whole.as_slice(), &whole].concat();
    for cut in whole.len()..two.len() {
        let (offsets, _) = decode(&two[..cut], 0).expect("the first is whole");
        assert_eq!(offsets.len(), 4, "{cut} of {} bytes", two.len());
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let bytes = encode(&records(), Compression::None);
    // What comes before is not under the checksum: offset, length, epoch, format and the checksum itself.
    for place in 21..bytes.len() {
        let mut spoiled = bytes.clone();
        spoiled[place] ^= 0x10;
        assert!(matches!(decode(&spoiled, 0), Err(Corrupt::Checksum { .. })), "byte {place}");
    }
    let mut old = bytes;
    old[16] = 1;
    assert_eq!(decode(&old, 0), Err(Corrupt::Format(1)));
}

/// A batch of a transaction; with a type, the control batch that ends it.
fn of_transaction(offset: Offset, producer: i64, control: Option<i16>) -> Vec<u8> {
    let mut one = record(offset, Some("k"), Some("v"));
    (one.transactional, one.producer_id, one.producer_epoch) = (true, producer, 0);
    if let Some(kind) = control {
        one.control = true;
        one.key = Some(Bytes::from([0_i16.to_be_bytes(), kind.to_be_bytes()].concat()));
    }
    encode(&[one], Compression::None)
}

#[test]
fn aborted_transactions_are_hidden_and_what_follows_them_is_not() {
    let log = [
        of_transaction(0, 1, None),
        of_transaction(1, 2, None),
        of_transaction(2, 1, Some(0)),
        of_transaction(3, 1, None),
        of_transaction(4, 2, Some(1)),
        of_transaction(5, 1, Some(1)),
        of_transaction(6, 1, None),
        of_transaction(7, 1, Some(0)),
    ]
    .concat();
    let mut aborted = Aborted::default();
    aborted.begin([(6, 1), (0, 1)].into_iter());
    let (mut rest, mut shown, mut controls) = (log.as_slice(), Vec::new(), Vec::new());
    while let Some(batch) = Batch::take(&mut rest).expect("right") {
        let control = batch.control().expect("right");
        controls.extend(control);
        if !aborted.hides(&batch, control) {
            shown.push(batch.base_offset);
        }
    }
    assert_eq!(shown, [1, 3], "offset 0 and 6 were aborted");
    assert_eq!(controls, [Control::Abort, Control::Commit, Control::Commit, Control::Abort]);
}

proptest! {
    #[test]
    fn whatever_the_bytes_nothing_worse_than_an_error_comes_of_them(
        spoil in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        codec in 0_usize..5,
    ) {
        let all = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
        let mut bytes = encode(&records(), all[codec]);
        for (place, byte) in spoil {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Without the checksum, or hardly anything would get as far as the records.
        let (mut rest, mut offsets, mut rows) = (bytes.as_slice(), Vec::new(), Rows::new());
        let mut decompressor = Decompressor::default();
        while let Ok(Some(batch)) = Batch::take(&mut rest) {
            let _control = batch.control();
            let _outcome = batch.append(0, &mut decompressor, &mut offsets, &mut rows);
        }
        prop_assert_eq!(offsets.len(), rows.len());
    }
}
