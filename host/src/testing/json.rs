//! Records as JSON, one a line:
//! `{"key":"a","value":{"n":1},"timestamp":1700000000000,"headers":{"h":"x"},"partition":0}`.
//!
//! Everything may be left out. A key or a value is a text, `null` (as when it is left out), or any other JSON,
//! which stands for its own text as it is written. Bytes that are no text are `key_hex` and `value_hex`. Headers
//! are an object, or a list of `{"name":"h","value":"x"}` when a name occurs twice or a value is `value_hex`.

use super::input::Cells;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// A record as it is written in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    key_hex: Option<String>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    value_hex: Option<String>,
    timestamp: Option<i64>,
    #[serde(default)]
    headers: Option<Headers>,
    partition: Option<u32>,
}

#[derive(Debug)]
struct Headers(host_model::Headers);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: Option<String>,
    value_hex: Option<String>,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn read(text: &str) -> Result<Cells, String> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(Cells {
        key: cell("key", line.key, line.key_hex.as_deref())?,
        value: cell("value", line.value, line.value_hex.as_deref())?,
        timestamp: line.timestamp,
        headers: line.headers.map(|headers| headers.0),
        partition: line.partition,
    })
}

fn cell(name: &str, json: Option<&RawValue>, hex: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (json.map(RawValue::get), hex) {
        (Some(_), Some(_)) => Err(format!("{name} and {name}_hex are both there")),
        (None, Some(hex)) => unhex(name, hex).map(Some),
        (None | Some("null"), None) => Ok(None),
        (Some(text), None) if text.starts_with('"') => {
            let text: String = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            Ok(Some(text.into_bytes()))
        }
        (Some(json), None) => Ok(Some(json.as_bytes().to_vec())),
    }
}

fn unhex(name: &str, hex: &str) -> Result<Vec<u8>, String> {
    crate::hex::read(hex).ok_or_else(|| format!("{name}_hex is not hexadecimal digits, two a byte"))
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers, or a list of {\"name\", \"value\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Option<String>>()? {
            headers.push((name.into_bytes(), value.map(String::into_bytes)));
        }
        Ok(Headers(headers))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some(Header { name, value, value_hex }) = list.next_element()? {
            let value = match (value, value_hex) {
                (Some(_), Some(_)) => return Err(A::Error::custom("value and value_hex are both there")),
                (value, None) => value.map(String::into_bytes),
                (None, Some(hex)) => Some(unhex("value", &hex).map_err(A::Error::custom)?),
            };
            headers.push((name.into_bytes(), value));
        }
        Ok(Headers(headers))
    }
}

/// A record as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Printed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<u32>,
    #[serde(flatten)]
    key: Cell<'a>,
    #[serde(flatten)]
    value: Cell<'a>,
    timestamp: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<PrintedHeader<'a>>,
}

#[derive(Debug, Serialize)]
struct PrintedHeader<'a> {
    name: String,
    #[serde(flatten)]
    value: Cell<'a>,
}

/// A text under its name, or bytes under its name with `_hex`.
#[derive(Debug)]
struct Cell<'a>(&'static str, &'static str, Option<&'a [u8]>);

impl Serialize for Cell<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(name, hex_name, bytes) = self;
        match bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
            None => serializer.collect_map([(name, None::<&str>)]),
            Some(Ok(text)) => serializer.collect_map([(name, text)]),
            Some(Err(bytes)) => serializer.collect_map([(hex_name, crate::hex::write(bytes))]),
        }
    }
}

/// A record, with its partition or without, to be printed.
pub(super) fn printed(partition: Option<u32>, record: &host_model::Record) -> Printed<'_> {
    let headers = record.headers.iter().map(|(name, value)| PrintedHeader {
        name: String::from_utf8_lossy(name).into_owned(),
        value: Cell("value", "value_hex", value.as_deref()),
    });
    Printed {
        partition,
        key: Cell("key", "key_hex", record.key.as_deref()),
        value: Cell("value", "value_hex", record.value.as_deref()),
        timestamp: record.timestamp,
        headers: headers.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_model::Record;

    #[test]
    fn a_cell_is_a_text_or_null_or_json_as_it_is_written_or_bytes() {
        let value = |text: &str| read(text).expect("good JSON").value;
        assert_eq!(value(r#"{"value":"a\n"}"#), Some(b"a\n".to_vec()));
        assert_eq!(value(r#"{"value":null}"#), None);
        assert_eq!(value("{}"), None);
        assert_eq!(value(r#"{"value": {"b": 1.10, "a":[] }}"#), Some(br#"{"b": 1.10, "a":[] }"#.to_vec()));
        assert_eq!(value(r#"{"value_hex":"00ff"}"#), Some(vec![0, 255]));
    }

    #[test]
    fn headers_are_an_object_or_a_list() {
        let headers = |text: &str| read(text).expect("good JSON").headers;
        let expected = Some(vec![(b"b".to_vec(), Some(b"1".to_vec())), (b"a".to_vec(), None)]);
        assert_eq!(headers(r#"{"headers":{"b":"1","a":null}}"#), expected);
        assert_eq!(headers(r#"{"headers":[{"name":"b","value_hex":"31"},{"name":"a"}]}"#), expected);
        assert_eq!(headers("{}"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            (r#"{"value":"x","value_hex":"00"}"#, "both there"),
            (r#"{"key_hex":"0"}"#, "key_hex is not hexadecimal"),
            (r#"{"valeu":"x"}"#, "unknown field `valeu`"),
            ("a,1", "expected value"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        let record = Record {
            key: Some(b"k".to_vec()),
            value: Some(vec![0xff]),
            timestamp: 7,
            headers: vec![(b"h".to_vec(), None), (b"h".to_vec(), Some(b"x".to_vec()))],
        };
        let text = serde_json::to_string(&printed(Some(2), &record)).expect("it is printable");
        let cells = read(&text).expect("it is JSON");
        assert_eq!((cells.key, cells.value), (record.key, record.value));
        assert_eq!((cells.headers, cells.partition), (Some(record.headers), Some(2)));
        assert_eq!(cells.timestamp, Some(7));
    }
}
