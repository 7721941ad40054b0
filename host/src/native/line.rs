//! One line: `key,value`. The texts are those of the module `sum.wasm`.

/// What stands before and after the first comma.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let comma = line.iter().position(|byte| *byte == b',').ok_or("the line has no comma")?;
    Ok((&line[..comma], &line[comma + 1..]))
}

/// Decimal digits after at most one sign. Counted downwards, since there is one more negative number.
pub(super) fn number(text: &[u8]) -> Result<i64, &'static str> {
    const TOO_LARGE: &str = "the number does not fit 64 bits";
    let negative = text.first() == Some(&b'-');
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() {
        return Err("there is no number after the comma");
    }
    let mut number: i64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err("what follows the comma is not a decimal number");
        }
        number = number.checked_mul(10).and_then(|n| n.checked_sub(i64::from(digit))).ok_or(TOO_LARGE)?;
    }
    if negative { Ok(number) } else { number.checked_neg().ok_or(TOO_LARGE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        let texts = [
            "0",
            "-0",
            "+7",
            "-7",
            "007",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "-9223372036854775809",
            "",
            "+",
            "-",
            "+-1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "1,2",
            "\u{661}",
        ];
        for text in texts {
            assert_eq!(number(text.as_bytes()).ok(), text.parse::<i64>().ok(), "{text:?}");
        }
    }

    #[test]
    fn the_first_comma_ends_the_key() {
        assert_eq!(split(b"a,b,5"), Ok((&b"a"[..], &b"b,5"[..])));
        assert_eq!(split(b",5"), Ok((&b""[..], &b"5"[..])));
        assert_eq!(split(b"a5"), Err("the line has no comma"));
    }
}
