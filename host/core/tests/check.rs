//! The rules of `host_core::check`: each one alone, then random answers, of which every accepted one can be
//! read to its end.

use host_core::check::{self, BadAnswer, REASON_BYTES_MAX};
use host_core::operator::{BadRow, Processed, Reduced, Transformed};
use host_core::record::{BytesColumn, HeaderColumns, Row, Rows};

const INPUT_ROWS: usize = 4;

/// Three rows of the input rows 0, 0 and 3, with a null, headers and a refused row: all that can be wrong.
fn valid() -> Transformed {
    let mut rows = Rows::new();
    rows.push(Row { key: Some(b"a"), value: None, timestamp: 1 });
    let headers = [(&b"h"[..], Some(&b"1"[..])), (b"i", None)];
    rows.push_with_headers(Row { key: None, value: Some(b"bc"), timestamp: 2 }, headers.into_iter());
    rows.push(Row { key: Some(b""), value: Some(b"d"), timestamp: 3 });
    Transformed { rows, source: vec![0, 0, 3], bad: vec![BadRow { row: 1, reason: "no".into() }] }
}

fn headers(answer: &mut Transformed) -> &mut HeaderColumns {
    answer.rows.headers.as_mut().expect("the valid answer has headers")
}

/// The valid answer after `change` is refused with this text.
#[track_caller]
fn check_refused(change: impl FnOnce(&mut Transformed), text: &str) {
    let mut answer = valid();
    change(&mut answer);
    let error = check::transformed(&answer, INPUT_ROWS).expect_err("the answer breaks a rule");
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_valid_answer_is_accepted() {
    assert_eq!(check::transformed(&valid(), INPUT_ROWS), Ok(()));
    assert_eq!(check::transformed(&Transformed::default(), INPUT_ROWS), Ok(()));
}

#[test]
fn output_timestamps_may_be_empty() {
    let mut answer = valid();
    answer.rows.timestamps.clear();
    assert_eq!(check::transformed(&answer, INPUT_ROWS), Ok(()));
}

#[test]
fn an_even_number_of_offsets_is_refused() {
    check_refused(
        |answer| answer.rows.offsets.truncate(6),
        "`rows.offsets` has 6 entries, which is not an odd number",
    );
    check_refused(
        |answer| answer.rows.offsets.clear(),
        "`rows.offsets` has 0 entries, which is not an odd number",
    );
}

#[test]
fn offsets_that_begin_late_are_refused() {
    check_refused(|answer| answer.rows.offsets[0] = 1, "`rows.offsets` begins with 1, not with 0");
}

#[test]
fn falling_offsets_are_refused() {
    check_refused(|answer| answer.rows.offsets[1] = 4, "`rows.offsets` falls at entry 2");
}

#[test]
fn offsets_past_the_data_are_refused() {
    check_refused(
        |answer| answer.rows.offsets[6] = u32::MAX,
        "`rows.offsets` has 4294967295, where the largest is 4",
    );
}

#[test]
fn a_wrong_number_of_timestamps_is_refused() {
    check_refused(|answer| answer.rows.timestamps.truncate(2), "`rows.timestamps` has 2 entries, not 3");
}

#[test]
fn a_wrong_number_of_null_bytes_is_refused() {
    check_refused(|answer| answer.rows.nulls.push(0), "`rows.nulls` has 2 entries, not 1");
}

#[test]
fn null_cells_with_bytes_are_refused() {
    check_refused(|answer| answer.rows.nulls[0] |= 1, "`rows.nulls`: cell 0 is null and has bytes");
}

#[test]
fn null_bits_past_the_last_cell_are_refused() {
    check_refused(|answer| answer.rows.nulls[0] |= 0x80, "`rows.nulls` has a bit set past its last cell");
}

#[test]
fn malformed_headers_are_refused() {
    check_refused(|answer| headers(answer).ends.truncate(2), "`rows.headers.ends` has 2 entries, not 3");
    check_refused(|answer| headers(answer).ends[0] = 3, "`rows.headers.ends` falls at entry 1");
    check_refused(|answer| headers(answer).ends[2] = 3, "`rows.headers.ends` ends with 3, not with 2");
    check_refused(
        |answer| headers(answer).offsets.truncate(4),
        "`rows.headers.offsets` has 4 entries, which is not an odd number",
    );
    check_refused(
        |answer| headers(answer).offsets[4] = 4,
        "`rows.headers.offsets` has 4, where the largest is 3",
    );
    check_refused(
        |answer| headers(answer).null_values.push(0),
        "`rows.headers.null-values` has 2 entries, not 1",
    );
    check_refused(
        |answer| headers(answer).null_values[0] |= 1,
        "`rows.headers.null-values`: cell 0 is null and has bytes",
    );
    check_refused(
        |answer| headers(answer).data[0] = 0xff,
        "`rows.headers`: the name of header 0 is not UTF-8",
    );
}

#[test]
fn headers_without_rows_are_refused() {
    let answer = Transformed {
        rows: Rows {
            headers: Some(HeaderColumns { offsets: vec![0, 0, 0], ..HeaderColumns::none_for(0) }),
            ..Rows::new()
        },
        ..Transformed::default()
    };
    assert!(check::transformed(&answer, INPUT_ROWS).is_err());
}

#[test]
fn malformed_sources_are_refused() {
    check_refused(|answer| answer.source.truncate(2), "`source` has 2 entries, not 3");
    check_refused(|answer| answer.source[0] = 2, "`source` falls at entry 1");
    check_refused(|answer| answer.source[2] = 4, "`source` has 4, where the largest is 3");
}

#[test]
fn malformed_refusals_are_refused() {
    let refused = |row| BadRow { row, reason: String::new() };
    check_refused(|answer| answer.bad.push(refused(1)), "`bad` does not rise at entry 1");
    check_refused(|answer| answer.bad.push(refused(4)), "`bad` has 4, where the largest is 3");
    check_refused(|answer| answer.bad.push(refused(3)), "`bad` has row 3, and `source` has it too");
    check_refused(|answer| answer.bad[0].row = 0, "`bad` has row 0, and `source` has it too");
}

#[test]
fn only_sink_0_exists() {
    assert_eq!(check::sinks(&[], 2), Ok(()));
    assert_eq!(check::sinks(&[0, 0], 2), Ok(()));
    assert_eq!(check::sinks(&[0], 2), Err(BadAnswer::Length { field: "sinks", found: 1, expected: 2 }));
    assert_eq!(check::sinks(&[0, 7], 2), Err(BadAnswer::Range { field: "sinks", found: 7, max: 0 }));
}

fn column(strings: &[Option<&[u8]>]) -> BytesColumn {
    let mut column = BytesColumn::new();
    for string in strings {
        column.push(*string);
    }
    column
}

#[test]
fn a_reduce_answers_once_a_key() {
    let answer = Reduced { accumulators: column(&[Some(b"x"), None]), bad: Vec::new() };
    assert_eq!(check::reduced(&answer, 2, 5, false), Ok(()));
    let error = check::reduced(&answer, 3, 5, false).expect_err("an accumulator is missing");
    assert_eq!(error.to_string(), "`accumulators.offsets` has 3 entries, not 4");
}

#[test]
fn a_reduce_refuses_values_that_there_are() {
    let bad = vec![BadRow { row: 5, reason: String::new() }];
    let answer = Reduced { accumulators: column(&[None]), bad };
    assert_eq!(check::reduced(&answer, 1, 6, false), Ok(()));
    assert_eq!(
        check::reduced(&answer, 1, 5, false),
        Err(BadAnswer::Range { field: "bad", found: 5, max: 4 })
    );
    assert_eq!(check::reduced(&answer, 1, 0, false), Err(BadAnswer::Nothing { field: "bad", found: 5 }));
}

#[test]
fn malformed_columns_are_refused() {
    let check = |change: &dyn Fn(&mut BytesColumn)| {
        let mut answer = column(&[Some(b"x"), None, Some(b"")]);
        change(&mut answer);
        check::finished(&answer, 3).map_err(|error| error.to_string())
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(check(&|c| c.offsets[0] = 1), Err("`results.offsets` begins with 1, not with 0".into()));
    assert_eq!(check(&|c| c.offsets[3] = 0), Err("`results.offsets` falls at entry 3".into()));
    assert_eq!(check(&|c| c.offsets[3] = 9), Err("`results.offsets` has 9, where the largest is 1".into()));
    assert_eq!(check(&|c| c.nulls[0] = 1), Err("`results.nulls`: cell 0 is null and has bytes".into()));
    assert_eq!(check(&|c| c.nulls[0] = 8), Err("`results.nulls` has a bit set past its last cell".into()));
    assert_eq!(check(&|c| c.nulls = vec![0; 9]), Err("`results.nulls` has 9 entries, not 1".into()));
}

#[test]
fn reasons_are_cut_between_characters() {
    assert_eq!(check::cut_reason("short".into()), "short");
    let cut = check::cut_reason("x".repeat(REASON_BYTES_MAX - 1) + "\u{e9}");
    assert_eq!(cut.len(), REASON_BYTES_MAX - 1);
}

/// Numbers that depend on the seed alone (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % bound
    }

    fn spoil(&mut self, list: &mut Vec<u32>) {
        let at = self.below(list.len() as u64 + 1) as usize;
        let value = [0, 1, 2, 3, 4, 5, u32::MAX][self.below(7) as usize];
        match (self.below(3), list.get_mut(at)) {
            (0, Some(entry)) => *entry = value,
            (1, Some(_)) => drop(list.remove(at)),
            _ => list.insert(at, value),
        }
    }

    fn spoil_bits(&mut self, bits: &mut Vec<u8>) {
        match self.below(3) {
            0 => bits.clear(),
            1 => bits.push(0),
            _ => bits.iter_mut().for_each(|byte| *byte ^= 1 << self.below(8)),
        }
    }

    fn spoil_answer(&mut self, answer: &mut Transformed) {
        match self.below(11) {
            0 => self.spoil(&mut answer.rows.offsets),
            1 => self.spoil(&mut answer.source),
            2 => self.spoil_bits(&mut answer.rows.nulls),
            3 => answer.rows.timestamps.clear(),
            4 => answer.rows.headers = None,
            5 => answer.rows.data.truncate(self.below(5) as usize),
            6 => answer.bad.push(BadRow { row: self.below(6) as u32, reason: String::new() }),
            7 => answer.bad.clear(),
            kind => {
                let Some(headers) = &mut answer.rows.headers else { return };
                match kind {
                    8 => self.spoil(&mut headers.ends),
                    9 => self.spoil(&mut headers.offsets),
                    _ => self.spoil_bits(&mut headers.null_values),
                }
            }
        }
    }
}

/// Reads all that the core may read of an accepted answer; panics where a rule is missing.
fn read_to_the_end(answer: &Transformed) -> usize {
    let mut bytes = 0;
    for i in 0..answer.rows.len() {
        bytes += answer.rows.key(i).map_or(0, <[u8]>::len) + answer.rows.value(i).map_or(0, <[u8]>::len);
        bytes += answer
            .rows
            .headers(i)
            .map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len))
            .sum::<usize>();
        assert!((answer.source[i] as usize) < INPUT_ROWS);
    }
    assert!(
        answer.bad.iter().all(|bad| (bad.row as usize) < INPUT_ROWS && !answer.source.contains(&bad.row))
    );
    bytes
}

#[test]
fn whatever_is_accepted_can_be_read_to_its_end() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..100_000 {
        let mut random = Random(seed);
        let mut answer = valid();
        for _ in 0..=random.below(4) {
            random.spoil_answer(&mut answer);
        }
        if check::transformed(&answer, INPUT_ROWS).is_ok() {
            read_to_the_end(&answer);
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    assert!(
        accepted > 1_000 && refused > 1_000,
        "{accepted} accepted, {refused} refused: one side is untested"
    );
}

/// A processor's rows keep the rules of a transform's, where the inputs are values.
#[test]
fn what_a_processor_answers_is_checked_as_a_whole() {
    let good = || {
        let Transformed { rows, source, bad } = valid();
        let mut accumulators = BytesColumn::new();
        accumulators.push(Some(b"a"));
        accumulators.push(None);
        Processed { reduced: Reduced { accumulators, bad }, rows, source }
    };
    let check = |answer: &Processed| check::processed(answer, 2, INPUT_ROWS);
    assert_eq!(check(&good()), Ok(()));
    let mut few = good();
    few.reduced.accumulators.push(None);
    assert!(matches!(check(&few), Err(BadAnswer::Length { field: "accumulators.offsets", .. })));
    let mut beyond = good();
    *beyond.source.last_mut().expect("it has rows") = INPUT_ROWS as u32;
    assert!(matches!(check(&beyond), Err(BadAnswer::Range { field: "source", .. })));
    let mut refused = good();
    refused.reduced.bad = vec![BadRow { row: refused.source[0], reason: String::new() }];
    assert!(matches!(check(&refused), Err(BadAnswer::BadRowHasOutput { .. })));
}
