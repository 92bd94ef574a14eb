//! Notification channels and what was sent to them.

use crate::wire;
use jiff::Timestamp;
use std::fmt;

wire! {
    /// What a webhook's body looks like.
    enum WebhookTemplate {
        /// Orbit's own event, whole.
        Event,
        /// A message of Slack's incoming webhooks.
        Slack,
        /// An adaptive card, as the workflows of Microsoft Teams take it.
        Teams,
    }
}

wire! {
    /// What people are told of.
    enum EventType {
        /// A request waits for a person.
        #[serde(rename = "request.pending")]
        RequestPending,
        /// It was approved.
        #[serde(rename = "request.approved")]
        RequestApproved,
        /// It was refused.
        #[serde(rename = "request.rejected")]
        RequestRejected,
        /// It was taken back.
        #[serde(rename = "request.withdrawn")]
        RequestWithdrawn,
        /// Another took its place.
        #[serde(rename = "request.superseded")]
        RequestSuperseded,
        /// A rejected one waits for a person again.
        #[serde(rename = "request.reopened")]
        RequestReopened,
        /// It expires soon: within a day, or within half of its time where that is shorter.
        #[serde(rename = "request.expiring")]
        RequestExpiring,
        /// Nobody decided it in time.
        #[serde(rename = "request.expired")]
        RequestExpired,
        /// The work failed, and was taken back.
        #[serde(rename = "operation.failed")]
        OperationFailed,
        /// The work failed, and could not be taken back: a person has to look.
        #[serde(rename = "operation.stuck")]
        OperationStuck,
        /// Somebody tries whether the channel works: sent whatever the channel tells of.
        #[serde(rename = "channel.test")]
        ChannelTest,
    }
}

/// A webhook to send to. Its address may hold a secret of the other side, and goes in only. `Debug` hides it.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// Its address, `https://…` or `http://…`. Link-local addresses and metadata services are refused.
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub url: String,
    /// What the body looks like. Default `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<WebhookTemplate>,
    /// What it is signed with (`webhook-signature`, as standardwebhooks.com says): `whsec_` and 24 to 64 bytes in base64. Default: a fresh one, which the
    /// answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub secret: Option<String>,
}
/// What to change on a webhook.
#[derive(Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookPatch {
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, write_only))]
    pub url: Option<String>,
    /// What the body looks like.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
    #[cfg_attr(feature = "openapi", schema(value_type = WebhookTemplate, required = false))]
    pub template: Option<WebhookTemplate>,
    /// What it is signed with from now on: `whsec_` and 24 to 64 bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, write_only))]
    pub secret: Option<String>,
}
impl fmt::Debug for WebhookPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookPatch {{ template: {:?}, .. }}", self.template)
    }
}
impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookTarget {{ template: {:?}, .. }}", self.template)
    }
}

wire! {
    /// Mail addresses to send to.
    input struct EmailTarget {
        /// 1 to 20 addresses.
        pub to: Vec<String>,
    }
}

wire! {
    /// A notification channel to set up. It leads to a webhook, or to mail addresses.
    input struct NotificationChannelCreate {
        /// `[a-z][a-z0-9-]{0,38}`, unique, immutable.
        pub name: String,
        /// Slug or id of the workspace whose events it tells. Absent: those of all, which takes a platform admin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub workspace: Option<String>,
        /// The webhook that it leads to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub webhook: Option<WebhookTarget>,
        /// The mail addresses that it leads to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<EmailTarget>,
        /// Of what it tells. Default: of everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub events: Option<Vec<EventType>>,
    }
}

wire! {
    /// What to change on a notification channel, as a merge patch.
    #[derive(Default)]
    input struct NotificationChannelPatch {
        /// The webhook that it leads to: what is not given stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = WebhookPatch, required = false))]
        pub webhook: Option<WebhookPatch>,
        /// The mail addresses that it leads to.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = EmailTarget, required = false))]
        pub email: Option<EmailTarget>,
        /// Of what it tells.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<EventType>, required = false))]
        pub events: Option<Vec<EventType>>,
    }
}

wire! {
    /// A webhook, without what is secret of it.
    struct Webhook {
        /// The host of its address.
        pub host: String,
        /// What the body looks like.
        pub template: WebhookTemplate,
    }
}

wire! {
    /// A notification channel.
    struct NotificationChannel {
        /// Its id.
        pub id: String,
        /// Its name.
        pub name: String,
        /// Slug of the workspace whose events it tells; of all where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub workspace: Option<String>,
        /// The webhook that it leads to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub webhook: Option<Webhook>,
        /// The mail addresses that it leads to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<EmailTarget>,
        /// Of what it tells.
        pub events: Vec<EventType>,
        /// What its webhook is signed with: told in the answer to who set it, and never again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub secret: Option<String>,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was created.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Timestamp,
    }
}

wire! {
    /// What a delivery came to.
    enum DeliveryState {
        /// It is being tried: up to 12 times, which takes about six hours.
        Pending,
        /// It arrived.
        Delivered,
        /// It was given up, and waits for a person.
        Dead,
    }
}

wire! {
    /// A message to a channel. Kept for 30 days after it ended.
    struct Delivery {
        /// Its id; also the header `webhook-id`, however often it is tried.
        pub id: String,
        /// What it tells of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub event: Option<EventType>,
        /// In a line.
        pub title: String,
        /// What it came to.
        pub state: DeliveryState,
        /// How often it was tried.
        pub attempts: i64,
        /// What the last try said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_error: Option<String>,
        /// When it is tried next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next_attempt_at: Option<Timestamp>,
        /// When it was written.
        pub created_at: Timestamp,
        /// When it arrived, or was given up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ended_at: Option<Timestamp>,
    }
}
