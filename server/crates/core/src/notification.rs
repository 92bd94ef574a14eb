//! What people are told of, and by what channels.

use serde::{Deserialize, Serialize};

/// Something that happened to a request, or to the work that follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
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
    /// It expires soon.
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
    /// Somebody tries whether a channel works.
    #[serde(rename = "channel.test")]
    ChannelTest,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::RequestPending,
        Self::RequestApproved,
        Self::RequestRejected,
        Self::RequestWithdrawn,
        Self::RequestSuperseded,
        Self::RequestReopened,
        Self::RequestExpiring,
        Self::RequestExpired,
        Self::OperationFailed,
        Self::OperationStuck,
        Self::ChannelTest,
    ];

    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestPending => "request.pending",
            Self::RequestApproved => "request.approved",
            Self::RequestRejected => "request.rejected",
            Self::RequestWithdrawn => "request.withdrawn",
            Self::RequestSuperseded => "request.superseded",
            Self::RequestReopened => "request.reopened",
            Self::RequestExpiring => "request.expiring",
            Self::RequestExpired => "request.expired",
            Self::OperationFailed => "operation.failed",
            Self::OperationStuck => "operation.stuck",
            Self::ChannelTest => "channel.test",
        }
    }

    /// Reads that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a webhook's body looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// Orbit's own event, whole.
    Event,
    /// A message of Slack's incoming webhooks.
    Slack,
    /// An adaptive card, as the workflows of Microsoft Teams take it.
    Teams,
}

/// Where a channel leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// A POST to an address, which is kept sealed: it may hold a secret of the other side.
    Webhook {
        /// The host that it names.
        host: String,
        /// What the body looks like.
        template: Template,
    },
    /// A mail.
    Email {
        /// To whom.
        to: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelled_once() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(EventKind::parse("request"), None);
    }
}
