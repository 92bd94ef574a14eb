//! Notification channels: the platform's, which tell of everything, and a workspace's own.

use super::{
    App, AppError, AppResult, Call, Code, Refusal,
    audit::{Picture, Pictured},
    catalog::{stale, taken},
    topics::field,
};
use crate::{
    auth::{
        Caller, Identity,
        permission::{ChannelRead, ChannelWrite, Role},
    },
    notify::{Message, SECRET_PREFIX},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use orbit_core::{
    id::{ChannelId, WorkspaceId},
    name::Slug,
    notification::{EventKind, Target, Template},
    secret::Secret,
};
use orbit_store::{
    ChannelRow, DeliveryFilter, DeliveryState, NewChannel, OutboxRow, PageOf, Read, Sealed, StoreError, Tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Where a channel is to lead.
#[derive(Debug, Clone)]
pub enum TargetNew {
    /// To an address.
    Webhook {
        /// The address.
        url: Secret,
        /// What the body looks like.
        template: Template,
        /// What it is signed with; a fresh one where absent.
        secret: Option<Secret>,
    },
    /// To mail addresses.
    Email {
        /// To whom.
        to: Vec<String>,
    },
}

/// Where a channel is to lead from now on.
#[derive(Debug, Clone)]
pub enum TargetChange {
    /// To an address: what is not given stays.
    Webhook {
        /// The address.
        url: Option<Secret>,
        /// What the body looks like.
        template: Option<Template>,
        /// What it is signed with.
        secret: Option<Secret>,
    },
    /// To mail addresses.
    Email {
        /// To whom.
        to: Vec<String>,
    },
}

/// A channel to write.
#[derive(Debug, Clone)]
pub struct ChannelNew {
    /// Its name.
    pub name: Slug,
    /// Slug or id of the workspace whose events it tells; of all where absent.
    pub workspace: Option<String>,
    /// Where it leads.
    pub target: TargetNew,
    /// Of what it tells.
    pub events: BTreeSet<EventKind>,
}

/// What to change on a channel.
#[derive(Debug, Clone, Default)]
pub struct ChannelChange {
    /// Where it leads.
    pub target: Option<TargetChange>,
    /// Of what it tells.
    pub events: Option<BTreeSet<EventKind>>,
}

/// A channel, and the secret that it signs with where that is told.
#[derive(Debug, Clone)]
pub struct ChannelView {
    /// The channel.
    pub row: ChannelRow,
    /// Its signing secret: in the answer to who set it.
    pub secret: Option<Secret>,
}

/// What is secret of a webhook: its address too, which often holds a key of the other side.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) url: String,
    pub(super) secret: String,
}

impl Pictured for ChannelRow {
    fn picture(&self) -> Picture {
        let shows =
            json!({ "name": self.name, "workspace": self.workspace, "target": self.target, "events": self.events });
        Picture {
            noun: "notification-channel",
            id: self.id.uuid(),
            key: self.name.to_string(),
            workspace: self.workspace_id,
            shows,
        }
    }
}

/// The platform's channels are its admins', a workspace's own are theirs.
fn may_rule(who: &Identity, workspace: Option<WorkspaceId>) -> bool {
    workspace.map_or(who.platform_admin, |workspace| who.is_at_least(Role::Admin, workspace))
}

fn absent(named: &str) -> Refusal {
    Refusal::new(Code::ChannelNotFound, format!("there is no notification channel {named} that you can see"))
        .remedy("GET /v1/notification-channels lists those that there are")
}

fn fresh_secret() -> AppResult<Secret> {
    const BYTES: usize = 32;
    let mut bytes = [0_u8; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| AppError::Internal("no randomness".to_owned()))?;
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))))
}

impl App {
    async fn channel_named(&self, db: &mut Read, who: &Identity, named: &str) -> AppResult<ChannelRow> {
        let row = match named.parse::<ChannelId>() {
            Ok(id) => db.channel(id).await?,
            Err(_) => db.channel_by_name(named).await?,
        };
        let row = row.filter(|row| may_rule(who, row.workspace_id));
        Ok(row.ok_or_else(|| absent(named))?)
    }

    /// Where a channel leads, checked, and what is secret of that, sealed.
    fn aimed(&self, id: ChannelId, target: TargetNew) -> AppResult<(Target, Option<Sealed>, Option<Secret>)> {
        match target {
            TargetNew::Webhook { url, template, secret } => {
                let (_, host) = self.webhooks.outbound.check(url.expose()).map_err(|e| {
                    Refusal::fields(vec![field("/webhook/url", "format", &e.0, "give the https address of a webhook")])
                })?;
                let secret = secret.map_or_else(fresh_secret, Ok)?;
                let kept = Kept { url: url.expose().to_owned(), secret: secret.expose().to_owned() };
                let kept = Secret::new(serde_json::to_string(&kept).unwrap_or_default());
                let sealed = self.keyring.seal(&id.to_string(), &kept).map_err(StoreError::from)?;
                Ok((Target::Webhook { host, template }, Some(sealed), Some(secret)))
            }
            TargetNew::Email { to } => {
                if self.mailer.is_none() {
                    let detail = "cannot be sent: this server has no mail server";
                    let remedy = "have the operator set email.smtp_url and email.from";
                    return Err(Refusal::fields(vec![field("/email", "not-available", detail, remedy)]).into());
                }
                Ok((Target::Email { to }, None, None))
            }
        }
    }

    /// What is secret of a webhook.
    pub(super) fn channel_kept(&self, row: &ChannelRow) -> AppResult<Option<Kept>> {
        let Some(sealed) = &row.secret else { return Ok(None) };
        let json = self.keyring.open(&row.id.to_string(), sealed).map_err(StoreError::from)?;
        Ok(serde_json::from_str(json.expose()).ok())
    }

    /// A target with what a change leaves as it was, and whether that is the signing secret.
    fn changed_target(&self, before: &ChannelRow, change: TargetChange) -> AppResult<(TargetNew, bool)> {
        let (url, template, secret) = match change {
            TargetChange::Email { to } => return Ok((TargetNew::Email { to }, false)),
            TargetChange::Webhook { url, template, secret } => (url, template, secret),
        };
        let kept = self.channel_kept(before)?;
        let was = if let Target::Webhook { template, .. } = &before.target { Some(*template) } else { None };
        let missing = || Refusal::fields(vec![field("/webhook/url", "missing", "is missing", "give it")]);
        let kept_secret = secret.is_none() && kept.is_some();
        let (old_url, old_secret) = kept.map(|kept| (Secret::new(kept.url), Secret::new(kept.secret))).unzip();
        let new = TargetNew::Webhook {
            url: url.or(old_url).ok_or_else(missing)?,
            template: template.or(was).unwrap_or(Template::Event),
            secret: secret.or(old_secret),
        };
        Ok((new, kept_secret))
    }

    /// Sets a channel up. The answer tells the secret that it signs with.
    pub async fn channel_create(
        &self,
        caller: &Caller<ChannelWrite>,
        call: &Call,
        new: ChannelNew,
    ) -> AppResult<ChannelView> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            let named = ChannelId::from_uuid(id).to_string();
            let row = self.channel_named(&mut tx, &call.who, &named).await?;
            let secret = self.channel_kept(&row)?.map(|kept| Secret::new(kept.secret));
            return Ok(ChannelView { row, secret });
        }
        let workspace = match &new.workspace {
            Some(named) => Some(self.workspace_for(&mut tx, caller, named).await?.id),
            None => None,
        };
        if !may_rule(&call.who, workspace) {
            let whose = "channels of a workspace take its role admin, those of the platform take platform-admin";
            return Err(Refusal::new(Code::Forbidden, whose).remedy("ask somebody who has the role").into());
        }
        let id = ChannelId::from_uuid(self.ids.fresh());
        let (target, sealed, secret) = self.aimed(id, new.target)?;
        let row = NewChannel { id, name: new.name.clone(), workspace, target, events: new.events, secret: sealed };
        if !tx.channel_insert(&row).await? {
            return Err(taken(Code::ChannelExists, "/name", format!("channel {} exists already", new.name)).into());
        }
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = self.channel_named(&mut tx, &call.who, new.name.as_str()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(ChannelView { row, secret })
    }

    /// A channel.
    pub async fn channel_get(&self, caller: &Caller<ChannelRead>, named: &str) -> AppResult<ChannelRow> {
        self.channel_named(&mut self.store.read().await?, &caller.who, named).await
    }

    /// A page of channels that the caller rules.
    pub async fn channel_list(
        &self,
        caller: &Caller<ChannelRead>,
        page: &PageOf<String>,
    ) -> AppResult<Vec<ChannelRow>> {
        Ok(self.store.read().await?.channel_list(caller.who.sees(), page).await?)
    }

    /// Changes a channel.
    pub async fn channel_update(
        &self,
        call: &Call,
        named: &str,
        change: ChannelChange,
        expected: Option<i64>,
    ) -> AppResult<ChannelView> {
        let mut tx = self.store.begin().await?;
        let before = self.channel_named(&mut tx, &call.who, named).await?;
        let mut row = before.clone();
        let mut told = None;
        if let Some(target) = change.target {
            let (new, kept_secret) = self.changed_target(&before, target)?;
            let (target, sealed, secret) = self.aimed(row.id, new)?;
            (row.target, row.secret) = (target, sealed);
            told = secret.filter(|_| !kept_secret);
        }
        row.events = change.events.unwrap_or(row.events);
        if !tx.channel_update(&row, expected.unwrap_or(before.revision)).await? {
            return Err(stale(&format!("channel {}", row.name)).into());
        }
        let after = self.channel_named(&mut tx, &call.who, named).await?;
        self.audit_object(&mut tx, call, "updated", Some(&before), Some(&after)).await?;
        tx.commit().await?;
        Ok(ChannelView { row: after, secret: told })
    }

    /// Deletes a channel, with its deliveries.
    pub async fn channel_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.channel_named(&mut tx, &call.who, named).await?;
        if !tx.channel_delete(row.id, expected.unwrap_or(row.revision)).await? {
            return Err(stale(&format!("channel {}", row.name)).into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// Sends a message to see whether a channel works. Answers the delivery.
    pub async fn channel_test(&self, call: &Call, named: &str) -> AppResult<OutboxRow> {
        let mut tx = self.store.begin().await?;
        let row = self.channel_named(&mut tx, &call.who, named).await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.delivery_row(&mut tx, id).await;
        }
        let id = self.ids.fresh();
        let message = Message::test(tx.now().await?, row.name.as_str(), &call.who.name, &self.public_url);
        let message = serde_json::to_value(&message).map_err(|e| AppError::Internal(e.to_string()))?;
        tx.deliver(id, row.id, EventKind::ChannelTest, &message).await?;
        self.remember(&mut tx, call, &id).await?;
        self.delivery_committed(tx, id).await
    }

    async fn delivery_row(&self, db: &mut Read, id: Uuid) -> AppResult<OutboxRow> {
        let gone = || Refusal::new(Code::DeliveryNotFound, format!("there is no delivery {id}"));
        Ok(db.delivery(id).await?.ok_or_else(gone)?)
    }

    async fn delivery_committed(&self, mut tx: Tx, id: Uuid) -> AppResult<OutboxRow> {
        let row = self.delivery_row(&mut tx, id).await?;
        tx.commit().await?;
        self.post_bell.notify_one();
        Ok(row)
    }

    /// A page of the deliveries to a channel, newest first.
    pub async fn delivery_list(
        &self,
        caller: &Caller<ChannelRead>,
        channel: &str,
        state: Option<DeliveryState>,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<OutboxRow>> {
        let mut db = self.store.read().await?;
        let row = self.channel_named(&mut db, &caller.who, channel).await?;
        let filter = DeliveryFilter { channel: Some(row.id), state, ..DeliveryFilter::default() };
        Ok(db.delivery_list(&filter, page).await?)
    }

    /// Tries a delivery again that arrived or was given up.
    pub async fn delivery_resend(&self, call: &Call, channel: &str, delivery: &str) -> AppResult<OutboxRow> {
        let mut tx = self.store.begin().await?;
        let row = self.channel_named(&mut tx, &call.who, channel).await?;
        let of = |d: &OutboxRow| d.channel == Some(row.id);
        self.resend(tx, call, delivery, of, || format!("channel {channel} has no delivery {delivery}")).await
    }

    /// Tries a delivery again of those that are `of` something.
    pub(super) async fn resend(
        &self,
        mut tx: Tx,
        call: &Call,
        delivery: &str,
        of: impl FnOnce(&OutboxRow) -> bool,
        absent: impl Fn() -> String,
    ) -> AppResult<OutboxRow> {
        let gone = || {
            Refusal::new(Code::DeliveryNotFound, absent())
                .remedy("look at …/deliveries: what is over for long is forgotten")
        };
        let id: Uuid = delivery.strip_prefix(DELIVERY_PREFIX).and_then(|id| id.parse().ok()).ok_or_else(gone)?;
        tx.delivery(id).await?.filter(of).ok_or_else(gone)?;
        if self.answered_before::<Uuid>(&mut tx, call).await?.is_some() {
            return self.delivery_row(&mut tx, id).await;
        }
        if !tx.redeliver(id).await? {
            return Err(Refusal::new(Code::DeliveryPending, "it is being tried: it is tried again by itself")
                .remedy("wait until it arrived or was given up")
                .into());
        }
        self.remember(&mut tx, call, &id).await?;
        self.delivery_committed(tx, id).await
    }
}

/// What the id of a delivery begins with, on the wire.
pub const DELIVERY_PREFIX: &str = "msg_";
