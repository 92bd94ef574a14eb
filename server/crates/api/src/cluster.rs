//! Kafka clusters.

use crate::wire;
use jiff::Timestamp;
use std::fmt;

wire! {
    /// Which Kafka-compatible product a cluster is.
    enum KafkaProvider {
        /// Apache Kafka.
        ApacheKafka,
        /// Redpanda.
        Redpanda,
        /// Amazon MSK.
        AwsMsk,
    }
}

wire! {
    /// How the connection is secured; Kafka's own names.
    enum SecurityProtocol {
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
}

wire! {
    /// SASL mechanism; Kafka's own names.
    enum SaslMechanism {
        /// User name and password as they are.
        #[serde(rename = "PLAIN")]
        Plain,
        /// Salted challenge response with SHA-256.
        #[serde(rename = "SCRAM-SHA-256")]
        ScramSha256,
        /// Salted challenge response with SHA-512.
        #[serde(rename = "SCRAM-SHA-512")]
        ScramSha512,
    }
}

wire! {
    /// How to connect, without anything secret.
    input struct Connection {
        /// `host:port` of some brokers: 1 to 20.
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
}

/// The secret half of a connection. Goes in, never comes out: encrypted at rest, in no answer. `Debug` hides it.
#[derive(Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Due with a `SASL_*` protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub sasl_password: Option<String>,
    /// Key (PEM) of the client certificate, for mutual TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub client_key_pem: Option<String>,
}
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([hidden])")
    }
}

wire! {
    /// A cluster to register. Its connection is tried first; one that does not work is refused, with the part that failed.
    input struct ClusterCreate {
        /// `[a-z][a-z0-9-]{0,38}`, unique, immutable.
        pub slug: String,
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub display_name: Option<String>,
        /// Which product it is. Default `apache-kafka`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub provider: Option<KafkaProvider>,
        /// Where it stands, for example `eu-central-1`. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
        /// Where its data may not leave, for example `eu`. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub residency: Option<String>,
        /// How to connect.
        pub connection: Connection,
        /// The secret half of the connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub credentials: Option<Credentials>,
    }
}

wire! {
    /// What to change on a cluster, as a merge patch. A new connection or new credentials are tried first.
    #[derive(Default)]
    input struct ClusterPatch {
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
        pub display_name: Option<String>,
        /// Where it stands, for example `eu-central-1`; null: not said. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::double_option")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub region: Option<Option<String>>,
        /// Where its data may not leave, for example `eu`; null: not said. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::double_option")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub residency: Option<Option<String>>,
        /// How to connect, whole.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = Connection, required = false))]
        pub connection: Option<Connection>,
        /// The secret half of the connection, whole.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = Credentials, required = false))]
        pub credentials: Option<Credentials>,
    }
}

wire! {
    /// Whether Orbit's connection to a cluster works.
    enum ValidationStatus {
        /// Not tried yet.
        Pending,
        /// It worked when it was last tried.
        Valid,
        /// The cluster refuses it.
        Invalid,
    }
}

wire! {
    /// A registered cluster.
    struct Cluster {
        /// Its id.
        pub id: String,
        /// Its slug.
        pub slug: String,
        /// What people call it.
        pub display_name: String,
        /// Which product it is.
        pub provider: KafkaProvider,
        /// Where it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
        /// Where its data may not leave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub residency: Option<String>,
        /// How to connect, without anything secret. Platform admins only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub connection: Option<Connection>,
        /// Whether the connection works.
        pub validation_status: ValidationStatus,
        /// Whether the cluster answered when it was last asked.
        pub reachable: bool,
        /// What it said when it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_error: Option<String>,
        /// When the connection last worked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_validated_at: Option<Timestamp>,
        /// Kafka's id of the cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kafka_cluster_id: Option<String>,
        /// How many brokers it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub brokers: Option<u32>,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was registered.
        pub created_at: Timestamp,
    }
}
