//! `Accept`: what an answer may be.

use super::Failed;
use crate::app::{Code, Refusal};
use axum::{
    extract::Request,
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Below `/v1` everything is JSON, and nothing else.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let asked = request.headers().get_all(header::ACCEPT);
    let ranges: Vec<&str> = asked.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
    if !request.uri().path().starts_with("/v1/") || ranges.is_empty() || ranges.iter().any(|range| takes_json(range)) {
        return next.run(request).await;
    }
    let refusal = Refusal::new(Code::NotAcceptable, format!("the call accepts {}", ranges.join(",").trim()))
        .remedy("accept application/json");
    Failed::from(refusal).into_response()
}

/// Whether a media range covers JSON, and is wanted at all (`q=0` says that it is not).
fn takes_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let unwanted = parts.any(|p| p.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0));
    !unwanted && ["*/*", "application/*", "application/json", "application/problem+json"].contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_ranges_are_read_as_rfc_9110_says() {
        for range in ["*/*", "application/json", " Application/JSON;charset=utf-8", "application/*;q=0.1"] {
            assert!(takes_json(range), "{range}");
        }
        for range in ["text/html", "application/json;q=0", "", "application/xml", "*/*; q=0.0"] {
            assert!(!takes_json(range), "{range}");
        }
    }
}
