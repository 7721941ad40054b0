//! HTTP, as much of it as tests need: one request a connection, without encryption.

use anyhow::{Context, Result, ensure};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 when it was done.
    pub status: u16,
    /// What stands behind the head.
    pub body: Vec<u8>,
}

/// Sends one request, and waits for an answer of known length. `body`: JSON. `patience`: for each part of it.
///
/// # Errors
/// Nobody answers, or not like this.
pub fn ask(address: &str, method: &str, path: &str, body: &str, patience: Duration) -> Result<Answer> {
    let (status, length, mut rest) = begin(address, &format!("{method} {path} HTTP/1.1"), body, patience)?;
    let mut body = vec![0; length.context("the answer has no length")?];
    rest.read_exact(&mut body)?;
    Ok(Answer { status, body })
}

/// The body of what is at a path.
///
/// # Errors
/// Nobody answers, or nothing is there.
pub fn get(address: &str, path: &str, patience: Duration) -> Result<String> {
    let Answer { status, body } = ask(address, "GET", path, "", patience)?;
    let text = String::from_utf8(body)?;
    ensure!(status == 200, "{path}: {status} {text}");
    Ok(text)
}

/// The lines of a body without an end, as they come; in HTTP/1.0 nothing stands between them. What is late is an error.
///
/// # Errors
/// Nobody answers, or nothing is there.
pub fn lines(
    address: &str,
    path: &str,
    patience: Duration,
) -> Result<impl Iterator<Item = io::Result<String>>> {
    let (status, _, rest) = begin(address, &format!("GET {path} HTTP/1.0"), "", patience)?;
    ensure!(status == 200, "{path}: {status}");
    Ok(rest.lines())
}

/// Status and length of the answer, and what is behind its head.
fn begin(
    address: &str,
    line: &str,
    body: &str,
    patience: Duration,
) -> Result<(u16, Option<usize>, BufReader<TcpStream>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    let length = body.len();
    write!(
        stream,
        "{line}\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )?;
    let mut rest = BufReader::new(stream);
    let head = head(&mut rest).with_context(|| format!("no answer to {line} at {address}"))?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, content_length(&head)?, rest))
}

/// The head of a request or an answer, with the empty line behind it.
pub(crate) fn head(stream: &mut impl BufRead) -> Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        ensure!(stream.read_line(&mut head)? > 0, "it ends in its head");
    }
    Ok(head)
}

/// The bytes behind a head; none: it does not say.
pub(crate) fn content_length(head: &str) -> Result<Option<usize>> {
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut found = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Ok(found.next().map(|(_, length)| length.trim().parse()).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const SOON: Duration = Duration::from_secs(10);

    /// Gives this answer once, and keeps the connection open.
    fn serve(answer: &'static str) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            head(&mut BufReader::new(stream.try_clone().expect("the same"))).expect("a head");
            stream.write_all(answer.as_bytes()).expect("it is read");
            thread::park();
        });
        Ok(address)
    }

    #[test]
    fn an_answer_ends_with_its_length() -> Result<()> {
        let address = serve("HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nokrest")?;
        let answer = ask(&address, "POST", "/", "{}", SOON)?;
        assert_eq!(answer, Answer { status: 201, body: b"ok".to_vec() });
        Ok(())
    }

    #[test]
    fn a_stream_that_stands_still_is_an_error_and_not_for_ever() -> Result<()> {
        let address = serve("HTTP/1.1 200 OK\r\n\r\none\ntwo")?;
        let mut lines = lines(&address, "/", Duration::from_millis(20))?;
        assert_eq!(lines.next().transpose()?.as_deref(), Some("one"));
        assert!(lines.next().is_some_and(|line| line.is_err()));
        Ok(())
    }
}
