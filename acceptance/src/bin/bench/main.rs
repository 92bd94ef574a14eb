//! The figures of `docs/performance.md`, end to end on the real parts: `make bench` builds, and runs this part after part, each on a Kafka of its own; `make bench
//! B=burst` measures one: start, create, burst, recovery, isolation, rest, replicas, plan, plan5000, interrupt, estate.
//!
//! Every figure stands beside a floor or a peer of the same run, so that a slow machine changes both.

mod burst;
mod create;
mod delay;
mod estate;
mod figures;
mod floor;
mod isolation;
mod plan;
mod replicas;
mod rest;
mod start;
mod state;

use figures::Env;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let only = std::env::args().nth(1);
    if let (Some("floor"), Some(database)) = (only.as_deref(), std::env::args().nth(2)) {
        return floor::serve(&database).await;
    }
    let env = Env::read()?;
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("start") {
        start::server(&env).await?;
        start::provider(&env).await?;
    }
    if wanted("create") {
        create::topics(&env).await?;
    }
    if wanted("burst") {
        burst::topics(&env).await?;
    }
    if wanted("recovery") {
        burst::recovery(&env).await?;
    }
    if wanted("isolation") {
        isolation::figures(&env).await?;
    }
    if wanted("rest") {
        rest::figures(&env).await?;
    }
    if wanted("replicas") {
        replicas::figures(&env).await?;
    }
    if wanted("plan") {
        plan::thousand(&env).await?;
    }
    if wanted("plan5000") {
        plan::five_thousand(&env).await?;
    }
    if wanted("interrupt") {
        plan::interrupt(&env).await?;
    }
    if wanted("estate") {
        estate::figures(&env).await?;
    }
    Ok(())
}
