//! One blocking connection to one broker: a request, then its response.

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Bytes of a response; a fetch asks for far less.
const RESPONSE_BYTES_MAX: usize = 256 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(30);
const CLIENT_ID: StrBytes = StrBytes::from_static_str("direct-fetch");

/// A connection, and which versions its broker speaks.
pub(crate) struct Connection {
    stream: TcpStream,
    correlation_id: i32,
    versions: BTreeMap<i16, (i16, i16)>,
    request: BytesMut,
    response: BytesMut,
}

impl Connection {
    pub(crate) fn new(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let (request, response) = (BytesMut::new(), BytesMut::new());
        let mut connection = Self { stream, correlation_id: 0, versions: BTreeMap::new(), request, response };
        let answer = connection.call(0, &ApiVersionsRequest::default())?;
        let range = |api: &kafka_protocol::messages::api_versions_response::ApiVersion| {
            (api.api_key, (api.min_version, api.max_version))
        };
        connection.versions = answer.api_keys.iter().map(range).collect();
        Ok(connection)
    }

    /// Sends a request and waits for its response.
    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.send(version, request)?;
        self.receive::<R>(version)
    }

    /// Sends a request; its response is the next to be received.
    pub(crate) fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<()> {
        let known = self.versions.is_empty()
            || self.versions.get(&R::KEY).is_some_and(|(least, most)| (*least..=*most).contains(&version));
        let name = ApiKey::try_from(R::KEY);
        ensure!(known, "the broker does not speak version {version} of {name:?}");
        ensure!((R::VERSIONS.min..=R::VERSIONS.max).contains(&version), "no version {version} of {name:?}");
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(CLIENT_ID));
        self.request.clear();
        self.request.extend_from_slice(&[0; 4]);
        header.encode(&mut self.request, R::header_version(version))?;
        request.encode(&mut self.request, version)?;
        let length = i32::try_from(self.request.len() - 4)?;
        self.request[..4].copy_from_slice(&length.to_be_bytes());
        self.stream.write_all(&self.request).context("cannot send a request")
    }

    /// Waits for the response of the request that was sent last.
    pub(crate) fn receive<R: Request>(&mut self, version: i16) -> Result<R::Response> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).context("no response")?;
        let length = usize::try_from(i32::from_be_bytes(length))?;
        ensure!(length <= RESPONSE_BYTES_MAX, "a response of {length} bytes");
        // What was received before is gone by now, so this takes its memory again.
        self.response.clear();
        self.response.resize(length, 0);
        self.stream.read_exact(&mut self.response).context("a response broke off")?;
        let mut bytes: Bytes = self.response.split().freeze();
        let header = ResponseHeader::decode(&mut bytes, R::Response::header_version(version))?;
        let (found, expected) = (header.correlation_id, self.correlation_id);
        ensure!(found == expected, "a response to request {found} and not to {expected}");
        R::Response::decode(&mut bytes, version)
    }
}
