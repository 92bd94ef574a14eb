//! A platform of 50,000 topics and 200 policies: a draft over all of it, what a verdict takes, and how much memory the server holds.

use crate::{
    Result,
    figures::{Env, Server, line},
};
use orbit_api::{
    Action, Limits, TopicCreate, TopicEvaluate, TopicEvaluateItem, TopicPolicyBacktest, TopicPolicyCreate,
    TopicPolicyReplace, TopicSpec, client::PageQuery, client::TopicQuery,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, sqlite::SqliteConnectOptions};
use std::time::{Duration, Instant};

const TOPICS: usize = 50_000;
const POLICIES: usize = 199;
const RUNS: usize = 10;

fn rules(n: usize) -> Result<TopicPolicyReplace> {
    let most = 50 + i64::try_from(n)?;
    Ok(TopicPolicyReplace {
        naming_pattern: Some("[a-z]+[a-z0-9._-]*".to_owned()),
        partition_limits: Some(Limits { min: Some(1), max: Some(most) }),
        retention_limits: Some(Limits { min: None, max: Some(3_000_000_000) }),
        replication_factor_limits: Some(Limits { min: Some(1), max: Some(3) }),
        ..TopicPolicyReplace::default()
    })
}

/// Copies of the one topic that is there, past the server: making them would take an hour, and is not what is measured.
async fn fill(server: &Server) -> Result<()> {
    let options =
        SqliteConnectOptions::new().filename(server.folder().join("orbit.db")).busy_timeout(Duration::from_secs(30));
    let mut db = options.connect().await?;
    let copies = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
         INSERT INTO topic (id, workspace_id, environment_id, name, cluster_id, physical_name, collision_key, kafka_topic_id, status, desired,
                            observed, observed_at, created_by, acknowledged_at, approval_required, revision, created_at, updated_at)
         SELECT randomblob(16), workspace_id, environment_id, name || '-' || i, cluster_id, physical_name || '-' || i, collision_key || '-' || i,
                randomblob(16), status, desired, observed, observed_at, created_by, acknowledged_at, approval_required, revision, created_at,
                updated_at FROM topic, n",
        TOPICS - 1
    );
    db.execute(AssertSqlSafe(copies)).await?;
    Ok(db.close().await?)
}

fn resident_megabytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes =
        status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or("no VmRSS")? / 1_024)
}

pub(crate) async fn figures(env: &Env) -> Result<()> {
    let server = Server::start(env).await?;
    let spec = TopicSpec { partitions: Some(3), retention_ms: Some(604_800_000), ..TopicSpec::default() };
    let first = TopicCreate::new("bench", "dev", format!("estate-{}", std::process::id()), spec.clone());
    let made = server.developer.topic_create(&first).await?.into_inner();
    let operation = made.workflow_id.ok_or("no operation")?;
    server.developer.operation_get(&operation, Some(Duration::from_secs(30))).await?;
    fill(&server).await?;
    for n in 0..POLICIES {
        server.admin.topic_policy_create(&TopicPolicyCreate::new(format!("limits-{n}"), None, rules(n)?)).await?;
    }
    let draft =
        TopicPolicyBacktest { draft: TopicPolicyCreate::new("draft", None, rules(POLICIES)?), limit: Some(100) };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let told = server.admin.topic_policy_backtest(&draft).await?;
        times.push(began.elapsed());
        if told.topics != TOPICS as u64 || told.then.deny != 0 {
            return Err(format!("{} topics, {} denied", told.topics, told.then.deny).into());
        }
    }
    line("a draft over 50,000 topics beside 200 policies (SQLite)", &mut times, "aim: seconds");

    let items = (0..1_000).map(|n| TopicEvaluateItem {
        action: Action::Create,
        topic: TopicCreate::new("bench", "dev", format!("wish-{n}"), spec.clone()),
    });
    let batch = TopicEvaluate { items: items.collect() };
    let (mut one, mut many) = (Vec::new(), Vec::new());
    let single = TopicEvaluate { items: batch.items.iter().take(1).cloned().collect() };
    for _ in 0..RUNS {
        for (what, times) in [(&single, &mut one), (&batch, &mut many)] {
            let began = Instant::now();
            server.developer.topic_evaluate(what).await?;
            times.push(began.elapsed());
        }
    }
    line("evaluate one topic, 200 policies", &mut one, "");
    line("evaluate 1,000 topics in one call, 200 policies", &mut many, "");

    let mut pages = Vec::new();
    let page = PageQuery { limit: Some(100), cursor: None };
    for _ in 0..RUNS {
        let began = Instant::now();
        server.developer.topic_list(&TopicQuery { page: page.clone(), ..TopicQuery::default() }).await?;
        pages.push(began.elapsed());
    }
    line("a page of 100 of 50,000 topics", &mut pages, "");
    let resident = resident_megabytes(server.pid().ok_or("the server is gone")?)?;
    println!("| memory of the server (RSS) after all that, 50,000 topics | {resident} MB | | aim ≤ 120 MB | 1 |");
    Ok(())
}
