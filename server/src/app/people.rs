//! Principals, memberships, tokens.

use super::{
    App, AppError, AppResult, Call, Code, Refusal,
    catalog::{is_repeated, stale, taken},
};
use crate::auth::{
    Caller, Identity,
    permission::{MembershipRead, MembershipWrite, PrincipalUpdate, Role, TokenWrite},
    token,
};
use jiff::Timestamp;
use orbit_core::{
    id::{MembershipId, PrincipalId, TokenId},
    secret::Secret,
};
use orbit_store::{
    DeliveryFilter, DeliveryState, MembershipRow, NewToken, OutboxRow, PageOf, PrincipalRow, Read, SYSTEM_PRINCIPAL,
    TokenRow,
};
use std::time::Duration;
use uuid::Uuid;

/// A token that was just minted.
#[derive(Debug, Clone)]
pub struct MintedToken {
    /// Its id.
    pub id: TokenId,
    /// Whom it speaks for.
    pub principal: String,
    /// The token itself: told once.
    pub token: Secret,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl App {
    /// A principal by name or id.
    async fn principal_named(&self, db: &mut Read, named: &str) -> AppResult<PrincipalRow> {
        let row = match named.parse::<PrincipalId>() {
            Ok(id) => db.principal(id).await?,
            Err(_) => db.principal_by_name(named).await?,
        };
        let absent = || Refusal::new(Code::PrincipalNotFound, format!("there is no principal {named}"));
        row.ok_or_else(|| absent().remedy("GET /v1/principals lists them").into())
    }

    /// A principal who can act by a token or have a role: any but Orbit itself, in whose name the trail tells what Orbit did.
    async fn somebody_named(&self, db: &mut Read, named: &str) -> AppResult<PrincipalRow> {
        let row = self.principal_named(db, named).await?;
        if row.id == SYSTEM_PRINCIPAL {
            return Err(Refusal::new(Code::Forbidden, "orbit is Orbit itself: it has no tokens and no roles")
                .remedy("create a principal of its own for a service: POST /v1/principals")
                .into());
        }
        Ok(row)
    }

    /// Creates a principal.
    pub async fn principal_create(
        &self,
        call: &Call,
        (name, kind): (&str, &str),
        email: Option<&str>,
    ) -> AppResult<PrincipalRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.principal_named(&mut tx, &PrincipalId::from_uuid(id).to_string()).await;
        }
        let id = PrincipalId::from_uuid(self.ids.fresh());
        if !tx.principal_insert(id, (kind, name), email).await? {
            return Err(taken(Code::PrincipalExists, "/name", format!("principal {name} exists already")).into());
        }
        let row = self.principal_named(&mut tx, name).await?;
        self.remember(&mut tx, call, &row.id.uuid()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Lets a principal go: their tokens end at once and their roles are taken away. What they asked for and decided
    /// keeps their name.
    pub async fn principal_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.somebody_named(&mut tx, named).await?;
        if row.id == call.who.principal {
            return Err(Refusal::new(Code::PrincipalSelf, "this is the principal that your own token speaks for")
                .remedy("have another platform admin delete it")
                .into());
        }
        if !tx.principal_leave(row.id, expected.unwrap_or(row.revision)).await? {
            return Err(stale(&format!("principal {}", row.name)).into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// Says where a principal gets mail: oneself, or a platform admin anybody's.
    pub async fn principal_update(
        &self,
        _proof: &Caller<PrincipalUpdate>,
        call: &Call,
        named: &str,
        email: Option<Option<String>>,
        expected: Option<i64>,
    ) -> AppResult<PrincipalRow> {
        let mut tx = self.store.begin().await?;
        let before = self.own_principal(&mut tx, &call.who, named).await?;
        let revision = expected.unwrap_or(before.revision);
        let email = email.unwrap_or_else(|| before.email.clone());
        if is_repeated(expected, before.revision, email == before.email) {
            return Ok(before);
        }
        if !tx.principal_email(before.id, email.as_deref(), revision).await? {
            return Err(stale(&format!("principal {}", before.name)).into());
        }
        let after = self.principal_named(&mut tx, named).await?;
        self.audit_object(&mut tx, call, "updated", Some(&before), Some(&after)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// The principal that one is oneself, or any for a platform admin.
    async fn own_principal(&self, db: &mut Read, who: &Identity, named: &str) -> AppResult<PrincipalRow> {
        let own = who.name == named || who.principal.to_string() == named;
        if !(own || who.platform_admin) {
            return Err(Refusal::new(
                Code::PrincipalNotFound,
                format!("there is no principal {named} that you can see"),
            )
            .remedy("you see and change your own; a platform admin anybody's")
            .into());
        }
        self.principal_named(db, named).await
    }

    /// A page of the mail to a principal, newest first: to the address that they have now.
    pub async fn mail_list(
        &self,
        caller: &Caller<PrincipalUpdate>,
        named: &str,
        state: Option<DeliveryState>,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<OutboxRow>> {
        let mut db = self.store.read().await?;
        let row = self.own_principal(&mut db, &caller.who, named).await?;
        let Some(email) = row.email else { return Ok(vec![]) };
        let filter = DeliveryFilter { recipient: Some(email), state, ..DeliveryFilter::default() };
        Ok(db.delivery_list(&filter, page).await?)
    }

    /// Sends mail to a principal again that arrived or was given up.
    pub async fn mail_resend(&self, call: &Call, named: &str, delivery: &str) -> AppResult<OutboxRow> {
        let mut tx = self.store.begin().await?;
        let row = self.own_principal(&mut tx, &call.who, named).await?;
        let of = |d: &OutboxRow| d.recipient.is_some() && d.recipient == row.email;
        self.resend(tx, call, delivery, of, || format!("there is no delivery {delivery} to principal {named}")).await
    }

    /// A principal: oneself, or anybody for a platform admin.
    pub async fn principal_get(&self, who: &Identity, named: &str) -> AppResult<PrincipalRow> {
        self.own_principal(&mut self.store.read().await?, who, named).await
    }

    /// A page of principals.
    pub async fn principal_list(&self, page: &PageOf<String>) -> AppResult<Vec<PrincipalRow>> {
        Ok(self.store.read().await?.principal_list(page).await?)
    }

    /// Gives a principal a role.
    pub async fn membership_create(
        &self,
        caller: &Caller<MembershipWrite>,
        call: &Call,
        principal: &str,
        workspace: Option<&str>,
        role: Role,
    ) -> AppResult<MembershipRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.membership_row(&mut tx, MembershipId::from_uuid(id)).await;
        }
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut tx, caller, named).await?.id),
            None => None,
        };
        may_rule(&call.who, workspace)?;
        let principal = self.somebody_named(&mut tx, principal).await?;
        let id = MembershipId::from_uuid(self.ids.fresh());
        if !tx.membership_insert(id, principal.id, workspace, role.as_str()).await? {
            return Err(Refusal::new(Code::MembershipExists, format!("{} has a role there already", principal.name))
                .remedy("take that role away first: DELETE /v1/memberships/{id}")
                .into());
        }
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = self.membership_row(&mut tx, id).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn membership_row(&self, db: &mut Read, id: MembershipId) -> AppResult<MembershipRow> {
        db.membership(id).await?.ok_or_else(|| no_membership(&id.to_string()).into())
    }

    /// A page of memberships: all to a platform admin, those of a workspace to its members, else one's own.
    pub async fn membership_list(
        &self,
        caller: &Caller<MembershipRead>,
        workspace: Option<&str>,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<MembershipRow>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        let own = (workspace.is_none() && !caller.who.platform_admin).then_some(caller.who.principal);
        Ok(db.membership_list(workspace, own, page).await?)
    }

    /// A membership: any to a platform admin, those of its workspaces to a member, and one's own.
    pub async fn membership_get(&self, who: &Identity, named: &str) -> AppResult<MembershipRow> {
        let absent = || no_membership(named);
        let id: MembershipId = named.parse().map_err(|_| absent())?;
        let row = self.membership_row(&mut self.store.read().await?, id).await?;
        let visible = who.platform_admin
            || row.principal_id == who.principal
            || row.workspace_id.is_some_and(|w| who.is_at_least(Role::Viewer, w));
        if visible { Ok(row) } else { Err(absent().into()) }
    }

    /// Takes a role away.
    pub async fn membership_delete(&self, call: &Call, named: &str) -> AppResult<()> {
        let absent = || no_membership(named);
        let mut tx = self.store.begin().await?;
        let id: MembershipId = named.parse().map_err(|_| absent())?;
        let row = self.membership_row(&mut tx, id).await?;
        if may_rule(&call.who, row.workspace_id).is_err() {
            return Err(absent().into());
        }
        tx.membership_delete(id).await?;
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// Mints a token: for oneself, or, as a platform admin, for anybody. It is told once; a lost reply is not repeated, so no key is taken.
    pub async fn token_create(
        &self,
        _proof: &Caller<TokenWrite>,
        call: &Call,
        principal: Option<&str>,
        name: &str,
        lasts: Duration,
    ) -> AppResult<MintedToken> {
        let mut tx = self.store.begin().await?;
        let principal = match principal {
            Some(named) => self.somebody_named(&mut tx, named).await?,
            None => self.somebody_named(&mut tx, &call.who.name).await?,
        };
        if principal.id != call.who.principal && !call.who.platform_admin {
            return Err(Refusal::new(Code::Forbidden, "minting a token for somebody else takes platform-admin").into());
        }
        let token = token::mint().map_err(|_| AppError::Internal("no randomness for a token".to_owned()))?;
        let id = TokenId::from_uuid(self.ids.fresh());
        let expires_at = tx.now().await?.checked_add(lasts).ok();
        let hash = token::hash(token.expose());
        tx.token_insert(&NewToken { id, principal: principal.id, name: name.to_owned(), hash, expires_at }).await?;
        let made = token_named(&mut tx, &call.who, &id.to_string()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&made)).await?;
        tx.commit().await?;
        Ok(MintedToken { id, principal: principal.name, token, expires_at })
    }

    /// A page of tokens: one's own, or all to a platform admin.
    pub async fn token_list(&self, who: &Identity, page: &PageOf<Uuid>) -> AppResult<Vec<TokenRow>> {
        Ok(self.store.read().await?.token_list(who.sees(), page).await?)
    }

    /// A token: one's own, or any to a platform admin.
    pub async fn token_get(&self, who: &Identity, named: &str) -> AppResult<TokenRow> {
        token_named(&mut self.store.read().await?, who, named).await
    }

    /// Ends a token at once.
    pub async fn token_revoke(&self, call: &Call, named: &str) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = token_named(&mut tx, &call.who, named).await?;
        if tx.token_revoke(row.id).await? {
            let after = token_named(&mut tx, &call.who, named).await?;
            self.audit_object(&mut tx, call, "revoked", Some(&row), Some(&after)).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn no_membership(named: &str) -> Refusal {
    Refusal::new(Code::MembershipNotFound, format!("there is no membership {named} that you can see"))
}

async fn token_named(db: &mut Read, who: &Identity, named: &str) -> AppResult<TokenRow> {
    let absent = || Refusal::new(Code::TokenNotFound, format!("there is no token {named} that you can see"));
    let id: TokenId = named.parse().map_err(|_| absent())?;
    let row = db.token(id).await?.ok_or_else(absent)?;
    if row.principal_id == who.principal || who.platform_admin { Ok(row) } else { Err(absent().into()) }
}

/// Roles on the platform are given by platform admins, those of a workspace by its admins.
fn may_rule(who: &Identity, workspace: Option<orbit_core::id::WorkspaceId>) -> AppResult<()> {
    let may = match workspace {
        None => who.platform_admin,
        Some(workspace) => who.is_at_least(Role::Admin, workspace),
    };
    if may {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Forbidden,
        "giving and taking roles here takes the role admin of the workspace, or platform-admin",
    )
    .remedy("ask somebody who has it")
    .into())
}
