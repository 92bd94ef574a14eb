//! REST: a handler extracts, calls one use case, converts. One file per noun.

mod accept;
mod channels;
mod clusters;
mod document;
mod effective;
mod environments;
mod export;
mod input;
mod limits;
mod mappings;
mod meta;
mod operations;
mod packs;
mod params;
mod parse;
mod people;
mod policies;
mod policy_body;
mod problem;
mod releases;
mod requests;
mod shape;
mod topics;
pub mod wire;
mod workspaces;

pub use problem::Failed;

use crate::{
    app::{App, AppError},
    auth::throttle,
};
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
};
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The API as OpenAPI 3.1 tells it.
#[derive(OpenApi)]
#[openapi(
    info(title = "Orbit", description = "Self-service control plane for Kafka: topics, policy, approvals, durable operations.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    tags(
        (name = "topics", description = "Kafka topics, asked for and changed within policy."),
        (name = "requests", description = "What was asked for, and who decides it."),
        (name = "operations", description = "Durable runs that carry requests out."),
        (name = "topic-policies", description = "Guardrails."),
        (name = "clusters", description = "Registered Kafka clusters."),
        (name = "environments", description = "What developers name instead of a cluster."),
        (name = "workspaces", description = "Teams."),
        (name = "people", description = "Principals, memberships and tokens."),
        (name = "notifications", description = "Channels by which people are told, and what was sent."),
        (name = "meta", description = "The server itself."),
    ),
    components(schemas(orbit_api::Noun)),
    modifiers(&BearerToken)
)]
struct Api;

struct BearerToken;
impl utoipa::Modify for BearerToken {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        api.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]);
    }
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(topics::topic_create, topics::topic_list))
        .routes(routes!(topics::topic_evaluate))
        .routes(routes!(topics::topic_acknowledge))
        .routes(routes!(export::topic_export))
        .routes(routes!(topics::topic_get, topics::topic_update, topics::topic_replace, topics::topic_delete))
        .routes(routes!(topics::topic_restore))
        .routes(routes!(requests::request_create, requests::request_list))
        .routes(routes!(requests::request_evaluate))
        .routes(routes!(requests::request_inbox))
        .routes(routes!(requests::requests_decide))
        .routes(routes!(requests::request_get))
        .routes(routes!(requests::request_approve))
        .routes(routes!(requests::request_reject))
        .routes(routes!(requests::request_withdraw))
        .routes(routes!(requests::request_reopen))
        .routes(routes!(operations::operation_list))
        .routes(routes!(operations::operation_get))
        .routes(routes!(operations::operation_cancel))
        .routes(routes!(operations::operation_pause))
        .routes(routes!(operations::operation_resume))
        .routes(routes!(operations::operation_retry))
        .routes(routes!(policies::topic_policy_create, policies::topic_policy_list))
        .routes(routes!(effective::topic_policy_effective))
        .routes(routes!(policies::topic_policy_backtest))
        .routes(routes!(policies::topic_policy_versions))
        .routes(routes!(policies::topic_policy_restore))
        .routes(routes!(policies::topic_policy_get, policies::topic_policy_replace, policies::topic_policy_delete))
        .routes(routes!(packs::policy_pack_list))
        .routes(routes!(packs::policy_pack_get))
        .routes(routes!(packs::policy_pack_install))
        .routes(routes!(clusters::cluster_create, clusters::cluster_list))
        .routes(routes!(clusters::cluster_get, clusters::cluster_update, clusters::cluster_delete))
        .routes(routes!(limits::cluster_limits_get, limits::cluster_limits_put))
        .routes(routes!(environments::environment_create, environments::environment_list))
        .routes(routes!(
            environments::environment_get,
            environments::environment_update,
            environments::environment_delete
        ))
        .routes(routes!(mappings::mapping_create, mappings::mapping_list))
        .routes(routes!(mappings::mapping_get, mappings::mapping_delete))
        .routes(routes!(workspaces::workspace_create, workspaces::workspace_list))
        .routes(routes!(workspaces::workspace_get, workspaces::workspace_update, workspaces::workspace_delete))
        .routes(routes!(limits::workspace_limits_get, limits::workspace_limits_put))
        .routes(routes!(channels::notification_channel_create, channels::notification_channel_list))
        .routes(routes!(
            channels::notification_channel_get,
            channels::notification_channel_update,
            channels::notification_channel_delete
        ))
        .routes(routes!(channels::notification_channel_test))
        .routes(routes!(channels::notification_delivery_list))
        .routes(routes!(channels::notification_delivery_resend))
        .routes(routes!(people::principal_create, people::principal_list))
        .routes(routes!(people::principal_get, people::principal_update, people::principal_delete))
        .routes(routes!(people::principal_delivery_list))
        .routes(routes!(people::principal_delivery_resend))
        .routes(routes!(people::membership_create, people::membership_list))
        .routes(routes!(people::membership_get, people::membership_delete))
        .routes(routes!(people::token_create, people::token_list))
        .routes(routes!(people::token_get, people::token_revoke))
        .routes(routes!(people::whoami))
        .routes(routes!(meta::healthz))
        .routes(routes!(meta::readyz))
        .routes(routes!(meta::metrics))
}

/// The OpenAPI document, as it is committed.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    document::whole(described().split_for_parts().1)
}

#[derive(Clone)]
struct FreshRequestId(App);
impl MakeRequestId for FreshRequestId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&self.0.ids.fresh().simple().to_string()).ok().map(RequestId::new)
    }
}

/// Every route, with what every call passes through.
pub fn router(app: App, body_limit: usize) -> Router {
    let (routes, api) = described().split_for_parts();
    let api = document::whole(api);
    let known = params::Known::of(&api);
    let document = axum::routing::get(move || async move { Json(api) });
    let id = HeaderName::from_static(problem::REQUEST_ID);
    let span = |request: &http::Request<axum::body::Body>| {
        let id = request.headers().get(problem::REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default();
        tracing::info_span!("call", method = %request.method(), path = request.uri().path(), request_id = id)
    };
    let ended = |response: &Response, took: Duration, _: &tracing::Span| {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), millis, "call answered");
    };
    // A client that does not understand an answer can say then which of the two is the older one.
    let version = HeaderName::from_static("orbit-version");
    let safe = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes
        .route("/v1/openapi.json", document)
        .route("/docs/errors", axum::routing::get(meta::errors))
        .merge(reference())
        .merge(releases::routes())
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(id.clone(), FreshRequestId(app.clone())))
                .layer(TraceLayer::new_for_http().make_span_with(span).on_response(ended).on_failure(()))
                .layer(PropagateRequestIdLayer::new(id))
                .layer(safe(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(safe(header::CACHE_CONTROL, "no-store"))
                .layer(safe(version, env!("CARGO_PKG_VERSION")))
                .layer(middleware::from_fn_with_state(app.clone(), crate::metrics::count))
                .layer(middleware::from_fn(throttle::layer))
                .layer(middleware::from_fn_with_state(app.clone(), problem::layer))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(middleware::from_fn(accept::check))
                .layer(middleware::from_fn_with_state(known, params::check))
                .layer(DefaultBodyLimit::max(body_limit)),
        )
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// The API's document to read and to try, below `/docs/api/`: a page that asks this server alone.
fn reference() -> Router<App> {
    let config =
        Config::from("/v1/openapi.json").validator_url("none").try_it_out_enabled(true).display_operation_id(true);
    let page = Router::from(SwaggerUi::new("/docs/api").config(config));
    let only_from_here = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
    );
    page.layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, only_from_here))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that the layer asks for")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Failed(AppError::Internal(format!("a handler panicked: {}", text.unwrap_or("no text")))).into_response()
}

/// What a handler answers.
type Answer<T> = Result<(StatusCode, Json<T>), Failed>;

/// An answer with a header: mostly the object's ETag.
type Tagged<T> = Result<(StatusCode, [(HeaderName, String); 1], Json<T>), Failed>;

#[expect(clippy::unnecessary_wraps, reason = "a handler's last line is its answer")]
fn tagged<T>(status: StatusCode, revision: i64, body: T) -> Tagged<T> {
    Ok((status, [(header::ETAG, format!("\"{revision}\""))], Json(body)))
}

/// The answer to what set work going, and where that can be seen.
#[expect(clippy::unnecessary_wraps, reason = "a handler's last line is its answer")]
fn accepted<T>(there: String, body: T) -> Tagged<T> {
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, there)], Json(body)))
}

/// The answer to what made an object: where it can be seen, and its ETag where it has one.
#[expect(clippy::unnecessary_wraps, reason = "a handler's last line is its answer")]
fn created<T: serde::Serialize>(
    collection: &str,
    id: impl std::fmt::Display,
    revision: Option<i64>,
    body: T,
) -> Result<Response, Failed> {
    let answer = (StatusCode::CREATED, [(header::LOCATION, format!("{collection}/{id}"))], Json(body));
    Ok(match revision {
        Some(revision) => ([(header::ETAG, format!("\"{revision}\""))], answer).into_response(),
        None => answer.into_response(),
    })
}

/// `?wait=30s` or `?wait=30`: how long to wait for an end, at most a minute.
fn wait(text: Option<&String>) -> Result<Duration, crate::app::Refusal> {
    const LONGEST: u64 = 60;
    let Some(text) = text else { return Ok(Duration::ZERO) };
    if let Ok(seconds) = text.trim_end_matches('s').parse::<u64>() {
        return Ok(Duration::from_secs(seconds.min(LONGEST)));
    }
    let mut wrong = parse::Wrongs::default();
    wrong.note("wait", "format", "is no number of seconds", Some(format!("{LONGEST}s")), "give for example 30s");
    Err(crate::app::Refusal::fields(wrong.into_inner()))
}

/// Looks again and again, woken by news, until `done` or the time is up. Holds no connection while it waits.
async fn until<T, F: Future<Output = Result<T, AppError>>>(
    app: &App,
    id: Option<uuid::Uuid>,
    longest: Duration,
    look: impl Fn() -> F,
    done: impl Fn(&T) -> bool,
) -> Result<T, AppError> {
    // News that were missed come by looking again.
    const AGAIN: Duration = Duration::from_secs(2);
    let started = tokio::time::Instant::now();
    loop {
        let watch = id.map(|id| app.runner.watch(id));
        let seen = look().await?;
        let left = longest.saturating_sub(started.elapsed());
        match watch {
            Some(watch) if !done(&seen) && !left.is_zero() && !app.runner.is_stopping() => {
                watch.news(left.min(AGAIN)).await;
            }
            _ => return Ok(seen),
        }
    }
}
