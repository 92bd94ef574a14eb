//! Operations.

use super::{
    Answer, Tagged, accepted,
    input::{Asked, NoBody, Paging, Query, TimeSort, by_time, page},
    until, wait, wire,
};
use crate::{
    app::App,
    auth::{
        Caller,
        permission::{OperationControl, OperationRead},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use orbit_api as api;
use orbit_core::{id::OperationId, workflow::Control};
use orbit_store::OperationFilter;
use serde::Deserialize;

/// Which operations to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this workspace: slug or id. One that the caller does not see is 404.
    workspace: Option<String>,
    /// In this state.
    #[param(value_type = Option<api::OperationState>)]
    state: Option<api::OperationState>,
    /// `created_at`: oldest first; `-created_at`, the default: newest first.
    #[param(value_type = Option<String>)]
    sort: Option<TimeSort>,
}

/// A page of operations.
#[utoipa::path(get, path = "/v1/operations", operation_id = "operation_list", tag = "operations", params(Which, Paging),
    responses((status = 200, body = api::Page<api::Operation>), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_list(
    caller: Caller<OperationRead>,
    State(app): State<App>,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Operation>> {
    let asked = paging.by_id()?;
    let state = which.state.map(wire::operation_state_in);
    let filter = OperationFilter { state, order: by_time(which.sort), ..OperationFilter::default() };
    let rows = app.operation_list(&caller, which.workspace.as_deref(), filter, &asked).await?;
    let items = rows.iter().map(|o| (o.id.uuid(), wire::operation(o, &caller.who))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// How long to wait.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Answers when it is over, or after so long: `30s`, at most a minute.
    wait: Option<String>,
}

/// An operation, with its steps. With `?wait=` it answers when the operation is over.
#[utoipa::path(get, path = "/v1/operations/{operation}", operation_id = "operation_get", tag = "operations",
    params(("operation" = String, Path, description = "Its id"), Wait),
    responses((status = 200, body = api::Operation), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_get(
    caller: Caller<OperationRead>,
    State(app): State<App>,
    Path(operation): Path<String>,
    Query(query): Query<Wait>,
) -> Answer<api::Operation> {
    let longest = wait(query.wait.as_ref())?;
    let id = operation.parse::<OperationId>().ok().map(OperationId::uuid);
    let look = || app.operation_get(&caller, &operation);
    let row = until(&app, id, longest, look, |o| o.state.is_final()).await?;
    Ok((StatusCode::OK, Json(wire::operation(&row, &caller.who))))
}

/// Cancels an operation: after the step that is under way, what was done is taken back, and it ends as `cancelled`.
#[utoipa::path(post, path = "/v1/operations/{operation}/cancel", operation_id = "operation_cancel", tag = "operations",
    params(("operation" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Operation), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_cancel(
    caller: Caller<OperationControl>,
    State(app): State<App>,
    Path(operation): Path<String>,
    asked: Asked<NoBody>,
) -> Tagged<api::Operation> {
    control(caller, app, operation, asked, Control::Cancel).await
}

/// Pauses an operation: after the step that is under way it rests, as `paused`, until it is resumed or cancelled.
#[utoipa::path(post, path = "/v1/operations/{operation}/pause", operation_id = "operation_pause", tag = "operations",
    params(("operation" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Operation), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_pause(
    caller: Caller<OperationControl>,
    State(app): State<App>,
    Path(operation): Path<String>,
    asked: Asked<NoBody>,
) -> Tagged<api::Operation> {
    control(caller, app, operation, asked, Control::Pause).await
}

/// Goes on with an operation that is paused, or is about to be.
#[utoipa::path(post, path = "/v1/operations/{operation}/resume", operation_id = "operation_resume", tag = "operations",
    params(("operation" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Operation), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_resume(
    caller: Caller<OperationControl>,
    State(app): State<App>,
    Path(operation): Path<String>,
    asked: Asked<NoBody>,
) -> Tagged<api::Operation> {
    control(caller, app, operation, asked, Control::Resume).await
}

/// Takes a stuck operation up again, once its cause is mended: what could not be taken back is tried anew. One that waits for its next try makes it now.
#[utoipa::path(post, path = "/v1/operations/{operation}/retry", operation_id = "operation_retry", tag = "operations",
    params(("operation" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Operation), (status = "4XX", body = api::Problem)))]
pub(super) async fn operation_retry(
    caller: Caller<OperationControl>,
    State(app): State<App>,
    Path(operation): Path<String>,
    asked: Asked<NoBody>,
) -> Tagged<api::Operation> {
    control(caller, app, operation, asked, Control::Retry).await
}

async fn control(
    caller: Caller<OperationControl>,
    app: App,
    operation: String,
    asked: Asked<NoBody>,
    control: Control,
) -> Tagged<api::Operation> {
    let who = caller.who.clone();
    let call = asked.bare(who.clone())?;
    let task = app.clone();
    let id = app.to_the_end(async move { task.operation_control(&caller, &call, &operation, control).await }).await?;
    let row = app.operation_after(id).await?;
    accepted(format!("/v1/operations/{id}"), wire::operation(&row, &who))
}
