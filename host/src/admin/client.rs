//! Requests to a running process, for the commands of this program.

use crate::feed::snapshot::Snapshot;
use anyhow::{Context as _, Result, bail};
use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use tokio::task::JoinHandle;

/// Bytes of an answer, or of an event, that are read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A way to a process.
#[derive(Debug)]
pub(crate) enum Door {
    /// Its socket.
    Unix(UnixStream),
    /// Its HTTP address.
    Tcp(TcpStream),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 200 when it was done.
    pub(crate) status: u16,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

/// Sends a request and waits for the answer.
///
/// # Errors
/// The process went away, or its answer is too long.
pub(crate) fn call(door: Door, method: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (response, connection) = send(door, method, path, body).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("cannot read the answer: {error}"))?.to_bytes();
        connection.abort();
        Ok(Answer { status, body: body.into() })
    })
}

type Connection = JoinHandle<hyper::Result<()>>;

async fn send(
    door: Door,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<(Response<Incoming>, Connection)> {
    let request = Request::builder().method(method).uri(path);
    match door {
        Door::Unix(stream) => {
            stream.set_nonblocking(true)?;
            let stream = TokioIo::new(tokio::net::UnixStream::from_std(stream)?);
            speak(stream, request.header(HOST, "localhost").body(Body::from(body))?).await
        }
        Door::Tcp(stream) => {
            let host = stream.peer_addr()?.to_string();
            stream.set_nonblocking(true)?;
            let stream = TokioIo::new(tokio::net::TcpStream::from_std(stream)?);
            speak(stream, request.header(HOST, host).body(Body::from(body))?).await
        }
    }
}

async fn speak<T>(stream: T, request: Request<Body>) -> Result<(Response<Incoming>, Connection)>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.context("the process did not answer")?;
    Ok((response, connection))
}

/// The feed of a process.
pub(crate) struct Events {
    body: Incoming,
    /// What was read of the next events.
    text: Vec<u8>,
    _connection: Connection,
}

impl Events {
    /// Starts listening; needs a runtime.
    ///
    /// # Errors
    /// The process does not answer, or not so.
    pub(crate) async fn open(door: Door) -> Result<Self> {
        let (response, connection) = send(door, "GET", "/api/v1/events", Vec::new()).await?;
        if !response.status().is_success() {
            bail!("the process does not let us listen (status {})", response.status());
        }
        Ok(Self { body: response.into_body(), text: Vec::new(), _connection: connection })
    }

    /// The next snapshot; none: the process has ended. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// It is not what this version expects.
    pub(crate) async fn next(&mut self) -> Result<Option<Snapshot>> {
        loop {
            if let Some(data) = take_event(&mut self.text) {
                let read = serde_json::from_slice(&data);
                return read.map(Some).context("the feed is not what this version of host expects");
            }
            match self.body.frame().await {
                // A process that ends cuts the connection.
                None | Some(Err(_)) => return Ok(None),
                Some(Ok(frame)) => self.text.extend(frame.into_data().iter().flatten()),
            }
            if self.text.len() > ANSWER_BYTES_MAX {
                bail!("an event of the feed has more than {ANSWER_BYTES_MAX} bytes");
            }
        }
    }
}

/// Takes the first whole event out of `text` and gives its data.
fn take_event(text: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = text.windows(2).position(|pair| pair == b"\n\n")? + 2;
    let event: Vec<u8> = text.drain(..end).collect();
    let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
    Some(data.unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_when_it_is_whole() {
        let mut text = b"event: snapshot\nretry: 1000\ndata: {\"a\"".to_vec();
        assert_eq!(take_event(&mut text), None);
        text.extend(b":1}\n\nevent: snap");
        assert_eq!(take_event(&mut text).as_deref(), Some(&b"{\"a\":1}"[..]));
        assert_eq!(text, b"event: snap");
    }
}
