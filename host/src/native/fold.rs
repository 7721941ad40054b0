//! What the operators do with a value, and the bytes of their accumulators (little endian).
//!
//! The sum of 2^63 numbers fits 128 bits, and no topic holds 2^64 records: so no value is refused because of those
//! before it, as a fold that merges must not do.

use std::io::Write as _;

/// Which operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sum,
    Count,
    Min,
    Max,
    Last,
}

/// A key's state, decoded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Accumulator {
    Sum(i128),
    Count(u64),
    Value(i64),
}

impl Kind {
    pub(super) const NAMES: [&'static str; 5] = ["sum", "count", "min", "max", "last"];

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "count" => Self::Count,
            "min" => Self::Min,
            "max" => Self::Max,
            "last" => Self::Last,
            _ => return None,
        })
    }

    pub(super) fn state_schema(self) -> &'static str {
        match self {
            Self::Sum => "sum:i128-le",
            Self::Count => "count:u64-le",
            Self::Min => "min:i64-le",
            Self::Max => "max:i64-le",
            Self::Last => "last:i64-le",
        }
    }

    /// The last value depends on the order of all.
    pub(super) fn merges(self) -> bool {
        self != Self::Last
    }

    pub(super) fn row_schema(self) -> &'static str {
        if self == Self::Count { "empty" } else { "i64-le" }
    }

    /// None when the bytes are not an accumulator of this operator.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Accumulator> {
        Some(match self {
            Self::Sum => Accumulator::Sum(i128::from_le_bytes(bytes.try_into().ok()?)),
            Self::Count => Accumulator::Count(u64::from_le_bytes(bytes.try_into().ok()?)),
            Self::Min | Self::Max | Self::Last => {
                Accumulator::Value(i64::from_le_bytes(bytes.try_into().ok()?))
            }
        })
    }

    /// The accumulator of what both were folded from; only for kinds that merge.
    pub(super) fn merge(self, left: Accumulator, right: Accumulator) -> Accumulator {
        match (left, right) {
            (Accumulator::Sum(left), Accumulator::Sum(right)) => Accumulator::Sum(left.wrapping_add(right)),
            (Accumulator::Count(left), Accumulator::Count(right)) => {
                Accumulator::Count(left.wrapping_add(right))
            }
            (Accumulator::Value(left), Accumulator::Value(right)) if self == Self::Min => {
                Accumulator::Value(left.min(right))
            }
            (Accumulator::Value(left), Accumulator::Value(right)) if self == Self::Max => {
                Accumulator::Value(left.max(right))
            }
            (_, right) => right,
        }
    }

    /// The accumulator after one more value, or why the value is refused.
    pub(super) fn fold(self, accumulator: Option<Accumulator>, value: &[u8]) -> Result<Accumulator, String> {
        if self == Self::Count {
            let Some(Accumulator::Count(count)) = accumulator else { return Ok(Accumulator::Count(1)) };
            return Ok(Accumulator::Count(count.wrapping_add(1)));
        }
        let number = i64::from_le_bytes(value.try_into().map_err(|_| wrong_size(value))?);
        Ok(match (self, accumulator) {
            (Self::Sum, Some(Accumulator::Sum(sum))) => Accumulator::Sum(sum.wrapping_add(number.into())),
            (Self::Sum, _) => Accumulator::Sum(i128::from(number)),
            (Self::Min, Some(Accumulator::Value(least))) => Accumulator::Value(least.min(number)),
            (Self::Max, Some(Accumulator::Value(largest))) => Accumulator::Value(largest.max(number)),
            _ => Accumulator::Value(number),
        })
    }
}

#[cold]
fn wrong_size(value: &[u8]) -> String {
    format!("the value has {} bytes where 8 are expected", value.len())
}

impl Accumulator {
    /// Calls `take` with its bytes.
    pub(super) fn with_bytes(self, take: impl FnOnce(&[u8])) {
        match self {
            Self::Sum(sum) => take(&sum.to_le_bytes()),
            Self::Count(count) => take(&count.to_le_bytes()),
            Self::Value(value) => take(&value.to_le_bytes()),
        }
    }

    /// Its decimal text, in `text`.
    pub(super) fn text(self, text: &mut Text) -> &[u8] {
        let mut rest = &mut text.0[..];
        let written = match self {
            Self::Sum(sum) => write!(rest, "{sum}"),
            Self::Count(count) => write!(rest, "{count}"),
            Self::Value(value) => write!(rest, "{value}"),
        };
        written.expect("128 bits have at most 40 characters");
        let unused = rest.len();
        &text.0[..TEXT_BYTES_MAX - unused]
    }
}

/// A sign and 39 digits.
const TEXT_BYTES_MAX: usize = 40;

/// Room for the text of one number.
#[derive(Debug)]
pub(super) struct Text([u8; TEXT_BYTES_MAX]);

impl Default for Text {
    fn default() -> Self {
        Self([0; TEXT_BYTES_MAX])
    }
}
