//! Values of settings: how they are written, which are allowed. Pure; knows no setting by name.

use std::fmt;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A string, or any value from the environment or a flag.
    Text(String),
    /// A whole number in a TOML file.
    Integer(i64),
    /// A number with a fraction in a TOML file.
    Float(f64),
    /// A truth value in a TOML file.
    Bool(bool),
    /// Strings.
    List(Vec<String>),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::List(items) => write!(f, "{items:?}"),
        }
    }
}

/// A value that is allowed, in the unit of its setting. Displayed as TOML.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string or a choice.
    Text(String),
    /// Strings.
    List(Vec<String>),
    /// A count, a size in bytes, or a duration in the unit of the setting.
    Number(u64),
    /// A share.
    Ratio(f64),
    /// The host decides.
    Auto,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Number(number) => number.fmt(f),
            Self::Ratio(ratio) => write!(f, "{ratio:?}"),
            Self::Auto => f.write_str("\"auto\""),
        }
    }
}

/// What may stand in a setting. Bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any string; the setting's own rules are checked later.
    Text,
    /// Strings; separated by commas in the environment.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A policy for first positions.
    FirstPosition,
    /// A whole number.
    Count(u64, u64),
    /// A whole number, or `auto`.
    Auto(u64, u64),
    /// A size in bytes.
    Bytes(u64, u64),
    /// A duration, kept in milliseconds.
    Millis(u64, u64),
    /// A duration, kept in microseconds.
    Micros(u64, u64),
    /// From 0 to 1.
    Ratio,
}

impl Kind {
    /// The value, or none when it is not allowed.
    ///
    /// `unit_named`: the place where it was written names the unit (`commit_interval_ms`), so that a bare
    /// number is a duration too.
    pub fn parse(self, raw: &Raw, unit_named: bool) -> Option<Value> {
        match (self, raw) {
            (Self::Text, Raw::Text(text)) => Some(Value::Text(text.clone())),
            (Self::List, Raw::List(items)) => Some(Value::List(items.clone())),
            (Self::List, Raw::Text(text)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::List(items.map(String::from).collect()))
            }
            (Self::Choice(words), Raw::Text(text)) => {
                words.contains(&text.as_str()).then(|| Value::Text(text.clone()))
            }
            (Self::FirstPosition, Raw::Text(text)) => {
                super::offset_reset::parse(text).map(|_| Value::Text(text.clone()))
            }
            (Self::Ratio, _) => {
                let ratio = match raw {
                    Raw::Text(text) => text.parse().ok()?,
                    Raw::Integer(number) => *number as f64,
                    Raw::Float(number) => *number,
                    Raw::Bool(_) | Raw::List(_) => return None,
                };
                (0.0..=1.0).contains(&ratio).then_some(Value::Ratio(ratio))
            }
            (Self::Auto(..), Raw::Text(text)) if text == "auto" => Some(Value::Auto),
            _ => self.number(raw, unit_named),
        }
    }

    fn number(self, raw: &Raw, unit_named: bool) -> Option<Value> {
        let number = match (self, raw) {
            (_, Raw::Integer(number)) => u64::try_from(*number).ok()?,
            (Self::Count(..) | Self::Auto(..), Raw::Text(text)) => text.parse().ok()?,
            (Self::Bytes(..), Raw::Text(text)) => bytes(text)?,
            (Self::Millis(..) | Self::Micros(..), Raw::Text(text)) => match text.parse() {
                Ok(bare) if unit_named || bare == 0 => bare,
                Ok(_) => return None,
                Err(_) => self.in_unit(micros(text)?)?,
            },
            _ => return None,
        };
        let (min, max) = self.bounds()?;
        (min..=max).contains(&number).then_some(Value::Number(number))
    }

    fn in_unit(self, micros: u64) -> Option<u64> {
        match self {
            Self::Millis(..) => micros.is_multiple_of(1000).then_some(micros / 1000),
            _ => Some(micros),
        }
    }

    fn bounds(self) -> Option<(u64, u64)> {
        match self {
            Self::Count(min, max)
            | Self::Auto(min, max)
            | Self::Bytes(min, max)
            | Self::Millis(min, max)
            | Self::Micros(min, max) => Some((min, max)),
            Self::Text | Self::List | Self::Choice(_) | Self::FirstPosition | Self::Ratio => None,
        }
    }

    /// What is allowed, for a person.
    pub fn allowed(self) -> String {
        match self {
            Self::Text => "a string".into(),
            Self::List => "a list of strings".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::FirstPosition => super::offset_reset::ALLOWED.into(),
            Self::Count(min, max) => format!("a whole number from {min} to {max}"),
            Self::Auto(min, max) => format!("auto, or a whole number from {min} to {max}"),
            Self::Bytes(min, max) => {
                format!("a size from {} to {}, such as 64KiB or 4MiB", shown_bytes(min), shown_bytes(max))
            }
            Self::Millis(min, max) => duration_allowed(min.saturating_mul(1000), max.saturating_mul(1000)),
            Self::Micros(min, max) => duration_allowed(min, max),
            Self::Ratio => "a number from 0 to 1".into(),
        }
    }
}

fn duration_allowed(min_us: u64, max_us: u64) -> String {
    let (min, max) = (shown_micros(min_us), shown_micros(max_us));
    format!("a duration from {min} to {max} with its unit, such as 100ms, 2s or 5m")
}

const DURATIONS: [(&str, u64); 5] =
    [("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];
const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// Microseconds of `100ms`, `2s`, `5m`, `1h`; none without a unit, or when it does not fit.
pub(super) fn micros(text: &str) -> Option<u64> {
    with_unit(text, &DURATIONS)
}

/// Bytes of `4096`, `64KiB`, `4MiB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| with_unit(text, &SIZES))
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn shown_micros(us: u64) -> String {
    shown(us, DURATIONS.iter())
}

fn shown_bytes(bytes: u64) -> String {
    shown(bytes, SIZES.iter().filter(|(name, _)| name.len() != 2))
}

fn shown<'a>(number: u64, units: impl DoubleEndedIterator<Item = &'a (&'a str, u64)>) -> String {
    if number == 0 {
        return "0".into();
    }
    let unit = units.rev().find(|(_, factor)| number.is_multiple_of(*factor));
    let (name, factor) = unit.expect("the smallest unit divides everything");
    format!("{}{name}", number / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.into())
    }

    #[test]
    fn durations_carry_their_unit() {
        let kind = Kind::Millis(1, 300_000);
        assert_eq!(kind.parse(&text("100ms"), false), Some(Value::Number(100)));
        assert_eq!(kind.parse(&text("2s"), false), Some(Value::Number(2000)));
        assert_eq!(kind.parse(&text("5m"), false), Some(Value::Number(300_000)));
        assert_eq!(Kind::Micros(0, 1000).parse(&text("1ms"), false), Some(Value::Number(1000)));
        for bad in ["100", "6m", "500us", "ms", "-1s", "1.5s", "", "18446744073709551615h"] {
            assert_eq!(kind.parse(&text(bad), false), None, "{bad}");
        }
    }

    #[test]
    fn a_bare_number_is_a_duration_where_the_unit_is_named() {
        let kind = Kind::Millis(1, 300_000);
        assert_eq!(kind.parse(&text("100"), true), Some(Value::Number(100)));
        assert_eq!(kind.parse(&Raw::Integer(100), true), Some(Value::Number(100)));
        assert_eq!(kind.parse(&Raw::Integer(-1), true), None);
        assert_eq!(kind.parse(&Raw::Integer(0), true), None);
    }

    #[test]
    fn sizes_take_units() {
        let kind = Kind::Bytes(1024, 4 << 30);
        assert_eq!(kind.parse(&text("64KiB"), false), Some(Value::Number(65536)));
        assert_eq!(kind.parse(&text("1MB"), false), Some(Value::Number(1_000_000)));
        assert_eq!(kind.parse(&text("4096"), false), Some(Value::Number(4096)));
        assert_eq!(kind.parse(&text("1"), false), None);
        assert_eq!(kind.parse(&text("1 parsec"), false), None);
        assert_eq!(kind.allowed(), "a size from 1KiB to 4GiB, such as 64KiB or 4MiB");
    }

    #[test]
    fn choices_lists_and_ratios_are_checked() {
        assert_eq!(Kind::Choice(&["a", "b"]).parse(&text("c"), false), None);
        assert_eq!(Kind::List.parse(&text("a, b,"), false), Some(Value::List(vec!["a".into(), "b".into()])));
        assert_eq!(Kind::Ratio.parse(&Raw::Integer(1), true), Some(Value::Ratio(1.0)));
        assert_eq!(Kind::Ratio.parse(&text("1.1"), false), None);
        assert_eq!(Kind::Ratio.parse(&text("NaN"), false), None);
        assert_eq!(Kind::Auto(1, 9).parse(&text("auto"), false), Some(Value::Auto));
        assert_eq!(Kind::Auto(1, 9).parse(&Raw::Integer(0), true), None);
        assert_eq!(Kind::Text.parse(&Raw::Bool(true), true), None);
    }
}
