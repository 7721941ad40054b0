//! The admin API: a Unix socket in the state folder for this user's own commands, and HTTP on loopback.
//!
//! | method, path | answer |
//! |---|---|
//! | `GET /livez` | 200 while the process works |
//! | `GET /readyz` | 200 when all workers read; else 503 with what keeps them |
//! | `GET /metrics` | the text format of Prometheus |
//! | `GET /api/v1/modules` | the versions of the module |
//! | `POST /api/v1/modules/{name}/swap` | the body is the module; query `sha256`, `signature` (hexadecimal), `drain` |
//! | `POST /api/v1/modules/{name}/shadow` | as swap; runs the module beside the current one: query `records`, `timeout_ms`, `show_keys`, `promote_if_equal` |
//! | `POST /api/v1/modules/{name}/rollback` | swaps to the module before |
//! | `GET /api/v1/status` | the application at a glance |
//! | `GET /api/v1/snapshot` | all that is measured, with rates: see [`crate::feed`] |
//! | `GET /api/v1/events` | the same each second, as server-sent events |
//! | `GET /api/v1/openapi.json` | all this for machines |
//!
//! Over HTTP there is also a page for a browser at `/`, with its files below `/page/`.
//!
//! Errors are `application/problem+json`. Over HTTP a write needs `Authorization: Bearer TOKEN` with the token
//! from the file beside the socket, and no request is taken under a strange `Host` or `Origin`.

mod backend;
mod client;
mod events;
mod guard;
pub(crate) mod metrics;
#[cfg(test)]
mod openapi;
mod page;
mod routes;
mod socket;

pub use backend::{
    Backend, Difference, Installed, ModuleVersion, Refused, ShadowReport, ShadowRequest, Status, SwapRequest,
};
pub(crate) use client::{Answer, Door, Events, call};
pub(crate) use socket::{Sockets, new_token, running};

use crate::config;
use axum::serve::Listener;
use axum::{Router, middleware};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;

/// Where HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http {
    /// The address.
    pub address: SocketAddr,
    /// True: the user gave it, so that a failure is an error.
    pub is_asked_for: bool,
}

/// The threads that serve; they end with it.
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// The socket cannot be made, or an address that was asked for cannot be had.
    pub(crate) fn start(
        backend: Arc<dyn Backend>,
        sockets: &Sockets,
        http: Option<Http>,
        page: config::Page,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _entered = runtime.enter();
        let unix = UnixListener::from_std(sockets.bind()?)?;
        let newest = events::start(Arc::clone(&backend));
        let router = routes::router(backend, events::router(newest));
        let tcp = match http.map(|http| (http, listen(http.address, page.listener.take()))) {
            Some((http, Err(error))) if http.is_asked_for => return Err(error),
            Some((http, Err(error))) => {
                tracing::warn!(%error, address = %http.address, "no admin API over HTTP; --admin names another address");
                None
            }
            Some((_, Ok(listener))) => Some(listener),
            None => None,
        };
        let tcp = tcp.map(|listener| guarded(listener, &router, sockets, page)).transpose()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async move {
                let unix = serve(unix, router);
                let tcp = async {
                    match tcp {
                        Some((listener, router)) => serve(listener, router).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! { () = unix => {}, () = tcp => {}, _ = stopped => {} }
            });
        };
        let thread = thread::Builder::new().name("admin".to_owned()).spawn(serve)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of this thread has been printed.
            drop(thread.join());
        }
    }
}

/// `bound` has the address already.
fn listen(address: SocketAddr, bound: Option<std::net::TcpListener>) -> io::Result<TcpListener> {
    let listener = bound.map_or_else(|| std::net::TcpListener::bind(address), Ok)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn guarded(
    listener: TcpListener,
    router: &Router,
    sockets: &Sockets,
    page: config::Page,
) -> io::Result<(TcpListener, Router)> {
    let address = listener.local_addr()?;
    let token = page.token.map_or_else(new_token, Ok)?;
    sockets.write_token(&token)?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the admin API is reachable from other machines");
    }
    tracing::info!(%address, token_file = %sockets.token_path().display(), "admin API");
    let guard = Arc::new(guard::Guard::new(address, token));
    let about = page::About::new(sockets.token_path(), page.operators);
    let router =
        router.clone().merge(page::router(about)).layer(middleware::from_fn_with_state(guard, guard::check));
    Ok((listener, router))
}

async fn serve<L>(listener: L, router: Router)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the admin API has ended");
    }
}
