//! Who may do what over HTTP. A web page can make a browser send requests to loopback, under any name that it
//! makes resolve to it: so the name that was asked for must be ours, and a write needs the token.

use super::routes::problem;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub(super) struct Guard {
    address: SocketAddr,
    token: String,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        Self { address, token }
    }

    fn verdict(&self, method: &Method, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        let host = text(HOST).unwrap_or_default();
        if !self.is_ours(host) {
            return Err((
                StatusCode::FORBIDDEN,
                "the Host header names neither loopback nor the admin address",
            ));
        }
        let origin = text(ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, rest)| rest));
        if headers.contains_key(ORIGIN) && origin != Some(host) {
            return Err((StatusCode::FORBIDDEN, "the request comes from a page of another origin"));
        }
        if method == Method::GET || method == Method::HEAD {
            return Ok(());
        }
        let given = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if same(given, &self.token) {
            return Ok(());
        }
        Err((
            StatusCode::UNAUTHORIZED,
            "a write needs \"Authorization: Bearer TOKEN\" with the token from the token file in the state folder",
        ))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|ip| {
                ip.is_loopback() || ip == self.address.ip() || self.address.ip().is_unspecified()
            })
    }
}

/// Takes as long for any wrong token of the right length.
fn same(given: &str, token: &str) -> bool {
    given.len() == token.len()
        && given.bytes().zip(token.bytes()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.verdict(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, reason)) => problem(status, "not allowed", reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn verdict(method: &Method, headers: &[(HeaderName, &'static str)]) -> Option<u16> {
        let guard = Guard::new("127.0.0.1:9464".parse().expect("an address"), "secret".to_owned());
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect();
        guard.verdict(method, &headers).err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn reads_need_our_name_only() {
        for host in ["127.0.0.1:9464", "localhost:9464", "localhost", "[::1]:9464"] {
            assert_eq!(verdict(&Method::GET, &[(HOST, host)]), None, "{host}");
        }
        for host in ["evil.example", "evil.example:9464", "", "127.0.0.1.evil.example"] {
            assert_eq!(verdict(&Method::GET, &[(HOST, host)]), Some(403), "{host}");
        }
    }

    #[test]
    fn writes_need_the_token() {
        let host = (HOST, "localhost:9464");
        let with = |token| verdict(&Method::POST, &[host.clone(), (AUTHORIZATION, token)]);
        assert_eq!(with("Bearer secret"), None);
        for wrong in ["Bearer other!", "Bearer ", "secret", "Basic secret"] {
            assert_eq!(with(wrong), Some(401), "{wrong}");
        }
        assert_eq!(verdict(&Method::POST, &[host]), Some(401));
    }

    #[test]
    fn pages_of_another_origin_are_refused() {
        let from = |origin| {
            verdict(
                &Method::POST,
                &[(HOST, "localhost:1"), (ORIGIN, origin), (AUTHORIZATION, "Bearer secret")],
            )
        };
        assert_eq!(from("http://localhost:1"), None);
        assert_eq!(from("http://localhost:2"), Some(403));
        assert_eq!(from("http://evil.example"), Some(403));
    }
}
