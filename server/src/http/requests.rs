//! Requests.

use super::{
    Answer, Failed, Tagged,
    input::{Asked, IfMatch, NoBody, Paging, Query, TimeSort, by_time, page},
    parse::{LONG_TEXT, Parse, Wrongs},
    problem::to_wire,
    tagged, until, wait, wire,
};
use crate::{
    app::{App, Decision, InboxFilter, Outcome, RequestNew, TopicIntent, TopicNew},
    auth::{
        Caller,
        permission::{RequestDecide, RequestRead, TopicEvaluate, TopicWrite},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use orbit_api as api;
use orbit_core::{
    approval::RequestState,
    change::{Action, NounKind},
    documentation::Documentation,
    id::RequestId,
    model::topic::TopicSpec,
};
use orbit_store::RequestFilter;
use serde::Deserialize;

/// Which requests to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this workspace: slug or id. One that the caller does not see is 404.
    workspace: Option<String>,
    /// In this state.
    #[param(value_type = Option<api::RequestState>)]
    state: Option<api::RequestState>,
    /// With an object in this environment: slug or id. One that there is not is 404.
    environment: Option<String>,
    /// Filed by the principal of this name.
    requester: Option<String>,
    /// Of this Terraform or CI run (`Orbit-Run-Id`): what belongs together.
    run_id: Option<String>,
    /// `created_at`: oldest first; `-created_at`, the default: newest first.
    #[param(value_type = Option<String>)]
    sort: Option<TimeSort>,
}

const ITEMS_MAX: usize = 100;

impl Parse<RequestNew> for api::RequestCreate {
    fn parse(self, wrong: &mut Wrongs) -> Option<RequestNew> {
        let documentation = self.documentation().parse(wrong);
        if self.items.is_empty() || self.items.len() > ITEMS_MAX {
            let detail = format!("has {} items: 1 to {ITEMS_MAX} are allowed", self.items.len());
            let remedy = if self.items.is_empty() { "say what is asked for" } else { "ask in several requests" };
            wrong.note("/items", "length", detail, Some(format!("1..{ITEMS_MAX}")), remedy);
        }
        let items = self.items.into_iter().take(ITEMS_MAX).enumerate();
        let items: Vec<_> = items.map(|(n, item)| wrong.within(&format!("/items/{n}"), |w| item.parse(w))).collect();
        Some(RequestNew { items: items.into_iter().collect::<Option<_>>()?, documentation: documentation? })
    }
}

impl Parse<TopicIntent> for api::RequestCreateItem {
    fn parse(self, wrong: &mut Wrongs) -> Option<TopicIntent> {
        let action = wire::action_in(self.action);
        let topic: Option<TopicNew> = wrong.within("/topic", |wrong| self.topic.parse(wrong));
        let topic = topic?;
        if action == Action::Delete && topic.spec != TopicSpec::default() {
            let remedy = "take the other fields out, or ask for an update";
            wrong.note("/topic", "request.delete-only", "says more than which topic is to be deleted", None, remedy);
        }
        if topic.documentation != Documentation::default() {
            let remedy = "say it once, beside items: it is what those who decide read of the request";
            wrong.note("/topic", "request.documentation", "says something for those who decide", None, remedy);
        }
        Some(TopicIntent { action, topic })
    }
}

/// Asks for several changes as one request: one verdict, one decision, one operation that does all of it, or takes it back.
///
/// Answers 202 where a person decides or work is under way: `Location` leads to the request or the operation; 201 where it is done; 204 where everything
/// is as asked for already, so that nothing was filed. An equal request that is open is answered instead of filing another.
#[utoipa::path(post, path = "/v1/requests", operation_id = "request_create", tag = "requests", request_body = api::RequestCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("Orbit-Run-Id" = Option<String>, Header, description = "The Terraform or CI run that the call belongs to"),
           ("Orbit-Run-Url" = Option<String>, Header, description = "Where that run can be seen, for those who decide")),
    responses((status = 201, body = api::Request), (status = 202, body = api::Request), (status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_create(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    asked: Asked<api::RequestCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let new = wire.parse(&mut wrong);
    let new = wrong.done(|| new)?;
    let task = app.clone();
    let reply = app.to_the_end(async move { task.request_create(&caller, &call, new).await }).await?;
    let Some(id) = reply.request else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let view = app.request_after(id).await?;
    let url = app.request_url(&view.row);
    let (status, location) = match (reply.outcome, view.row.operation_id) {
        (Outcome::UnderWay, Some(operation)) => (StatusCode::ACCEPTED, format!("/v1/operations/{operation}")),
        (Outcome::UnderWay, None) => (StatusCode::ACCEPTED, format!("/v1/requests/{id}")),
        (Outcome::There | Outcome::Done | Outcome::Gone, _) => (StatusCode::CREATED, format!("/v1/requests/{id}")),
    };
    let headers = [(header::LOCATION, location), (header::ETAG, format!("\"{}\"", view.row.revision))];
    Ok((status, headers, Json(wire::request(&view, url))).into_response())
}

/// What filing several changes as one request would answer: the verdict on all of it, and what is open already. Nothing is filed.
#[utoipa::path(post, path = "/v1/requests:evaluate", operation_id = "request_evaluate", tag = "requests", request_body = api::RequestCreate,
    responses((status = 200, body = api::RequestEvaluation), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_evaluate(
    caller: Caller<TopicEvaluate>,
    State(app): State<App>,
    asked: Asked<api::RequestCreate>,
) -> Answer<api::RequestEvaluation> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let new = wire.parse(&mut wrong);
    let told = app.request_evaluate(&caller, &call, wrong.done(|| new)?).await?;
    let answer = api::RequestEvaluation {
        verdict: wire::verdict(&told.verdict, &told.approvers),
        request: told.request.as_ref().map(wire::request_summary),
        supersedes: told.supersedes.iter().map(wire::request_summary).collect(),
    };
    Ok((StatusCode::OK, Json(answer)))
}

/// A page of requests that the caller may see or decide.
#[utoipa::path(get, path = "/v1/requests", operation_id = "request_list", tag = "requests", params(Which, Paging),
    responses((status = 200, body = api::Page<api::Request>), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_list(
    caller: Caller<RequestRead>,
    State(app): State<App>,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Request>> {
    let asked = paging.by_id()?;
    let state = which.state.map(wire::request_state_in);
    let (run_id, requester, order) = (which.run_id, which.requester, by_time(which.sort));
    let filter = RequestFilter { state, run_id, requester, order, ..RequestFilter::default() };
    let of = (which.workspace.as_deref(), which.environment.as_deref());
    let views = app.request_list(&caller, of, filter, &asked).await?;
    let items = views.iter().map(|v| (v.row.id.uuid(), wire::request(v, app.request_url(&v.row)))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

const INBOX_MAX: u32 = 200;

/// Which part of the inbox.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InboxOf {
    /// Of this workspace: slug or id.
    workspace: Option<String>,
    /// With an object in this environment: slug or id.
    environment: Option<String>,
    /// About objects of this kind: `topic`.
    #[param(value_type = Option<api::Noun>)]
    noun: Option<api::Noun>,
    /// How many of them to show, 0 to 200. Default 50.
    limit: Option<u32>,
}

/// What waits for the caller: pending requests that an approval of theirs would bring on, those that wait longest first, with counts of all of them.
#[utoipa::path(get, path = "/v1/requests:inbox", operation_id = "request_inbox", tag = "requests", params(InboxOf),
    responses((status = 200, body = api::Inbox), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_inbox(
    caller: Caller<RequestRead>,
    State(app): State<App>,
    Query(of): Query<InboxOf>,
) -> Answer<api::Inbox> {
    let mut wrong = Wrongs::default();
    wrong.range("limit", of.limit, 0, INBOX_MAX);
    wrong.done(|| Some(()))?;
    let noun = of.noun.map(|api::Noun::Topic| NounKind::Topic);
    let filter = InboxFilter { workspace: of.workspace, environment: of.environment, noun };
    let inbox = app.request_inbox(&caller, &filter, usize::try_from(of.limit.unwrap_or(50)).unwrap_or(50)).await?;
    let items = inbox.items.iter().map(|view| wire::request(view, app.request_url(&view.row))).collect();
    let wire = api::Inbox {
        total: inbox.total,
        oldest_at: inbox.oldest,
        workspaces: inbox.workspaces,
        environments: inbox.environments,
        nouns: inbox.nouns,
        complete: inbox.complete,
        items,
    };
    Ok((StatusCode::OK, Json(wire)))
}

/// How long to wait.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Answers when it is over, or after so long: `30s`, at most a minute.
    wait: Option<String>,
}

/// A request, with all that a decision needs. With `?wait=` it answers when the request is decided.
#[utoipa::path(get, path = "/v1/requests/{request}", operation_id = "request_get", tag = "requests",
    params(("request" = String, Path, description = "Its id"), Wait),
    responses((status = 200, body = api::Request), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_get(
    caller: Caller<RequestRead>,
    State(app): State<App>,
    Path(request): Path<String>,
    Query(query): Query<Wait>,
) -> Tagged<api::Request> {
    let longest = wait(query.wait.as_ref())?;
    let id = request.parse::<RequestId>().ok().map(RequestId::uuid);
    let look = || app.request_get(&caller, &request);
    let view = until(&app, id, longest, look, |v| v.row.state != RequestState::Pending).await?;
    let url = app.request_url(&view.row);
    tagged(StatusCode::OK, view.row.revision, wire::request(&view, url))
}

async fn decide(
    app: App,
    caller: Caller<RequestDecide>,
    call: crate::app::Call,
    request: String,
    expected: Option<i64>,
    decision: Decision,
) -> Tagged<api::Request> {
    let task = app.clone();
    let id =
        app.to_the_end(async move { task.request_decide(&caller, &call, &request, expected, decision).await }).await?;
    after(&app, id).await
}

/// The request as the answer to what was just done to it.
async fn after(app: &App, id: RequestId) -> Tagged<api::Request> {
    let view = app.request_after(id).await?;
    let url = app.request_url(&view.row);
    tagged(StatusCode::OK, view.row.revision, wire::request(&view, url))
}

const DECIDE_MAX: usize = 200;

/// Decides several requests with one call, for example those of a run (`GET /v1/requests?run_id=…&state=pending`): each for itself, in the order asked.
#[utoipa::path(post, path = "/v1/requests:decide", operation_id = "requests_decide", tag = "requests", request_body = api::RequestsDecide,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::RequestsDecided), (status = "4XX", body = api::Problem)))]
pub(super) async fn requests_decide(
    caller: Caller<RequestDecide>,
    State(app): State<App>,
    asked: Asked<api::RequestsDecide>,
) -> Answer<api::RequestsDecided> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    if body.requests.is_empty() || body.requests.len() > DECIDE_MAX {
        let detail = format!("has {} requests: 1 to {DECIDE_MAX} are allowed", body.requests.len());
        let remedy = if body.requests.is_empty() { "say which requests" } else { "decide in several calls" };
        wrong.note("/requests", "length", detail, Some(format!("1..{DECIDE_MAX}")), remedy);
    }
    wrong.text("/words", body.words.as_ref(), LONG_TEXT);
    let words = body.words.filter(|words| !words.trim().is_empty());
    let decision = match (body.decision, words) {
        (api::Decide::Approve, comment) => {
            Decision::Approve { comment, or_reject: body.on_denial == Some(api::OnDenial::Reject) }
        }
        (api::Decide::Reject, Some(reason)) => Decision::Reject { reason },
        (api::Decide::Reject, None) => {
            wrong.note("/words", "missing", "is empty: the requesters have to know why", None, "say why");
            Decision::Reject { reason: String::new() }
        }
    };
    wrong.done(|| Some(()))?;
    let task = app.clone();
    let work = async move { task.requests_decide(&caller, &call, &body.requests, &decision).await };
    let decided = app.to_the_end(work).await?;
    let items = decided.into_iter().map(|one| match one {
        Ok(view) => {
            let url = app.request_url(&view.row);
            api::RequestDecided { request: Some(wire::request(&view, url)), problem: None }
        }
        Err(refusal) => api::RequestDecided { request: None, problem: Some(to_wire(&app, &refusal, None)) },
    });
    Ok((StatusCode::OK, Json(api::RequestsDecided { items: items.collect() })))
}

/// Consents to a request. The last consent that is due provisions at once.
#[utoipa::path(post, path = "/v1/requests/{request}/approve", operation_id = "request_approve", tag = "requests", request_body = api::Approve,
    params(("request" = String, Path, description = "Its id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::Request), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_approve(
    caller: Caller<RequestDecide>,
    State(app): State<App>,
    Path(request): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::Approve>,
) -> Tagged<api::Request> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    wrong.text("/comment", body.comment.as_ref(), LONG_TEXT);
    wrong.done(|| Some(()))?;
    let decision =
        Decision::Approve { comment: body.comment, or_reject: body.on_denial == Some(api::OnDenial::Reject) };
    decide(app, caller, call, request, expected, decision).await
}

/// Refuses a request. The requester sees the reason, in Terraform too.
#[utoipa::path(post, path = "/v1/requests/{request}/reject", operation_id = "request_reject", tag = "requests", request_body = api::Reject,
    params(("request" = String, Path, description = "Its id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::Request), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_reject(
    caller: Caller<RequestDecide>,
    State(app): State<App>,
    Path(request): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::Reject>,
) -> Tagged<api::Request> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    wrong.text("/reason", Some(&body.reason), LONG_TEXT);
    if body.reason.trim().is_empty() {
        wrong.note("/reason", "missing", "is empty: the requester has to know why", None, "say why");
    }
    wrong.done(|| Some(()))?;
    decide(app, caller, call, request, expected, Decision::Reject { reason: body.reason }).await
}

/// Puts a rejected request back before those who decide, on today's rules and with new time. Consents that were given are due anew.
#[utoipa::path(post, path = "/v1/requests/{request}/reopen", operation_id = "request_reopen", tag = "requests",
    params(("request" = String, Path, description = "Its id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::Request), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_reopen(
    caller: Caller<RequestDecide>,
    State(app): State<App>,
    Path(request): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Tagged<api::Request> {
    let call = asked.bare(caller.who.clone())?;
    let task = app.clone();
    let id = app.to_the_end(async move { task.request_reopen(&caller, &call, &request, expected).await }).await?;
    after(&app, id).await
}

/// Takes a request back: its requester, or an admin of the workspace.
#[utoipa::path(post, path = "/v1/requests/{request}/withdraw", operation_id = "request_withdraw", tag = "requests",
    params(("request" = String, Path, description = "Its id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 200, body = api::Request), (status = "4XX", body = api::Problem)))]
pub(super) async fn request_withdraw(
    caller: Caller<RequestDecide>,
    State(app): State<App>,
    Path(request): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Tagged<api::Request> {
    let call = asked.bare(caller.who.clone())?;
    decide(app, caller, call, request, expected, Decision::Withdraw).await
}
