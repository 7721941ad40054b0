//! Hexadecimal digits.

use std::fmt::Write as _;

/// Lower-case digits, two a byte.
pub(crate) fn write(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// The bytes of digits of either case; none when there is anything else.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs.map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(write(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(read("00ABff"), Some(vec![0, 0xab, 0xff]));
        assert_eq!([read("0"), read("0g"), read("+1"), read("\u{e9}")], [None, None, None, None]);
    }
}
