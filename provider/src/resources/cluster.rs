//! Resource `orbit_kafka_cluster`.

use super::workspace::default_display_name;
use crate::{
    Orbit,
    plain::{self, SeenBy},
    slug,
};
use orbit_api::{
    Cluster, ClusterCreate, ClusterPatch, Connection, Credentials, KafkaProvider, SaslMechanism, SecurityProtocol,
};
use tfplugin::{
    Applied, Attr, Change, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Path, Resource, Schema, View,
    WriteOnly, model,
};

model! {
    /// A Kafka cluster that Orbit works on. Its connection is tried before it is kept, and so is every change of it. Whether it answers now is told by the
    /// data source `orbit_kafka_clusters`.
    ///
    /// Password and key are write-only, which needs Terraform 1.11 or newer. One that topics or mappings lead to is not deleted.
    pub(crate) struct ManagedCluster {
        /// What configurations name it by: a lower-case letter, then lower-case letters, digits and hyphens, at most 39. A change registers another cluster.
        slug: String,
        /// What people call it, at most 100 characters. Default: the slug.
        display_name: Computed<String>,
        /// Which product it is: `apache-kafka`, `redpanda` or `aws-msk`. A change registers another cluster.
        kafka_provider: String,
        /// Where it stands, for example `eu-central-1`. At most 100 characters.
        region: Option<String>,
        /// Where its data may not leave, for example `eu`. At most 100 characters.
        residency: Option<String>,
        /// `host:port` of some brokers: 1 to 20.
        bootstrap_servers: Vec<String>,
        /// How the connection is secured, in Kafka's words: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        security_protocol: String,
        /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`. Required with a `SASL_*` protocol, not allowed otherwise.
        sasl_mechanism: Option<String>,
        /// Required with a `SASL_*` protocol, not allowed otherwise.
        sasl_username: Option<String>,
        /// Certificate authorities (PEM) that the brokers' certificates must lead to. Default: the system's.
        ca_certificate_pem: Option<String>,
        /// Certificate (PEM) that Orbit shows, for mutual TLS.
        client_certificate_pem: Option<String>,
        /// Password of `sasl_username`, required with a `SASL_*` protocol. In no plan and no state; Orbit keeps it encrypted.
        sasl_password_wo: WriteOnly<String>,
        /// Key (PEM) of `client_certificate_pem`. In no plan and no state; Orbit keeps it encrypted.
        client_key_pem_wo: WriteOnly<String>,
        /// Raise it to hand over a new password or key: Terraform cannot see that they have changed.
        credentials_wo_version: u32,
        /// Orbit's id of it.
        id: Computed<String>,
        /// Kafka's id of the cluster.
        kafka_cluster_id: Computed<Option<String>>,
    }
}

impl ManagedCluster {
    fn object(&self) -> String {
        format!("cluster {}", self.slug)
    }

    /// How to connect, without anything secret.
    fn connection(&self) -> Result<Connection, Diagnostics> {
        Ok(Connection {
            bootstrap_servers: self.bootstrap_servers.clone(),
            security_protocol: plain::word(&self.security_protocol)?,
            sasl_mechanism: self.sasl_mechanism.as_deref().map(plain::word).transpose()?,
            sasl_username: self.sasl_username.clone(),
            ca_certificate_pem: self.ca_certificate_pem.clone(),
            client_certificate_pem: self.client_certificate_pem.clone(),
        })
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            sasl_password: self.sasl_password_wo.get().cloned(),
            client_key_pem: self.client_key_pem_wo.get().cloned(),
        }
    }

    fn told(cluster: Cluster, credentials_wo_version: u32) -> Result<Self, Diagnostics> {
        let Some(connection) = cluster.connection else {
            return Err(Diagnostic::error(format!(
                "This token does not see how cluster {} is connected",
                cluster.slug
            ))
            .detail("That is shown to platform admins, who alone manage clusters.")
            .into());
        };
        Ok(Self {
            slug: cluster.slug,
            display_name: cluster.display_name.into(),
            kafka_provider: cluster.provider.to_string(),
            region: cluster.region,
            residency: cluster.residency,
            bootstrap_servers: connection.bootstrap_servers,
            security_protocol: connection.security_protocol.to_string(),
            sasl_mechanism: connection.sasl_mechanism.map(|mechanism| mechanism.to_string()),
            sasl_username: connection.sasl_username,
            ca_certificate_pem: connection.ca_certificate_pem,
            client_certificate_pem: connection.client_certificate_pem,
            sasl_password_wo: WriteOnly::absent(),
            client_key_pem_wo: WriteOnly::absent(),
            credentials_wo_version,
            id: cluster.id.into(),
            kafka_cluster_id: cluster.kafka_cluster_id.into(),
        })
    }
}

/// A certificate without its key, or the other way about.
fn unpaired(config: View<'_, ManagedCluster>) -> Option<Diagnostic> {
    let (certificate, key) = (ManagedCluster::client_certificate_pem, ManagedCluster::client_key_pem_wo);
    let (path, with) = match (config.get(certificate), config.get(key)) {
        (Attr::Known(_), Attr::Null) => (key.path(), certificate.path()),
        (Attr::Null, Attr::Known(_)) => (certificate.path(), key.path()),
        _ => return None,
    };
    Some(Diagnostic::error(format!("{path} is required with {with}")).at(path))
}

/// What only TLS has a use for.
fn unused(config: View<'_, ManagedCluster>, protocol: &str) -> Option<Diagnostic> {
    let of_tls = [ManagedCluster::ca_certificate_pem, ManagedCluster::client_certificate_pem];
    let field = of_tls.into_iter().find(|field| config.get(*field).known().is_some())?;
    Some(Diagnostic::error(format!("{} goes with SSL or SASL_SSL only, not with {protocol}", field.name())).at(field))
}

/// Where a JSON pointer leads: what is a connection and credentials on the wire are attributes of the resource itself.
fn place(pointer: &str) -> Option<Path> {
    match pointer {
        "/credentials/sasl_password" | "/credentials" => Some(ManagedCluster::sasl_password_wo.path()),
        "/credentials/client_key_pem" => Some(ManagedCluster::client_key_pem_wo.path()),
        "/provider" => Some(ManagedCluster::kafka_provider.path()),
        pointer => plain::place::<ManagedCluster>(pointer.strip_prefix("/connection").unwrap_or(pointer)),
    }
}

impl Resource for ManagedCluster {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_cluster";

    fn schema() -> Schema<Self> {
        let word = |text: &String| plain::word::<KafkaProvider>(text).map(drop);
        Schema::version(0)
            .attr(Self::slug.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::display_name.optional_computed())
            .attr(Self::kafka_provider.default("apache-kafka").replace().check(word))
            .attr(Self::region.optional())
            .attr(Self::residency.optional())
            .attr(Self::bootstrap_servers.required().check(|all| match all.len() {
                1..=20 => Ok(()),
                n => Err(format!("1 to 20 addresses expected, got {n}")),
            }))
            .attr(Self::security_protocol.required().check(|text| plain::word::<SecurityProtocol>(text).map(drop)))
            .attr(Self::sasl_mechanism.optional().check(|text| plain::word::<SaslMechanism>(text).map(drop)))
            .attr(Self::sasl_username.optional())
            .attr(Self::ca_certificate_pem.optional())
            .attr(Self::client_certificate_pem.optional())
            .attr(Self::sasl_password_wo.write_only())
            .attr(Self::client_key_pem_wo.write_only())
            .attr(Self::credentials_wo_version.default(1_u32))
            .attr(Self::id.computed().keep())
            .attr(Self::kafka_cluster_id.computed().keep())
    }

    fn validate(config: View<'_, Self>) -> Result<(), Diagnostics> {
        let Attr::Known(protocol) = config.get(Self::security_protocol) else { return Ok(()) };
        let is_sasl = protocol.starts_with("SASL_");
        // What is not known yet is neither there nor lacking.
        let lacks = |value: Attr<String>| (!value.is_unknown()).then(|| value.is_null());
        let parts = [
            (Self::sasl_mechanism.path(), lacks(config.get(Self::sasl_mechanism))),
            (Self::sasl_username.path(), lacks(config.get(Self::sasl_username))),
            (Self::sasl_password_wo.path(), lacks(config.get(Self::sasl_password_wo))),
        ];
        let known = parts.into_iter().filter_map(|(path, lacks)| Some((path, lacks?)));
        let wrong = known.filter(|(_, lacks)| *lacks == is_sasl).map(|(path, lacks)| {
            let what = if lacks { "is required with" } else { "goes with a SASL_* protocol only, not with" };
            Diagnostic::error(format!("{path} {what} {protocol}")).at(path)
        });
        let mut wrong: Diagnostics = wrong.collect();
        wrong.extend(unpaired(config));
        if !protocol.ends_with("SSL") {
            wrong.extend(unused(config, &protocol));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    async fn plan(_cx: &Cx<Orbit>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        default_display_name(change, Self::slug, Self::display_name);
        // Another address may lead to another cluster; Orbit refuses that where topics are on it.
        let moves = change.changes(Self::bootstrap_servers);
        if moves && !change.before(Self::id).is_null() && !change.planned(Self::slug).is_null() {
            change.set_unknown(Self::kafka_cluster_id);
        }
        Ok(())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let found = plain::look(cx, (&now.object(), now.id.require()?), SeenBy::Everybody).await?;
        found.map(|cluster| Self::told(cluster, now.credentials_wo_version)).transpose()
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = ClusterCreate {
            slug: want.slug.clone(),
            display_name: want.display_name.get().cloned(),
            provider: Some(plain::word(&want.kafka_provider)?),
            region: want.region.clone(),
            residency: want.residency.clone(),
            connection: want.connection()?,
            credentials: Some(want.credentials()).filter(|credentials| *credentials != Credentials::default()),
        };
        let import = format!("{}.NAME {}", Self::NAME, want.slug);
        let call = cx.client.client()?.cluster_create(&new);
        let made = plain::create(cx, &want.object(), &place, &import, call).await?;
        Ok(Applied::Done(Self::told(made, want.credentials_wo_version)?))
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let connection = want.connection()?;
        let connects_anew = was.connection()? != connection;
        let has_new_credentials = connects_anew || was.credentials_wo_version != want.credentials_wo_version;
        let patch = ClusterPatch {
            display_name: want.display_name.get().cloned(),
            region: Some(want.region.clone()),
            residency: Some(want.residency.clone()),
            connection: connects_anew.then_some(connection),
            // All of them, also where none are left: what is not named here, Orbit forgets.
            credentials: has_new_credentials.then(|| want.credentials()),
        };
        let call = cx.client.client()?.cluster_update(was.id.require()?, &patch, plain::revision(cx)?);
        let now = plain::write(cx, &want.object(), &place, call).await?;
        Ok(Applied::Done(Self::told(now, want.credentials_wo_version)?))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.cluster_delete(was.id.require()?);
        plain::delete::<Cluster>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        let call = cx.client.client()?.cluster_get(&id);
        Self::told(plain::import(cx, &format!("cluster {id}"), call).await?, 1)
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        Self::import(cx, plain::part(identity, Self::slug)?).await
    }
}
