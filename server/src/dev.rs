//! First principals: the admin of a new installation, and the two of `--dev`. Straight on the database, for whoever may write it.

use crate::{
    auth::{permission::Role, token},
    system::RandomIds,
};
use orbit_core::{
    id::{AuditEventId, Ids, MembershipId, PrincipalId, TokenId, WorkspaceId},
    secret::Secret,
};
use orbit_store::{AuditEvent, NewToken, SYSTEM_PRINCIPAL, Store, StoreError};
use std::time::Duration;

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The database said no.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// A workspace that is not there.
    #[error("there is no workspace {0}")]
    Workspace(String),
    /// A role without its place.
    #[error("role {role} {problem}")]
    Role {
        /// The role.
        role: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The machine has no randomness.
    #[error("no randomness")]
    Random,
}

/// Whose token to make, and with which role.
#[derive(Debug, Clone)]
pub struct Grant<'a> {
    /// Name of the principal; made where it is not there.
    pub principal: &'a str,
    /// Its role; none is given where absent.
    pub role: Option<Role>,
    /// Slug of the workspace, with every role but platform-admin.
    pub workspace: Option<&'a str>,
    /// What the token is for.
    pub token_name: &'a str,
    /// How long it holds.
    pub lasts: Duration,
}

/// Makes a token, and the principal and the role where they are not there.
pub async fn grant(store: &Store, grant: &Grant<'_>) -> Result<Secret, BootstrapError> {
    let ids = RandomIds;
    let mut tx = store.begin().await?;
    tx.principal_insert(PrincipalId::from_uuid(ids.fresh()), ("person", grant.principal), None).await?;
    let principal = tx.principal_by_name(grant.principal).await?.map_or(SYSTEM_PRINCIPAL, |p| p.id);
    if let Some(role) = grant.role {
        let workspace = place(&mut tx, role, grant.workspace).await?;
        // A role that is there already stays.
        tx.membership_insert(MembershipId::from_uuid(ids.fresh()), principal, workspace, role.as_str()).await?;
    }
    let secret = token::mint().map_err(|_| BootstrapError::Random)?;
    let expires_at = tx.now().await?.checked_add(grant.lasts).ok();
    let (id, hash) = (TokenId::from_uuid(ids.fresh()), token::hash(secret.expose()));
    tx.token_insert(&NewToken { id, principal, name: grant.token_name.to_owned(), hash, expires_at }).await?;
    let event_id = AuditEventId::from_uuid(ids.fresh());
    let event = AuditEvent::new(
        event_id,
        SYSTEM_PRINCIPAL,
        "orbit",
        "token.created",
        "token",
        Some(id.uuid()),
        grant.principal,
    );
    tx.audit(&AuditEvent { detail: Some("on the database itself".to_owned()), ..event }).await?;
    tx.commit().await?;
    Ok(secret)
}

async fn place(
    tx: &mut orbit_store::Tx,
    role: Role,
    workspace: Option<&str>,
) -> Result<Option<WorkspaceId>, BootstrapError> {
    let wrong = |problem| BootstrapError::Role { role: role.as_str(), problem };
    match (role, workspace) {
        (Role::PlatformAdmin, None) => Ok(None),
        (Role::PlatformAdmin, Some(_)) => Err(wrong("is of the platform: give no workspace")),
        (_, None) => Err(wrong("is of a workspace: give --workspace")),
        (_, Some(slug)) => match tx.workspace_by_slug(slug).await? {
            Some(row) => Ok(Some(row.id)),
            None => Err(BootstrapError::Workspace(slug.to_owned())),
        },
    }
}

/// The tokens of `--dev`: an admin's and a developer's. The developer has no workspace yet: the admin gives one.
pub async fn dev_tokens(store: &Store) -> Result<[(&'static str, Secret); 2], BootstrapError> {
    const DAY: Duration = Duration::from_hours(24);
    let base =
        Grant { principal: "admin", role: Some(Role::PlatformAdmin), workspace: None, token_name: "--dev", lasts: DAY };
    let admin = grant(store, &base).await?;
    let developer = grant(store, &Grant { principal: "developer", role: None, ..base }).await?;
    Ok([("admin", admin), ("developer", developer)])
}
