//! Figures for Prometheus, by `prometheus-client`.

use crate::app::{App, AppError, AppResult};
use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::time::Instant;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InState {
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    cluster: String,
    request: &'static str,
}

/// What is counted.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<Call, Counter>,
    seconds: Family<Route, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
        Self { calls: Family::default(), seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)) }
    }
}

/// A method that the API has; any other is one label, or whoever calls could make labels without end.
fn word(method: &Method) -> String {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.to_string() } else { "other".to_owned() }
}

/// Counts a call and its time, by route, never by path: a label per object would have no bound.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let method = word(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.calls.get_or_create(&Call { method: method.clone(), route: route.clone(), status }).inc();
    app.metrics.seconds.get_or_create(&Route { method, route }).observe(started.elapsed().as_secs_f64());
    response
}

/// Everything, in the OpenMetrics text format. What the database knows is asked now.
pub(crate) async fn text(app: &App) -> AppResult<String> {
    let operations: Family<InState, Gauge> = Family::default();
    let dead = Gauge::<i64>::default();
    let database_up = Gauge::<i64>::default();
    // Without its database Orbit still tells the rest, and that it is away.
    match counts(app).await {
        Ok((states, given_up)) => {
            database_up.set(1);
            dead.set(given_up);
            for (state, count) in states {
                operations.get_or_create(&InState { state }).set(count);
            }
        }
        Err(error) => tracing::warn!(%error, "the operations could not be counted"),
    }
    let kafka: Family<Asked, Counter> = Family::default();
    for (cluster, request, count) in app.clusters.sent() {
        kafka.get_or_create(&Asked { cluster: cluster.to_string(), request }).inc_by(count);
    }
    let mut registry = Registry::with_prefix("orbit");
    registry.register("http_requests", "Calls answered", app.metrics.calls.clone());
    registry.register_with_unit("http_request_duration", "Time to answer", Unit::Seconds, app.metrics.seconds.clone());
    registry.register("database_up", "Whether the database answers: 1 or 0", database_up);
    registry.register("operations", "Operations that are not over, and those that are stuck, by state", operations);
    registry.register("kafka_requests", "Requests to Kafka clusters, by Kafka's name of them", kafka);
    registry.register("deliveries_dead", "Notifications that were given up and wait for a person", dead);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| AppError::Internal(e.to_string()))?;
    Ok(text)
}

async fn counts(app: &App) -> orbit_store::Result<(Vec<(String, i64)>, i64)> {
    let mut db = app.store.read().await?;
    Ok((db.operation_counts().await?, db.deliveries_dead().await?))
}
