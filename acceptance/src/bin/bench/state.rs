//! Where Terraform keeps its state in the figures: in memory, by its `http` backend. The local one writes the whole state to disk after every resource, and
//! would be what is measured.

use crate::Result;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinSet;

type Kept = Arc<Mutex<HashMap<String, Bytes>>>;

/// Ends with the value.
pub(crate) struct States {
    url: String,
    _runs: JoinSet<()>,
}

impl States {
    pub(crate) async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = Router::new().route("/{name}", get(read).post(write)).with_state(Kept::default());
        // A state of 1,000 resources is larger than axum's limit.
        let app = app.layer(axum::extract::DefaultBodyLimit::disable());
        let mut runs = JoinSet::new();
        runs.spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("the states are gone: {error}");
            }
        });
        Ok(Self { url, _runs: runs })
    }

    /// The block of a configuration.
    pub(crate) fn backend(&self, name: &str) -> String {
        format!("terraform {{\n  backend \"http\" {{\n    address = \"{}/{name}\"\n  }}\n}}\n", self.url)
    }
}

async fn read(State(kept): State<Kept>, Path(name): Path<String>) -> std::result::Result<Bytes, StatusCode> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn write(State(kept): State<Kept>, Path(name): Path<String>, state: Bytes) -> StatusCode {
    kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name, state);
    StatusCode::OK
}
