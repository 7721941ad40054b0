//! The right answers, which the other files spoil.

use crate::bindings::exports::host::operator::reducer::{Groups, Reduced};
use crate::bindings::exports::host::operator::transformer::Transformed;
use crate::bindings::host::operator::types::{BadRow, BytesColumn, Columns};

const REASON: &str = "hostile: told to reject";

/// Every row keyed by its value; rows with a null value keep it and have a null key.
pub(crate) fn transform(rows: &Columns, refused: impl Fn(Option<&[u8]>) -> bool) -> Transformed {
    let mut cells = Builder::default();
    let (mut source, mut bad) = (Vec::new(), Vec::new());
    for (row, value) in (0..).zip(values_of_rows(rows)) {
        if refused(value) {
            bad.push(BadRow { row, reason: REASON.into() });
            continue;
        }
        cells.push(value);
        cells.push(value);
        source.push(row);
    }
    let BytesColumn { data, offsets, nulls } = cells.build();
    let rows = Columns { data, offsets, timestamps: Vec::new(), nulls, headers: None };
    Transformed { rows, source, sinks: Vec::new(), bad }
}

/// The values of a key joined by commas.
pub(crate) fn reduce(groups: &Groups, refused: impl Fn(Option<&[u8]>) -> bool) -> Reduced {
    let values = strings(&groups.values);
    let (mut accumulators, mut bad) = (Builder::default(), Vec::new());
    let mut start = 0;
    for (end, accumulator) in groups.ends.iter().zip(strings(&groups.accumulators)) {
        let mut joined = accumulator.map(<[u8]>::to_vec);
        for row in start..*end {
            let value = values[row as usize];
            if refused(value) {
                bad.push(BadRow { row, reason: REASON.into() });
                continue;
            }
            let mut bytes = joined.take().map_or_else(Vec::new, |bytes| [&bytes[..], b","].concat());
            bytes.extend_from_slice(value.unwrap_or_default());
            joined = Some(bytes);
        }
        accumulators.push(joined.as_deref());
        start = *end;
    }
    Reduced { accumulators: accumulators.build(), bad }
}

/// The strings of a column.
pub(crate) fn strings(column: &BytesColumn) -> Vec<Option<&[u8]>> {
    (0..column.offsets.len() - 1).map(|i| cell(&column.data, &column.offsets, &column.nulls, i)).collect()
}

/// The values of rows.
pub(crate) fn values_of_rows(rows: &Columns) -> Vec<Option<&[u8]>> {
    (0..rows.timestamps.len()).map(|i| cell(&rows.data, &rows.offsets, &rows.nulls, 2 * i + 1)).collect()
}

fn cell<'a>(data: &'a [u8], offsets: &[u32], nulls: &[u8], i: usize) -> Option<&'a [u8]> {
    let null = nulls.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1);
    (!null).then(|| &data[offsets[i] as usize..offsets[i + 1] as usize])
}

/// A column being written.
#[derive(Default)]
struct Builder {
    data: Vec<u8>,
    ends: Vec<u32>,
    nulls: Vec<usize>,
}

impl Builder {
    fn push(&mut self, string: Option<&[u8]>) {
        match string {
            Some(bytes) => self.data.extend_from_slice(bytes),
            None => self.nulls.push(self.ends.len()),
        }
        self.ends.push(self.data.len() as u32);
    }

    fn build(self) -> BytesColumn {
        let mut nulls = Vec::new();
        if !self.nulls.is_empty() {
            nulls.resize(self.ends.len().div_ceil(8), 0);
        }
        for i in self.nulls {
            nulls[i / 8] |= 1_u8 << (i % 8);
        }
        BytesColumn { data: self.data, offsets: std::iter::once(0).chain(self.ends).collect(), nulls }
    }
}
