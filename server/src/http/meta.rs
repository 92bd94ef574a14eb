//! The server itself: is it alive, is it ready, what does it count.

use super::Failed;
use crate::app::{App, Code, Refusal};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use orbit_store::MigrationState;

/// How long whoever asks whether the server is ready waits for the database: less than probes do.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Whether the process is alive. Says nothing of what it depends on.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "meta", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server can answer calls: its database answers and its tables fit, and it is not going down.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "meta", security(()),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 503, body = orbit_api::Problem)))]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Failed> {
    let not_ready = |why: &str| Failed::from(Refusal::new(Code::Unavailable, why).remedy("wait until it is ready"));
    if app.runner.is_stopping() {
        return Err(not_ready("the server is going down"));
    }
    match tokio::time::timeout(PATIENCE, app.store.migration_state()).await {
        Ok(Ok(MigrationState::Current)) => Ok("ready\n"),
        Ok(Ok(MigrationState::Behind(_))) => Err(not_ready("the database waits for orbit-server migrate")),
        Ok(Ok(MigrationState::Ahead)) => Err(not_ready("the database belongs to a newer Orbit")),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            Err(not_ready("the database does not answer"))
        }
        Err(_) => {
            tracing::warn!("the database does not answer in time");
            Err(not_ready("the database does not answer"))
        }
    }
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "meta", security(()),
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Failed> {
    let text = crate::metrics::text(&app).await?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// The error reference, to which every problem's `type` leads.
pub(super) async fn errors() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], include_str!("../../../docs/errors.md"))
}
