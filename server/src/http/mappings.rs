//! Environment mappings.

use super::{
    Answer, Failed, Tagged, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    tagged,
};
use crate::{
    app::App,
    auth::{
        Caller,
        permission::{MappingRead, MappingWrite},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_store::MappingRow;

fn to_wire(row: &MappingRow) -> api::EnvironmentMapping {
    api::EnvironmentMapping {
        id: row.id.to_string(),
        environment: row.environment.to_string(),
        cluster: row.cluster.to_string(),
        // Written from an i32.
        priority: i32::try_from(row.priority).unwrap_or(i32::MAX),
        is_default: row.is_default,
        revision: row.revision,
        created_at: row.created_at,
    }
}

/// Leads an environment to a cluster.
#[utoipa::path(post, path = "/v1/environment-mappings", operation_id = "mapping_create", tag = "environments",
    request_body = api::EnvironmentMappingCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::EnvironmentMapping), (status = "4XX", body = api::Problem)))]
pub(super) async fn mapping_create(
    caller: Caller<MappingWrite>,
    State(app): State<App>,
    asked: Asked<api::EnvironmentMappingCreate>,
) -> Result<Response, Failed> {
    let (call, m, wrong) = asked.by(caller.who.clone());
    wrong.done(|| Some(()))?;
    let row = app.mapping_create(&call, &m.environment, &m.cluster, m.priority.unwrap_or(0), m.is_default).await?;
    created("/v1/environment-mappings", row.id, Some(row.revision), to_wire(&row))
}

/// A mapping.
#[utoipa::path(get, path = "/v1/environment-mappings/{mapping}", operation_id = "mapping_get", tag = "environments",
    params(("mapping" = String, Path, description = "Its id")),
    responses((status = 200, body = api::EnvironmentMapping), (status = "4XX", body = api::Problem)))]
pub(super) async fn mapping_get(
    _caller: Caller<MappingRead>,
    State(app): State<App>,
    Path(mapping): Path<String>,
) -> Tagged<api::EnvironmentMapping> {
    let row = app.mapping_get(&mapping).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row))
}

/// A page of mappings.
#[utoipa::path(get, path = "/v1/environment-mappings", operation_id = "mapping_list", tag = "environments", params(Paging),
    responses((status = 200, body = api::Page<api::EnvironmentMapping>), (status = "4XX", body = api::Problem)))]
pub(super) async fn mapping_list(
    _caller: Caller<MappingRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::EnvironmentMapping>> {
    let asked = paging.by_id()?;
    let rows = app.mapping_list(&asked).await?;
    let items = rows.iter().map(|m| (m.id.uuid(), to_wire(m))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Takes a mapping away. Topics stay where they are.
#[utoipa::path(delete, path = "/v1/environment-mappings/{mapping}", operation_id = "mapping_delete", tag = "environments",
    params(("mapping" = String, Path, description = "Its id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn mapping_delete(
    caller: Caller<MappingWrite>,
    State(app): State<App>,
    Path(mapping): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.mapping_delete(&call, &mapping, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
