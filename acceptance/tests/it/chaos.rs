//! A server that is killed at random moments while people create, one by one and several together, change, delete, approve and cancel; its cluster and its database with it
//! now and then, and every connection to them cut: whatever was acknowledged is there, everything comes to an end, and the cluster holds exactly what the database
//! says.
//!
//! `make test` kills a few times on each database; `make acceptance-chaos` two hundred times. The seed is printed, and `ORBIT_CHAOS_SEED` plays the same moments and
//! deeds again (what they meet depends on the machine too).

use crate::world::{World, wish};
use orbit_acceptance::{BOUND, Cuts, Database, Kafka, Orbit, Setup, eventually_within};
use orbit_api::{
    Action, Approve, Documentation, OperationState, Request, RequestCreate, RequestCreateItem, Topic, TopicPatch,
    TopicStatus,
    client::{ClientError, OperationQuery, PageQuery, RequestQuery, TopicQuery, TopicRead},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// Rounds, where the environment does not say: something of each kind dies in six.
const ROUNDS: u64 = 6;
/// Deeds that are begun before each.
const DEEDS: u64 = 6;

/// Steele and others, 2014: enough to choose moments by, and the same on every machine.
struct SplitMix(u64);
impl SplitMix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What the server acknowledged.
#[derive(Debug, Default)]
struct Known {
    /// Topics, by their ids.
    topics: BTreeMap<String, String>,
    /// Those for whose deletion somebody asked.
    doomed: BTreeSet<String>,
    requests: BTreeSet<String>,
    operations: BTreeSet<String>,
}

type Shared = Arc<Mutex<Known>>;

fn known<T>(shared: &Shared, look: impl FnOnce(&mut Known) -> T) -> T {
    look(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

fn note(shared: &Shared, topic: &Topic) {
    known(shared, |k| {
        k.topics.insert(topic.id.clone(), topic.name.clone());
        k.requests.extend(topic.request.iter().map(|r| r.id.clone()));
        k.operations.extend(topic.operation.iter().map(|o| o.id.clone()));
    });
}

fn note_request(shared: &Shared, request: Option<&Request>) {
    known(shared, |k| {
        if let Some(request) = request {
            k.requests.insert(request.id.clone());
            k.operations.extend(request.operation_id.clone());
            k.topics.extend(request.items.iter().map(|i| (i.object_id.clone(), i.object_key.clone())));
        }
    });
}

/// A refusal is an answer too: the object is busy, decided, gone. What is no answer is told, for the log.
fn refused(what: &str, error: &ClientError) {
    if error.problem().is_none() {
        println!("{what}: {error}");
    }
}

fn setting<T: std::str::FromStr + Display>(name: &str, otherwise: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Begins one deed of somebody's.
fn act(world: &World, calls: &mut JoinSet<()>, shared: &Shared, random: &mut SplitMix, name: String) {
    let (developer, admin, shared) = (world.orbit.developer(), world.orbit.admin(), shared.clone());
    let pick = |ids: Vec<String>, random: &mut SplitMix| {
        let count = u64::try_from(ids.len()).unwrap().max(1);
        ids.into_iter().nth(usize::try_from(random.below(count)).unwrap())
    };
    let some_topic = pick(known(&shared, |k| k.topics.keys().cloned().collect()), random);
    let deed = random.below(14);
    let size = u32::try_from(random.below(5)).unwrap() + 1;
    calls.spawn(async move {
        match (deed, some_topic) {
            (0..=2, Some(id)) => {
                let retention = i64::from(size) * 1_000_000;
                let patch = TopicPatch {
                    partitions: Some(Some(size + 5)),
                    retention_ms: Some(Some(retention)),
                    ..TopicPatch::default()
                };
                match developer.topic_update(&id, &patch).await {
                    Ok(changed) => note(&shared, &changed.into_inner()),
                    Err(error) => refused("update", &error),
                }
            }
            (3, Some(id)) => {
                // Noted before the answer: it may be lost.
                known(&shared, |k| k.doomed.insert(id.clone()));
                if let Err(error) = developer.topic_delete(&id, None).await {
                    refused("delete", &error);
                }
            }
            (4 | 5, _) => {
                let open =
                    RequestQuery { page: PageQuery { limit: Some(20), cursor: None }, ..RequestQuery::default() };
                let Ok(page) = admin.request_list(&open).await else { return };
                for request in page.items.iter().filter(|r| r.state == orbit_api::RequestState::Pending).take(2) {
                    if let Err(error) = admin.request_approve(&request.id, &Approve::default()).await {
                        refused("approve", &error);
                    }
                }
            }
            (6, _) => {
                let page = PageQuery { limit: Some(10), cursor: None };
                let Ok(page) = admin.operation_list(&OperationQuery { page, ..OperationQuery::default() }).await else {
                    return;
                };
                if let Some(operation) = page.items.iter().find(|o| !o.state.is_final())
                    && let Err(error) = admin.operation_cancel(&operation.id).await
                {
                    refused("cancel", &error);
                }
            }
            (12 | 13, _) => {
                let items = ["a", "b"].map(|part| RequestCreateItem {
                    action: Action::Create,
                    topic: wish("dev", &format!("{name}-{part}"), size),
                });
                match developer.request_create(&RequestCreate::new(items.into(), Documentation::default())).await {
                    Ok(request) => note_request(&shared, request.as_ref()),
                    Err(error) => refused("bundle", &error),
                }
            }
            (deed, _) => {
                let environment = if deed == 11 { "prod" } else { "dev" };
                match developer.topic_create(&wish(environment, &name, size)).await {
                    Ok(made) => note(&shared, &made.into_inner()),
                    Err(error) => refused("create", &error),
                }
            }
        }
    });
}

/// Who may die, and what can be cut.
struct Stage {
    world: World,
    to_cluster: Cuts,
    /// Where the database is a server of its own.
    database: Option<(Database, Cuts)>,
}

impl Stage {
    async fn on_sqlite() -> Self {
        let to_cluster = Cuts::new().await;
        let kafka = Kafka::behind(&to_cluster).await;
        Self { world: World::of(Orbit::start().await, kafka).await, to_cluster, database: None }
    }

    async fn on_postgres() -> Self {
        let (to_cluster, to_database) = (Cuts::new().await, Cuts::new().await);
        let (kafka, database) = (Kafka::behind(&to_cluster).await, Database::on_own_server());
        let setup = Setup { database: Some(database.url_behind(&to_database)), ..Setup::default() };
        let world = World::of(Orbit::with(setup).await, kafka).await;
        Self { world, to_cluster, database: Some((database, to_database)) }
    }

    /// In most rounds the server dies; in some what it works with does before it, or every connection is cut.
    async fn something_dies(&self, round: u64, random: &mut SplitMix) {
        let mut moment = || sleep(Duration::from_millis(random.below(400)));
        moment().await;
        match round % 6 {
            1 => {
                self.to_cluster.cut();
                self.database.iter().for_each(|(_, network)| network.cut());
                // Who goes on after that has to do so by itself.
                return;
            }
            3 => {
                if let Some((database, _)) = &self.database {
                    database.kill();
                    moment().await;
                    database.start_again();
                }
            }
            5 => self.world.kafka.kill().await,
            _ => {}
        }
        moment().await;
        self.world.orbit.kill();
        self.world.orbit.start_again().await;
        if round % 6 == 5 {
            self.world.kafka.start_again().await;
        }
    }
}

#[tokio::test]
async fn whatever_dies_at_random_moments_nothing_acknowledged_is_lost_and_nothing_is_made_twice() {
    plays(Stage::on_sqlite().await).await;
}

#[tokio::test]
async fn whatever_dies_at_random_moments_on_postgresql_nothing_is_lost_either() {
    plays(Stage::on_postgres().await).await;
}

async fn plays(stage: Stage) {
    let rounds = setting("ORBIT_CHAOS_ROUNDS", ROUNDS);
    let seed = setting("ORBIT_CHAOS_SEED", u64::from(std::process::id()) << 20 | 0x0b17);
    println!("{rounds} rounds with ORBIT_CHAOS_SEED={seed}");
    let mut random = SplitMix(seed);
    let world = &stage.world;
    let shared = Shared::default();
    let mut calls = JoinSet::new();
    for round in 0..rounds {
        if round % 20 == 19 {
            println!("round {} of {rounds}", round + 1);
        }
        for n in 0..DEEDS {
            act(world, &mut calls, &shared, &mut random, format!("t{round}-{n}"));
        }
        stage.something_dies(round, &mut random).await;
        while calls.try_join_next().is_some() {}
    }
    calls.join_all().await;

    comes_to_rest(world).await;
    all_acknowledged_is_there(world, &shared).await;
    the_cluster_is_as_the_database_says(world).await;
    no_topic_was_made_twice(world).await;
}

async fn all_topics(world: &World) -> Vec<Topic> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageQuery { limit: Some(500), cursor };
        let query = TopicQuery { page, ..TopicQuery::default() };
        let page = world.orbit.admin().topic_list(&query).await.unwrap();
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

/// Every operation ends, and none as stuck.
async fn comes_to_rest(world: &World) {
    let open = || async {
        let mut cursor = None;
        loop {
            let page = PageQuery { limit: Some(500), cursor };
            let query = OperationQuery { page, ..OperationQuery::default() };
            let page = world.orbit.admin().operation_list(&query).await.ok()?;
            if page.items.iter().any(|o| !o.state.is_final()) {
                return None;
            }
            let stuck = page.items.iter().find(|o| o.state == OperationState::Stuck);
            assert!(stuck.is_none(), "{stuck:#?}");
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Some(());
            }
        }
    };
    eventually_within(3 * BOUND, "every operation comes to an end", open).await;
}

async fn all_acknowledged_is_there(world: &World, shared: &Shared) {
    let admin = world.orbit.admin();
    let (topics, doomed, requests, operations) =
        known(shared, |k| (k.topics.clone(), k.doomed.clone(), k.requests.clone(), k.operations.clone()));
    println!("{} topics, {} requests, {} operations were acknowledged", topics.len(), requests.len(), operations.len());
    assert!(!topics.is_empty() && !operations.is_empty(), "nothing was acknowledged, so nothing was shown");
    for (id, name) in topics {
        if let Err(error) = admin.topic_get(&id, TopicRead::default()).await {
            assert!(
                doomed.contains(&id),
                "topic {name} ({id}) was acknowledged, and nobody asked for its deletion: {error}"
            );
        }
    }
    for id in requests {
        admin.request_get(&id, None).await.unwrap();
    }
    for id in operations {
        assert!(admin.operation_get(&id, None).await.unwrap().state.is_final());
    }
}

async fn the_cluster_is_as_the_database_says(world: &World) {
    let on_cluster = world.kafka.topics(&world.prefix).await;
    let mut expected = BTreeSet::new();
    for topic in all_topics(world).await.into_iter().filter(|t| t.status == TopicStatus::Active) {
        let there = on_cluster.get(&topic.physical_name);
        let there = there.unwrap_or_else(|| panic!("{} is active, and not on the cluster", topic.physical_name));
        assert_eq!(topic.kafka_topic_id.as_deref(), Some(there.id.as_str()), "{}", topic.physical_name);
        // Partitions cannot be taken away: a change that was cancelled after it had added some leaves them, and they show as drift.
        let taken_back = [OperationState::Cancelled, OperationState::RolledBack];
        let may_have_more = topic.operation.as_ref().is_some_and(|o| taken_back.contains(&o.state));
        let wanted = topic.partitions.unwrap_or_default();
        let as_wanted = there.partitions == wanted || may_have_more && there.partitions > wanted;
        assert!(
            as_wanted,
            "{}: {} partitions, and {wanted} are wanted: {topic:#?}",
            topic.physical_name, there.partitions
        );
        if let Some(retention) = topic.retention_ms {
            let wanted = format!("retention.ms={retention}");
            assert!(there.settings.contains(&wanted), "{}: {wanted} is not in {}", topic.physical_name, there.settings);
        }
        expected.insert(topic.physical_name);
    }
    let there: BTreeSet<String> = on_cluster.into_keys().collect();
    assert_eq!(there, expected, "the cluster has what is active, and nothing else");
}

/// The broker's own log tells how often it made a topic's first partition. That is as often as an operation was accepted that makes the topic (one that was
/// cancelled can be asked for again): a step that is repeated after a death makes nothing anew.
async fn no_topic_was_made_twice(world: &World) {
    let asked = creations_accepted(world).await;
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for line in world.kafka.log().lines() {
        let Some((_, rest)) = line.split_once("Created log for partition ") else { continue };
        let partition = rest.split(' ').next().unwrap_or_default();
        if let Some(name) = partition.strip_suffix("-0").filter(|name| name.starts_with(&world.prefix)) {
            *made.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert!(!made.is_empty(), "the broker's log tells of no creation");
    let twice = |(name, count): &(String, usize)| *count > asked.get(name).copied().unwrap_or(0);
    let twice: Vec<_> = made.into_iter().filter(twice).collect();
    assert_eq!(twice, [], "made more often than asked for");
}

/// How many operations were accepted that make a topic, by its name on the cluster.
async fn creations_accepted(world: &World) -> BTreeMap<String, usize> {
    let admin = world.orbit.admin();
    let mut kinds = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = PageQuery { limit: Some(500), cursor };
        let page = admin.operation_list(&OperationQuery { page, ..OperationQuery::default() }).await.unwrap();
        kinds.extend(page.items.into_iter().map(|o| (o.id, o.kind)));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let page = PageQuery { limit: Some(500), cursor };
        let page = admin.request_list(&RequestQuery { page, ..RequestQuery::default() }).await.unwrap();
        for request in page.items {
            let kind = request.operation_id.and_then(|id| kinds.get(&id).cloned());
            for item in request.items {
                let makes = match kind.as_deref() {
                    Some("Bundle") => item.action == Action::Create,
                    kind => kind == Some("TopicProvisioning"),
                };
                if !makes {
                    continue;
                }
                *asked.entry(item.physical_name).or_default() += 1;
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return asked;
        }
    }
}
