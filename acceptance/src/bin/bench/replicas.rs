//! A thousand topics at once with one, two and four replicas on one PostgreSQL, each called by its share of the callers.

use crate::{
    Result,
    burst::{ask_all, end},
    figures::{Env, Server, fresh_database, line},
};
use std::time::Instant;

const RUNS: usize = 3;

pub(crate) async fn figures(env: &Env) -> Result<()> {
    for count in [1, 2, 4] {
        let database = fresh_database(env).await?;
        let first = Server::start_on(env, Some(&database)).await?;
        let mut replicas = vec![first];
        while replicas.len() < count {
            let another = replicas[0].beside(env, &database).await?;
            replicas.push(another);
        }
        let mut times = Vec::new();
        for run in 0..RUNS {
            let began = Instant::now();
            let operations = ask_all(&replicas, &format!("replicas-{}-{count}-{run}", std::process::id())).await?;
            end(&replicas[0], &operations).await?;
            times.push(began.elapsed());
        }
        let beside = if count == 1 { "the floor of the next two" } else { "one replica" };
        line(
            &format!("1,000 topics by 1,000 calls to active, {count} replica(s) on one PostgreSQL"),
            &mut times,
            beside,
        );
    }
    Ok(())
}
