//! Notification channels.

use super::{
    Answer, Failed, Tagged, accepted, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{Wrongs, slug},
    tagged,
};
use crate::{
    app::{App, ChannelChange, ChannelNew, ChannelView, DELIVERY_PREFIX, TargetChange, TargetNew},
    auth::{
        Caller,
        permission::{ChannelRead, ChannelWrite},
    },
    notify::{Mailer, SECRET_PREFIX},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use orbit_api as api;
use orbit_core::{
    notification::{EventKind, Target, Template},
    secret::Secret,
};
use orbit_store::{ChannelRow, DeliveryState, OutboxRow};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The same word on the wire and in the model.
fn event(kind: EventKind) -> Option<api::EventType> {
    serde_json::from_value(kind.as_str().into()).ok()
}

fn events(given: Option<Vec<api::EventType>>) -> BTreeSet<EventKind> {
    match given {
        None => EventKind::ALL.into_iter().filter(|kind| *kind != EventKind::ChannelTest).collect(),
        Some(given) => given.into_iter().filter_map(|word| EventKind::parse(&word.to_string())).collect(),
    }
}

fn check_url(url: Option<&String>, wrong: &mut Wrongs) {
    const ADDRESS: usize = 2_000;
    wrong.text("/webhook/url", url, ADDRESS);
}

fn signing_secret(given: Option<String>, wrong: &mut Wrongs) -> Option<Secret> {
    let secret = given?;
    let bytes = secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
    if bytes.is_none_or(|bytes| !(24..=64).contains(&bytes.len())) {
        let detail = "is no signing secret: whsec_ and 24 to 64 bytes in base64 are due";
        wrong.note(
            "/webhook/secret",
            "format",
            detail,
            None,
            "leave it out, or give for example whsec_ and what `openssl rand -base64 32` prints",
        );
    }
    Some(Secret::new(secret))
}

fn template(given: api::WebhookTemplate) -> Template {
    match given {
        api::WebhookTemplate::Event => Template::Event,
        api::WebhookTemplate::Slack => Template::Slack,
        api::WebhookTemplate::Teams => Template::Teams,
    }
}

fn webhook(given: api::WebhookTarget, wrong: &mut Wrongs) -> TargetNew {
    check_url(Some(&given.url), wrong);
    TargetNew::Webhook {
        url: Secret::new(given.url),
        template: given.template.map_or(Template::Event, template),
        secret: signing_secret(given.secret, wrong),
    }
}

fn webhook_change(given: api::WebhookPatch, wrong: &mut Wrongs) -> TargetChange {
    check_url(given.url.as_ref(), wrong);
    TargetChange::Webhook {
        url: given.url.map(Secret::new),
        template: given.template.map(template),
        secret: signing_secret(given.secret, wrong),
    }
}

fn email(given: api::EmailTarget, wrong: &mut Wrongs) -> Vec<String> {
    const MOST: usize = 20;
    if given.to.is_empty() || given.to.len() > MOST {
        let detail = format!("has {} addresses: 1 to {MOST} are allowed", given.to.len());
        wrong.note("/email/to", "length", detail, Some(MOST.to_string()), "give a list's address, or a second channel");
    }
    for (i, address) in given.to.iter().enumerate().filter(|(_, address)| !Mailer::is_address(address)) {
        let detail = format!("is {address}, which is no mail address");
        wrong.note(&format!("/email/to/{i}"), "format", detail, None, "give for example kim@example.com");
    }
    given.to
}

/// A channel leads to one place.
fn one_of<H, M>(hook: Option<H>, mail: Option<M>, wrong: &mut Wrongs) -> (Option<H>, Option<M>) {
    if hook.is_some() && mail.is_some() {
        let remedy = "keep one of them: a channel leads to one place";
        wrong.note("/email", "given-twice", "stands beside webhook", None, remedy);
        return (None, None);
    }
    (hook, mail)
}

fn to_wire(row: &ChannelRow, secret: Option<&Secret>) -> api::NotificationChannel {
    let (webhook, email) = match &row.target {
        Target::Webhook { host, template } => {
            let template = match template {
                Template::Event => api::WebhookTemplate::Event,
                Template::Slack => api::WebhookTemplate::Slack,
                Template::Teams => api::WebhookTemplate::Teams,
            };
            (Some(api::Webhook { host: host.clone(), template }), None)
        }
        Target::Email { to } => (None, Some(api::EmailTarget { to: to.clone() })),
    };
    api::NotificationChannel {
        id: row.id.to_string(),
        name: row.name.to_string(),
        workspace: row.workspace.as_ref().map(ToString::to_string),
        webhook,
        email,
        events: row.events.iter().copied().filter_map(event).collect(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn answer(status: StatusCode, view: &ChannelView) -> Tagged<api::NotificationChannel> {
    tagged(status, view.row.revision, to_wire(&view.row, view.secret.as_ref()))
}

pub(super) fn delivery(row: &OutboxRow) -> api::Delivery {
    let title = row.payload.get("title").and_then(|title| title.as_str()).unwrap_or_default();
    let state = match row.state {
        DeliveryState::Pending => api::DeliveryState::Pending,
        DeliveryState::Delivered => api::DeliveryState::Delivered,
        DeliveryState::Dead => api::DeliveryState::Dead,
    };
    api::Delivery {
        id: format!("{DELIVERY_PREFIX}{}", row.id.simple()),
        event: row.event.and_then(event),
        title: title.to_owned(),
        state,
        attempts: row.attempts,
        last_error: row.last_error.clone(),
        next_attempt_at: (row.state == DeliveryState::Pending).then_some(row.due_at),
        created_at: row.created_at,
        ended_at: row.ended_at,
    }
}

/// Sets up a notification channel: the platform's, or a workspace's own. The answer tells the secret that its webhook is signed with, once.
#[utoipa::path(post, path = "/v1/notification-channels", operation_id = "notification_channel_create", tag = "notifications",
    request_body = api::NotificationChannelCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::NotificationChannel), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_create(
    caller: Caller<ChannelWrite>,
    State(app): State<App>,
    asked: Asked<api::NotificationChannelCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let name = slug("/name", &wire.name, &mut wrong);
    let neither = wire.webhook.is_none() && wire.email.is_none();
    let (hook, mail) = one_of(wire.webhook, wire.email, &mut wrong);
    let hook = hook.map(|hook| webhook(hook, &mut wrong));
    let target = hook.or_else(|| mail.map(|mail| TargetNew::Email { to: email(mail, &mut wrong) }));
    if neither {
        wrong.note("/webhook", "missing", "is missing, and email too", None, "give one of them");
    }
    let events = events(wire.events);
    let new = wrong.done(|| Some(ChannelNew { name: name?, workspace: wire.workspace, target: target?, events }))?;
    let view = app.channel_create(&caller, &call, new).await?;
    let body = to_wire(&view.row, view.secret.as_ref());
    created("/v1/notification-channels", view.row.id, Some(view.row.revision), body)
}

/// A notification channel, by name or id.
#[utoipa::path(get, path = "/v1/notification-channels/{channel}", operation_id = "notification_channel_get", tag = "notifications",
    params(("channel" = String, Path, description = "Name or id")),
    responses((status = 200, body = api::NotificationChannel), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_get(
    caller: Caller<ChannelRead>,
    State(app): State<App>,
    Path(channel): Path<String>,
) -> Tagged<api::NotificationChannel> {
    let row = app.channel_get(&caller, &channel).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row, None))
}

/// A page of the notification channels that the caller rules.
#[utoipa::path(get, path = "/v1/notification-channels", operation_id = "notification_channel_list", tag = "notifications", params(Paging),
    responses((status = 200, body = api::Page<api::NotificationChannel>), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_list(
    caller: Caller<ChannelRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::NotificationChannel>> {
    let asked = paging.by_text()?;
    let rows = app.channel_list(&caller, &asked).await?;
    let items = rows.iter().map(|row| (row.name.to_string(), to_wire(row, None))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Changes a notification channel. Of a webhook, what is not given stays: its address, its template, its signing secret.
#[utoipa::path(patch, path = "/v1/notification-channels/{channel}", operation_id = "notification_channel_update", tag = "notifications",
    request_body(content = api::NotificationChannelPatch, content_type = "application/merge-patch+json"),
    params(("channel" = String, Path, description = "Name or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 200, body = api::NotificationChannel), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_update(
    caller: Caller<ChannelWrite>,
    State(app): State<App>,
    Path(channel): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::NotificationChannelPatch>,
) -> Tagged<api::NotificationChannel> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let (hook, mail) = one_of(wire.webhook, wire.email, &mut wrong);
    let hook = hook.map(|hook| webhook_change(hook, &mut wrong));
    let target = hook.or_else(|| mail.map(|mail| TargetChange::Email { to: email(mail, &mut wrong) }));
    let events = wire.events.map(|given| events(Some(given)));
    let change = wrong.done(|| Some(ChannelChange { target, events }))?;
    answer(StatusCode::OK, &app.channel_update(&call, &channel, change, expected).await?)
}

/// Deletes a notification channel, with what is on its way to it.
#[utoipa::path(delete, path = "/v1/notification-channels/{channel}", operation_id = "notification_channel_delete", tag = "notifications",
    params(("channel" = String, Path, description = "Name or id"), ("If-Match" = Option<String>, Header, description = "ETag that the caller read")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_delete(
    caller: Caller<ChannelWrite>,
    State(app): State<App>,
    Path(channel): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.channel_delete(&call, &channel, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a message to a channel, to see whether it arrives.
#[utoipa::path(post, path = "/v1/notification-channels/{channel}/test", operation_id = "notification_channel_test", tag = "notifications",
    params(("channel" = String, Path, description = "Name or id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Delivery), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_channel_test(
    caller: Caller<ChannelWrite>,
    State(app): State<App>,
    Path(channel): Path<String>,
    asked: Asked<NoBody>,
) -> Tagged<api::Delivery> {
    let call = asked.bare(caller.who.clone())?;
    let row = app.channel_test(&call, &channel).await?;
    accepted(format!("/v1/notification-channels/{channel}/deliveries"), delivery(&row))
}

/// Which deliveries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// That came to this.
    #[param(value_type = Option<api::DeliveryState>)]
    state: Option<api::DeliveryState>,
}

impl Which {
    pub(super) fn state(&self) -> Option<DeliveryState> {
        self.state.map(|state| match state {
            api::DeliveryState::Pending => DeliveryState::Pending,
            api::DeliveryState::Delivered => DeliveryState::Delivered,
            api::DeliveryState::Dead => DeliveryState::Dead,
        })
    }
}

/// A page of the messages to a channel, newest first: those that were given up wait here for a person.
#[utoipa::path(get, path = "/v1/notification-channels/{channel}/deliveries", operation_id = "notification_delivery_list", tag = "notifications",
    params(("channel" = String, Path, description = "Name or id"), Which, Paging),
    responses((status = 200, body = api::Page<api::Delivery>), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_delivery_list(
    caller: Caller<ChannelRead>,
    State(app): State<App>,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Delivery>> {
    let asked = paging.by_id()?;
    let rows = app.delivery_list(&caller, &channel, which.state(), &asked).await?;
    let items = rows.iter().map(|row| (row.id, delivery(row))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Sends a message again that arrived or was given up.
#[utoipa::path(post, path = "/v1/notification-channels/{channel}/deliveries/{delivery}/resend", operation_id = "notification_delivery_resend",
    tag = "notifications",
    params(("channel" = String, Path, description = "Name or id"), ("delivery" = String, Path, description = "Its id"),
           ("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 202, body = api::Delivery), (status = "4XX", body = api::Problem)))]
pub(super) async fn notification_delivery_resend(
    caller: Caller<ChannelWrite>,
    State(app): State<App>,
    Path((channel, message)): Path<(String, String)>,
    asked: Asked<NoBody>,
) -> Tagged<api::Delivery> {
    let call = asked.bare(caller.who.clone())?;
    let row = app.delivery_resend(&call, &channel, &message).await?;
    accepted(format!("/v1/notification-channels/{channel}/deliveries"), delivery(&row))
}
