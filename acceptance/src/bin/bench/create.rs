//! One topic, from the REST call to `active`, beside Kafka's own `CreateTopics` by the same client library.

use crate::{
    Result,
    figures::{Env, Server, line, millis, percentile},
};
use orbit_api::{OperationState, TopicCreate, TopicSpec};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};
use std::time::{Duration, Instant};

pub(crate) async fn topics(env: &Env) -> Result<()> {
    const RUNS: usize = 100;
    const WARM: usize = 10;
    let server = Server::start(env).await?;
    let kafka = kafka(env)?;
    let (mut floor, mut orbit) = (Vec::new(), Vec::new());
    for i in 0..RUNS + WARM {
        let (own, ours) = (create_on_kafka(&kafka, i).await?, create_by_orbit(&server, &i.to_string()).await?);
        if i >= WARM {
            floor.push(own);
            orbit.push(ours);
        }
    }
    floor.sort();
    orbit.sort();
    let added = |percent| percentile(&orbit, percent).saturating_sub(percentile(&floor, percent));
    let (half, most) = (added(50), added(95));
    let beside = format!(
        "Kafka alone: {} and {}; added: {} and {}",
        millis(percentile(&floor, 50)),
        millis(percentile(&floor, 95)),
        millis(half),
        millis(most)
    );
    line("one topic, REST create to active", &mut orbit, &beside);
    Ok(())
}

pub(crate) fn kafka(env: &Env) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", &env.kafka)
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &env.user)
        .set("sasl.password", &env.password)
        .create()?)
}

async fn create_on_kafka(kafka: &AdminClient<DefaultClientContext>, i: usize) -> Result<Duration> {
    let name = format!("floor.{}.{i}", std::process::id());
    let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let began = Instant::now();
    let answers = kafka.create_topics([&topic], &AdminOptions::new()).await?;
    let took = began.elapsed();
    match answers.into_iter().next() {
        Some(Ok(_)) => Ok(took),
        other => Err(format!("Kafka did not create the topic: {other:?}").into()),
    }
}

pub(crate) async fn create_by_orbit(server: &Server, name: &str) -> Result<Duration> {
    let spec = TopicSpec { partitions: Some(1), ..TopicSpec::default() };
    let topic = TopicCreate::new("bench", "dev", format!("t-{}-{name}", std::process::id()), spec);
    let began = Instant::now();
    let made = server.developer.topic_create(&topic).await?.into_inner();
    let id = made.workflow_id.ok_or("no operation")?;
    let operation = server.developer.operation_get(&id, Some(Duration::from_secs(30))).await?;
    let took = began.elapsed();
    if operation.state == OperationState::Succeeded { Ok(took) } else { Err(format!("{:?}", operation.error).into()) }
}
