//! Topics.

use super::{
    Answer, Failed, Tagged,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{LONG_TEXT, Parse, Wrongs, topic_name},
    problem::to_wire,
    tagged, until, wait, wire,
};
use crate::{
    app::{App, Code, Evaluated, Outcome, Refusal, TopicIntent, TopicNew, TopicReply, TopicView},
    auth::{
        Caller,
        permission::{TopicEvaluate, TopicRead, TopicWrite},
    },
    reconcile::observe,
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use orbit_api as api;
use orbit_core::{approval::RequestState, documentation::Documentation, id::TopicId, workflow::OperationState};
use orbit_store::{Direction, PageOf, TopicFilter, TopicOrder};
use serde::Deserialize;
use std::time::Duration;

impl Parse<TopicNew> for api::TopicCreate {
    fn parse(self, wrong: &mut Wrongs) -> Option<TopicNew> {
        let name = topic_name(&self.name, wrong);
        let spec = self.spec().parse(wrong);
        let documentation = self.documentation().parse(wrong);
        Some(TopicNew {
            workspace: self.workspace,
            environment: self.environment,
            name: name?,
            spec: spec?,
            documentation: documentation?,
        })
    }
}

fn parsed<T>(wire: impl Parse<T>, mut wrong: Wrongs) -> Result<T, Refusal> {
    let value = wire.parse(&mut wrong);
    wrong.done(|| value)
}

/// Where the topic can be seen, or its operation, or the request that it waits for.
fn location(view: &TopicView) -> String {
    let waits = view.request.as_ref().filter(|r| r.state == RequestState::Pending);
    match (waits, &view.operation) {
        (Some(request), _) => format!("/v1/requests/{}", request.id),
        (None, Some(operation)) if !operation.state.is_final() => format!("/v1/operations/{}", operation.id),
        _ => format!("/v1/topics/{}", view.row.id),
    }
}

/// The answer to a call that asked for a change: the topic as it is by now, and where to look next.
async fn answer(app: &App, reply: TopicReply, there: StatusCode) -> Result<Response, Failed> {
    let Some(view) = app.topic_after(reply.topic).await? else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let status = match reply.outcome {
        Outcome::There | Outcome::Done => there,
        Outcome::UnderWay => StatusCode::ACCEPTED,
        Outcome::Gone => return Ok(StatusCode::NO_CONTENT.into_response()),
    };
    let headers: [(HeaderName, String); 2] =
        [(header::LOCATION, location(&view)), (header::ETAG, format!("\"{}\"", view.row.revision))];
    Ok((status, headers, Json(wire::topic(&view))).into_response())
}

/// The same, held back until the work is over or the time is up: one call where asking again would be many.
async fn answer_when_over(
    app: &App,
    reply: TopicReply,
    there: StatusCode,
    longest: Duration,
) -> Result<Response, Failed> {
    let operation = match (reply.outcome, longest.is_zero()) {
        (Outcome::UnderWay, false) => app.topic_after(reply.topic).await?.and_then(|view| view.operation),
        _ => None,
    };
    let Some(operation) = operation else { return answer(app, reply, there).await };
    let id = operation.id;
    let over = until(app, Some(id.uuid()), longest, || app.operation_after(id), |o| o.state.is_final()).await?;
    let outcome = if over.state == OperationState::Succeeded { Outcome::Done } else { reply.outcome };
    answer(app, TopicReply { outcome, ..reply }, there).await
}

/// How long to wait.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Held {
    /// At most so long, for example `30s`; at most 60 s. The answer is held back until the work is over; where a person has to decide first, it comes at once.
    wait: Option<String>,
}

/// Asks for a topic.
///
/// Answers 201 where it is there, 202 where work is under way or a person decides: `Location` leads to the operation or the request. An equal call
/// attaches to what is open. With `?wait=` it answers when the work is over.
#[utoipa::path(post, path = "/v1/topics", operation_id = "topic_create", tag = "topics", request_body = api::TopicCreate,
    params(Held, ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("Orbit-Run-Id" = Option<String>, Header, description = "The Terraform or CI run that the call belongs to"),
           ("Orbit-Run-Url" = Option<String>, Header, description = "Where that run can be seen, for those who decide")),
    responses((status = 201, body = api::Topic), (status = 202, body = api::Topic), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_create(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    Query(held): Query<Held>,
    asked: Asked<api::TopicCreate>,
) -> Result<Response, Failed> {
    let longest = wait(held.wait.as_ref())?;
    let (call, wire, wrong) = asked.by(caller.who.clone());
    let (workspace, environment) = (wire.workspace.clone(), wire.environment.clone());
    let new = match parsed(wire, wrong) {
        Ok(new) => new,
        // Where it was to live is told in the same answer.
        Err(refusal) => return Err(app.topic_place_too(&caller, &workspace, &environment, refusal).await?.into()),
    };
    let task = app.clone();
    let reply = app.to_the_end(async move { task.topic_create(&caller, &call, new).await }).await?;
    answer_when_over(&app, reply, StatusCode::CREATED, longest).await
}

/// Whether clusters are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Observe {
    Fresh,
}

/// How a topic is looked at.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Look {
    /// `fresh`: the cluster is asked first, at most 5 seconds; else what was seen last, with `observed.at`.
    #[param(value_type = Option<String>)]
    observe: Option<Observe>,
    /// Notes that the creator has seen the topic: from then on an equal create is a duplicate, not a lost reply.
    #[serde(default)]
    acknowledge: bool,
}

/// A topic, by id or by `workspace/environment/name`, percent-encoded.
#[utoipa::path(get, path = "/v1/topics/{topic}", operation_id = "topic_get", tag = "topics",
    params(("topic" = String, Path, description = "Id, or workspace/environment/name with %2F"), Look),
    responses((status = 200, body = api::Topic), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_get(
    caller: Caller<TopicRead>,
    State(app): State<App>,
    Path(topic): Path<String>,
    Query(look): Query<Look>,
) -> Tagged<api::Topic> {
    if look.observe == Some(Observe::Fresh) {
        let row = app.topic_find(&caller, &topic).await?;
        observe(&app, std::slice::from_ref(&row)).await;
    }
    let view = app.topic_get(&caller, &topic, look.acknowledge).await?;
    tagged(StatusCode::OK, view.row.revision, wire::topic(&view))
}

/// Which topics to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this workspace: slug or id. One that the caller does not see is 404.
    workspace: Option<String>,
    /// Of this environment: slug or id.
    environment: Option<String>,
    /// Of this logical name.
    name: Option<String>,
    /// Of this name on their cluster: how a topic is found that is known from Kafka.
    physical_name: Option<String>,
    /// Of this status.
    #[param(value_type = Option<api::TopicStatus>)]
    status: Option<api::TopicStatus>,
    /// `fresh`: the clusters are asked first, one batched describe each; else what was seen last, with `observed.at`.
    #[param(value_type = Option<String>)]
    observe: Option<Observe>,
    /// `created_at`, the default: oldest first; `name`: by name, in the order of bytes; with `-` before it the other way round.
    #[param(value_type = Option<String>)]
    sort: Option<Sort>,
}

/// In which order topics are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Sort {
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameBackwards,
}

/// The page and the order asked for.
fn order(sort: Option<Sort>, paging: &Paging) -> Result<(PageOf<uuid::Uuid>, TopicOrder), Refusal> {
    let by_name = |direction| {
        let (page, after) = paging.by_name()?;
        Ok((page, TopicOrder::Name(direction, after)))
    };
    match sort {
        None | Some(Sort::Oldest) => Ok((paging.by_id()?, TopicOrder::Age(Direction::Up))),
        Some(Sort::Newest) => Ok((paging.by_id()?, TopicOrder::Age(Direction::Down))),
        Some(Sort::Name) => by_name(Direction::Up),
        Some(Sort::NameBackwards) => by_name(Direction::Down),
    }
}

/// A page of the topics that the caller sees.
#[utoipa::path(get, path = "/v1/topics", operation_id = "topic_list", tag = "topics", params(Which, Paging),
    responses((status = 200, body = api::Page<api::Topic>), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_list(
    caller: Caller<TopicRead>,
    State(app): State<App>,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Topic>> {
    let (asked, order) = order(which.sort, &paging)?;
    let by_name = matches!(order, TopicOrder::Name(..));
    let status = which.status.map(wire::topic_status_in);
    let filter =
        TopicFilter { name: which.name, physical_name: which.physical_name, status, order, ..TopicFilter::default() };
    let (workspace, environment) = (which.workspace.as_deref(), which.environment.as_deref());
    let mut views = app.topic_list(&caller, workspace, environment, filter.clone(), &asked).await?;
    if which.observe == Some(Observe::Fresh) {
        let rows: Vec<_> = views.into_iter().map(|v| v.row).collect();
        observe(&app, &rows).await;
        views = app.topic_list(&caller, workspace, environment, filter, &asked).await?;
    }
    let key = |v: &TopicView| {
        let id = v.row.id.uuid();
        if by_name { format!("{id} {}", v.row.name) } else { id.to_string() }
    };
    let items = views.iter().map(|v| (key(v), wire::topic(v))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Changes a topic, by a JSON merge patch: absent stays, null unsets.
///
/// Answers 200 where there was nothing to do on the cluster, 202 where work is under way or a person decides.
#[utoipa::path(patch, path = "/v1/topics/{topic}", operation_id = "topic_update", tag = "topics",
    request_body(content = api::TopicPatch, content_type = "application/merge-patch+json"),
    params(("topic" = String, Path, description = "Id, or workspace/environment/name with %2F"),
           ("If-Match" = Option<String>, Header, description = "ETag that the caller read"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("Orbit-Run-Id" = Option<String>, Header, description = "The Terraform or CI run that the call belongs to"),
           ("Orbit-Run-Url" = Option<String>, Header, description = "Where that run can be seen, for those who decide")),
    responses((status = 200, body = api::Topic), (status = 202, body = api::Topic), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_update(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    Path(topic): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::TopicPatch>,
) -> Result<Response, Failed> {
    let (call, patch, mut wrong) = asked.by(caller.who.clone());
    let documentation = patch.documentation().parse(&mut wrong).unwrap_or_default();
    let respec = move |before: &_| {
        let spec = patch.apply(wire::topic_spec(before)).parse(&mut wrong);
        match spec {
            Some(spec) if wrong.is_empty() => Ok(spec),
            _ => Err(wrong.into_inner()),
        }
    };
    let task = app.clone();
    let work = async move { task.topic_update(&caller, &call, &topic, expected, documentation, respec).await };
    let reply = app.to_the_end(work).await?;
    answer(&app, reply, StatusCode::OK).await
}

/// Makes a topic exactly what the body says: what is absent is unset.
///
/// Answers 200 where there was nothing to do on the cluster, 202 where work is under way or a person decides.
#[utoipa::path(put, path = "/v1/topics/{topic}", operation_id = "topic_replace", tag = "topics", request_body = api::TopicReplace,
    params(("topic" = String, Path, description = "Id, or workspace/environment/name with %2F"),
           ("If-Match" = Option<String>, Header, description = "ETag that the caller read"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("Orbit-Run-Id" = Option<String>, Header, description = "The Terraform or CI run that the call belongs to"),
           ("Orbit-Run-Url" = Option<String>, Header, description = "Where that run can be seen, for those who decide")),
    responses((status = 200, body = api::Topic), (status = 202, body = api::Topic), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_replace(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    Path(topic): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::TopicReplace>,
) -> Result<Response, Failed> {
    let (call, body, mut wrong) = asked.by(caller.who.clone());
    let (spec, documentation) = (body.spec().parse(&mut wrong), body.documentation().parse(&mut wrong));
    let (spec, documentation) = wrong.done(|| spec.zip(documentation))?;
    let task = app.clone();
    let respec = move |_: &_| Ok(spec);
    let work = async move { task.topic_update(&caller, &call, &topic, expected, documentation, respec).await };
    let reply = app.to_the_end(work).await?;
    answer(&app, reply, StatusCode::OK).await
}

/// Why a deletion is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Why {
    /// Why, for those who decide. At most 2,000 characters. A deletion that was rejected can be asked for again with another one.
    justification: Option<String>,
}

/// Takes a topic away.
///
/// Answers 204 where nothing was on a cluster, 202 where work is under way or a person decides.
#[utoipa::path(delete, path = "/v1/topics/{topic}", operation_id = "topic_delete", tag = "topics",
    params(("topic" = String, Path, description = "Id, or workspace/environment/name with %2F"),
           ("If-Match" = Option<String>, Header, description = "ETag that the caller read"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("Orbit-Run-Id" = Option<String>, Header, description = "The Terraform or CI run that the call belongs to"),
           ("Orbit-Run-Url" = Option<String>, Header, description = "Where that run can be seen, for those who decide"), Why),
    responses((status = 202, body = api::Topic), (status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_delete(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    Path(topic): Path<String>,
    IfMatch(expected): IfMatch,
    Query(why): Query<Why>,
    asked: Asked<NoBody>,
) -> Result<Response, Failed> {
    let (call, _, mut wrong) = asked.by(caller.who.clone());
    wrong.text("justification", why.justification.as_ref(), LONG_TEXT);
    wrong.done(|| Some(()))?;
    let task = app.clone();
    let documentation = Documentation { justification: why.justification, ..Documentation::default() };
    let work = async move { task.topic_delete(&caller, &call, &topic, expected, documentation).await };
    let reply = app.to_the_end(work).await?;
    answer(&app, reply, StatusCode::OK).await
}

/// Keeps a topic whose deletion was accepted with a lead time that is not over.
#[utoipa::path(post, path = "/v1/topics/{topic}/restore", operation_id = "topic_restore", tag = "topics",
    params(("topic" = String, Path, description = "Id, or workspace/environment/name with %2F"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours"),
           ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 200, body = api::Topic), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_restore(
    caller: Caller<TopicWrite>,
    State(app): State<App>,
    Path(topic): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<Response, Failed> {
    let call = asked.bare(caller.who.clone())?;
    let task = app.clone();
    let work = async move { task.topic_restore(&caller, &call, &topic, expected).await };
    let topic = app.to_the_end(work).await?;
    answer(&app, TopicReply { topic, outcome: Outcome::Done }, StatusCode::OK).await
}

const ACKNOWLEDGE_MAX: usize = 1_000;

/// Notes that the caller has seen topics that they asked for: from then on an equal create is a duplicate, not a lost reply.
///
/// Others' topics, and what is not there, are passed over.
#[utoipa::path(post, path = "/v1/topics:acknowledge", operation_id = "topic_acknowledge", tag = "topics", request_body = api::TopicAcknowledge,
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_acknowledge(
    caller: Caller<TopicEvaluate>,
    State(app): State<App>,
    asked: Asked<api::TopicAcknowledge>,
) -> Result<StatusCode, Failed> {
    let (_, wire, mut wrong) = asked.by(caller.who.clone());
    if wire.topics.len() > ACKNOWLEDGE_MAX {
        let detail = format!("has {} ids: at most {ACKNOWLEDGE_MAX} are allowed", wire.topics.len());
        wrong.note("/topics", "length", detail, Some(ACKNOWLEDGE_MAX.to_string()), "say it in several calls");
    }
    let ids = wire.topics.iter().enumerate().filter_map(|(n, id)| {
        let id = id.parse::<TopicId>();
        if id.is_err() {
            wrong.note(&format!("/topics/{n}"), "format", "is no id of a topic", None, "give ids: top_…");
        }
        id.ok()
    });
    let ids: Vec<_> = ids.collect();
    wrong.done(|| Some(()))?;
    app.topics_acknowledge(&caller.who, &ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

const EVALUATE_MAX: usize = 1_000;

/// Asks what submit would answer to several changes, without filing anything. Each sees those before it.
#[utoipa::path(post, path = "/v1/topics:evaluate", operation_id = "topic_evaluate", tag = "topics", request_body = api::TopicEvaluate,
    responses((status = 200, body = api::TopicEvaluation), (status = "4XX", body = api::Problem)))]
pub(super) async fn topic_evaluate(
    caller: Caller<TopicEvaluate>,
    State(app): State<App>,
    asked: Asked<api::TopicEvaluate>,
) -> Answer<api::TopicEvaluation> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    if wire.items.len() > EVALUATE_MAX {
        let detail = format!("has {} items: at most {EVALUATE_MAX} are allowed", wire.items.len());
        wrong.note("/items", "length", detail, Some(EVALUATE_MAX.to_string()), "ask in several calls");
    }
    wrong.done(|| Some(()))?;
    let items = wire.items.into_iter().map(|item| {
        Ok(TopicIntent { action: wire::action_in(item.action), topic: parsed(item.topic, Wrongs::default())? })
    });
    let items = items.collect();
    let judged = app.topic_evaluate(&caller, &call, items).await?;
    let items = judged.into_iter().map(|item| evaluation(&app, item)).collect();
    Ok((StatusCode::OK, Json(api::TopicEvaluation { items })))
}

fn evaluation(app: &App, item: Result<Evaluated, Refusal>) -> api::TopicEvaluationItem {
    match item {
        Ok(e) => api::TopicEvaluationItem {
            verdict: Some(wire::verdict(&e.verdict, &e.approvers)),
            problem: None,
            physical_name: Some(e.physical_name),
            cluster: Some(e.cluster),
            request: e.request.as_ref().map(wire::request_summary),
            supersedes: e.supersedes.as_ref().map(wire::request_summary),
        },
        Err(refusal) => {
            debug_assert_ne!(refusal.code, Code::Internal);
            api::TopicEvaluationItem {
                verdict: None,
                problem: Some(to_wire(app, &refusal, None)),
                physical_name: None,
                cluster: None,
                // One that stands in the way is in the problem: here stands only a request of the same intent.
                request: None,
                supersedes: None,
            }
        }
    }
}
