//! What the REST API takes beside a bare handler of the same shape: writing, reading one, reading a hundred; on both databases. The topics wait for a person,
//! so that no cluster is part of it.

use crate::{
    Result,
    figures::{Env, Server, Spawned, fresh_database, line, millis, percentile},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use orbit_api::{TopicCreate, TopicSpec, client::PageQuery, client::TopicQuery, client::TopicRead};
use serde_json::json;
use std::time::{Duration, Instant};

const CALLS: u32 = 1_000;
const CALLERS: usize = 16;

/// Calls, so many at once: what each took, and how many were answered in a second.
async fn measure<F: Future<Output = Result<()>>>(call: impl Fn(u32) -> F) -> Result<(Vec<Duration>, f64)> {
    let began = Instant::now();
    let one = |n: u32| {
        let call = call(n);
        async move {
            let began = Instant::now();
            call.await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(began.elapsed())
        }
    };
    let mut times: Vec<Duration> = stream::iter(0..CALLS).map(one).buffer_unordered(CALLERS).try_collect().await?;
    times.sort();
    Ok((times, f64::from(CALLS) / began.elapsed().as_secs_f64()))
}

fn said((times, rate): &(Vec<Duration>, f64)) -> String {
    format!("{rate:.0}/s, p50 {}, p99 {}", millis(percentile(times, 50)), millis(percentile(times, 99)))
}

pub(crate) async fn figures(env: &Env) -> Result<()> {
    for database in ["SQLite", "PostgreSQL"] {
        let on = if database == "PostgreSQL" { Some(fresh_database(env).await?) } else { None };
        let ours = orbit(env, on.as_deref()).await?;
        let folder = tempfile::tempdir()?;
        let on = match on {
            Some(_) => fresh_database(env).await?,
            None => format!("sqlite:{}", folder.path().join("floor.db").display()),
        };
        let floor = floor(&on).await?;
        for (what, (mut ours, floor)) in ["create", "get", "list 100"].into_iter().zip(ours.into_iter().zip(floor)) {
            let beside = format!("{}; bare axum and sqlx: {}", said(&ours), said(&floor));
            line(&format!("REST {what}, {CALLERS} at a time ({database})"), &mut ours.0, &beside);
        }
    }
    Ok(())
}

type Three = [(Vec<Duration>, f64); 3];

async fn orbit(env: &Env, database: Option<&str>) -> Result<Three> {
    let server = Server::start_on(env, database).await?;
    server.asks_a_person().await?;
    let name = |n: u32| format!("rest-{n}");
    let create = measure(|n| {
        let developer = server.developer.clone();
        let spec = TopicSpec { partitions: Some(1), ..TopicSpec::default() };
        let topic = TopicCreate::new("bench", "dev", name(n), spec);
        async move {
            developer.topic_create(&topic).await?;
            Ok(())
        }
    })
    .await?;
    let get = measure(|n| {
        let developer = server.developer.clone();
        let key = format!("bench/dev/{}", name(n));
        async move {
            developer.topic_get(&key, TopicRead::default()).await?;
            Ok(())
        }
    })
    .await?;
    let list = measure(|_| {
        let developer = server.developer.clone();
        let query = TopicQuery { page: PageQuery { limit: Some(100), cursor: None }, ..TopicQuery::default() };
        async move {
            developer.topic_list(&query).await?;
            Ok(())
        }
    })
    .await?;
    Ok([create, get, list])
}

#[expect(clippy::disallowed_methods, reason = "a bare client for a bare server")]
async fn floor(database: &str) -> Result<Three> {
    let own = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(own);
    command.args(["floor", database]);
    let server = Spawned::start(command).await?;
    let client = reqwest::Client::new();
    let url = format!("{}/things", server.url);
    let done = async |call: reqwest::RequestBuilder| {
        call.send().await?.error_for_status()?.bytes().await?;
        Ok(())
    };
    let create = measure(|n| {
        let body = json!({ "id": n, "workspace": "bench", "environment": "dev", "name": format!("rest-{n}"), "partitions": 1 });
        done(client.post(&url).json(&body))
    })
    .await?;
    let get = measure(|n| done(client.get(format!("{url}/{n}")))).await?;
    let list = measure(|_| done(client.get(&url))).await?;
    Ok([create, get, list])
}
