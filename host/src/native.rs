//! Operators in Rust, without a sandbox: `--module native:sum`, and `count`, `min`, `max`, `last`.
//!
//! For people who need no module of their own, the oracle of tests, and the lower bound in benchmarks.
//! `sum` gives the same bytes, and refuses the same lines with the same words, as the module `sum.wasm`.
//! Nothing here allocates per record, but for the reasons of refused ones.
//!
//! All read the line `key,value` from the record's value, and split it at the first comma. What follows the
//! comma is a whole decimal number of 64 bits, but for `count`, which does not look at it.

mod fold;
mod line;

use host_core::check::cut_reason;
use host_core::operator::{BadRow, Description, Fault, FaultKind, Groups, Operator, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Row, Rows};

use fold::Kind;

/// The prefix of `--module` that names a native operator.
pub const PREFIX: &str = "native:";

/// One of the operators of this module.
#[derive(Clone, Debug)]
pub struct Native {
    kind: Kind,
    description: Description,
}

/// Why there is no such operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeError {
    /// No operator has this name.
    #[error("there is no native operator `{name}`\nhint: there are {}", Kind::NAMES.join(", "))]
    Unknown {
        /// The name without its prefix.
        name: String,
    },
    /// A setting that it does not have.
    #[error("unknown setting `{name}`: there are preserves_key")]
    UnknownSetting {
        /// The setting.
        name: String,
    },
    /// A setting's value cannot be read.
    #[error("setting `{name}` has the value `{value}`: provided string was not `true` or `false`")]
    Setting {
        /// The setting.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Native {
    /// The operator `name` (without [`PREFIX`]). Its only setting is `preserves_key`, `true` or `false` (the
    /// default): with it a line whose key is not the record's own key is refused.
    ///
    /// # Errors
    /// [`NativeError`].
    pub fn load(name: &str, settings: &[(String, String)]) -> Result<Self, NativeError> {
        let kind = Kind::named(name).ok_or_else(|| NativeError::Unknown { name: name.to_owned() })?;
        let description = Description {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            preserves_key: preserves_key(settings)?,
            state_schema: kind.state_schema().to_owned(),
            row_schema: kind.row_schema().to_owned(),
            transforms: true,
            reduces: true,
            processes: false,
            finishes: true,
            merges: kind.merges(),
        };
        Ok(Self { kind, description })
    }

    /// The key and the value of an output row; the latter's bytes are put into `buffer`.
    fn row<'a>(&self, input: Row<'a>, buffer: &'a mut [u8; 8]) -> Result<Row<'a>, String> {
        let line = input.value.ok_or("the value is null")?;
        let (key, text) = line::split(line)?;
        let value: &[u8] = if self.kind == Kind::Count {
            &[]
        } else {
            *buffer = line::number(text)?.to_le_bytes();
            buffer
        };
        if self.description.preserves_key && input.key != Some(key) {
            return Err("the key in the line is not the record's key, and `preserves_key` is set".into());
        }
        Ok(Row { key: Some(key), value: Some(value), timestamp: input.timestamp })
    }
}

fn preserves_key(settings: &[(String, String)]) -> Result<bool, NativeError> {
    let mut preserves_key = false;
    for (name, value) in settings {
        if name != "preserves_key" {
            return Err(NativeError::UnknownSetting { name: name.clone() });
        }
        preserves_key =
            value.parse().map_err(|_| NativeError::Setting { name: name.clone(), value: value.clone() })?;
    }
    Ok(preserves_key)
}

impl Operator for Native {
    fn description(&self) -> &Description {
        &self.description
    }

    fn transform(&mut self, _: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        let n = rows.len();
        let mut out = Transformed::default();
        out.rows.data.reserve(rows.data.len() + 8 * n);
        out.rows.offsets.reserve(2 * n);
        out.source.reserve(n);
        for i in 0..n {
            let mut buffer = [0; 8];
            let input = Row { key: rows.key(i), value: rows.value(i), timestamp: 0 };
            match self.row(input, &mut buffer) {
                Ok(row) => {
                    push(&mut out.rows, row.key.unwrap_or_default());
                    push(&mut out.rows, row.value.unwrap_or_default());
                    out.source.push(i as u32);
                }
                Err(reason) => out.bad.push(bad(i, reason)),
            }
        }
        Ok(out)
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        let mut out = Reduced::default();
        let answers = if every { groups.values.len() } else { groups.ends.len() };
        out.accumulators.data.reserve(16 * answers);
        out.accumulators.offsets.reserve(answers);
        let mut start = 0;
        for (i, end) in groups.ends.iter().enumerate() {
            let end = *end as usize;
            let mut accumulator = match groups.accumulators.get(i) {
                Some(bytes) => {
                    Some(self.kind.decode(bytes).ok_or_else(|| unreadable(groups.keys.get(i), bytes))?)
                }
                None => None,
            };
            for at in start..end {
                match self.kind.fold(accumulator, groups.values.get(at).unwrap_or_default()) {
                    Ok(new) => accumulator = Some(new),
                    Err(reason) => out.bad.push(bad(at, reason)),
                }
                if every {
                    push_accumulator(&mut out.accumulators, accumulator);
                }
            }
            if !every {
                push_accumulator(&mut out.accumulators, accumulator);
            }
            start = end;
        }
        Ok(out)
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        let mut out = BytesColumn::new();
        out.offsets.reserve(accumulators.len());
        let mut text = fold::Text::default();
        for i in 0..accumulators.len() {
            let Some(bytes) = accumulators.get(i) else {
                out.push(None);
                continue;
            };
            let accumulator = self.kind.decode(bytes).ok_or_else(|| unreadable(keys.get(i), bytes))?;
            out.push(Some(accumulator.text(&mut text)));
        }
        Ok(out)
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        let mut out = BytesColumn::new();
        let decode = |column: &BytesColumn, i| {
            let bytes = column.get(i).unwrap_or_default();
            self.kind.decode(bytes).ok_or_else(|| unreadable(None, bytes))
        };
        for i in 0..left.len() {
            let merged = self.kind.merge(decode(left, i)?, decode(right, i)?);
            push_accumulator(&mut out, Some(merged));
        }
        Ok(out)
    }
}

fn push_accumulator(column: &mut BytesColumn, accumulator: Option<fold::Accumulator>) {
    match accumulator {
        Some(accumulator) => accumulator.with_bytes(|bytes| column.push(Some(bytes))),
        None => column.push(None),
    }
}

/// Appends one cell; the row's timestamp stays its source's.
fn push(rows: &mut Rows, cell: &[u8]) {
    rows.data.extend_from_slice(cell);
    rows.offsets.push(u32::try_from(rows.data.len()).expect("batches are bounded far below 4 GiB"));
}

#[cold]
fn bad(row: usize, reason: String) -> BadRow {
    BadRow { row: row as u32, reason: cut_reason(reason) }
}

#[cold]
fn unreadable(key: Option<&[u8]>, bytes: &[u8]) -> Fault {
    let (key, len) = (key.unwrap_or_default().escape_ascii(), bytes.len());
    Fault {
        kind: FaultKind::Fatal,
        reason: format!("the accumulator of key \"{key}\" ({len} bytes) is not one of this operator's"),
        spent_us: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::check;
    use host_core::record::TopicPartition;

    fn load(name: &str) -> Native {
        Native::load(name, &[]).expect("the operator exists")
    }

    /// The results of `lines` of one key "k", folded one after the other or all at once.
    fn result(name: &str, numbers: &[&str]) -> Option<String> {
        let mut native = load(name);
        let mut rows = Rows::new();
        for number in numbers {
            rows.push(Row { key: None, value: Some(format!("k,{number}").as_bytes()), timestamp: 7 });
        }
        let offsets: Vec<_> = (0..numbers.len() as i64).collect();
        let source = TopicPartition::new("lines", 0);
        let origin = Origin { source: &source, offsets: &offsets };
        let rows = native.transform(origin, &rows).expect("native transforms do not fault");
        assert_eq!(check::transformed(&rows, numbers.len()), Ok(()));
        let mut groups = Groups::default();
        groups.keys.push(Some(b"k"));
        groups.accumulators.push(None);
        for i in 0..rows.rows.len() {
            assert_eq!(rows.rows.key(i), Some(&b"k"[..]));
            groups.values.push(rows.rows.value(i));
            groups.timestamps.push(7);
        }
        groups.ends.push(rows.rows.len() as u32);
        let reduced = native.reduce(&groups, false).expect("the accumulators are its own");
        assert_eq!(check::reduced(&reduced, 1, rows.rows.len(), false), Ok(()));
        let results =
            native.finish(&groups.keys, &reduced.accumulators).expect("the accumulators are its own");
        assert_eq!(check::finished(&results, 1), Ok(()));
        results.get(0).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    #[test]
    fn each_operator_folds_what_its_name_says() {
        let numbers = ["5", "-7", "+3"];
        let results = Kind::NAMES.map(|name| result(name, &numbers).expect("there were values"));
        assert_eq!(results, ["1", "3", "-7", "5", "3"]);
    }

    #[test]
    fn numbers_have_64_bits_and_sums_128() {
        let (max, min) = ("9223372036854775807", "-9223372036854775808");
        assert_eq!(result("sum", &[max, max, max]).as_deref(), Some("27670116110564327421"));
        assert_eq!(result("min", &[max, min]).as_deref(), Some(min));
        assert_eq!(result("last", &[min, max]).as_deref(), Some(max));
    }

    #[test]
    fn a_key_without_accepted_values_has_no_accumulator() {
        assert_eq!(result("sum", &["x"]), None);
    }

    #[test]
    fn every_value_has_an_answer_when_it_is_asked_for() {
        let mut groups = Groups::default();
        groups.keys.push(Some(b"k"));
        groups.accumulators.push(None);
        for number in [5i64, 6] {
            groups.values.push(Some(&number.to_le_bytes()));
            groups.timestamps.push(7);
        }
        groups.values.push(Some(b"bad"));
        groups.timestamps.push(7);
        groups.ends.push(3);
        let reduced = load("sum").reduce(&groups, true).expect("a sum does not fault");
        assert_eq!(check::reduced(&reduced, 1, 3, true), Ok(()));
        let sums: Vec<_> = (0..3).map(|i| reduced.accumulators.get(i).map(<[u8]>::to_vec)).collect();
        let sum = |sum: i128| Some(sum.to_le_bytes().to_vec());
        assert_eq!(sums, [sum(5), sum(11), sum(11)]);
    }

    #[test]
    fn count_does_not_look_past_the_comma() {
        assert_eq!(result("count", &["x", "", "1,2"]).as_deref(), Some("3"));
    }

    #[test]
    fn unknown_names_and_settings_are_refused() {
        let error = Native::load("avg", &[]).expect_err("there is no avg");
        assert_eq!(
            error.to_string(),
            "there is no native operator `avg`\nhint: there are sum, count, min, max, last"
        );
        let set = |name: &str, value: &str| Native::load("sum", &[(name.into(), value.into())]);
        assert!(set("preserves_key", "true").is_ok_and(|native| native.description().preserves_key));
        assert!(matches!(set("preserves_key", "yes"), Err(NativeError::Setting { .. })));
        assert!(matches!(set("preserve_key", "true"), Err(NativeError::UnknownSetting { .. })));
    }
}
