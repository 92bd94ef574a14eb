//! The merged rule book on the wire.

use super::{
    Answer,
    input::Query,
    wire::{layer, need, topic_profile},
};
use crate::{
    app::{App, EffectiveView},
    auth::{Caller, permission::TopicEvaluate},
};
use axum::{Json, extract::State, http::StatusCode};
use orbit_api as api;
use orbit_core::policy::{Bounds, EffectiveConfig, Pattern, Source, Sourced};
use serde::Deserialize;

fn source(of: &Source) -> api::PolicySource {
    api::PolicySource { policy: of.policy.to_string(), version: of.version, layer: layer(of.layer) }
}
fn number(of: &Sourced<impl Copy + Into<i64>>) -> api::EffectiveNumber {
    api::EffectiveNumber { value: of.value.into(), source: source(&of.source) }
}
fn text(of: &Sourced<impl ToString>) -> api::EffectiveText {
    api::EffectiveText { value: of.value.to_string(), source: source(&of.source) }
}
fn limits(of: &Bounds) -> api::EffectiveLimits {
    api::EffectiveLimits { min: of.min.as_ref().map(number), max: of.max.as_ref().map(number) }
}
fn config(of: &EffectiveConfig) -> api::EffectiveConfig {
    api::EffectiveConfig {
        required: of.required.as_ref().map(source),
        forbidden: of.forbidden.as_ref().map(source),
        limits: limits(&of.bounds),
        values: of.values.as_ref().map(|all| all.iter().cloned().collect()),
    }
}

fn to_wire(view: &EffectiveView) -> api::EffectivePolicy {
    let book = &view.book;
    let approvals = book.asks.iter().zip(&view.approvers).map(|(ask, words)| api::EffectiveApproval {
        deletions: ask.deletions,
        auto_approve_patterns: ask.unless.iter().map(Pattern::to_string).collect(),
        need: need(&ask.need, words, vec![]),
        request_validity_hours: ask.valid_hours,
        source: source(&ask.source),
    });
    let profiles = book.profiles.iter().map(|(name, of)| {
        (name.to_string(), api::EffectiveProfile { preset: topic_profile(&of.value), source: source(&of.source) })
    });
    let fields = book.required_request_fields.iter();
    api::EffectivePolicy {
        workspace: view.workspace.to_string(),
        environment: view.environment.to_string(),
        policies: book.policies.iter().map(source).collect(),
        covered: book.covered,
        naming_patterns: book.naming_patterns.iter().map(text).collect(),
        partition_limits: limits(&book.partitions),
        retention_limits: limits(&book.retention_ms),
        replication_factor_limits: limits(&book.replication_factor),
        allowed_configs: book.allowed_configs.as_ref().map(|all| all.iter().cloned().collect()),
        config_rules: book.configs.iter().map(|(key, of)| (key.clone(), config(of))).collect(),
        required_request_fields: fields.map(|(field, of)| (field.as_str().to_owned(), source(of))).collect(),
        approvals: approvals.collect(),
        deletion_lead_time_hours: book.deletion_lead_time_hours.as_ref().map(number),
        deletion_protection_default: book.deletion_protection_default.as_ref().map(source),
        profiles: profiles.collect(),
        default_profile: book.default_profile.as_ref().map(text),
        contradictions: view.contradictions.clone(),
    }
}

/// Which rule book.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Slug or id of the workspace.
    workspace: String,
    /// Slug or id of the environment.
    environment: String,
}

/// The rule book that holds for a workspace in an environment, merged: what holds, and whose word it is.
#[utoipa::path(get, path = "/v1/topic-policies:effective", operation_id = "topic_policy_effective", tag = "topic-policies", params(Which),
    responses((status = 200, body = api::EffectivePolicy), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_effective(
    caller: Caller<TopicEvaluate>,
    State(app): State<App>,
    Query(which): Query<Which>,
) -> Answer<api::EffectivePolicy> {
    let view = app.policy_effective(&caller, &which.workspace, &which.environment).await?;
    Ok((StatusCode::OK, Json(to_wire(&view))))
}
