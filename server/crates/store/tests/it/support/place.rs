//! A workspace with an environment on a cluster, and what people do there.

use super::{SECOND, TestStore};
use orbit_core::{
    approval::RequestState,
    change::{Change, Grounds, Requester, TopicAction, TopicChange},
    documentation::Documentation,
    id::{
        ClusterId, EnvironmentId, Ids, MembershipId, OperationId, PrincipalId, ReplicaId, RequestId, TopicId,
        WorkspaceId,
    },
    model::{
        cluster::{Connection, SecurityProtocol},
        environment::NamingTemplate,
        topic::{Observed, TopicSpec},
    },
    name::{PhysicalName, Slug},
    policy::{Rulebook, Verdict},
    ports::{ClusterDescription, KafkaTopicId, TopicDescription},
    testing::SequentialIds,
    workflow::{Held, Mark, OperationState, Saga, Save},
};
use orbit_store::{
    LeasedJournal, NewCluster, NewEnvironment, NewItem, NewOperation, NewRequest, Resolution, Result, Stage, TopicRow,
    Tx, Work,
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use uuid::Uuid;

/// Ids as the server makes them.
pub(crate) struct TestIds;
impl Ids for TestIds {
    fn fresh(&self) -> Uuid {
        fresh()
    }
}

/// A UUID that sorts after those before it, and is none of those that the migrations put there.
pub(crate) fn fresh() -> Uuid {
    static IDS: LazyLock<SequentialIds> = LazyLock::new(|| {
        let ids = SequentialIds::default();
        while ids.fresh() < SequentialIds::nth(16) {}
        ids
    });
    IDS.fresh()
}

#[track_caller]
pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

#[track_caller]
pub(crate) fn physical(text: &str) -> PhysicalName {
    text.parse().unwrap()
}

pub(crate) fn spec(partitions: u32) -> TopicSpec {
    TopicSpec { partitions: Some(partitions), ..TopicSpec::default() }
}

/// Where topics live, and who asks for them.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) workspace: WorkspaceId,
    pub(crate) workspace_slug: Slug,
    pub(crate) environment: EnvironmentId,
    pub(crate) cluster: ClusterId,
    pub(crate) alice: PrincipalId,
    pub(crate) replica: ReplicaId,
}

impl TestStore {
    pub(crate) async fn workspace(&self, name: &str) -> WorkspaceId {
        let id = WorkspaceId::from_uuid(fresh());
        assert!(self.write(async |tx| tx.workspace_insert(id, &slug(name), name).await).await.unwrap());
        id
    }

    pub(crate) async fn principal(&self, name: &str) -> PrincipalId {
        let id = PrincipalId::from_uuid(fresh());
        assert!(self.write(async |tx| tx.principal_insert(id, ("person", name), None).await).await.unwrap());
        id
    }

    /// The database's time.
    pub(crate) async fn now(&self) -> jiff::Timestamp {
        self.read().await.unwrap().now().await.unwrap()
    }

    /// What a cluster showed under a name, or under one that Kafka would not tell from it.
    pub(crate) async fn shown(&self, cluster: ClusterId, name: &PhysicalName) -> Option<String> {
        let nobody = TopicId::from_uuid(fresh());
        self.read().await.unwrap().names_beside(cluster, name, nobody).await.unwrap().shown
    }

    /// Somebody with a role in a workspace.
    pub(crate) async fn member(&self, name: &str, of: WorkspaceId) -> PrincipalId {
        let (id, who) = (MembershipId::from_uuid(fresh()), self.principal(name).await);
        assert!(self.write(async |tx| tx.membership_insert(id, who, Some(of), "viewer").await).await.unwrap());
        who
    }

    pub(crate) async fn environment(&self, name: &str) -> EnvironmentId {
        let new = NewEnvironment {
            id: EnvironmentId::from_uuid(fresh()),
            slug: slug(name),
            display_name: name.to_owned(),
            naming_template: NamingTemplate::default(),
            default_approvers: vec![],
        };
        assert!(self.write(async |tx| tx.environment_insert(&new).await).await.unwrap());
        new.id
    }

    pub(crate) async fn cluster(&self, name: &str) -> ClusterId {
        let new = Self::new_cluster(name);
        assert!(self.write(async |tx| tx.cluster_insert(&new).await).await.unwrap());
        new.id
    }

    pub(crate) fn new_cluster(name: &str) -> NewCluster {
        NewCluster {
            id: ClusterId::from_uuid(fresh()),
            slug: slug(name),
            display_name: name.to_owned(),
            provider: "apache-kafka".to_owned(),
            region: None,
            residency: None,
            connection: Connection {
                bootstrap_servers: vec!["kafka.example:9092".to_owned()],
                security_protocol: SecurityProtocol::Plaintext,
                sasl_mechanism: None,
                sasl_username: None,
                ca_certificate_pem: None,
                client_certificate_pem: None,
            },
            credentials: None,
            description: ClusterDescription { brokers: 3, ..ClusterDescription::default() },
        }
    }

    /// Workspace `payments`, environment `dev`, cluster `main`, and Alice.
    pub(crate) async fn place(&self) -> Place {
        Place {
            workspace: self.workspace("payments").await,
            workspace_slug: slug("payments"),
            environment: self.environment("dev").await,
            cluster: self.cluster("main").await,
            alice: self.principal("alice").await,
            replica: ReplicaId::from_uuid(fresh()),
        }
    }

    pub(crate) async fn topic(&self, change: &TopicChange) -> Option<TopicRow> {
        self.read().await.unwrap().topic(change.id).await.unwrap()
    }

    /// Leaves in the record what became of a change, in a transaction of its own.
    pub(crate) async fn desire(&self, change: &TopicChange, stage: Stage) -> Result<bool> {
        let change = Change::Topic(change.clone());
        self.write(async |tx| tx.desire(&change, &stage).await).await
    }

    /// What the work needs to know by now.
    pub(crate) async fn grounds(&self, change: &TopicChange) -> Grounds {
        let requester = Requester { platform_admin: false };
        let change = Change::Topic(change.clone());
        let mut read = self.read().await.unwrap();
        read.weigh(&change, &Rulebook::default(), &requester.into(), &[]).await.unwrap().grounds
    }

    /// Files a request of one change.
    pub(crate) async fn file(&self, place: &Place, change: &TopicChange, state: RequestState) -> RequestId {
        let request = place.request(state, &[change]);
        assert!(self.write(async |tx| tx.request_insert(&request).await).await.unwrap());
        request.id
    }

    /// Files an allowed change, with the operation that carries it out, leased to the place's replica for a minute.
    pub(crate) async fn operate(&self, place: &Place, change: &TopicChange) -> (RequestId, Held) {
        let request = self.file(place, change, RequestState::Approved).await;
        let grounds = self.grounds(change).await;
        let stage = place.accepted();
        assert!(self.desire(change, stage).await.unwrap());
        let new = place.operation(request, Change::Topic(change.clone()).piece(&grounds).unwrap());
        let held = self.write(async |tx| place.start(tx, &new).await).await.unwrap();
        (request, held)
    }

    /// The journal of the place's replica.
    pub(crate) fn journal(&self, place: &Place) -> LeasedJournal {
        LeasedJournal {
            store: (*self).clone(),
            replica: place.replica,
            lease: Duration::from_mins(1),
            ids: Arc::new(TestIds),
        }
    }

    /// Has a topic made, as if its operation had run.
    pub(crate) async fn active(&self, place: &Place, name: &str) -> TopicChange {
        use orbit_core::workflow::Journal;
        let change = place.create(name, 3);
        let (_, held) = self.operate(place, &change).await;
        let (ended, save) = Place::ended(
            &held,
            OperationState::Succeeded,
            vec![Mark::TopicActive {
                topic: change.id,
                kafka_topic_id: KafkaTopicId::from_uuid(change.id.uuid()),
                spec: spec(3),
            }],
        );
        self.journal(place).save(&ended, save).await.unwrap();
        change
    }
}

impl Place {
    fn change(&self, id: TopicId, name: &str, action: TopicAction) -> TopicChange {
        TopicChange {
            id,
            workspace_id: self.workspace,
            workspace: self.workspace_slug.clone(),
            environment_id: self.environment,
            environment: slug("dev"),
            name: name.parse().unwrap(),
            cluster_id: self.cluster,
            physical_name: physical(&format!("dev.{}.{name}", self.workspace_slug)),
            action,
        }
    }
    pub(crate) fn create(&self, name: &str, partitions: u32) -> TopicChange {
        let spec = spec(partitions);
        self.change(TopicId::from_uuid(fresh()), name, TopicAction::Create { spec })
    }
    pub(crate) fn accepted(&self) -> Stage {
        Stage::Accepted { by: self.alice, approved_by: None, work: Work::Changes }
    }
    pub(crate) fn filed(&self) -> Stage {
        Stage::Filed { by: self.alice }
    }
    pub(crate) fn request(&self, state: RequestState, changes: &[&TopicChange]) -> NewRequest {
        let item = |change: &&TopicChange| NewItem {
            change: Change::Topic((*change).clone()),
            verdict: Verdict::default(),
            differences: vec![],
            base_revision: 0,
        };
        NewRequest {
            id: RequestId::from_uuid(fresh()),
            workspace: self.workspace,
            requester: self.alice,
            group: None,
            run_url: None,
            state,
            verdict: Verdict::default(),
            documentation: Documentation::default(),
            // Of the calendar of the injected clock, and far in the future of PostgreSQL's.
            expires_at: "2100-01-01T00:00:00Z".parse().unwrap(),
            items: changes.iter().map(item).collect(),
        }
    }
    pub(crate) fn operation(&self, request: RequestId, piece: orbit_core::workflow::Piece) -> NewOperation {
        NewOperation {
            id: OperationId::from_uuid(fresh()),
            request,
            lane: self.cluster,
            saga: Saga::new(vec![piece]),
            holder: self.replica,
            lease: 60 * SECOND,
        }
    }
    pub(crate) async fn start(&self, tx: &mut Tx, new: &NewOperation) -> Result<Held> {
        let held = tx.operation_insert(new).await?;
        tx.request_operation(new.request, new.id).await?;
        Ok(held.unwrap())
    }
    /// The save that brings an operation to `state`.
    pub(crate) fn ended(held: &Held, state: OperationState, marks: Vec<Mark>) -> (Held, Save) {
        let mut held = held.clone();
        held.saga.state = state;
        let save = Save { marks, state, due: Duration::ZERO, failure: held.saga.failure.clone(), heeds: false };
        (held, save)
    }
    pub(crate) fn resolution(state: RequestState, by: &str) -> Resolution {
        Resolution { state, by: by.to_owned(), reason: None, operation: None, superseded_by: None }
    }
}

/// What a cluster showed of a topic.
pub(crate) fn seen(id: KafkaTopicId, partitions: u32) -> Observed {
    Observed {
        topic: Some(TopicDescription {
            id,
            partitions,
            replication_factor: 1,
            configs: [("retention.ms".to_owned(), "1000".to_owned())].into(),
        }),
    }
}

/// What follows once the topic is there.
pub(crate) trait Then {
    fn update(&self, spec: TopicSpec) -> TopicChange;
    fn delete(&self) -> TopicChange;
}
impl Then for TopicChange {
    fn update(&self, spec: TopicSpec) -> TopicChange {
        TopicChange { action: TopicAction::Update { spec }, ..self.clone() }
    }
    fn delete(&self) -> TopicChange {
        TopicChange { action: TopicAction::Delete, ..self.clone() }
    }
}
