//! Points in, numbers out.

use guest_sdk::{Error, reject};
use std::fmt;

/// Larger numbers are refused, so that no square overflows.
const MAGNITUDE_MAX: f64 = 1e100;

/// The numbers of a point: `1.5,2` or `[1.5,2]`.
///
/// # Errors
/// A rejection when there are not `dimensions` of them, or one is not finite or beyond 1e100.
pub(crate) fn parse(value: &[u8], dimensions: usize) -> Result<Vec<f64>, Error> {
    let text = std::str::from_utf8(value).map_err(|_| reject("the value is not UTF-8"))?.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let numbers: Vec<f64> = text
        .split(',')
        .map(|number| number.trim().parse().map_err(|_| reject(format!("`{number}` is not a number"))))
        .collect::<Result<_, Error>>()?;
    if numbers.len() != dimensions {
        return Err(reject(format!(
            "the point has {} numbers where {dimensions} are expected",
            numbers.len()
        )));
    }
    match numbers.iter().find(|number| number.is_nan() || number.abs() > MAGNITUDE_MAX) {
        Some(number) => Err(reject(format!("{number} is not a number between -1e100 and 1e100"))),
        None => Ok(numbers),
    }
}

/// A number of JSON with six decimals.
pub(crate) struct Fixed(pub(crate) f64);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is too small to be seen has no sign.
        let number = if self.0.abs() < 0.000_000_5 { 0.0 } else { self.0 };
        write!(f, "{number:.6}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_numbers_with_commas_between() {
        assert_eq!(parse(b"1.5, -2", 2), Ok(vec![1.5, -2.0]));
        assert_eq!(parse(b" [1e3,0] ", 2), Ok(vec![1000.0, 0.0]));
        for text in ["", "1", "1,2,3", "1,", "1,x", "1,nan", "1,inf", "1,2e100", "[1,2"] {
            assert!(parse(text.as_bytes(), 2).is_err(), "{text}");
        }
    }
}
