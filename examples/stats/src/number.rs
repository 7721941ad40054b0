//! Numbers in and out.

use guest_sdk::{Error, reject};
use std::fmt;

/// Larger numbers are refused, so that no square overflows.
const MAGNITUDE_MAX: f64 = 1e100;

/// The number that a value is, or that its field is.
///
/// # Errors
/// A rejection when there is none, or it is not finite or beyond 1e100.
pub(crate) fn read(bytes: &[u8], field: Option<&str>) -> Result<f64, Error> {
    let number = match field {
        Some(field) => in_object(bytes, field)?,
        None => std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| reject("the value is not a number"))?,
    };
    if number.is_nan() || number.abs() > MAGNITUDE_MAX {
        return Err(reject(format!("{number} is not a number between -1e100 and 1e100")));
    }
    Ok(number)
}

fn in_object(bytes: &[u8], field: &str) -> Result<f64, Error> {
    let value: json::Value =
        json::from_slice(bytes).map_err(|error| reject(format!("the value is not JSON: {error}")))?;
    let found = value.get(field).ok_or_else(|| reject(format!("there is no field `{field}`")))?;
    found.as_f64().ok_or_else(|| reject(format!("the field `{field}` is not a number")))
}

/// A number of JSON with six decimals; none: null.
pub(crate) struct Fixed(pub(crate) Option<f64>);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("null"),
            // Too small to be seen: without its sign.
            Some(number) if number.abs() < 0.000_000_5 => f.write_str("0.000000"),
            Some(number) => write!(f, "{number:.6}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_decimals_and_zero_no_sign() {
        let text = |number| Fixed(number).to_string();
        assert_eq!(
            [text(Some(-0.0)), text(Some(-1e-9)), text(Some(1.5))],
            ["0.000000", "0.000000", "1.500000"]
        );
        assert_eq!([text(Some(-2e20)), text(None)], ["-200000000000000000000.000000", "null"]);
    }

    #[test]
    fn what_is_no_finite_number_is_refused() {
        for text in ["", "x", "1,5", "nan", "inf", "1e101", "-1e101", "1e999"] {
            assert!(read(text.as_bytes(), None).is_err(), "{text}");
        }
        assert_eq!(read(b" -1.5e3 ", None), Ok(-1500.0));
        assert_eq!(read(b"{\"t\":2}", Some("t")), Ok(2.0));
        for text in ["{}", "{\"t\":\"2\"}", "[2]", "{\"t\":null}", "{"] {
            assert!(read(text.as_bytes(), Some("t")).is_err(), "{text}");
        }
    }
}
