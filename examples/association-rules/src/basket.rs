//! One basket: `tea,milk,bread`, or a JSON list of texts.

use guest_sdk::{Error, reject};
use json::Value;

/// What stands between the items of a row.
pub(crate) const LINE: &str = "\n";
/// Different items in a basket, at most: it has n(n-1)/2 pairs.
const BASKET_ITEMS_MAX: usize = 100;
/// Bytes of an item, at most.
const ITEM_BYTES_MAX: usize = 128;

/// The different items of a basket, sorted; it is the value, or a field of it.
///
/// # Errors
/// A rejection when there is none, there are too many, or one is too long or has a control character.
pub(crate) fn items(value: &[u8], field: Option<&str>, separator: &str) -> Result<Vec<String>, Error> {
    let text = std::str::from_utf8(value).map_err(|_| reject("the value is not UTF-8"))?;
    let mut items = match field {
        Some(field) => listed(read(text)?.get(field).unwrap_or(&Value::Null), separator)?,
        None if text.trim_start().starts_with('[') => listed(&read(text)?, separator)?,
        None => split(text, separator),
    };
    items.retain(|item| !item.is_empty());
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        return Err(reject("the basket is empty"));
    }
    if items.len() > BASKET_ITEMS_MAX {
        return Err(reject(format!("the basket has {} items, at most {BASKET_ITEMS_MAX}", items.len())));
    }
    let is_bad = |item: &&String| item.len() > ITEM_BYTES_MAX || item.contains(char::is_control);
    match items.iter().find(is_bad) {
        Some(_) => {
            Err(reject(format!("an item has more than {ITEM_BYTES_MAX} bytes, or a control character")))
        }
        None => Ok(items),
    }
}

fn read(text: &str) -> Result<Value, Error> {
    json::from_str(text).map_err(|error| reject(format!("the value is not JSON: {error}")))
}

/// The items of a list of texts, or of a text.
fn listed(json: &Value, separator: &str) -> Result<Vec<String>, Error> {
    match json {
        Value::String(text) => Ok(split(text, separator)),
        Value::Array(items) => {
            let items = items.iter().map(|item| item.as_str().map(|item| item.trim().to_owned()));
            items.collect::<Option<_>>().ok_or_else(|| reject("an item of the list is not a text"))
        }
        _ => Err(reject("there is no basket: neither a list of texts nor a text")),
    }
}

fn split(text: &str, separator: &str) -> Vec<String> {
    text.split(separator).map(|item| item.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_trimmed_sorted_and_there_once() {
        let of = |text: &str, separator| items(text.as_bytes(), None, separator).unwrap_or_default();
        assert_eq!(of(" tea,milk ,,tea", ","), ["milk", "tea"]);
        assert_eq!(of("tea milk", " "), ["milk", "tea"]);
        assert_eq!(of(" [\"tea\", \"milk, cold\"]", ","), ["milk, cold", "tea"]);
    }

    #[test]
    fn a_basket_may_be_a_field() {
        let of = |text: &str| items(text.as_bytes(), Some("items"), ",").unwrap_or_default();
        assert_eq!(of("{\"items\":[\"tea\",\"milk\"]}"), ["milk", "tea"]);
        assert_eq!(of("{\"items\":\"tea,milk\"}"), ["milk", "tea"]);
        for text in ["{}", "{\"items\":null}", "{\"items\":[1]}", "tea,milk", "[\"tea\"]"] {
            assert!(of(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_no_basket_is_refused() {
        let many: Vec<String> = (0..101).map(|i| i.to_string()).collect();
        for text in ["", " , ", "[]", "[1]", "[\"a\"", "a\tb\u{7}", &"x".repeat(129), &many.join(",")] {
            assert!(items(text.as_bytes(), None, ",").is_err(), "{text}");
        }
    }
}
