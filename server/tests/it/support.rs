//! A server of its own for each test, and the verbs that stories are told with.

mod answer;
mod app;
mod broker;
mod database;
mod dump;
mod hooks;
mod person;
mod topic;

pub(crate) use answer::Answer;
pub(crate) use app::{Running, TestApp, run};
pub(crate) use database::Kind;
pub(crate) use hooks::Hooks;
pub(crate) use person::Person;

use std::time::Duration;
use tokio::time::error::Elapsed;

/// Longest that anything a story waits for may take.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Runs each story on both databases: `story::sqlite` and `story::postgres`.
macro_rules! on_both { ($($story:ident),* $(,)?) => { $(
    mod $story {
        #[test]
        fn sqlite() {
            crate::support::run(crate::support::Kind::Sqlite, super::$story);
        }
        #[test]
        fn postgres() {
            crate::support::run(crate::support::Kind::Postgres, super::$story);
        }
    }
)* } }
pub(crate) use on_both;

/// Runs each story on SQLite: what it tells does not depend on the database, or needs a clock that can be moved.
macro_rules! on_sqlite { ($($story:ident),* $(,)?) => { $(
    mod $story {
        #[test]
        fn sqlite() {
            crate::support::run(crate::support::Kind::Sqlite, super::$story);
        }
    }
)* } }
pub(crate) use on_sqlite;

/// For what only several processes on one database do.
macro_rules! on_postgres { ($($story:ident),* $(,)?) => { $(
    mod $story {
        #[test]
        fn postgres() {
            crate::support::run(crate::support::Kind::Postgres, super::$story);
        }
    }
)* } }
pub(crate) use on_postgres;

/// Waits until `look` finds what the story waits for, within [`BOUND`].
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    const AGAIN: Duration = Duration::from_millis(20);
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    match tokio::time::timeout(BOUND, waiting).await {
        Ok(found) => found,
        Err(Elapsed { .. }) => panic!("waited {BOUND:?} in vain until {what}"),
    }
}
