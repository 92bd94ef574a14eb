//! Clusters: registering, changing, forgetting. Their connections were tried before a use case begins.

use super::{
    App, AppResult, Call, Code, Refusal,
    catalog::{is_repeated, stale, taken, unchanged},
};
use async_trait::async_trait;
use jiff::Timestamp;
use orbit_core::{
    id::ClusterId,
    model::cluster::{Connection, Credentials, Provider},
    name::Slug,
    ports::{ClusterDescription, Clusters, ConnectionPart},
    secret::Secret,
};
use orbit_store::{ClusterRow, Health, Keyring, KeyringError, NewCluster, PageOf, Read, Sealed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The registered clusters, and a way to try a connection before it is registered.
#[async_trait]
pub trait ClusterAccess: Clusters {
    /// Tries a connection. Names the part that failed.
    async fn check(
        &self,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<ClusterDescription, ConnectionFailure>;

    /// How many requests went to which cluster, by kind: those of this process since the cluster's client was made.
    fn sent(&self) -> Vec<(ClusterId, &'static str, u64)> {
        Vec::new()
    }
}

/// Which part of a connection failed, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFailure {
    /// Which.
    pub part: ConnectionPart,
    /// For the user.
    pub user: String,
    /// For the log.
    pub operator: String,
}

/// A cluster to register.
#[derive(Debug, Clone)]
pub struct ClusterNew {
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// Which product it is.
    pub provider: Provider,
    /// Where it stands.
    pub region: Option<String>,
    /// Where its data may not leave.
    pub residency: Option<String>,
    /// How to connect.
    pub connection: Connection,
    /// The secret half.
    pub credentials: Credentials,
}

/// What to change on a cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterChange {
    /// What people call it.
    pub display_name: Option<String>,
    /// Where it stands.
    pub region: Option<Option<String>>,
    /// Where its data may not leave.
    pub residency: Option<Option<String>>,
    /// How to connect, tried, with what the cluster told, and the revision that the rest of the connection was taken from.
    pub connection: Option<Tried>,
}

/// A connection that works.
#[derive(Debug, Clone)]
pub struct Tried {
    /// How to connect.
    pub connection: Connection,
    /// The secret half.
    pub credentials: Credentials,
    /// What the cluster told.
    pub description: ClusterDescription,
    /// The revision of the cluster that this was made from.
    pub of_revision: i64,
}

/// The secret half as it is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    sasl_password: Option<String>,
    client_key_pem: Option<String>,
}

/// Seals the secret half of a cluster's connection; `None` where there is nothing secret.
fn seal(keyring: &Keyring, id: ClusterId, secrets: &Credentials) -> Result<Option<Sealed>, KeyringError> {
    if *secrets == Credentials::default() {
        return Ok(None);
    }
    let text = |s: &Option<Secret>| s.as_ref().map(|s| s.expose().to_owned());
    let kept = Kept { sasl_password: text(&secrets.sasl_password), client_key_pem: text(&secrets.client_key_pem) };
    let json = serde_json::to_string(&kept).unwrap_or_default();
    keyring.seal(&id.to_string(), &Secret::new(json)).map(Some)
}

/// Opens what [`seal`] sealed.
pub fn open(keyring: &Keyring, id: ClusterId, sealed: Option<&Sealed>) -> Result<Credentials, KeyringError> {
    let Some(sealed) = sealed else { return Ok(Credentials::default()) };
    let json = keyring.open(&id.to_string(), sealed)?;
    let kept: Kept = serde_json::from_str(json.expose()).map_err(|_| KeyringError::Forged(sealed.key_id.clone()))?;
    Ok(Credentials {
        sasl_password: kept.sasl_password.map(Secret::new),
        client_key_pem: kept.client_key_pem.map(Secret::new),
    })
}

impl App {
    /// A cluster by slug or id.
    pub(super) async fn cluster_named(&self, db: &mut Read, named: &str) -> AppResult<ClusterRow> {
        let row = match named.parse::<ClusterId>() {
            Ok(id) => db.cluster(id).await?,
            Err(_) => db.cluster_by_slug(named).await?,
        };
        row.ok_or_else(|| {
            Refusal::new(Code::ClusterNotFound, format!("there is no cluster {named}"))
                .remedy("GET /v1/clusters lists them")
                .into()
        })
    }

    /// Registers a cluster that was tried.
    pub async fn cluster_create(
        &self,
        call: &Call,
        new: ClusterNew,
        description: ClusterDescription,
    ) -> AppResult<ClusterRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.cluster_named(&mut tx, &ClusterId::from_uuid(id).to_string()).await;
        }
        let id = ClusterId::from_uuid(self.ids.fresh());
        let provider = serde_json::to_value(new.provider).ok().and_then(|v| v.as_str().map(str::to_owned));
        let row = NewCluster {
            id,
            slug: new.slug.clone(),
            display_name: new.display_name,
            provider: provider.unwrap_or_default(),
            region: new.region,
            residency: new.residency,
            connection: new.connection,
            credentials: seal(&self.keyring, id, &new.credentials).map_err(orbit_store::StoreError::from)?,
            description,
        };
        if !tx.cluster_insert(&row).await? {
            return Err(taken(Code::ClusterExists, "/slug", format!("cluster {} exists already", new.slug)).into());
        }
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = self.cluster_named(&mut tx, new.slug.as_str()).await?;
        self.audit_object(&mut tx, call, "registered", None, Some(&row)).await?;
        tx.commit().await?;
        self.runner.look_at(id);
        Ok(row)
    }

    /// A cluster.
    pub async fn cluster_get(&self, named: &str) -> AppResult<ClusterRow> {
        self.cluster_named(&mut self.store.read().await?, named).await
    }

    /// A page of clusters.
    pub async fn cluster_list(&self, page: &PageOf<String>) -> AppResult<Vec<ClusterRow>> {
        Ok(self.store.read().await?.cluster_list(page).await?)
    }

    /// The secret half of a cluster's connection, for who tries it.
    pub fn cluster_credentials(&self, row: &ClusterRow) -> AppResult<Credentials> {
        Ok(open(&self.keyring, row.id, row.credentials.as_ref()).map_err(orbit_store::StoreError::from)?)
    }

    /// Changes a cluster.
    pub async fn cluster_update(
        &self,
        call: &Call,
        named: &str,
        change: ClusterChange,
        expected: Option<i64>,
    ) -> AppResult<ClusterRow> {
        let mut tx = self.store.begin().await?;
        let before = self.cluster_named(&mut tx, named).await?;
        let mut row = before.clone();
        row.display_name = change.display_name.unwrap_or(row.display_name);
        row.region = change.region.unwrap_or(row.region);
        row.residency = change.residency.unwrap_or(row.residency);
        // Whether credentials are those that it has cannot be seen: with a connection it is always a change.
        if is_repeated(expected, before.revision, change.connection.is_none() && row == before) {
            return Ok(row);
        }
        row.revision = expected.unwrap_or(row.revision);
        if let Some(Tried { connection, credentials, description, of_revision }) = change.connection {
            // Half of it may be what stood there before the try, which took seconds.
            row.revision = expected.unwrap_or(of_revision);
            if is_another(before.description.as_ref(), &description) && tx.cluster_in_use(row.id).await? {
                return Err(another_kafka(&row.slug, &description).into());
            }
            row.connection = connection;
            row.credentials = seal(&self.keyring, row.id, &credentials).map_err(orbit_store::StoreError::from)?;
            row.description = Some(description);
            "valid".clone_into(&mut row.validation_status);
            row.reachable = true;
            row.last_error = None;
        }
        if !tx.cluster_update(&row).await? {
            return Err(stale(&format!("cluster {}", row.slug)).into());
        }
        let row = self.cluster_named(&mut tx, row.slug.as_str()).await?;
        self.audit_object(&mut tx, call, "updated", Some(&before), Some(&row)).await?;
        tx.commit().await?;
        // What waited for the cluster goes on at once with the connection that works.
        self.poke(row.id).await?;
        Ok(row)
    }

    /// Makes due what waits for a cluster. A transaction of its own: it waits for saves, and these may wait for the cluster's row.
    async fn poke(&self, id: ClusterId) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let due = tx.operations_poke(id).await?;
        tx.commit().await?;
        if due > 0 {
            self.runner.rouse();
        }
        Ok(())
    }

    /// Forgets a cluster that nothing refers to.
    pub async fn cluster_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.cluster_named(&mut tx, named).await?;
        unchanged(expected, row.revision, || format!("cluster {}", row.slug))?;
        if !tx.cluster_delete(row.id).await? {
            return Err(Refusal::new(
                Code::ClusterInUse,
                format!("cluster {} has topics or mappings, or work is under way on it", row.slug),
            )
            .remedy("delete its topics and mappings first")
            .into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// The time that leases and looks go by: the database's.
    pub async fn now(&self) -> AppResult<Timestamp> {
        Ok(self.store.read().await?.now().await?)
    }

    /// Notes what a look at a cluster showed, and wakes what waited for it where it answers again.
    pub async fn cluster_seen(&self, id: ClusterId, health: &Health) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let Some(before) = tx.cluster(id).await? else { return Ok(()) };
        let another = match health {
            Health::Well { description, .. } if is_another(before.description.as_ref(), description) => {
                Some(Health::Ill { reachable: true, error: another_kafka(&before.slug, description).detail })
            }
            _ => None,
        };
        let health = another.as_ref().unwrap_or(health);
        tx.cluster_seen(id, health).await?;
        let recovered =
            matches!(health, Health::Well { .. }) && (!before.reachable || before.validation_status != "valid");
        tx.commit().await?;
        if recovered { self.poke(id).await } else { Ok(()) }
    }
}

/// Whether two looks showed two Kafka clusters. What does not tell its id is taken for the same.
fn is_another(before: Option<&ClusterDescription>, now: &ClusterDescription) -> bool {
    let id = |d: &ClusterDescription| d.kafka_cluster_id.clone();
    before.and_then(id).zip(id(now)).is_some_and(|(before, now)| before != now)
}

fn another_kafka(slug: &Slug, found: &ClusterDescription) -> Refusal {
    let id = found.kafka_cluster_id.as_deref().unwrap_or("unknown");
    Refusal::new(
        Code::ClusterOther,
        format!("the brokers there belong to another Kafka cluster (its id is {id}) than the one that {slug} was registered with"),
    )
    .remedy("check the bootstrap servers; a new cluster is registered under a name of its own")
}
