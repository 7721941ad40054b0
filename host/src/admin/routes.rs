//! The routes, the same on the socket and over HTTP.

use super::backend::{Backend, ShadowRequest, SwapRequest};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tower::limit::GlobalConcurrencyLimitLayer;

/// Requests at a time; more of them wait.
const REQUESTS_MAX: usize = 64;

/// How long a shadow run waits for its records, unless it is told, ...
const SHADOW_TIMEOUT: Duration = Duration::from_mins(1);
/// ... and at most.
const SHADOW_TIMEOUT_MAX: Duration = Duration::from_hours(1);
/// What this file serves, for machines.
const OPENAPI: &str = include_str!("openapi.json");

type Shared = State<Arc<dyn Backend>>;

pub(super) fn router(backend: Arc<dyn Backend>, feed: Router) -> Router {
    let body_bytes_max = backend.module_bytes_max();
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/openapi.json", get(|| async { ([(CONTENT_TYPE, "application/json")], OPENAPI) }))
        .route("/api/v1/status", get(status))
        .route("/api/v1/modules", get(modules))
        .route("/api/v1/modules/{name}/swap", post(swap))
        .route("/api/v1/modules/{name}/shadow", post(shadow))
        .route("/api/v1/modules/{name}/rollback", post(rollback))
        .with_state(backend)
        .merge(feed)
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "not found", "there is no such path") })
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
}

/// An error as RFC 9457 has it.
pub(super) fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = serde_json::json!({ "title": title, "status": status.as_u16(), "detail": detail });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Runs what may block. A panic of it has been printed.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    tokio::task::spawn_blocking(call)
        .await
        .map_err(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "a bug", "the request panicked; see the log"))
}

async fn ready(State(backend): Shared) -> Response {
    let obstacles = backend.obstacles();
    if obstacles.is_empty() {
        return "ok\n".into_response();
    }
    problem(StatusCode::SERVICE_UNAVAILABLE, "not ready", &obstacles.join("; "))
}

async fn metrics(State(backend): Shared) -> Response {
    ([(CONTENT_TYPE, super::metrics::CONTENT_TYPE)], backend.metrics()).into_response()
}

async fn status(State(backend): Shared) -> Response {
    Json(backend.status()).into_response()
}

async fn modules(State(backend): Shared) -> Response {
    Json(backend.modules()).into_response()
}

/// The query of a swap.
#[derive(Deserialize)]
struct Expected {
    sha256: Option<String>,
    signature: Option<String>,
    #[serde(default)]
    drain: bool,
}

async fn swap(
    State(backend): Shared,
    Path(name): Path<String>,
    Query(expected): Query<Expected>,
    body: Bytes,
) -> Response {
    match request(&*backend, &name, expected, body) {
        Ok(request) => answer(blocking(move || backend.swap(request)).await),
        Err(response) => *response,
    }
}

/// More of the query of a shadow run.
#[derive(Deserialize)]
struct Run {
    records: u64,
    timeout_ms: Option<u64>,
    #[serde(default)]
    show_keys: bool,
    #[serde(default)]
    promote_if_equal: bool,
}

async fn shadow(
    State(backend): Shared,
    Path(name): Path<String>,
    Query(expected): Query<Expected>,
    Query(run): Query<Run>,
    body: Bytes,
) -> Response {
    let candidate = match request(&*backend, &name, expected, body) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let request = ShadowRequest {
        candidate,
        records: run.records,
        timeout: run.timeout_ms.map_or(SHADOW_TIMEOUT, Duration::from_millis).min(SHADOW_TIMEOUT_MAX),
        show_keys: run.show_keys,
        promote_if_equal: run.promote_if_equal,
    };
    answer(blocking(move || backend.shadow(request)).await)
}

fn request(
    backend: &dyn Backend,
    name: &str,
    expected: Expected,
    body: Bytes,
) -> Result<SwapRequest, Box<Response>> {
    if let Some(stranger) = other_name(backend, name) {
        return Err(Box::new(stranger));
    }
    let signature = match expected.signature.as_deref().map(crate::hex::read) {
        Some(None) => {
            let response = problem(StatusCode::BAD_REQUEST, "bad query", "signature is not hexadecimal");
            return Err(Box::new(response));
        }
        Some(signature) => signature,
        None => None,
    };
    Ok(SwapRequest { bytes: body.into(), sha256: expected.sha256, signature, drain: expected.drain })
}

async fn rollback(State(backend): Shared, Path(name): Path<String>) -> Response {
    match other_name(&*backend, &name) {
        Some(stranger) => stranger,
        None => answer(blocking(move || backend.rollback()).await),
    }
}

fn other_name(backend: &dyn Backend, name: &str) -> Option<Response> {
    let detail = || format!("the operator here is \"{}\"", backend.name());
    (name != backend.name()).then(|| problem(StatusCode::NOT_FOUND, "no such operator", &detail()))
}

fn answer<T: Serialize>(outcome: Result<Result<T, super::Refused>, Response>) -> Response {
    match outcome {
        Err(response) => response,
        Ok(Ok(done)) => Json(done).into_response(),
        Ok(Err(refused)) => {
            let title = format!("refused at step {}", refused.step);
            problem(StatusCode::CONFLICT, &title, &refused.reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Installed, ModuleVersion, Refused, ShadowReport, Status, events};
    use crate::feed::snapshot::Snapshot;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    struct Fake;

    impl Backend for Fake {
        fn name(&self) -> &'static str {
            "sum"
        }
        fn module_bytes_max(&self) -> usize {
            10
        }
        fn obstacles(&self) -> Vec<String> {
            vec!["worker 1 restores".to_owned()]
        }
        fn metrics(&self) -> String {
            "x 1\n".to_owned()
        }
        fn modules(&self) -> Vec<ModuleVersion> {
            vec![]
        }
        fn swap(&self, request: SwapRequest) -> Result<Installed, Refused> {
            match request.bytes.as_slice() {
                b"good" => Ok(Installed { number: 1, digest: "d".into(), took_ms: 2, pause_us: 3 }),
                _ => Err(Refused { step: "compile".into(), reason: "no".into() }),
            }
        }
        fn shadow(&self, request: ShadowRequest) -> Result<ShadowReport, Refused> {
            Ok(ShadowReport {
                records: request.records,
                equal: 1,
                different: 0,
                failed: 0,
                differences: vec![],
                current_us: 2,
                candidate_us: 3,
                dropped: None,
                is_complete: true,
                promoted: None,
            })
        }
        fn status(&self) -> Status {
            Status::default()
        }
        fn next_snapshot(&self) -> Snapshot {
            Snapshot::default()
        }
        fn rollback(&self) -> Result<Installed, Refused> {
            Err(Refused { step: "read".into(), reason: "nothing before".into() })
        }
    }

    fn ask(method: &str, path: &str, body: &'static str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let request = Request::builder().method(method).uri(path).body(Body::from(body)).expect("valid");
            let backend: Arc<dyn Backend> = Arc::new(Fake);
            let feed = events::router(events::start(Arc::clone(&backend)));
            let response = router(backend, feed).oneshot(request).await.expect("infallible");
            let status = response.status().as_u16();
            let mut body = response.into_body();
            let bytes = if path.ends_with("/events") {
                // It has no end.
                let frame = body.frame().await.expect("a first event").expect("infallible");
                frame.into_data().expect("data")
            } else {
                body.collect().await.expect("a body").to_bytes()
            };
            (status, String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    #[test]
    fn probes_and_metrics_answer() {
        assert_eq!(ask("GET", "/livez", ""), (200, "ok\n".to_owned()));
        let (status, body) = ask("GET", "/readyz", "");
        assert_eq!(status, 503);
        assert!(body.contains("worker 1 restores"), "{body}");
        assert_eq!(ask("GET", "/metrics", ""), (200, "x 1\n".to_owned()));
        assert_eq!(ask("GET", "/no", "").0, 404);
    }

    #[test]
    fn a_swap_says_what_came_of_it() {
        let (status, body) = ask("POST", "/api/v1/modules/sum/swap", "good");
        assert_eq!(status, 200);
        assert!(body.contains("\"number\":1"), "{body}");
        let (status, body) = ask("POST", "/api/v1/modules/sum/swap", "bad");
        assert_eq!(status, 409);
        assert!(body.contains("refused at step compile"), "{body}");
        assert_eq!(ask("POST", "/api/v1/modules/other/swap", "good").0, 404);
        assert_eq!(ask("POST", "/api/v1/modules/sum/swap?signature=zz", "good").0, 400);
        assert_eq!(ask("POST", "/api/v1/modules/sum/swap", "more than 10 bytes").0, 413);
        assert_eq!(ask("POST", "/api/v1/modules/sum/rollback", "").0, 409);
        assert_eq!(ask("GET", "/api/v1/modules/sum/swap", "").0, 405);
    }

    #[test]
    fn a_shadow_run_needs_to_know_how_long() {
        let (status, body) = ask("POST", "/api/v1/modules/sum/shadow?records=7", "good");
        assert_eq!(status, 200);
        assert!(body.contains("\"records\":7"), "{body}");
        assert_eq!(ask("POST", "/api/v1/modules/sum/shadow", "good").0, 400);
    }

    #[test]
    fn what_is_described_is_served() {
        let (status, body) = ask("GET", "/api/v1/openapi.json", "");
        assert_eq!(status, 200);
        let page: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let paths = page["paths"].as_object().expect("paths");
        for (path, methods) in paths {
            for method in methods.as_object().expect("methods").keys() {
                let query = if path.ends_with("shadow") { "?records=1" } else { "" };
                let path = format!("{}{query}", path.replace("{name}", "sum"));
                let (status, _) = ask(&method.to_uppercase(), &path, "good");
                assert!([200, 409, 503].contains(&status), "{method} {path}: {status}");
            }
        }
        let sources = [include_str!("routes.rs"), include_str!("events.rs")];
        let served: usize = sources.iter().map(|text| text.matches(".route(\"/").count()).sum();
        assert_eq!(paths.len(), served, "each route is described");
    }
}
