//! Limits of workspaces and clusters.

use super::{
    Tagged,
    input::{Asked, IfMatch},
    parse::Wrongs,
    tagged,
};
use crate::{
    app::{App, Call, LimitsView, Refusal},
    auth::{
        Caller,
        permission::{ClusterRead, LimitsWrite, WorkspaceRead},
    },
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use orbit_api as api;
use orbit_core::policy::{Amounts, Resource};

fn amounts(given: &api::ResourceAmounts, wrong: &mut Wrongs) -> Amounts {
    let each = [
        (Resource::Topics, "/topics", given.topics),
        (Resource::Partitions, "/partitions", given.partitions),
        (Resource::RetainedBytes, "/retained_bytes", given.retained_bytes),
    ];
    for (_, pointer, most) in each {
        wrong.range(pointer, most, 0, i64::MAX);
    }
    each.into_iter().filter_map(|(resource, _, most)| Some((resource, most?))).collect()
}

fn to_wire(view: &LimitsView) -> api::ResourceLimits {
    let limit = |resource| view.row.amounts.get(&resource).copied();
    let used = |resource| view.used.iter().find(|u| u.resource == resource);
    let taken = |resource| Some(used(resource).map_or(0, |u| u.amount));
    api::ResourceLimits {
        limits: api::ResourceAmounts {
            topics: limit(Resource::Topics),
            partitions: limit(Resource::Partitions),
            retained_bytes: limit(Resource::RetainedBytes),
        },
        used: api::ResourceAmounts {
            topics: taken(Resource::Topics),
            partitions: taken(Resource::Partitions),
            retained_bytes: taken(Resource::RetainedBytes),
        },
        topics_without_retention_bytes: used(Resource::RetainedBytes).map_or(0, |u| u.unlimited),
        revision: view.row.revision,
    }
}

fn answer(view: &LimitsView) -> Tagged<api::ResourceLimits> {
    tagged(StatusCode::OK, view.row.revision, to_wire(view))
}

fn read(asked: Asked<api::ResourceAmounts>, caller: &Caller<LimitsWrite>) -> Result<(Call, Amounts), Refusal> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let amounts = amounts(&wire, &mut wrong);
    wrong.done(|| Some((call, amounts)))
}

/// How much a workspace may hold in all, and what is taken of that.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/limits", operation_id = "workspace_limits_get", tag = "workspaces",
    params(("workspace" = String, Path, description = "Slug or id")),
    responses((status = 200, body = api::ResourceLimits), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_limits_get(
    caller: Caller<WorkspaceRead>,
    State(app): State<App>,
    Path(workspace): Path<String>,
) -> Tagged<api::ResourceLimits> {
    let view = app.workspace_limits(&caller, &workspace).await?;
    answer(&view)
}

/// Sets how much a workspace may hold in all, whole. What it holds already stays.
#[utoipa::path(put, path = "/v1/workspaces/{workspace}/limits", operation_id = "workspace_limits_put", tag = "workspaces",
    request_body = api::ResourceAmounts,
    params(("workspace" = String, Path, description = "Slug or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 200, body = api::ResourceLimits), (status = "4XX", body = api::Problem)))]
pub(super) async fn workspace_limits_put(
    caller: Caller<LimitsWrite>,
    State(app): State<App>,
    Path(workspace): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::ResourceAmounts>,
) -> Tagged<api::ResourceLimits> {
    let (call, amounts) = read(asked, &caller)?;
    let view = app.workspace_limits_put(&caller, &call, &workspace, &amounts, expected).await?;
    answer(&view)
}

/// How much a cluster may hold in all, and what is taken of that by topics of Orbit's.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/limits", operation_id = "cluster_limits_get", tag = "clusters",
    params(("cluster" = String, Path, description = "Slug or id")),
    responses((status = 200, body = api::ResourceLimits), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_limits_get(
    caller: Caller<ClusterRead>,
    State(app): State<App>,
    Path(cluster): Path<String>,
) -> Tagged<api::ResourceLimits> {
    let view = app.cluster_limits(&caller, &cluster).await?;
    answer(&view)
}

/// Sets how much a cluster may hold in all, whole. What it holds already stays.
#[utoipa::path(put, path = "/v1/clusters/{cluster}/limits", operation_id = "cluster_limits_put", tag = "clusters",
    request_body = api::ResourceAmounts,
    params(("cluster" = String, Path, description = "Slug or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 200, body = api::ResourceLimits), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_limits_put(
    caller: Caller<LimitsWrite>,
    State(app): State<App>,
    Path(cluster): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::ResourceAmounts>,
) -> Tagged<api::ResourceLimits> {
    let (call, amounts) = read(asked, &caller)?;
    let view = app.cluster_limits_put(&caller, &call, &cluster, &amounts, expected).await?;
    answer(&view)
}
