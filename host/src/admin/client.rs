//! One request over the socket of a running process, for the commands of this program.

use anyhow::{Context as _, Result};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::HOST;
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use std::os::unix::net::UnixStream;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

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
pub(crate) fn call(stream: UnixStream, method: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        stream.set_nonblocking(true)?;
        let stream = TokioIo::new(tokio::net::UnixStream::from_std(stream)?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        let connection = tokio::spawn(connection);
        let request =
            Request::builder().method(method).uri(path).header(HOST, "localhost").body(Body::from(body))?;
        let response = sender.send_request(request).await.context("the process did not answer")?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("cannot read the answer: {error}"))?.to_bytes();
        connection.abort();
        Ok(Answer { status, body: body.into() })
    })
}
