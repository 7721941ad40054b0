//! The feed: a snapshot each second, once or as server-sent events. One sample serves all who listen; who is slow
//! misses some.

use super::backend::Backend;
use super::routes::problem;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

/// Time between two snapshots.
const INTERVAL: Duration = Duration::from_secs(1);
/// How soon a client that was cut off comes back.
const RETRY: Duration = Duration::from_secs(1);
/// Clients that listen at a time.
const CLIENTS_MAX: usize = 16;

/// The newest snapshot, as JSON.
type Newest = watch::Receiver<Arc<str>>;

/// Takes a snapshot now and then each second, for as long as the runtime lives.
pub(super) fn start(backend: Arc<dyn Backend>) -> Newest {
    let (sender, newest) = watch::channel(json(&*backend));
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.tick().await;
        loop {
            interval.tick().await;
            sender.send_replace(json(&*backend));
        }
    });
    newest
}

fn json(backend: &dyn Backend) -> Arc<str> {
    serde_json::to_string(&backend.next_snapshot()).expect("a snapshot has nothing that JSON has not").into()
}

#[derive(Clone)]
struct Feed {
    newest: Newest,
    clients: Arc<Semaphore>,
}

/// The routes of the feed.
pub(super) fn router(newest: Newest) -> Router {
    let feed = Feed { newest, clients: Arc::new(Semaphore::new(CLIENTS_MAX)) };
    Router::new()
        .route("/api/v1/snapshot", get(snapshot))
        .route("/api/v1/events", get(events))
        .with_state(feed)
}

async fn snapshot(State(feed): State<Feed>) -> Response {
    let text = feed.newest.borrow().to_string();
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], text).into_response()
}

async fn events(State(feed): State<Feed>) -> Response {
    let Ok(permit) = Arc::clone(&feed.clients).try_acquire_owned() else {
        let text = format!("{CLIENTS_MAX} clients listen already; /api/v1/snapshot has the same once");
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too many clients", &text);
    };
    let mut newest = feed.newest;
    // The one that is there comes at once.
    newest.mark_changed();
    let events = stream::unfold((newest, permit), |(mut newest, permit)| async move {
        newest.changed().await.ok()?;
        let text = newest.borrow_and_update().to_string();
        let event = Event::default().event("snapshot").retry(RETRY).data(text);
        Some((Ok::<_, Infallible>(event), (newest, permit)))
    });
    ([(CACHE_CONTROL, "no-store")], Sse::new(events)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn ask(router: &Router, path: &str) -> Response {
        let request = Request::builder().uri(path).body(Body::empty()).expect("valid");
        router.clone().oneshot(request).await.expect("infallible")
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(test);
    }

    async fn frame(body: &mut Body) -> String {
        let frame = body.frame().await.expect("there is more").expect("infallible");
        String::from_utf8(frame.into_data().expect("data").into()).expect("UTF-8")
    }

    #[test]
    fn the_newest_snapshot_comes_at_once_and_the_next_when_it_is_there() {
        run(async {
            let (sender, newest) = watch::channel(Arc::from("{\"a\":1}"));
            let router = router(newest);
            let once = ask(&router, "/api/v1/snapshot").await.into_body().collect().await.expect("a body");
            assert_eq!(once.to_bytes(), "{\"a\":1}");
            let response = ask(&router, "/api/v1/events").await;
            assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
            let mut body = response.into_body();
            assert_eq!(frame(&mut body).await, "event: snapshot\nretry: 1000\ndata: {\"a\":1}\n\n");
            sender.send_replace(Arc::from("{\"a\":2}"));
            sender.send_replace(Arc::from("{\"a\":3}"));
            assert!(frame(&mut body).await.ends_with("data: {\"a\":3}\n\n"), "who is slow misses some");
        });
    }

    #[test]
    fn only_so_many_may_listen_at_a_time() {
        run(async {
            let (_sender, newest) = watch::channel(Arc::from("{}"));
            let router = router(newest);
            let mut listening = Vec::new();
            for _ in 0..CLIENTS_MAX {
                listening.push(ask(&router, "/api/v1/events").await);
            }
            assert!(listening.iter().all(|response| response.status() == StatusCode::OK));
            assert_eq!(ask(&router, "/api/v1/events").await.status(), StatusCode::SERVICE_UNAVAILABLE);
            listening.pop();
            assert_eq!(ask(&router, "/api/v1/events").await.status(), StatusCode::OK);
        });
    }
}
