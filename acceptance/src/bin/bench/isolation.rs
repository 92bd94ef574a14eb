//! One topic on a cluster, while another cluster hangs with 200 topics asked for: it keeps its connections and answers nothing.

use crate::{
    Result,
    create::create_by_orbit,
    figures::{Env, Server, line, millis, percentile},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use orbit_acceptance::Kafka;
use orbit_api::{EnvironmentCreate, EnvironmentMappingCreate, TopicCreate, TopicSpec};
use std::time::Duration;

const RUNS: usize = 100;
const WAITING: usize = 200;

pub(crate) async fn figures(env: &Env) -> Result<()> {
    let server = Server::start(env).await?;
    let other = Kafka::own().await;
    server.admin.cluster_create(&other.registration("other")).await?;
    let environment =
        EnvironmentCreate { slug: "slow".into(), display_name: None, naming_template: None, default_approvers: None };
    server.admin.environment_create(&environment).await?;
    let mapping = EnvironmentMappingCreate {
        environment: "slow".into(),
        cluster: "other".into(),
        priority: None,
        is_default: None,
    };
    server.admin.mapping_create(&mapping).await?;

    let mut alone = times(&server, "alone").await?;
    other.freeze();
    let ask = |n: usize| {
        let topic = TopicCreate::new("bench", "slow", format!("waits-{n}"), TopicSpec::default());
        let developer = server.developer.clone();
        async move {
            developer.topic_create(&topic).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    };
    stream::iter(0..WAITING).map(ask).buffer_unordered(16).try_collect::<Vec<_>>().await?;
    let mut beside = times(&server, "beside").await?;
    other.thaw();

    alone.sort();
    let told =
        format!("alone: {} and {}; aim ≤ 2 times", millis(percentile(&alone, 50)), millis(percentile(&alone, 95)));
    line(&format!("one topic, create to active, while another cluster hangs with {WAITING}"), &mut beside, &told);
    Ok(())
}

async fn times(server: &Server, prefix: &str) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for n in 0..RUNS {
        times.push(create_by_orbit(server, &format!("{prefix}-{n}")).await?);
    }
    Ok(times)
}
