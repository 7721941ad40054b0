//! One line: `key,value`.

use guest_sdk::{Error, reject};

/// The key and the number of a line.
///
/// # Errors
/// A rejection without a comma, or when what follows the first one is not a whole decimal number of 64 bits.
#[inline]
pub(crate) fn parse(line: &[u8]) -> Result<(&[u8], i64), Error> {
    let comma = line.iter().position(|byte| *byte == b',').ok_or_else(|| reject("the line has no comma"))?;
    Ok((&line[..comma], number(&line[comma + 1..])?))
}

/// This many decimal digits fit 64 bits whatever they are.
const SAFE_DIGITS: usize = 18;

/// Decimal digits after at most one sign.
#[inline]
fn number(text: &[u8]) -> Result<i64, Error> {
    let negative = text.first() == Some(&b'-');
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() || digits.len() > SAFE_DIGITS {
        return number_slowly(digits, negative);
    }
    let mut number: i64 = 0;
    for byte in digits {
        // Cannot wrap: there are few digits. Wasm has no cheap checked multiplication of 64 bits.
        number = number.wrapping_mul(10).wrapping_add(digit(*byte)?);
    }
    Ok(if negative { number.wrapping_neg() } else { number })
}

/// The same for any number of digits. Counts downwards, since there is one more negative number.
#[cold]
fn number_slowly(digits: &[u8], negative: bool) -> Result<i64, Error> {
    if digits.is_empty() {
        return Err(reject("there is no number after the comma"));
    }
    let mut number: i64 = 0;
    for byte in digits {
        let digit = digit(*byte)?;
        number = number.checked_mul(10).and_then(|n| n.checked_sub(digit)).ok_or_else(too_large)?;
    }
    if negative { Ok(number) } else { number.checked_neg().ok_or_else(too_large) }
}

#[inline]
fn digit(byte: u8) -> Result<i64, Error> {
    let digit = byte.wrapping_sub(b'0');
    if digit > 9 {
        return Err(reject("what follows the comma is not a decimal number"));
    }
    Ok(i64::from(digit))
}

#[cold]
fn too_large() -> Error {
    reject("the number does not fit 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        let texts = [
            "0",
            "-0",
            "+0",
            "7",
            "+7",
            "-7",
            "007",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "-9223372036854775809",
            "999999999999999999",
            "-999999999999999999",
            "1000000000000000000",
            "-1000000000000000000",
            "000000000000000000000000000042",
            "99999999999999999999999",
            "",
            "+",
            "-",
            "+-1",
            "--1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "1,2",
            "1_000",
            "\u{661}",
        ];
        for text in texts {
            assert_eq!(number(text.as_bytes()).ok(), text.parse::<i64>().ok(), "{text:?}");
        }
    }

    #[test]
    fn the_first_comma_ends_the_key() {
        assert_eq!(parse(b"a,5"), Ok((&b"a"[..], 5)));
        assert_eq!(parse(b",5"), Ok((&b""[..], 5)));
        assert!(parse(b"a,b,5").is_err());
        assert!(parse(b"a5").is_err());
    }
}
