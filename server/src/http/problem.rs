//! Refusals on their way out: RFC 9457 problems. A handler leaves its refusal in the answer; one layer makes the body, with the id of the exchange.

use super::wire;
use crate::app::{App, AppError, Code, Refusal};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use orbit_api::Problem;

/// The header that names an exchange: taken from the caller where it sends one, else made.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// A use case's failure as an answer.
#[derive(Debug)]
pub struct Failed(pub AppError);

impl From<AppError> for Failed {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}
impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

#[derive(Clone)]
struct Draft(Box<Refusal>);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let refusal = match self.0 {
            AppError::Refused(refusal) => refusal,
            AppError::Internal(operator) => {
                tracing::error!(operator, "a call failed inside Orbit");
                Box::new(
                    Refusal::new(Code::Internal, "Orbit failed on its side")
                        .remedy("call again: what was kept of it is found, and nothing is done twice; if it goes on, give the request_id to whoever runs Orbit"),
                )
            }
            AppError::Unavailable(operator) => {
                tracing::warn!(operator, "a call could not be answered: the database is away or busy");
                Box::new(unavailable())
            }
        };
        let mut response = refusal.code.status().into_response();
        response.extensions_mut().insert(Draft(refusal));
        response
    }
}

/// A refusal as the wire tells it.
pub(crate) fn to_wire(app: &App, refusal: &Refusal, request_id: Option<String>) -> Problem {
    let anchor = refusal.code.as_str().replace('.', "-");
    Problem {
        type_uri: format!("{}/docs/errors#{anchor}", app.public_url),
        title: refusal.code.title().to_owned(),
        status: refusal.code.status().as_u16(),
        code: refusal.code.as_str().to_owned(),
        detail: refusal.detail.clone(),
        remedy: refusal.remedy.clone(),
        errors: refusal.fields.clone(),
        request: refusal.request.as_deref().map(wire::request_summary),
        request_id,
    }
}

/// Makes the body of every refusal, of the router's own too.
pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok()).map(str::to_owned);
    // NUL can be part of no name, and PostgreSQL refuses even to look for it.
    let nul = request.uri().to_string().contains("%00");
    let mut response = if nul { StatusCode::BAD_REQUEST.into_response() } else { next.run(request).await };
    let refusal = match response.extensions_mut().remove::<Draft>() {
        Some(Draft(refusal)) => refusal,
        None => match bare(response.status()) {
            Some(refusal) => Box::new(refusal),
            None => return response,
        },
    };
    let problem = to_wire(&app, &refusal, id);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if refusal.code == Code::Unavailable {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    if refusal.code == Code::Unauthenticated {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, body.into())
}

/// How long who finds Orbit away is asked to wait.
const RETRY_AFTER_SECONDS: &str = "2";

fn unavailable() -> Refusal {
    Refusal::new(Code::Unavailable, "Orbit cannot answer now: its database is away or busy")
        .remedy("call again in a moment")
}

/// What the router itself refuses.
fn bare(status: StatusCode) -> Option<Refusal> {
    Some(match status {
        StatusCode::BAD_REQUEST => Refusal::new(Code::Malformed, "the address of the call cannot be read")
            .remedy("check its percent-encoding; GET /v1/openapi.json tells the routes"),
        StatusCode::NOT_FOUND => Refusal::new(Code::NoRoute, "no such route")
            .remedy("/docs/api/ shows the routes, GET /v1/openapi.json tells them"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Refusal::new(Code::Method, "the route takes other methods").remedy("the header Allow names them")
        }
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(Code::TooLarge, "the body is larger than the server takes")
            .remedy("send less at once; server.body_limit_bytes is the limit"),
        StatusCode::INTERNAL_SERVER_ERROR => Refusal::new(Code::Internal, "Orbit failed on its side")
            .remedy("call again; if it goes on, give the request_id to whoever runs Orbit"),
        StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => unavailable(),
        _ => return None,
    })
}
