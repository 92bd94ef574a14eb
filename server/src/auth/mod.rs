//! Who calls, and what they may do.

pub mod permission;
pub mod throttle;
pub mod token;

use crate::{
    app::{App, AppError, AppResult, Code, Refusal},
    http::Failed,
};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{header::AUTHORIZATION, request::Parts},
};
use orbit_core::{
    change::Requester,
    documentation::Documentation,
    id::{PrincipalId, TokenId, WorkspaceId},
};
use orbit_store::{Asked, MembershipRow, TokenRow, Who};
use permission::{Held, Permission, Role};
use std::{collections::BTreeMap, marker::PhantomData, net::SocketAddr, time::Duration};

/// Who calls: a principal, by one of its tokens. Rights come from memberships, never from the token.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The principal.
    pub principal: PrincipalId,
    /// Its name.
    pub name: String,
    /// The token used.
    pub token: TokenId,
    /// Whether it is a platform admin.
    pub platform_admin: bool,
    /// Its roles by workspace.
    pub roles: BTreeMap<WorkspaceId, Role>,
    /// Its roles, as they are kept.
    pub memberships: Vec<MembershipRow>,
    /// Where the call comes from.
    pub address: Option<String>,
}

impl Identity {
    fn new(who: Who, address: Option<String>) -> Self {
        let roles = who.memberships.iter().filter_map(|m| Some((m.workspace_id?, Role::parse(&m.role)?))).collect();
        Self {
            principal: who.token.principal_id,
            name: who.token.principal,
            token: who.token.id,
            platform_admin: who.memberships.iter().any(|m| m.workspace_id.is_none()),
            roles,
            memberships: who.memberships,
            address,
        }
    }
    /// What policy may know of it.
    #[must_use]
    pub fn asked(&self, documentation: Documentation) -> Asked {
        Asked { requester: Requester { platform_admin: self.platform_admin }, documentation }
    }
    /// Whether it holds a role of at least `least` in the workspace.
    #[must_use]
    pub fn is_at_least(&self, least: Role, workspace: WorkspaceId) -> bool {
        self.platform_admin || self.roles.get(&workspace).is_some_and(|role| *role >= least)
    }
    /// Whether it is an admin of the workspace itself; a platform admin is not one by that.
    #[must_use]
    pub fn is_workspace_admin(&self, workspace: WorkspaceId) -> bool {
        self.roles.get(&workspace) == Some(&Role::Admin)
    }
    /// What lists are limited to: nothing for a platform admin, else what this principal has a role in.
    #[must_use]
    pub fn sees(&self) -> Option<PrincipalId> {
        (!self.platform_admin).then_some(self.principal)
    }
}

/// A caller who was proven to hold `P`, as far as that can be told without the object.
#[derive(Debug, Clone)]
pub struct Caller<P> {
    /// Who.
    pub who: Identity,
    permission: PhantomData<P>,
}

impl<P: Permission> Caller<P> {
    /// Proves that the caller holds the permission in a workspace. To somebody without a role there, `absent` says that there is no such thing:
    /// whether another workspace's object exists is not told.
    pub fn in_workspace(&self, workspace: WorkspaceId, absent: impl FnOnce() -> Refusal) -> AppResult<()> {
        let Held::InWorkspace(least) = P::HELD else { return Ok(()) };
        if self.who.is_at_least(least, workspace) {
            Ok(())
        } else if self.who.roles.contains_key(&workspace) {
            Err(forbidden::<P>(least).into())
        } else {
            Err(absent().into())
        }
    }
}

fn forbidden<P: Permission>(least: Role) -> Refusal {
    let (role, deed) = (least.as_str(), in_words(P::NAME));
    let remedy = match least {
        Role::PlatformAdmin => "ask a platform admin to do it, or for the role",
        _ => "ask an admin of the workspace or a platform admin for the role",
    };
    Refusal::new(Code::Forbidden, format!("{deed} takes the role {role}, which you do not have here")).remedy(remedy)
}

/// `TopicWrite` as people write it: `topic-write`.
fn in_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

impl<P: Permission> FromRequestParts<App> for Caller<P> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failed> {
        let who = identify(parts, app).await?;
        // What is held in a workspace is proven where the object's workspace is known (`in_workspace`): to refuse it here would tell a stranger
        // that the object may be there.
        if P::HELD == Held::OnPlatform && !who.platform_admin {
            return Err(AppError::from(forbidden::<P>(Role::PlatformAdmin)).into());
        }
        Ok(Self { who, permission: PhantomData })
    }
}

async fn identify(parts: &Parts, app: &App) -> AppResult<Identity> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(bearer) else {
        return Err(Refusal::new(Code::Unauthenticated, "the call bears no token")
            .remedy("send the header Authorization: Bearer TOKEN")
            .into());
    };
    let mut db = app.store.read().await?;
    let who = db.who(&token::hash(token)).await?;
    let now = db.now().await?;
    drop(db);
    let refused = |why: &str| {
        AppError::from(
            Refusal::new(Code::Unauthenticated, why)
                .remedy("mint another token: POST /v1/tokens, or ask a platform admin"),
        )
    };
    let who = who.ok_or_else(|| refused("the token is not known"))?;
    if who.token.revoked_at.is_some() {
        return Err(refused("the token was revoked"));
    }
    if who.token.expires_at.is_some_and(|end| end <= now) {
        return Err(refused("the token has expired"));
    }
    app.throttle.take(who.token.principal_id, &parts.extensions)?;
    note_use(app, &who.token, now);
    let address =
        parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_string());
    Ok(Identity::new(who, address))
}

/// The scheme's name has no case (RFC 9110).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Notes the use to the minute, beside the call: nobody waits for it.
fn note_use(app: &App, token: &TokenRow, now: jiff::Timestamp) {
    const TO_THE: Duration = Duration::from_mins(1);
    let fresh = |last: jiff::Timestamp| now.duration_since(last).unsigned_abs() < TO_THE;
    if token.last_used_at.is_some_and(fresh) {
        return;
    }
    let (app, id) = (app.clone(), token.id);
    app.tasks.clone().spawn(async move {
        let noted = async {
            let mut tx = app.store.begin().await?;
            tx.token_used(id).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, token = %id, "the use of a token could not be noted");
        }
    });
}
