//! A database of its own for each test, and the verbs that stories are told with.

mod database;
mod place;
mod raw;

pub(crate) use database::{Kind, MINUTE, SECOND, TestStore, run};
pub(crate) use place::{Place, Then, fresh, physical, seen, slug, spec};

use orbit_store::{PageOf, Room};

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

/// The first page, as large as the story wants.
pub(crate) fn first<K>(limit: u32) -> PageOf<K> {
    PageOf { after: None, limit }
}

/// Room for so many operations, whatever their cluster.
pub(crate) fn room(in_all: u32) -> Room {
    Room { in_all, per_lane: u32::MAX }
}

/// The page after a key.
pub(crate) fn after<K>(key: K, limit: u32) -> PageOf<K> {
    PageOf { after: Some(key), limit }
}
