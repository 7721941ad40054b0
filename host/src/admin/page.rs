//! The page in the browser: a few files, built in, that ask nobody but this process. It reads the feed and the
//! routes of the API like any other client; what it is told here is only where the token and the other pages are.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Scripts, styles and pictures of this origin only, and none in the markup; requests to this origin only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name below `/page/`, type, bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_bytes!(concat!("page/", $name)))
    };
}

const INDEX: Asset = asset!("index.html", HTML);
const ASSETS: &[Asset] = &[
    asset!("app.js", SCRIPT),
    asset!("charts.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("faults.js", SCRIPT),
    asset!("format.js", SCRIPT),
    asset!("icon.svg", "image/svg+xml"),
    asset!("modules.js", SCRIPT),
    asset!("panels.js", SCRIPT),
    asset!("report.js", SCRIPT),
    asset!("style.css", CSS),
    asset!("timeline.js", SCRIPT),
    asset!("token.js", SCRIPT),
    asset!("topology.js", SCRIPT),
    asset!("uplot.css", CSS),
    asset!("uplot.js", SCRIPT),
];

/// What the page cannot know by itself.
#[derive(Serialize)]
pub(super) struct About {
    /// Where the token for changes is.
    token_file: PathBuf,
    /// The operators of this process, this one too.
    operators: Vec<Neighbour>,
}

/// An operator of the same process, which has an admin API of its own.
#[derive(Serialize)]
struct Neighbour {
    name: String,
    port: u16,
}

impl About {
    pub(super) fn new(token_file: PathBuf, operators: Vec<(String, u16)>) -> Self {
        let operators = operators.into_iter().map(|(name, port)| Neighbour { name, port }).collect();
        Self { token_file, operators }
    }
}

/// `/` and what it needs.
pub(super) fn router(about: About) -> Router {
    let about = Arc::new(about);
    let mut router = Router::new()
        .route("/", get(|| async { answer(&INDEX) }))
        .route("/page/about.json", get(|| async move { sealed(Json(&*about).into_response()) }));
    for asset in ASSETS {
        router = router.route(&format!("/page/{}", asset.0), get(|| async { answer(asset) }));
    }
    router
}

fn answer((_, kind, bytes): &Asset) -> Response {
    sealed((StatusCode::OK, [(CONTENT_TYPE, *kind)], *bytes).into_response())
}

/// Nobody may frame it, guess at its type, or keep it beyond this version of the program.
fn sealed(mut response: Response) -> Response {
    let headers: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    /// Bytes of everything that a browser loads.
    const PAGE_BYTES_MAX: usize = 200_000;

    fn ask(path: &str) -> (Response, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let about = About::new("/state/0.token".into(), vec![("sum".to_owned(), 9464)]);
            let request = Request::builder().uri(path).body(Body::empty()).expect("valid");
            let (parts, body) = router(about).oneshot(request).await.expect("infallible").into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            (Response::from_parts(parts, Body::empty()), String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    #[test]
    fn all_of_it_is_light() {
        let bytes: usize = ASSETS.iter().chain([&INDEX]).map(|(_, _, bytes)| bytes.len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX, "{bytes} bytes");
    }

    #[test]
    fn every_answer_is_sealed() {
        for path in ["/", "/page/app.js", "/page/style.css", "/page/icon.svg", "/page/about.json"] {
            let (response, _) = ask(path);
            assert_eq!(response.status(), 200, "{path}");
            let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
            assert!(header("content-security-policy").starts_with("default-src 'none'; "), "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        }
        assert_eq!(ask("/page/other.js").0.status(), 404);
    }

    #[test]
    fn files_ask_for_files_that_are_there_and_for_nothing_outside() {
        let known = |name: &str| ASSETS.iter().any(|(known, _, _)| *known == name);
        for (name, kind, bytes) in ASSETS.iter().chain([&INDEX]) {
            let text = std::str::from_utf8(bytes).expect("text");
            if *kind == SCRIPT {
                for import in text.split(" from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(known(import), "{name} imports {import}");
                }
                assert!(!text.contains("innerHTML"), "{name}: text of others must never become markup");
            }
            for link in text.split("\"page/").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(known(link) || link == "about.json", "{name} asks for {link}");
            }
            let urls = text.split("://").count() - 1;
            let namespaces = text.matches("http://www.w3.org/2000/svg").count();
            let heads = text.matches("/*! https://github.com/leeoniya/uPlot").count();
            assert_eq!(urls, namespaces + heads, "{name} has an address of somebody else");
        }
    }

    #[test]
    fn it_says_where_the_token_and_the_other_pages_are() {
        let (_, body) = ask("/page/about.json");
        assert_eq!(body, r#"{"token_file":"/state/0.token","operators":[{"name":"sum","port":9464}]}"#);
    }
}
