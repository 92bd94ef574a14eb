//! The registered clusters as clients: one cache, a client per cluster, made anew when its connection was changed.

use crate::{
    app::{ClusterAccess, ConnectionFailure, open_credentials},
    config::KafkaConfig,
};
use async_trait::async_trait;
use orbit_core::{
    id::ClusterId,
    model::cluster::{Connection, Credentials},
    ports::{ClusterDescription, Clusters, KafkaAdmin, KafkaError, KafkaErrorKind},
};
use orbit_kafka::{KafkaCluster, Request};
use orbit_store::{ClusterRow, Keyring, Store};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// A client that nobody asked for so long is closed: its cluster is gone. Those that are registered are asked how they are all the time.
const IDLE: Duration = Duration::from_mins(10);

/// A client, made once by whoever asks first, while others wait for it.
type Client = Arc<OnceCell<Arc<KafkaCluster>>>;

struct Cached {
    /// The revision of the cluster whose connection it uses.
    revision: i64,
    client: Client,
    used: Instant,
}

/// Clusters over the Kafka protocol.
pub struct KafkaClusters {
    store: Store,
    keyring: Arc<Keyring>,
    rates: KafkaConfig,
    clients: Mutex<HashMap<ClusterId, Cached>>,
}

impl KafkaClusters {
    /// An empty cache.
    #[must_use]
    pub fn new(store: Store, keyring: Arc<Keyring>, rates: KafkaConfig) -> Self {
        Self { store, keyring, rates, clients: Mutex::default() }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClusterId, Cached>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a client for this revision, or for a later one that somebody read meanwhile.
    fn place(&self, id: ClusterId, revision: i64, now: Instant) -> Client {
        let mut clients = self.clients();
        clients.retain(|_, cached| now.duration_since(cached.used) < IDLE);
        let fresh = || Cached { revision, client: Client::default(), used: now };
        let cached = clients.entry(id).or_insert_with(fresh);
        if cached.revision < revision {
            *cached = fresh();
        }
        cached.used = now;
        cached.client.clone()
    }

    async fn connect(&self, row: &ClusterRow) -> Result<Arc<KafkaCluster>, KafkaError> {
        let credentials = open_credentials(&self.keyring, row.id, row.credentials.as_ref()).map_err(|e| {
            failed("the cluster's credentials cannot be decrypted: ask the platform team", e.to_string())
        })?;
        let connection = row.connection.clone();
        // librdkafka reads certificates and starts threads.
        let made = tokio::task::spawn_blocking(move || KafkaCluster::connect(&connection, &credentials)).await;
        let made = made.map_err(|e| failed("a client of the cluster could not be made", e.to_string()))??;
        Ok(Arc::new(made.at_rate(self.rates.rate(row.slug.as_str()))))
    }
}

fn failed(user: &str, operator: String) -> KafkaError {
    KafkaError { kind: KafkaErrorKind::Passing, user: user.to_owned(), operator }
}

#[async_trait]
impl Clusters for KafkaClusters {
    async fn admin(&self, id: ClusterId) -> Result<Arc<dyn KafkaAdmin>, KafkaError> {
        let unread = |e: orbit_store::StoreError| failed("Orbit's database did not answer", e.to_string());
        let row = self.store.read().await.map_err(unread)?.cluster(id).await.map_err(unread)?;
        let Some(row) = row else {
            self.clients().remove(&id);
            return Err(failed("the cluster is not registered any more", id.to_string()));
        };
        let place = self.place(id, row.revision, Instant::now());
        let client = place.get_or_try_init(|| self.connect(&row)).await.cloned()?;
        Ok(client)
    }
}

#[async_trait]
impl ClusterAccess for KafkaClusters {
    async fn check(
        &self,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<ClusterDescription, ConnectionFailure> {
        orbit_kafka::check(connection, credentials).await.map_err(|e| ConnectionFailure {
            part: e.part,
            user: e.user,
            operator: e.operator,
        })
    }

    fn sent(&self) -> Vec<(ClusterId, &'static str, u64)> {
        let clients = self.clients();
        let of = |(id, cached): (&ClusterId, &Cached)| {
            let client = cached.client.get()?;
            Some(Request::ALL.map(|request| (*id, request.as_str(), client.sent(request))))
        };
        clients.iter().filter_map(of).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use orbit_core::{
        model::cluster::SecurityProtocol,
        testing::{FixedClock, SequentialIds},
    };
    use orbit_store::NewCluster;

    /// A database with one cluster, and the clients of it. Nothing connects before it is asked.
    async fn one_cluster(folder: &tempfile::TempDir) -> (KafkaClusters, Store, ClusterId) {
        let url = format!("sqlite:{}/orbit.db", folder.path().display());
        let store = Store::open(&url, 4, Arc::new(FixedClock::default())).await.unwrap();
        store.migrate().await.unwrap();
        let id = ClusterId::from_uuid(SequentialIds::nth(1));
        let cluster = NewCluster {
            id,
            slug: "dev-1".parse().unwrap(),
            display_name: "Dev".to_owned(),
            provider: "apache-kafka".to_owned(),
            region: None,
            residency: None,
            connection: Connection {
                bootstrap_servers: vec!["127.0.0.1:1".to_owned()],
                security_protocol: SecurityProtocol::Plaintext,
                sasl_mechanism: None,
                sasl_username: None,
                ca_certificate_pem: None,
                client_certificate_pem: None,
            },
            credentials: None,
            description: ClusterDescription::default(),
        };
        let mut tx = store.begin().await.unwrap();
        assert!(tx.cluster_insert(&cluster).await.unwrap());
        tx.commit().await.unwrap();
        let keyring = Keyring::new([("k".to_owned(), vec![7; 32])]).unwrap();
        (KafkaClusters::new(store.clone(), Arc::new(keyring), KafkaConfig::default()), store, id)
    }

    #[tokio::test]
    async fn a_client_is_made_once_and_anew_when_the_connection_changes_and_goes_with_its_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let (clusters, store, id) = one_cluster(&folder).await;
        let all = join_all((0..20).map(|_| clusters.admin(id))).await;
        let first = all[0].as_ref().unwrap();
        assert!(all.iter().all(|client| Arc::ptr_eq(client.as_ref().unwrap(), first)));

        let row = store.read().await.unwrap().cluster(id).await.unwrap().unwrap();
        let mut tx = store.begin().await.unwrap();
        assert!(tx.cluster_update(&row).await.unwrap());
        tx.commit().await.unwrap();
        let second = clusters.admin(id).await.unwrap();
        assert!(!Arc::ptr_eq(&second, first));
        let late = clusters.place(id, row.revision, Instant::now());
        let late: Arc<dyn KafkaAdmin> = late.get().unwrap().clone();
        assert!(Arc::ptr_eq(&late, &second), "who read the old revision gets the newer client");

        let mut tx = store.begin().await.unwrap();
        assert!(tx.cluster_delete(id).await.unwrap());
        tx.commit().await.unwrap();
        assert!(clusters.admin(id).await.is_err());
        assert!(clusters.clients().is_empty());
    }

    #[tokio::test]
    async fn a_client_that_nobody_asks_for_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let (clusters, _, id) = one_cluster(&folder).await;
        clusters.admin(id).await.unwrap();
        let other = ClusterId::from_uuid(SequentialIds::nth(2));
        clusters.place(other, 1, Instant::now() + IDLE);
        assert_eq!(clusters.clients().keys().collect::<Vec<_>>(), [&other]);
    }
}
