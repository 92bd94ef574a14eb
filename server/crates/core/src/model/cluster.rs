//! A registered cluster: how Orbit connects to it.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// Which Kafka-compatible product a cluster is. Both speak the Kafka protocol through the same adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Apache Kafka.
    ApacheKafka,
    /// Redpanda.
    Redpanda,
    /// Amazon MSK.
    AwsMsk,
}

/// How the connection is secured; Kafka's own names (`security.protocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
    /// TLS, with a client certificate where one is given.
    #[serde(rename = "SSL")]
    Ssl,
    /// SASL without encryption.
    #[serde(rename = "SASL_PLAINTEXT")]
    SaslPlaintext,
    /// SASL over TLS.
    #[serde(rename = "SASL_SSL")]
    SaslSsl,
}

impl SecurityProtocol {
    /// Whether a user name and password are due.
    #[must_use]
    pub fn uses_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn uses_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
    /// As Kafka's configuration spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

/// SASL mechanism; Kafka's own names (`sasl.mechanism`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// User name and password as they are; only over TLS outside of tests.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge response with SHA-256 (RFC 5802).
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge response with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    /// As Kafka's configuration spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// How to connect, without anything secret: shown in answers and kept in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `host:port` of some brokers.
    pub bootstrap_servers: Vec<String>,
    /// How the connection is secured.
    pub security_protocol: SecurityProtocol,
    /// Due with a `SASL_*` protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Due with a `SASL_*` protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl_username: Option<String>,
    /// Certificate authorities (PEM) that the brokers' certificates must lead to; the system's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate_pem: Option<String>,
    /// Certificate (PEM) that Orbit shows, for mutual TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_pem: Option<String>,
}

/// The secret half of a connection: encrypted at rest, in no answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// Due with a `SASL_*` protocol.
    pub sasl_password: Option<Secret>,
    /// Key (PEM) of the client certificate, for mutual TLS.
    pub client_key_pem: Option<Secret>,
}
