//! Environments.

use super::{
    Answer, Failed, Tagged, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{Wrongs, display_name, slug},
    tagged,
};
use crate::{
    app::App,
    auth::{
        Caller,
        permission::{EnvironmentRead, EnvironmentWrite},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_core::{id::EnvironmentId, model::environment::NamingTemplate};
use orbit_store::{EnvironmentRow, NewEnvironment};

fn to_wire(row: &EnvironmentRow, clusters: Vec<String>) -> api::Environment {
    api::Environment {
        id: row.id.to_string(),
        slug: row.slug.to_string(),
        display_name: row.display_name.clone(),
        naming_template: row.naming_template.to_string(),
        default_approvers: row.default_approvers.clone(),
        clusters,
        revision: row.revision,
        created_at: row.created_at,
    }
}

fn check_approvers(named: Option<&Vec<String>>, wrong: &mut Wrongs) {
    const MOST: usize = 50;
    if let Some(count) = named.map(Vec::len).filter(|n| *n > MOST) {
        let detail = format!("has {count} names: at most {MOST} are allowed");
        wrong.note("/default_approvers", "length", detail, Some(MOST.to_string()), "name fewer");
    }
}

/// Creates an environment.
#[utoipa::path(post, path = "/v1/environments", operation_id = "environment_create", tag = "environments", request_body = api::EnvironmentCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::Environment), (status = "4XX", body = api::Problem)))]
pub(super) async fn environment_create(
    caller: Caller<EnvironmentWrite>,
    State(app): State<App>,
    asked: Asked<api::EnvironmentCreate>,
) -> Result<Response, Failed> {
    let (call, wire, wrong) = asked.by(caller.who.clone());
    let id = EnvironmentId::from_uuid(app.ids.fresh());
    let row = app.environment_create(&call, parsed(wire, id, wrong)?).await?;
    created("/v1/environments", row.id, Some(row.revision), to_wire(&row, vec![]))
}

fn parsed(
    wire: api::EnvironmentCreate,
    id: EnvironmentId,
    mut wrong: Wrongs,
) -> Result<NewEnvironment, crate::app::Refusal> {
    let display_name = display_name(wire.display_name, &wire.slug, &mut wrong);
    let slug = slug("/slug", &wire.slug, &mut wrong);
    let naming_template = match &wire.naming_template {
        None => Some(NamingTemplate::default()),
        Some(text) => wrong.parse("/naming_template", text, "for example {environment}.{workspace}.{name}"),
    };
    check_approvers(wire.default_approvers.as_ref(), &mut wrong);
    let default_approvers = wire.default_approvers.unwrap_or_default();
    wrong.done(|| {
        Some(NewEnvironment { id, slug: slug?, display_name, naming_template: naming_template?, default_approvers })
    })
}

/// An environment, by slug or id.
#[utoipa::path(get, path = "/v1/environments/{environment}", operation_id = "environment_get", tag = "environments",
    params(("environment" = String, Path, description = "Slug or id")),
    responses((status = 200, body = api::Environment), (status = "4XX", body = api::Problem)))]
pub(super) async fn environment_get(
    _caller: Caller<EnvironmentRead>,
    State(app): State<App>,
    Path(environment): Path<String>,
) -> Tagged<api::Environment> {
    let (row, clusters) = app.environment_get(&environment).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row, clusters))
}

/// A page of environments.
#[utoipa::path(get, path = "/v1/environments", operation_id = "environment_list", tag = "environments", params(Paging),
    responses((status = 200, body = api::Page<api::Environment>), (status = "4XX", body = api::Problem)))]
pub(super) async fn environment_list(
    _caller: Caller<EnvironmentRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Environment>> {
    let asked = paging.by_text()?;
    let rows = app.environment_list(&asked).await?;
    let items = rows.into_iter().map(|(e, clusters)| (e.slug.to_string(), to_wire(&e, clusters))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Changes an environment. Its naming template is fixed.
#[utoipa::path(patch, path = "/v1/environments/{environment}", operation_id = "environment_update", tag = "environments",
    request_body(content = api::EnvironmentPatch, content_type = "application/merge-patch+json"),
    params(("environment" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 200, body = api::Environment), (status = "4XX", body = api::Problem)))]
pub(super) async fn environment_update(
    caller: Caller<EnvironmentWrite>,
    State(app): State<App>,
    Path(environment): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::EnvironmentPatch>,
) -> Tagged<api::Environment> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let name = wire.display_name.map(|name| display_name(Some(name), "", &mut wrong));
    check_approvers(wire.default_approvers.as_ref(), &mut wrong);
    wrong.done(|| Some(()))?;
    app.environment_update(&call, &environment, name, wire.default_approvers, expected).await?;
    let (row, clusters) = app.environment_get(&environment).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row, clusters))
}

/// Deletes an environment that nothing refers to.
#[utoipa::path(delete, path = "/v1/environments/{environment}", operation_id = "environment_delete", tag = "environments",
    params(("environment" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn environment_delete(
    caller: Caller<EnvironmentWrite>,
    State(app): State<App>,
    Path(environment): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.environment_delete(&call, &environment, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
