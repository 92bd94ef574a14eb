//! Topic policies.

use super::{
    Answer, Failed, Tagged, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{Parse, Wrongs, slug},
    policy_body::to_wire,
    tagged,
    wire::{decision, verdict},
};
use crate::{
    app::{App, BacktestView, Confirmed, Tally},
    auth::{
        Caller,
        permission::{PolicyRead, PolicyWrite},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_core::name::Slug;
use orbit_store::PolicyVersionRow;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the caller means to do.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Confirm {
    /// Slugs of environments, separated by commas, in which the policy may leave no topic that could be created.
    confirm: Option<String>,
}

impl Confirm {
    pub(super) fn parse(&self, wrong: &mut Wrongs) -> Confirmed {
        let named = self.confirm.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty());
        Confirmed(named.filter_map(|text| slug("confirm", text, wrong)).collect())
    }
}

/// Creates a topic policy: of the platform, or of a workspace.
#[utoipa::path(post, path = "/v1/topic-policies", operation_id = "topic_policy_create", tag = "topic-policies",
    request_body = api::TopicPolicyCreate, params(Confirm,
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::TopicPolicy), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_create(
    caller: Caller<PolicyWrite>,
    State(app): State<App>,
    Query(confirm): Query<Confirm>,
    asked: Asked<api::TopicPolicyCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let new = wire.parse(&mut wrong);
    let confirmed = confirm.parse(&mut wrong);
    let row = app.policy_create(&caller, &call, wrong.done(|| new)?, &confirmed).await?;
    created("/v1/topic-policies", row.id, Some(row.version), to_wire(&row))
}

/// A topic policy, by name or id.
#[utoipa::path(get, path = "/v1/topic-policies/{policy}", operation_id = "topic_policy_get", tag = "topic-policies",
    params(("policy" = String, Path, description = "Name or id")),
    responses((status = 200, body = api::TopicPolicy), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_get(
    caller: Caller<PolicyRead>,
    State(app): State<App>,
    Path(policy): Path<String>,
) -> Tagged<api::TopicPolicy> {
    let row = app.policy_get(&caller, &policy).await?;
    tagged(StatusCode::OK, row.version, to_wire(&row))
}

/// A page of the topic policies that the caller sees: the platform's, and those of its workspaces.
#[utoipa::path(get, path = "/v1/topic-policies", operation_id = "topic_policy_list", tag = "topic-policies", params(Paging),
    responses((status = 200, body = api::Page<api::TopicPolicy>), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_list(
    caller: Caller<PolicyRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::TopicPolicy>> {
    let asked = paging.by_text()?;
    let rows = app.policy_list(&caller, &asked).await?;
    let items = rows.iter().map(|p| (p.name.to_string(), to_wire(p))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Replaces what a topic policy says, whole.
#[utoipa::path(put, path = "/v1/topic-policies/{policy}", operation_id = "topic_policy_replace", tag = "topic-policies",
    request_body = api::TopicPolicyReplace,
    params(Confirm, ("policy" = String, Path, description = "Name or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 200, body = api::TopicPolicy), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_replace(
    caller: Caller<PolicyWrite>,
    State(app): State<App>,
    Path(policy): Path<String>,
    IfMatch(expected): IfMatch,
    Query(confirm): Query<Confirm>,
    asked: Asked<api::TopicPolicyReplace>,
) -> Tagged<api::TopicPolicy> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let rules = wire.parse(&mut wrong);
    let confirmed = confirm.parse(&mut wrong);
    let row = app.policy_replace(&call, &policy, (wrong.done(|| rules)?, &confirmed), expected).await?;
    tagged(StatusCode::OK, row.version, to_wire(&row))
}

/// A page of a topic policy's versions, newest first: what it said, since when, and who wrote it.
#[utoipa::path(get, path = "/v1/topic-policies/{policy}/versions", operation_id = "topic_policy_versions", tag = "topic-policies",
    params(("policy" = String, Path, description = "Name or id"), Paging),
    responses((status = 200, body = api::Page<api::TopicPolicyVersion>), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_versions(
    caller: Caller<PolicyRead>,
    State(app): State<App>,
    Path(policy): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::TopicPolicyVersion>> {
    let asked = paging.by_number()?;
    let rows = app.policy_versions(&caller, &policy, &asked).await?;
    let to_wire = |row: PolicyVersionRow| {
        let policy = to_wire(&row.policy);
        (policy.version, api::TopicPolicyVersion { policy, written_by: row.written_by })
    };
    Ok((StatusCode::OK, Json(page(rows.into_iter().map(to_wire).collect(), asked.limit))))
}

/// Makes a topic policy say again what it said in a version: that becomes a new version.
#[utoipa::path(post, path = "/v1/topic-policies/{policy}/restore", operation_id = "topic_policy_restore", tag = "topic-policies",
    request_body = api::TopicPolicyRestore,
    params(Confirm, ("policy" = String, Path, description = "Name or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::TopicPolicy), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_restore(
    caller: Caller<PolicyWrite>,
    State(app): State<App>,
    Path(policy): Path<String>,
    IfMatch(expected): IfMatch,
    Query(confirm): Query<Confirm>,
    asked: Asked<api::TopicPolicyRestore>,
) -> Tagged<api::TopicPolicy> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    let confirmed = confirm.parse(&mut wrong);
    let version = wrong.done(|| Some(body.version))?;
    let row = app.policy_restore(&call, &policy, (version, &confirmed), expected).await?;
    tagged(StatusCode::OK, row.version, to_wire(&row))
}

const BACKTEST_MAX: u32 = 1_000;

/// Judges every topic that is there as if it were asked for today, without a draft of a policy and with it. Changes nothing. A draft with the name of a
/// policy takes its place. What a request has to say for itself is taken as said.
#[utoipa::path(post, path = "/v1/topic-policies:backtest", operation_id = "topic_policy_backtest", tag = "topic-policies",
    request_body = api::TopicPolicyBacktest,
    responses((status = 200, body = api::TopicPolicyBacktested), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_backtest(
    caller: Caller<PolicyWrite>,
    State(app): State<App>,
    asked: Asked<api::TopicPolicyBacktest>,
) -> Answer<api::TopicPolicyBacktested> {
    let (_, body, mut wrong) = asked.by(caller.who.clone());
    wrong.range("/limit", body.limit, 0, BACKTEST_MAX);
    let draft = wrong.within("/draft", |wrong| body.draft.parse(wrong));
    let draft = wrong.done(|| draft)?;
    let limit = usize::try_from(body.limit.unwrap_or(100)).unwrap_or(100);
    let view = app.policy_backtest(&caller, draft, limit).await?;
    Ok((StatusCode::OK, Json(backtested(&view))))
}

fn backtested(view: &BacktestView) -> api::TopicPolicyBacktested {
    let tally = |t: Tally| api::Tally { allow: t.allow, needs_approval: t.needs_approval, deny: t.deny };
    let items = view.items.iter().map(|fares| api::BacktestedTopic {
        topic: fares.topic.clone(),
        today: decision(fares.today),
        then: verdict(&fares.then, &[]),
    });
    api::TopicPolicyBacktested {
        topics: view.topics,
        today: tally(view.today),
        then: tally(view.then),
        changed: view.changed,
        items: items.collect(),
        locks_out: locks_out(&view.locks_out),
    }
}

/// Environments in which no topic could be created any more, and why.
pub(super) fn locks_out(locked: &BTreeMap<Slug, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    locked.iter().map(|(slug, why)| (slug.to_string(), why.clone())).collect()
}

/// Deletes a topic policy.
#[utoipa::path(delete, path = "/v1/topic-policies/{policy}", operation_id = "topic_policy_delete", tag = "topic-policies",
    params(("policy" = String, Path, description = "Name or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_policy_delete(
    caller: Caller<PolicyWrite>,
    State(app): State<App>,
    Path(policy): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.policy_delete(&call, &policy, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
