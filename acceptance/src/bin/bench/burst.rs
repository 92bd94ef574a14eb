//! A thousand topics at once: asked for by calls of their own, beside one `CreateTopics` for all of them; and what is left of them when the server is
//! killed in the midst of it.

use crate::{
    Result,
    create::kafka,
    figures::{Env, Server, fresh_database, line},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use orbit_api::{OperationState, TopicCreate, TopicSpec};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use std::time::{Duration, Instant};

const TOPICS: usize = 1_000;
/// Calls under way at once.
const CALLERS: usize = 64;
const RUNS: usize = 5;

pub(crate) async fn topics(env: &Env) -> Result<()> {
    topics_on(env, None).await?;
    topics_on(env, Some(&fresh_database(env).await?)).await
}

async fn topics_on(env: &Env, database: Option<&str>) -> Result<()> {
    let kafka = kafka(env)?;
    let server = Server::start_on(env, database).await?;
    let kind = if database.is_some() { "PostgreSQL" } else { "SQLite" };
    let (mut floors, mut orbits) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let names: Vec<String> =
            (0..TOPICS).map(|n| format!("burst.{kind}.{}.{run}.{n}", std::process::id())).collect();
        let topics: Vec<_> = names.iter().map(|name| NewTopic::new(name, 1, TopicReplication::Fixed(1))).collect();
        let began = Instant::now();
        let made = kafka.create_topics(&topics, &AdminOptions::new()).await?;
        floors.push(began.elapsed());
        if made.len() != TOPICS || made.iter().any(std::result::Result::is_err) {
            return Err("Kafka did not create the topics".into());
        }
        let began = Instant::now();
        let operations = ask(&server, &format!("burst-{}-{}-{run}", kind.to_lowercase(), std::process::id())).await?;
        let accepted = began.elapsed();
        end(&server, &operations).await?;
        orbits.push(began.elapsed());
        eprintln!("accepted after {accepted:?}, active after {:?}", began.elapsed());
    }
    floors.sort();
    let requests = create_requests(&server).await?;
    let beside = format!(
        "one CreateTopics of 1,000: {:.0} ms; {} requests to Kafka for {} topics",
        floors[RUNS / 2].as_secs_f64() * 1_000.0,
        requests,
        RUNS * TOPICS
    );
    line(&format!("1,000 topics by 1,000 calls, 64 at a time, to active ({kind})"), &mut orbits, &beside);
    Ok(())
}

/// Killed while all of them are under way, and started again at once.
pub(crate) async fn recovery(env: &Env) -> Result<()> {
    let mut times = Vec::new();
    for run in 0..3 {
        let mut server = Server::start(env).await?;
        let operations = ask(&server, &format!("crash-{}-{run}", std::process::id())).await?;
        let left = server.again(env).await?;
        let began = Instant::now();
        end(&server, &operations).await?;
        times.push(began.elapsed() + left);
    }
    line("1,000 operations accepted, kill -9, start to all done (SQLite)", &mut times, "a lease is 12 s");
    Ok(())
}

async fn ask(server: &Server, prefix: &str) -> Result<Vec<String>> {
    ask_all(std::slice::from_ref(server), prefix).await
}

/// Each replica gets its share of the calls.
pub(crate) async fn ask_all(replicas: &[Server], prefix: &str) -> Result<Vec<String>> {
    let one = |n: usize| async move {
        let spec = TopicSpec { partitions: Some(1), ..TopicSpec::default() };
        let topic = TopicCreate::new("bench", "dev", format!("{prefix}-{n}"), spec);
        let made = replicas[n % replicas.len()].developer.topic_create(&topic).await?.into_inner();
        made.workflow_id.ok_or_else(|| "no operation".into())
    };
    stream::iter(0..TOPICS).map(one).buffer_unordered(CALLERS).try_collect().await
}

pub(crate) async fn end(server: &Server, operations: &[String]) -> Result<()> {
    for id in operations {
        let ended = loop {
            let seen = server.developer.operation_get(id, Some(Duration::from_secs(30))).await?;
            if seen.state.is_final() {
                break seen;
            }
        };
        if ended.state != OperationState::Succeeded {
            return Err(format!("{:?}", ended.error).into());
        }
    }
    Ok(())
}

async fn create_requests(server: &Server) -> Result<u64> {
    let text = server.metrics().await?;
    let of = text.lines().find(|line| line.starts_with("orbit_kafka_requests_total") && line.contains("CreateTopics"));
    Ok(of.and_then(|line| line.rsplit(' ').next()?.parse().ok()).ok_or("no count of requests")?)
}
