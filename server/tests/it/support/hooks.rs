//! The other side of a webhook: notes what comes, and answers what a story says.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::post,
};
use orbit_core::secret::Secret;
use serde_json::Value;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

/// A call that came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    headers: HeaderMap,
    body: String,
}

/// Somebody who listens.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    status: Arc<AtomicU16>,
}

async fn take(State(hooks): State<Hooks>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let body = String::from_utf8(body.to_vec()).unwrap();
    hooks.calls.lock().unwrap().push(Call { headers, body });
    let status = StatusCode::from_u16(hooks.status.load(Ordering::Relaxed)).unwrap();
    (status, [("location", "http://169.254.169.254/")], "as the story says")
}

impl Hooks {
    pub(crate) async fn listen() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let hooks = Self { url, calls: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let router = Router::new().route("/hook", post(take)).with_state(hooks.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hooks
    }
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
    /// The types of the events that came, in order.
    pub(crate) fn types(&self) -> Vec<String> {
        self.calls().iter().map(|call| call.json()["type"].as_str().unwrap_or("none").to_owned()).collect()
    }
    /// Waits until a call fits, and hands it over.
    pub(crate) async fn call(&self, fits: impl Fn(&Call) -> bool) -> Call {
        super::until("the call comes", async || self.calls().into_iter().find(&fits)).await
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    /// Whether the signature is that of a secret.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp").parse().unwrap());
        let due = orbit_server::notify::sign(&Secret::new(secret.to_owned()), id, at, &self.body);
        due.as_deref() == Some(self.header("webhook-signature"))
    }
}
