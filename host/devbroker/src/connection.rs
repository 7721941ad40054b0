//! One connection: frames in, answers out, one after the other.

use crate::api::{self, Call};
use crate::state::Shared;
use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable as _, Encodable as _};
use std::io::{BufReader, Read, Write as _};
use std::net::TcpStream;

/// Answers requests until the client goes.
///
/// # Errors
/// It sends what is no request of ours, or the connection breaks.
pub(crate) fn serve(stream: &TcpStream, shared: &Shared) -> Result<()> {
    // A stranger from elsewhere cannot come: it listens on loopback. Answers are small, and waited for.
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(frame) = frame(&mut reader, shared.settings.limits.frame_bytes_max)? {
        if let Some(answer) = answer(frame, shared)? {
            writer.write_all(&answer)?;
        }
        if shared.is_stopping() {
            break;
        }
    }
    Ok(())
}

/// The next request; none when the client has gone.
fn frame(reader: &mut impl Read, bytes_max: usize) -> Result<Option<Bytes>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = i32::from_be_bytes(length);
    let Some(bytes) = usize::try_from(length).ok().filter(|bytes| *bytes <= bytes_max) else {
        bail!("a request of {length} bytes; at most {bytes_max} are taken");
    };
    let mut frame = BytesMut::zeroed(bytes);
    reader.read_exact(&mut frame).context("a request broke off")?;
    Ok(Some(frame.freeze()))
}

fn answer(mut frame: Bytes, shared: &Shared) -> Result<Option<BytesMut>> {
    let [a, b, c, d, ..] = frame[..] else { bail!("a request of {} bytes", frame.len()) };
    let (number, version) = (i16::from_be_bytes([a, b]), i16::from_be_bytes([c, d]));
    let Ok(key) = ApiKey::try_from(number) else { bail!("there is no request {number}") };
    let header = RequestHeader::decode(&mut frame, key.request_header_version(version))?;
    let mut out = BytesMut::zeroed(4);
    let head = ResponseHeader::default().with_correlation_id(header.correlation_id);
    if api::speaks(key, version) {
        head.encode(&mut out, key.response_header_version(version))?;
        let client_id = header.client_id.unwrap_or_default();
        let call = Call { shared, key, version, client_id: client_id.to_string() };
        if !api::answer(&call, &mut frame, &mut out)? {
            return Ok(None);
        }
    } else if key == ApiKey::ApiVersions {
        // The client asks again in a version that it finds in the answer.
        head.encode(&mut out, 0)?;
        let refused =
            ApiVersionsResponse::default().with_error_code(ResponseError::UnsupportedVersion.code());
        refused.with_api_keys(api::versions()).encode(&mut out, 0)?;
    } else {
        bail!("version {version} of {key:?} is not spoken here");
    }
    let length = i32::try_from(out.len() - 4)?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(Some(out))
}
