//! The figures of `docs/performance.md`, end to end on the real parts: `make bench` builds, starts Kafka and runs this.
//!
//! Every figure stands beside a floor or a peer of the same run, so that a slow machine changes both.

mod burst;
mod create;
mod estate;
mod figures;
mod plan;
mod start;

use figures::Env;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let env = Env::read()?;
    println!("| what | p50 | p95 | floor or peer of the same run | runs |");
    println!("|---|---|---|---|---|");
    start::server(&env).await?;
    start::provider(&env).await?;
    create::topics(&env).await?;
    burst::topics(&env).await?;
    burst::recovery(&env).await?;
    plan::thousand(&env).await?;
    estate::figures(&env).await?;
    Ok(())
}
