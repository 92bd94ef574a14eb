//! Ids: UUIDv7 with a prefix that names the noun, for example `top_0198c0de…`. A prefix that does not fit is refused, so an operation's id can
//! never be taken for a topic's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Why a text is not an id of the noun that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {article} {noun} id: {prefix}_ and 32 hexadecimal digits are due")]
pub struct IdError {
    article: &'static str,
    noun: &'static str,
    prefix: &'static str,
}

macro_rules! ids { ($($(#[doc = $doc:literal])* $Name:ident = $prefix:literal, $article:literal $noun:literal;)*) => { $(
    $(#[doc = $doc])*
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(try_from = "String", into = "String")]
    pub struct $Name(Uuid);

    impl $Name {
        /// What the textual form begins with, before the underscore.
        pub const PREFIX: &'static str = $prefix;
        /// Wraps a UUID that is known to name this noun: a fresh one, or one from its own table.
        #[must_use]
        pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
        /// The bare UUID, as the database keeps it.
        #[must_use]
        pub const fn uuid(self) -> Uuid { self.0 }
    }
    impl fmt::Display for $Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}_{}", $prefix, self.0.simple()) }
    }
    impl fmt::Debug for $Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
    }
    impl FromStr for $Name {
        type Err = IdError;
        fn from_str(s: &str) -> Result<Self, IdError> {
            s.strip_prefix(concat!($prefix, "_"))
                .filter(|hex| hex.len() == 32)
                .and_then(|hex| Uuid::try_parse(hex).ok())
                .map(Self)
                .ok_or(IdError { article: $article, noun: $noun, prefix: $prefix })
        }
    }
    impl TryFrom<String> for $Name {
        type Error = IdError;
        fn try_from(s: String) -> Result<Self, IdError> { s.parse() }
    }
    impl From<$Name> for String {
        fn from(id: $Name) -> Self { id.to_string() }
    }
)* } }

ids! {
    /// A tenant: a company or division.
    TenantId = "ten", "a" "tenant";
    /// A workspace: a team.
    WorkspaceId = "wsp", "a" "workspace";
    /// A person, a service principal or the system.
    PrincipalId = "pri", "a" "principal";
    /// A principal's role, on the platform or in one workspace.
    MembershipId = "mem", "a" "membership";
    /// An API token. Never the token itself.
    TokenId = "tok", "a" "token";
    /// An environment.
    EnvironmentId = "env", "an" "environment";
    /// A registered Kafka cluster.
    ClusterId = "clu", "a" "cluster";
    /// A rule that leads an environment to a cluster.
    MappingId = "map", "an" "environment mapping";
    /// A topic of Orbit's. Kafka's own id of it is [`crate::ports::KafkaTopicId`].
    TopicId = "top", "a" "topic";
    /// A topic policy.
    PolicyId = "pol", "a" "policy";
    /// What somebody asked for, with the verdict it got.
    RequestId = "req", "a" "request";
    /// The durable run that carries an accepted request out.
    OperationId = "op", "an" "operation";
    /// The requests of one Terraform run.
    RunGroupId = "run", "a" "run group";
    /// One line of the audit trail.
    AuditEventId = "aud", "an" "audit event";
    /// A notification channel.
    ChannelId = "nch", "a" "notification channel";
    /// A running server process.
    ReplicaId = "rep", "a" "replica";
}

/// Where fresh ids come from: handed in, so that tests can tell them beforehand.
pub trait Ids: Send + Sync {
    /// A UUID that nobody has used; later ones sort after earlier ones (UUIDv7, RFC 9562).
    fn fresh(&self) -> Uuid;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_refuses_another_nouns() {
        let id = TopicId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "top_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            id.to_string().parse::<OperationId>().unwrap_err().to_string(),
            "not an operation id: op_ and 32 hexadecimal digits are due"
        );
        assert!("top_0198c0de-0000-7000-8000-000000000001".parse::<TopicId>().is_err());
    }
}
