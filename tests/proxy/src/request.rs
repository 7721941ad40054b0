//! What the head of a request says. It is the same in all versions: key, version, correlation id, client id.

use kafka_protocol::messages::ApiKey;

/// The head of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for; none: the library does not know it.
    pub api: Option<ApiKey>,
    /// In which version.
    pub version: i16,
    /// The response carries it too.
    pub correlation_id: i32,
    /// Who asks.
    pub client_id: String,
}

impl Request {
    /// Reads the head of a frame, which begins behind the length. None: it is cut off.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(i16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
        let correlation_id = i32::from_be_bytes(frame.get(4..8)?.try_into().ok()?);
        let client_id = match usize::try_from(number(8)?) {
            Ok(length) => String::from_utf8_lossy(frame.get(10..10 + length)?).into_owned(),
            // A length of -1: there is none.
            Err(_) => String::new(),
        };
        Some(Self { api: ApiKey::try_from(number(0)?).ok(), version: number(2)?, correlation_id, client_id })
    }
}

/// The correlation id of a response's frame.
pub fn correlation_id(frame: &[u8]) -> Option<i32> {
    Some(i32::from_be_bytes(frame.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_request_is_read_whatever_follows() {
        let mut frame = vec![0, 26, 0, 1, 0, 0, 0, 7, 0, 3];
        frame.extend_from_slice(b"app and more");
        let request = Request::read(&frame).expect("it is whole");
        assert_eq!((request.api, request.version), (Some(ApiKey::EndTxn), 1));
        assert_eq!((request.correlation_id, request.client_id.as_str()), (7, "app"));
    }

    #[test]
    fn without_a_client_id_it_is_empty_and_what_is_cut_off_is_none() {
        let frame = [0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff];
        assert_eq!(Request::read(&frame).expect("it is whole").client_id, "");
        assert_eq!(Request::read(&frame[..9]), None);
        assert_eq!(Request::read(&[0, 18, 0, 3, 0, 0, 0, 1, 0, 5, b'a']), None);
    }
}
