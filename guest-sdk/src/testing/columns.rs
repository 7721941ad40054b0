//! Columns from rows and back, for the runner.

use std::collections::BTreeMap;

use super::{BytesColumn, Column, Columns, Header, HeaderColumns, Input, OutputRow};
use crate::bindings::types::Groups;
use crate::bytes::{bit, pad_bits, set_bit};
use crate::record::cell;

pub(super) fn column<'a>(strings: impl Iterator<Item = Option<&'a [u8]>>) -> BytesColumn {
    let mut column = Column::with_capacity(0, 0);
    for string in strings {
        match string {
            Some(bytes) => {
                column.bytes.push(bytes);
                column.end_string();
            }
            None => column.push_null(),
        }
    }
    column.finish()
}

pub(super) fn strings(column: &BytesColumn) -> impl Iterator<Item = Option<&[u8]>> {
    (0..column.offsets.len() - 1)
        .map(|i| (!bit(&column.nulls, i)).then(|| cell(&column.data, &column.offsets, i)))
}

/// The columns of these records; a record without a timestamp has its offset for one.
pub(super) fn input_columns(inputs: &[Input], first_offset: i64) -> Columns {
    let cells = column(inputs.iter().flat_map(|input| [input.key.as_deref(), input.value.as_deref()]));
    Columns {
        data: cells.data,
        offsets: cells.offsets,
        timestamps: (first_offset..)
            .zip(inputs)
            .map(|(offset, input)| input.timestamp.unwrap_or(offset))
            .collect(),
        nulls: cells.nulls,
        headers: inputs.iter().any(|input| !input.headers.is_empty()).then(|| header_columns(inputs)),
    }
}

fn header_columns(inputs: &[Input]) -> HeaderColumns {
    let mut columns = HeaderColumns { ends: vec![], data: vec![], offsets: vec![0], null_values: vec![] };
    let mut count = 0;
    for input in inputs {
        for (name, value) in &input.headers {
            columns.data.extend_from_slice(name.as_bytes());
            columns.offsets.push(columns.data.len() as u32);
            match value {
                Some(bytes) => columns.data.extend_from_slice(bytes),
                None => set_bit(&mut columns.null_values, count),
            }
            columns.offsets.push(columns.data.len() as u32);
            count += 1;
        }
        columns.ends.push(count as u32);
    }
    pad_bits(&mut columns.null_values, count);
    columns
}

fn headers_of(columns: Option<&HeaderColumns>, row: usize) -> Vec<Header> {
    let Some(columns) = columns else { return Vec::new() };
    let from = if row == 0 { 0 } else { columns.ends[row - 1] };
    (from as usize..columns.ends[row] as usize)
        .map(|i| {
            let name = String::from_utf8_lossy(cell(&columns.data, &columns.offsets, 2 * i)).into_owned();
            let value = cell(&columns.data, &columns.offsets, 2 * i + 1);
            (name, (!bit(&columns.null_values, i)).then(|| value.to_vec()))
        })
        .collect()
}

/// The rows of an answer; the offset of the source is left to the caller.
pub(super) fn rows_of<'a>(
    rows: &'a Columns,
    source: &'a [u32],
    source_timestamps: &'a [i64],
) -> impl Iterator<Item = OutputRow> + 'a {
    let take = |i: usize| (!bit(&rows.nulls, i)).then(|| cell(&rows.data, &rows.offsets, i).to_vec());
    source.iter().enumerate().map(move |(i, source)| OutputRow {
        key: take(2 * i),
        value: take(2 * i + 1),
        timestamp: rows.timestamps.get(i).copied().unwrap_or_else(|| source_timestamps[*source as usize]),
        headers: headers_of(rows.headers.as_ref(), i),
        source_offset: 0,
    })
}

/// The rows by key, first seen first, with the accumulators; and which row each value comes from.
pub(super) fn groups(rows: &[OutputRow], state: &BTreeMap<Vec<u8>, Vec<u8>>) -> (Groups, Vec<usize>) {
    let mut order: Vec<(&[u8], Vec<usize>)> = Vec::new();
    let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        let (Some(key), Some(_)) = (&row.key, &row.value) else { continue };
        let group = *seen.entry(key).or_insert_with(|| {
            order.push((key, Vec::new()));
            order.len() - 1
        });
        order[group].1.push(i);
    }
    let values: Vec<usize> = order.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
    let mut end = 0;
    let groups = Groups {
        keys: column(order.iter().map(|(key, _)| Some(*key))),
        accumulators: column(order.iter().map(|(key, _)| state.get(*key).map(Vec::as_slice))),
        ends: order
            .iter()
            .map(|(_, rows)| {
                end += rows.len() as u32;
                end
            })
            .collect(),
        values: column(values.iter().map(|i| rows[*i].value.as_deref())),
        timestamps: values.iter().map(|i| rows[*i].timestamp).collect(),
    };
    (groups, values)
}
