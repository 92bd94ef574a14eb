//! A platform with one team: what most stories begin with.

use orbit_acceptance::{Database, Kafka, OnCluster, Orbit, Setup, Terraform, eventually, fresh};
use orbit_api::{
    Approve, EnvironmentCreate, EnvironmentMappingCreate, Limits, MembershipCreate, Operation, OperationState,
    PolicyScope, PrincipalCreate, Reject, Request, RequestState, Role, TokenCreate, Topic, TopicCreate,
    TopicPolicyCreate, TopicPolicyReplace, TopicSpec, TopicStatus, WorkspaceCreate,
    client::{Client, RequestQuery, TopicRead, Waited},
};
use std::{collections::BTreeMap, future::pending};

pub(crate) const WORKSPACE: &str = "payments-team";
pub(crate) const CLUSTER: &str = "main";

/// Orbit and a cluster. Environments `dev` and `prod`; workspace `payments-team` with the member `developer`; the policy `guardrails`: at most 50
/// partitions, and in prod a person approves creations, changes and deletions.
pub(crate) struct World {
    pub(crate) orbit: Orbit,
    pub(crate) kafka: Kafka,
    /// What the names of all its topics on the cluster begin with.
    pub(crate) prefix: String,
}

impl World {
    /// On the cluster of the run.
    pub(crate) async fn new() -> Self {
        Self::of(Orbit::start().await, Kafka::shared()).await
    }

    /// On a cluster of its own, which can go down.
    pub(crate) async fn with_own_kafka() -> Self {
        Self::of(Orbit::start().await, Kafka::own().await).await
    }

    /// With other settings of the server.
    pub(crate) async fn set_up(settings: &[(&str, &str)]) -> Self {
        Self::of(Orbit::with(Setup { settings: owned(settings), ..Setup::default() }).await, Kafka::shared()).await
    }

    /// On a PostgreSQL.
    pub(crate) async fn on(database: &Database) -> Self {
        Self::on_with(database, &[]).await
    }

    /// On a PostgreSQL, with other settings of the server.
    pub(crate) async fn on_with(database: &Database, settings: &[(&str, &str)]) -> Self {
        let setup = Setup { database: Some(database.url.clone()), settings: owned(settings), ..Setup::default() };
        Self::of(Orbit::with(setup).await, Kafka::shared()).await
    }

    pub(crate) async fn of(orbit: Orbit, kafka: Kafka) -> Self {
        let world = Self { orbit, kafka, prefix: fresh() };
        let admin = world.orbit.admin();
        admin.cluster_create(&world.kafka.registration(CLUSTER)).await.unwrap();
        for environment in ["dev", "prod"] {
            world.environment(environment, CLUSTER).await;
        }
        world.workspace(WORKSPACE).await;
        world.member("developer", WORKSPACE, Role::Member).await;
        admin.topic_policy_create(&guardrails()).await.unwrap();
        world
    }

    /// An environment that leads to a cluster; its topics bear the prefix.
    pub(crate) async fn environment(&self, slug: &str, cluster: &str) {
        let template = format!("{}.{{environment}}.{{workspace}}.{{name}}", self.prefix);
        let environment = EnvironmentCreate {
            slug: slug.to_owned(),
            display_name: None,
            naming_template: Some(template),
            default_approvers: None,
        };
        self.orbit.admin().environment_create(&environment).await.unwrap();
        let mapping = EnvironmentMappingCreate {
            environment: slug.to_owned(),
            cluster: cluster.to_owned(),
            priority: None,
            is_default: None,
        };
        self.orbit.admin().mapping_create(&mapping).await.unwrap();
    }

    pub(crate) async fn workspace(&self, slug: &str) {
        let workspace = WorkspaceCreate { slug: slug.to_owned(), display_name: None };
        self.orbit.admin().workspace_create(&workspace).await.unwrap();
    }

    pub(crate) async fn member(&self, principal: &str, workspace: &str, role: Role) {
        let membership =
            MembershipCreate { principal: principal.to_owned(), role, workspace: Some(workspace.to_owned()) };
        self.orbit.admin().membership_create(&membership).await.unwrap();
    }

    /// A new principal with a role in the team's workspace, and its token.
    pub(crate) async fn person(&self, name: &str, role: Role) -> String {
        self.orbit
            .admin()
            .principal_create(&PrincipalCreate { name: name.to_owned(), kind: None, email: None })
            .await
            .unwrap();
        self.member(name, WORKSPACE, role).await;
        self.token_of(name, None).await.0
    }

    /// A fresh token of a principal, and its id.
    pub(crate) async fn token_of(&self, principal: &str, expires_in_seconds: Option<u64>) -> (String, String) {
        let new =
            TokenCreate { principal: Some(principal.to_owned()), name: "of a story".to_owned(), expires_in_seconds };
        let made = self.orbit.admin().token_create(&new).await.unwrap();
        (made.token, made.id)
    }

    /// A terraform of the developer's, with these resources.
    pub(crate) async fn terraform(&self, resources: &str) -> Terraform {
        let configuration = configuration(resources);
        Terraform::new(&self.orbit, &self.orbit.developer_token(), &configuration).await
    }

    /// The name that a topic has on the cluster.
    pub(crate) fn physical(&self, environment: &str, name: &str) -> String {
        format!("{}.{environment}.{WORKSPACE}.{name}", self.prefix)
    }

    /// All topics of this story on the cluster, as Kafka's own tool shows them, by environment and name: `dev/orders`.
    pub(crate) async fn on_cluster(&self) -> BTreeMap<String, OnCluster> {
        let all = self.kafka.topics(&self.prefix).await;
        let short = |name: &str| {
            let rest = name.strip_prefix(&format!("{}.", self.prefix)).unwrap();
            rest.replacen(&format!(".{WORKSPACE}."), "/", 1)
        };
        all.into_iter().map(|(name, topic)| (short(&name), topic)).collect()
    }

    /// Asks for a topic through the API, as the developer.
    pub(crate) async fn ask_for(&self, environment: &str, name: &str, partitions: u32) -> Topic {
        self.orbit.developer().topic_create(&wish(environment, name, partitions)).await.unwrap().into_inner()
    }

    /// Waits until a topic has this status.
    pub(crate) async fn becomes(&self, environment: &str, name: &str, status: TopicStatus) -> Topic {
        let (client, key) = (self.orbit.admin(), key(environment, name));
        eventually(&format!("{key} becomes {status}"), || async {
            client.topic_get(&key, TopicRead::default()).await.ok().filter(|topic| topic.status == status)
        })
        .await
    }

    pub(crate) async fn topic(&self, environment: &str, name: &str) -> Topic {
        self.orbit.developer().topic_get(&key(environment, name), TopicRead::default()).await.unwrap()
    }

    /// All requests ever filed in the team's workspace, newest first.
    pub(crate) async fn requests(&self) -> Vec<Request> {
        let query = RequestQuery { workspace: Some(WORKSPACE.to_owned()), ..RequestQuery::default() };
        self.orbit.admin().request_list(&query).await.unwrap().items
    }

    /// Where each of them stands, newest first.
    pub(crate) async fn states(&self) -> Vec<RequestState> {
        self.requests().await.iter().map(|request| request.state).collect()
    }

    /// The only request that waits for a person.
    pub(crate) async fn open_request(&self) -> Request {
        let all = self.requests().await;
        let mut open: Vec<Request> = all.into_iter().filter(|r| r.state == RequestState::Pending).collect();
        assert_eq!(open.len(), 1, "{open:#?}");
        open.remove(0)
    }

    /// The platform admin approves the open request.
    pub(crate) async fn approve(&self) -> Request {
        let id = self.open_request().await.id;
        self.orbit.admin().request_approve(&id, &Approve::default()).await.unwrap()
    }

    pub(crate) async fn reject(&self, reason: &str) {
        let id = self.open_request().await.id;
        self.orbit.admin().request_reject(&id, &Reject { reason: reason.to_owned() }).await.unwrap();
    }

    /// Waits until an operation ends; it has to succeed.
    pub(crate) async fn succeeds(&self, operation: &str) -> Operation {
        let ended = ended(&self.orbit.admin(), operation).await;
        assert_eq!(ended.state, OperationState::Succeeded, "{ended:#?}");
        ended
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Waits until an operation ends, whoever answers meanwhile.
pub(crate) async fn ended(client: &Client, operation: &str) -> Operation {
    eventually(&format!("operation {operation} ends"), || async {
        match client.wait_operation(operation, pending()).await {
            Ok(Waited::Done(operation)) => Some(operation),
            _ => None,
        }
    })
    .await
}

pub(crate) fn guardrails() -> TopicPolicyCreate {
    let prod = || Some(vec!["prod".to_owned()]);
    TopicPolicyCreate {
        partition_limits: Some(Limits { min: None, max: Some(50) }),
        require_approval_for: prod(),
        require_deletion_approval_for: prod(),
        ..policy("guardrails", PolicyScope::Platform)
    }
}

/// A policy that says nothing.
pub(crate) fn policy(name: &str, scope: PolicyScope) -> TopicPolicyCreate {
    let workspace = (scope == PolicyScope::Workspace).then(|| WORKSPACE.to_owned());
    TopicPolicyCreate::new(name, workspace, TopicPolicyReplace::default())
}

pub(crate) fn key(environment: &str, name: &str) -> String {
    format!("{WORKSPACE}/{environment}/{name}")
}

pub(crate) fn wish(environment: &str, name: &str, partitions: u32) -> TopicCreate {
    TopicCreate::new(WORKSPACE, environment, name, TopicSpec { partitions: Some(partitions), ..TopicSpec::default() })
}

/// Payments in prod, where a person approves; with further lines.
pub(crate) fn payments(lines: &str) -> String {
    topic("prod", "payments", lines)
}

/// Payments with two partitions, approved, active, and known to the state as that.
pub(crate) async fn with_payments(world: &World) -> Terraform {
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
    // Only an apply writes down what the refresh saw.
    terraform.apply().await.ok();
    terraform
}

/// The provider, the workspace, and these resources.
pub(crate) fn configuration(resources: &str) -> String {
    format!("{}{resources}", Terraform::head(WORKSPACE))
}

/// A topic's block, with further lines.
pub(crate) fn topic(environment: &str, name: &str, lines: &str) -> String {
    format!(
        "resource \"orbit_kafka_topic\" \"{name}\" {{\nenvironment = \"{environment}\"\nname = \"{name}\"\n{lines}\n}}\n"
    )
}

/// The block of so many topics, each with one partition: `orbit_kafka_topic.many[0]` is `t0`.
pub(crate) fn many(environment: &str, count: u32) -> String {
    format!(
        "resource \"orbit_kafka_topic\" \"many\" {{\n  count = {count}\n  environment = \"{environment}\"\n  \
         name = \"t${{count.index}}\"\n  partitions = 1\n}}\n"
    )
}

/// The address of that block.
pub(crate) fn address(name: &str) -> String {
    format!("orbit_kafka_topic.{name}")
}
