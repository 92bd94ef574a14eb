//! Clusters. A connection is tried here, before the use case begins: use cases make no network call.

use super::{
    Answer, Failed, Tagged, created,
    input::{Asked, IfMatch, NoBody, Paging, Query, page},
    parse::{Parse, Wrongs, display_name, slug},
    tagged,
};
use crate::{
    app::{App, ClusterChange, ClusterNew, Code, Refusal, Tried},
    auth::{
        Caller,
        permission::{ClusterRead, ClusterWrite},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use orbit_api as api;
use orbit_core::{
    model::cluster::{Connection, Credentials, Provider, SaslMechanism, SecurityProtocol},
    ports::{ClusterDescription, ConnectionPart},
    secret::Secret,
};
use orbit_store::ClusterRow;

/// The longest word about where a cluster stands.
const SHORT: usize = 100;

impl Parse<Connection> for api::Connection {
    fn parse(self, wrong: &mut Wrongs) -> Option<Connection> {
        const SERVERS: usize = 20;
        if !(1..=SERVERS).contains(&self.bootstrap_servers.len()) {
            let detail = format!("has {} addresses: 1 to {SERVERS} are allowed", self.bootstrap_servers.len());
            wrong.note(
                "/connection/bootstrap_servers",
                "length",
                detail,
                Some(SERVERS.to_string()),
                "give host:port of some brokers",
            );
        }
        for (i, server) in self.bootstrap_servers.iter().enumerate() {
            let port = server
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty())
                .and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() || server.contains(',') {
                wrong.note(
                    &format!("/connection/bootstrap_servers/{i}"),
                    "format",
                    "is no host:port",
                    None,
                    "give for example kafka-1.example.com:9092",
                );
            }
        }
        let protocol = match self.security_protocol {
            api::SecurityProtocol::Plaintext => SecurityProtocol::Plaintext,
            api::SecurityProtocol::Ssl => SecurityProtocol::Ssl,
            api::SecurityProtocol::SaslPlaintext => SecurityProtocol::SaslPlaintext,
            api::SecurityProtocol::SaslSsl => SecurityProtocol::SaslSsl,
        };
        let sasl_mechanism = self.sasl_mechanism.map(|m| match m {
            api::SaslMechanism::Plain => SaslMechanism::Plain,
            api::SaslMechanism::ScramSha256 => SaslMechanism::ScramSha256,
            api::SaslMechanism::ScramSha512 => SaslMechanism::ScramSha512,
        });
        let due = [("sasl_mechanism", sasl_mechanism.is_some()), ("sasl_username", self.sasl_username.is_some())];
        for (field, given) in due {
            if given != protocol.uses_sasl() {
                let (detail, remedy) = if given {
                    (
                        format!("goes with a SASL protocol, not with {}", protocol.as_str()),
                        "take it out, or choose SASL_SSL",
                    )
                } else {
                    (format!("is due with {}", protocol.as_str()), "give it")
                };
                wrong.note(&format!("/connection/{field}"), "missing", detail, None, remedy);
            }
        }
        Some(Connection {
            bootstrap_servers: self.bootstrap_servers,
            security_protocol: protocol,
            sasl_mechanism,
            sasl_username: self.sasl_username,
            ca_certificate_pem: self.ca_certificate_pem,
            client_certificate_pem: self.client_certificate_pem,
        })
    }
}

/// The secret half, checked against the other.
fn credentials(connection: &Connection, given: Option<api::Credentials>, wrong: &mut Wrongs) -> Credentials {
    let given = given.unwrap_or_default();
    if given.sasl_password.is_some() != connection.security_protocol.uses_sasl() {
        let is = if given.sasl_password.is_some() { "is given" } else { "is missing" };
        let detail = format!(
            "{is} with {}: it is due with a SASL protocol, and only then",
            connection.security_protocol.as_str()
        );
        wrong.note(
            "/credentials/sasl_password",
            "missing",
            detail,
            None,
            "give the password of sasl_username with a SASL protocol",
        );
    }
    if given.client_key_pem.is_some() != connection.client_certificate_pem.is_some() {
        wrong.note(
            "/credentials/client_key_pem",
            "missing",
            "and client_certificate_pem come together",
            None,
            "give both or neither",
        );
    }
    Credentials {
        sasl_password: given.sasl_password.map(Secret::new),
        client_key_pem: given.client_key_pem.map(Secret::new),
    }
}

impl Parse<ClusterNew> for api::ClusterCreate {
    fn parse(self, wrong: &mut Wrongs) -> Option<ClusterNew> {
        let display_name = display_name(self.display_name, &self.slug, wrong);
        let slug = slug("/slug", &self.slug, wrong);
        wrong.text("/region", self.region.as_ref(), SHORT);
        wrong.text("/residency", self.residency.as_ref(), SHORT);
        let connection = self.connection.parse(wrong)?;
        let credentials = credentials(&connection, self.credentials, wrong);
        let provider = match self.provider.unwrap_or(api::KafkaProvider::ApacheKafka) {
            api::KafkaProvider::ApacheKafka => Provider::ApacheKafka,
            api::KafkaProvider::Redpanda => Provider::Redpanda,
            api::KafkaProvider::AwsMsk => Provider::AwsMsk,
        };
        let (region, residency) = (self.region, self.residency);
        Some(ClusterNew { slug: slug?, display_name, provider, region, residency, connection, credentials })
    }
}

/// Tries a connection. The refusal names the part that failed.
async fn tried(app: &App, connection: &Connection, credentials: &Credentials) -> Result<ClusterDescription, Refusal> {
    app.clusters.check(connection, credentials).await.map_err(|failure| {
        tracing::info!(operator = failure.operator, "a cluster's connection does not work: {}", failure.user);
        let (pointer, remedy) = match failure.part {
            ConnectionPart::BootstrapServers => {
                ("/connection/bootstrap_servers", "check the addresses, and that this server reaches them")
            }
            ConnectionPart::Tls => ("/connection/ca_certificate_pem", "check security_protocol and the certificates"),
            ConnectionPart::Sasl => ("/credentials/sasl_password", "check user name, password and mechanism"),
            ConnectionPart::Rights => {
                ("/connection/sasl_username", "give Orbit's principal the rights of docs/connecting-a-cluster.md")
            }
        };
        let mut wrong = Wrongs::default();
        wrong.note(pointer, "cluster.connection", &failure.user, None, remedy);
        Refusal { fields: wrong.into_inner(), ..Refusal::new(Code::ClusterConnection, failure.user).remedy(remedy) }
    })
}

fn to_wire(row: &ClusterRow, platform_admin: bool) -> api::Cluster {
    let description = row.description.as_ref();
    let word = |text: &str| serde_json::Value::from(text);
    api::Cluster {
        id: row.id.to_string(),
        slug: row.slug.to_string(),
        display_name: row.display_name.clone(),
        provider: serde_json::from_value(word(&row.provider)).unwrap_or(api::KafkaProvider::ApacheKafka),
        region: row.region.clone(),
        residency: row.residency.clone(),
        // The same names on the wire and in the column: Kafka's.
        connection: platform_admin
            .then(|| serde_json::to_value(&row.connection).ok())
            .flatten()
            .and_then(|v| serde_json::from_value(v).ok()),
        validation_status: serde_json::from_value(word(&row.validation_status))
            .unwrap_or(api::ValidationStatus::Pending),
        reachable: row.reachable,
        last_error: row.last_error.clone(),
        last_validated_at: row.last_validated_at,
        kafka_cluster_id: description.and_then(|d| d.kafka_cluster_id.clone()),
        brokers: description.map(|d| d.brokers),
        revision: row.revision,
        created_at: row.created_at,
    }
}

/// Registers a cluster. Its connection is tried first; one that does not work is refused, with the part that failed.
#[utoipa::path(post, path = "/v1/clusters", operation_id = "cluster_create", tag = "clusters", request_body = api::ClusterCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Random per call; covers a lost reply for 24 hours")),
    responses((status = 201, body = api::Cluster), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_create(
    caller: Caller<ClusterWrite>,
    State(app): State<App>,
    asked: Asked<api::ClusterCreate>,
) -> Result<Response, Failed> {
    let (call, wire, mut wrong) = asked.by(caller.who.clone());
    let new = wire.parse(&mut wrong);
    let new = wrong.done(|| new)?;
    let description = tried(&app, &new.connection, &new.credentials).await?;
    let row = app.cluster_create(&call, new, description).await?;
    created("/v1/clusters", row.id, Some(row.revision), to_wire(&row, true))
}

/// A cluster, by slug or id.
#[utoipa::path(get, path = "/v1/clusters/{cluster}", operation_id = "cluster_get", tag = "clusters",
    params(("cluster" = String, Path, description = "Slug or id")),
    responses((status = 200, body = api::Cluster), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_get(
    caller: Caller<ClusterRead>,
    State(app): State<App>,
    Path(cluster): Path<String>,
) -> Tagged<api::Cluster> {
    let row = app.cluster_get(&cluster).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row, caller.who.platform_admin))
}

/// A page of clusters.
#[utoipa::path(get, path = "/v1/clusters", operation_id = "cluster_list", tag = "clusters", params(Paging),
    responses((status = 200, body = api::Page<api::Cluster>), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_list(
    caller: Caller<ClusterRead>,
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<api::Page<api::Cluster>> {
    let asked = paging.by_text()?;
    let rows = app.cluster_list(&asked).await?;
    let items = rows.iter().map(|c| (c.slug.to_string(), to_wire(c, caller.who.platform_admin))).collect();
    Ok((StatusCode::OK, Json(page(items, asked.limit))))
}

/// Changes a cluster. A new connection or new credentials are tried first.
#[utoipa::path(patch, path = "/v1/clusters/{cluster}", operation_id = "cluster_update", tag = "clusters",
    request_body(content = api::ClusterPatch, content_type = "application/merge-patch+json"),
    params(("cluster" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 200, body = api::Cluster), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_update(
    caller: Caller<ClusterWrite>,
    State(app): State<App>,
    Path(cluster): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<api::ClusterPatch>,
) -> Tagged<api::Cluster> {
    let (call, wire, wrong) = asked.by(caller.who.clone());
    let change = changed(&app, &cluster, wire, wrong).await?;
    let row = app.cluster_update(&call, &cluster, change, expected).await?;
    tagged(StatusCode::OK, row.revision, to_wire(&row, true))
}

/// What to change, tried where it is about the connection. What is not given of the connection stays.
async fn changed(
    app: &App,
    cluster: &str,
    wire: api::ClusterPatch,
    mut wrong: Wrongs,
) -> Result<ClusterChange, Failed> {
    let display_name = wire.display_name.map(|name| display_name(Some(name), "", &mut wrong));
    let (region, residency) = (wire.region, wire.residency);
    for (pointer, text) in [("/region", &region), ("/residency", &residency)] {
        wrong.text(pointer, text.as_ref().and_then(Option::as_ref), SHORT);
    }
    if wire.connection.is_none() && wire.credentials.is_none() {
        wrong.done(|| Some(()))?;
        return Ok(ClusterChange { display_name, region, residency, connection: None });
    }
    let row = app.cluster_get(cluster).await?;
    let connection = match wire.connection {
        Some(given) => given.parse(&mut wrong),
        None => Some(row.connection.clone()),
    };
    let secrets = match (wire.credentials, &connection) {
        (Some(given), Some(connection)) => credentials(connection, Some(given), &mut wrong),
        (None, Some(connection)) if leads_elsewhere(&row.connection, connection) && row.credentials.is_some() => {
            wrong.note(
                "/credentials",
                "missing",
                "are due where servers, protocol or mechanism change: those that Orbit keeps are not sent to another address",
                None,
                "give the credentials again",
            );
            Credentials::default()
        }
        _ => app.cluster_credentials(&row)?,
    };
    let connection = wrong.done(|| connection)?;
    let description = tried(app, &connection, &secrets).await?;
    let tried = Tried { connection, credentials: secrets, description, of_revision: row.revision };
    Ok(ClusterChange { display_name, region, residency, connection: Some(tried) })
}

/// Whether a password would reach somebody else, or be sent less guarded, than before. The key of a certificate is never sent.
fn leads_elsewhere(before: &Connection, after: &Connection) -> bool {
    let known = |server: &String| before.bootstrap_servers.contains(server);
    let as_before = before.security_protocol == after.security_protocol
        && before.sasl_mechanism == after.sasl_mechanism
        && after.bootstrap_servers.iter().all(known);
    after.security_protocol.uses_sasl() && !as_before
}

/// Forgets a cluster that nothing refers to.
#[utoipa::path(delete, path = "/v1/clusters/{cluster}", operation_id = "cluster_delete", tag = "clusters",
    params(("cluster" = String, Path, description = "Slug or id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the object as it was read; 412 where it has changed since")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn cluster_delete(
    caller: Caller<ClusterWrite>,
    State(app): State<App>,
    Path(cluster): Path<String>,
    IfMatch(expected): IfMatch,
    asked: Asked<NoBody>,
) -> Result<StatusCode, Failed> {
    let call = asked.bare(caller.who.clone())?;
    app.cluster_delete(&call, &cluster, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
