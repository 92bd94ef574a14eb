//! The registered clusters as clients: one cache, a client per cluster, made anew when its connection was changed.

use crate::app::{ClusterAccess, ConnectionFailure, open_credentials};
use async_trait::async_trait;
use orbit_core::{
    id::ClusterId,
    model::cluster::{Connection, Credentials},
    ports::{ClusterDescription, Clusters, KafkaAdmin, KafkaError, KafkaErrorKind},
};
use orbit_kafka::KafkaCluster;
use orbit_store::{Keyring, Store};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A client, and the revision of the cluster whose connection it uses.
type Client = (i64, Arc<dyn KafkaAdmin>);

/// Clusters over the Kafka protocol.
pub struct KafkaClusters {
    store: Store,
    keyring: Arc<Keyring>,
    clients: Mutex<HashMap<ClusterId, Client>>,
}

impl KafkaClusters {
    /// An empty cache.
    #[must_use]
    pub fn new(store: Store, keyring: Arc<Keyring>) -> Self {
        Self { store, keyring, clients: Mutex::default() }
    }

    fn cached(&self, id: ClusterId, revision: i64) -> Option<Arc<dyn KafkaAdmin>> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get(&id).filter(|(of, _)| *of == revision).map(|(_, client)| client.clone())
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
        let row = row.ok_or_else(|| failed("the cluster is not registered any more", id.to_string()))?;
        if let Some(client) = self.cached(id, row.revision) {
            return Ok(client);
        }
        let credentials = open_credentials(&self.keyring, id, row.credentials.as_ref()).map_err(|e| {
            failed("the cluster's credentials cannot be decrypted: ask the platform team", e.to_string())
        })?;
        let client: Arc<dyn KafkaAdmin> = Arc::new(KafkaCluster::connect(&row.connection, &credentials)?);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.insert(id, (row.revision, client.clone()));
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
}
