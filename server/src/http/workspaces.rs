//! Workspaces.

use super::{
    Answer, Failed, Tagged, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{display_name, slug},
    tagged,
};
use crate::{
    app::App,
    auth::{
        Caller,
        permission::{WorkspaceCreate, WorkspaceDelete, WorkspaceRead, WorkspaceUpdate},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_store::WorkspaceRow;

fn to_wire(row: &WorkspaceRow) -> api::Workspace {
    api::Workspace {
        id: row.id.to_string(),
        slug: row.slug.to_string(),
        display_name: row.display_name.clone(),
        tenant: row.tenant.to_string(),
        revision: row.revision,
        created_at: row.created_at,
    }
}

/// Creates a workspace.
#[utoipa::path(post, path = "/v1/workspaces", operation_id = "workspace_create", tag = "workspaces", request_body = api::WorkspaceCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::Workspace), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_create(
    caller: Caller<WorkspaceCreate>,
    State(app): State<App>,
    asked: Asked<api::WorkspaceCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let name = display_name(wire.display_name, &wire.slug, &mut wrong);
    let parsed = slug("/slug", &wire.slug, &mut wrong);
    let parsed = wrong.done(|| parsed)?;
    let row = app.workspace_create(&call, parsed, name).await?;
    created("/v1/workspaces", row.id, Some(row.revision), to_wire(&row))
}

/// A workspace, by slug or id.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}", operation_id = "workspace_get", tag = "workspaces",
    params(("workspace" = String, Path, description = "Slug or id")),
    responses((status = 200, body = api::Workspace), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_get(
    caller: Caller<WorkspaceRead>,
    State(app): State<App>,
    Path(workspace): Path<String>,
) -> Tagged<api::Workspace> {
    let row = app.workspace_get(&caller, &workspace).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row))
}

/// A page of the workspaces that the caller sees.
#[utoipa::path(get, path = "/v1/workspaces", operation_id = "workspace_list", tag = "workspaces", params(Paging),
    responses((status = 200, body = api::Page<api::Workspace>), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_list(
    caller: Caller<WorkspaceRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Workspace>> {
    let asked = paging.by_text()?;
    let rows = app.workspace_list(&caller.who, &asked).await?;
    let items = rows.iter().map(|w| (w.slug.to_string(), to_wire(w))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Changes a workspace.
#[utoipa::path(patch, path = "/v1/workspaces/{workspace}", operation_id = "workspace_update", tag = "workspaces",
    request_body(content = api::WorkspacePatch, content_type = "application/merge-patch+json"),
    params(("workspace" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 200, body = api::Workspace), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_update(
    caller: Caller<WorkspaceUpdate>,
    State(app): State<App>,
    Path(workspace): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::WorkspacePatch>,
) -> Tagged<api::Workspace> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let name = wire.display_name.map(|name| display_name(Some(name), "", &mut wrong));
    wrong.done(|| Some(()))?;
    let row = app.workspace_update(&caller, &call, &workspace, name, expected).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row))
}

/// Deletes a workspace that owns nothing.
#[utoipa::path(delete, path = "/v1/workspaces/{workspace}", operation_id = "workspace_delete", tag = "workspaces",
    params(("workspace" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_delete(
    caller: Caller<WorkspaceDelete>,
    State(app): State<App>,
    Path(workspace): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.workspace_delete(&caller, &call, &workspace, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
