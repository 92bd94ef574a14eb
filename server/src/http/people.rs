//! Principals, memberships and tokens.

use super::{
    Answer, Failed, Tagged, accepted,
    channels::{Which as WhichMail, delivery},
    created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::Wrongs,
    tagged,
};
use crate::notify::Mailer;
use crate::{
    app::App,
    auth::{
        Caller,
        permission::{
            MembershipRead, MembershipWrite, PrincipalRead, PrincipalUpdate, PrincipalWrite, Role, TokenWrite, WhoAmI,
        },
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_store::{MembershipRow, PrincipalRow, TokenRow};
use serde::Deserialize;
use std::time::Duration;

fn principal(row: &PrincipalRow) -> api::Principal {
    let kind = if row.kind == "service" { api::PrincipalKind::Service } else { api::PrincipalKind::Person };
    api::Principal {
        id: row.id.to_string(),
        name: row.name.clone(),
        kind,
        email: row.email.clone(),
        revision: row.revision,
        created_at: row.created_at,
    }
}

fn membership(row: &MembershipRow) -> api::Membership {
    let role = match Role::parse(&row.role) {
        Some(Role::PlatformAdmin) => api::Role::PlatformAdmin,
        Some(Role::Admin) => api::Role::Admin,
        Some(Role::Member) => api::Role::Member,
        Some(Role::Viewer) | None => api::Role::Viewer,
    };
    api::Membership {
        id: row.id.to_string(),
        principal: row.principal.clone(),
        role,
        workspace: row.workspace.as_ref().map(ToString::to_string),
        created_at: row.created_at,
    }
}

fn token(row: &TokenRow) -> api::Token {
    api::Token {
        id: row.id.to_string(),
        name: row.name.clone(),
        principal: row.principal.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        last_used_at: row.last_used_at,
    }
}

/// Creates a principal.
#[utoipa::path(post, path = "/v1/principals", operation_id = "principal_create", tag = "people", request_body = api::PrincipalCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::Principal), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_create(
    caller: Caller<PrincipalWrite>,
    State(app): State<App>,
    asked: Asked<api::PrincipalCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    check_principal_name(&wire.name, &mut wrong);
    check_email(wire.email.as_deref(), &mut wrong);
    wrong.done(|| Some(()))?;
    let kind = if wire.kind == Some(api::PrincipalKind::Service) { "service" } else { "person" };
    let row = app.principal_create(&call, (&wire.name, kind), wire.email.as_deref()).await?;
    created("/v1/principals", row.id, Some(row.revision), principal(&row))
}

fn check_principal_name(name: &str, wrong: &mut Wrongs) {
    const LONGEST: usize = 200;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(fits) {
        let detail = "is no name: 1 to 200 letters, digits and . _ @ - are allowed";
        wrong.note("/name", "format", detail, Some(LONGEST.to_string()), "give for example ada@example.com");
    }
}

fn check_email(email: Option<&str>, wrong: &mut Wrongs) {
    const LONGEST: usize = 320;
    if let Some(email) = email.filter(|email| email.len() > LONGEST || !Mailer::is_address(email)) {
        let detail = format!("is {email}, which is no mail address");
        wrong.note("/email", "format", detail, None, "give for example kim@example.com");
    }
}

/// Changes a principal: where they get mail of what they decide or asked for. One's own, or a platform admin anybody's.
#[utoipa::path(patch, path = "/v1/principals/{principal}", operation_id = "principal_update", tag = "people",
    request_body(content = api::PrincipalPatch, content_type = "application/merge-patch+json"),
    params(("principal" = String, Path, description = "Name or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 200, body = api::Principal), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_update(
    caller: Caller<PrincipalUpdate>,
    State(app): State<App>,
    Path(named): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::PrincipalPatch>,
) -> Tagged<api::Principal> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    check_email(wire.email.as_ref().and_then(Option::as_deref), &mut wrong);
    let email = wrong.done(|| Some(wire.email))?;
    let row = app.principal_update(&caller, &call, &named, email, expected).await?;
    tagged(StatusCode::OK, row.revision, principal(&row))
}

/// Deletes a principal: their tokens end at once, their roles are taken away. What they asked for and decided keeps their name, and whoever is created
/// under that name later is them again.
#[utoipa::path(delete, path = "/v1/principals/{principal}", operation_id = "principal_delete", tag = "people",
    params(("principal" = String, Path, description = "Name or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_delete(
    caller: Caller<PrincipalWrite>,
    State(app): State<App>,
    Path(named): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.principal_delete(&call, &named, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of the mail to a principal, newest first: one's own, or for a platform admin anybody's. What was given up waits here for a person.
#[utoipa::path(get, path = "/v1/principals/{principal}/deliveries", operation_id = "principal_delivery_list", tag = "notifications",
    params(("principal" = String, Path, description = "Name or id"), WhichMail, Paging),
    responses((status = 200, body = api::Page<api::Delivery>), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_delivery_list(
    caller: Caller<PrincipalUpdate>,
    State(app): State<App>,
    Path(named): Path<String>,
    Query(which): Query<WhichMail>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Delivery>> {
    let asked = paging.by_id()?;
    let rows = app.mail_list(&caller, &named, which.state(), &asked).await?;
    let items = rows.iter().map(|row| (row.id, delivery(row))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Sends mail to a principal again that arrived or was given up.
#[utoipa::path(post, path = "/v1/principals/{principal}/deliveries/{delivery}/resend", operation_id = "principal_delivery_resend",
    tag = "notifications",
    params(("principal" = String, Path, description = "Name or id"), ("delivery" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Delivery), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_delivery_resend(
    caller: Caller<PrincipalUpdate>,
    State(app): State<App>,
    Path((named, message)): Path<(String, String)>,
    asked: Asked<NoBody>,
) -> Tagged<api::Delivery> {
    let call = asked.bare(caller.who.clone())?;
    let row = app.mail_resend(&call, &named, &message).await?;
    accepted(format!("/v1/principals/{named}/deliveries"), delivery(&row))
}

/// A principal, by name or id: one's own, or for a platform admin anybody's.
#[utoipa::path(get, path = "/v1/principals/{principal}", operation_id = "principal_get", tag = "people",
    params(("principal" = String, Path, description = "Name or id")),
    responses((status = 200, body = api::Principal), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_get(
    caller: Caller<PrincipalUpdate>,
    State(app): State<App>,
    Path(named): Path<String>,
) -> Tagged<api::Principal> {
    let row = app.principal_get(&caller.who, &named).await?;
    tagged(StatusCode::OK, row.revision, principal(&row))
}

/// A page of principals.
#[utoipa::path(get, path = "/v1/principals", operation_id = "principal_list", tag = "people", params(Paging),
    responses((status = 200, body = api::Page<api::Principal>), (status = "4XX", body = api::Problem)))]
pub(super) async fn principal_list(
    _caller: Caller<PrincipalRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Principal>> {
    let asked = paging.by_text()?;
    let rows = app.principal_list(&asked).await?;
    let items = rows.iter().map(|p| (p.name.clone(), principal(p))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Gives a principal a role.
#[utoipa::path(post, path = "/v1/memberships", operation_id = "membership_create", tag = "people", request_body = api::MembershipCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::Membership), (status = "4XX", body = api::Problem)))]
pub(super) async fn membership_create(
    caller: Caller<MembershipWrite>,
    State(app): State<App>,
    asked: Asked<api::MembershipCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let role = match wire.role {
        api::Role::PlatformAdmin => Role::PlatformAdmin,
        api::Role::Admin => Role::Admin,
        api::Role::Member => Role::Member,
        api::Role::Viewer => Role::Viewer,
    };
    if (role == Role::PlatformAdmin) == wire.workspace.is_some() {
        wrong.note(
            "/workspace",
            "missing",
            "is due with every role but platform-admin",
            None,
            "name the workspace, or leave it out with platform-admin",
        );
    }
    wrong.done(|| Some(()))?;
    let row = app.membership_create(&caller, &call, &wire.principal, wire.workspace.as_deref(), role).await?;
    created("/v1/memberships", row.id, None, membership(&row))
}

/// Which memberships to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this workspace: slug or id.
    workspace: Option<String>,
}

/// A page of memberships: of a workspace, one's own, or, for platform admins, all.
#[utoipa::path(get, path = "/v1/memberships", operation_id = "membership_list", tag = "people", params(Which, Paging),
    responses((status = 200, body = api::Page<api::Membership>), (status = "4XX", body = api::Problem)))]
pub(super) async fn membership_list(
    caller: Caller<MembershipRead>,
    State(app): State<App>,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Membership>> {
    let asked = paging.by_id()?;
    let rows = app.membership_list(&caller, which.workspace.as_deref(), &asked).await?;
    let items = rows.iter().map(|m| (m.id.uuid(), membership(m))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// A membership that the caller may see.
#[utoipa::path(get, path = "/v1/memberships/{membership}", operation_id = "membership_get", tag = "people",
    params(("membership" = String, Path, description = "Its id")),
    responses((status = 200, body = api::Membership), (status = "4XX", body = api::Problem)))]
pub(super) async fn membership_get(
    caller: Caller<MembershipRead>,
    State(app): State<App>,
    Path(named): Path<String>,
) -> Answer<api::Membership> {
    Ok((StatusCode::OK, Json(membership(&app.membership_get(&caller.who, &named).await?))))
}

/// Takes a role away.
#[utoipa::path(delete, path = "/v1/memberships/{membership}", operation_id = "membership_delete", tag = "people",
    params(("membership" = String, Path, description = "Its id")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn membership_delete(
    caller: Caller<MembershipWrite>,
    State(app): State<App>,
    Path(named): Path<String>,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.membership_delete(&call, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}

const YEAR: u64 = 31_536_000;
const NINETY_DAYS: u64 = 7_776_000;

/// Mints a token. The answer tells it once; a reply that was lost is not repeated: revoke that token and mint another.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "token_create", tag = "people", request_body = api::TokenCreate,
    responses((status = 201, body = api::TokenCreated), (status = "4XX", body = api::Problem)))]
pub(super) async fn token_create(
    caller: Caller<TokenWrite>,
    State(app): State<App>,
    asked: Asked<api::TokenCreate>,
) -> Result<Response, Failed> {
    const LONGEST: usize = 100;
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    wrong.text("/name", Some(&wire.name), LONGEST);
    if wire.name.trim().is_empty() {
        wrong.note("/name", "missing", "is empty", None, "say what the token is for");
    }
    wrong.range("/expires_in_seconds", wire.expires_in_seconds, 1, YEAR);
    wrong.done(|| Some(()))?;
    let lasts = Duration::from_secs(wire.expires_in_seconds.unwrap_or(NINETY_DAYS));
    let minted = app.token_create(&caller, &call, wire.principal.as_deref(), &wire.name, lasts).await?;
    let body = api::TokenCreated {
        id: minted.id.to_string(),
        principal: minted.principal,
        token: minted.token.expose().to_owned(),
        expires_at: minted.expires_at,
    };
    created("/v1/tokens", minted.id, None, body)
}

/// A page of tokens, without the tokens: one's own, or, for platform admins, all.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "token_list", tag = "people", params(Paging),
    responses((status = 200, body = api::Page<api::Token>), (status = "4XX", body = api::Problem)))]
pub(super) async fn token_list(
    caller: Caller<TokenWrite>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Token>> {
    let asked = paging.by_id()?;
    let rows = app.token_list(&caller.who, &asked).await?;
    let items = rows.iter().map(|t| (t.id.uuid(), token(t))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// A token, without the token.
#[utoipa::path(get, path = "/v1/tokens/{token}", operation_id = "token_get", tag = "people",
    params(("token" = String, Path, description = "Its id")),
    responses((status = 200, body = api::Token), (status = "4XX", body = api::Problem)))]
pub(super) async fn token_get(
    caller: Caller<TokenWrite>,
    State(app): State<App>,
    Path(named): Path<String>,
) -> Answer<api::Token> {
    Ok((StatusCode::OK, Json(token(&app.token_get(&caller.who, &named).await?))))
}

/// Ends a token at once.
#[utoipa::path(delete, path = "/v1/tokens/{token}", operation_id = "token_revoke", tag = "people",
    params(("token" = String, Path, description = "Its id")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn token_revoke(
    caller: Caller<TokenWrite>,
    State(app): State<App>,
    Path(named): Path<String>,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.token_revoke(&call, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who the caller is, and what it may do.
#[utoipa::path(get, path = "/v1/whoami", operation_id = "whoami", tag = "people",
    responses((status = 200, body = api::WhoAmI), (status = "4XX", body = api::Problem)))]
pub(super) async fn whoami(caller: Caller<WhoAmI>, State(app): State<App>) -> Answer<api::WhoAmI> {
    let memberships = caller.who.memberships.iter().map(membership).collect();
    let email = app.principal_get(&caller.who, &caller.who.name).await?.email;
    Ok((StatusCode::OK, Json(api::WhoAmI { principal: caller.who.name, email, memberships })))
}
