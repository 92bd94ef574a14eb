//! Orbit's server over HTTP: the real one on a free port, on a real database, its clusters fake. A story is written once; `on_both!` runs it on SQLite
//! and on PostgreSQL, `on_sqlite!` where the database makes no difference or the clock has to be moved.
#![expect(clippy::unwrap_used, reason = "in a test a value that is not there is the failure")]

mod support;

mod approval;
mod audit;
mod backtest;
mod bundle;
mod busy;
mod change;
mod configs;
mod control;
mod conventions;
mod decide;
mod deletion;
mod documentation;
mod drift;
mod durable;
mod effective;
mod evaluate;
mod failure;
mod group;
mod idempotency;
mod inbox;
mod input;
mod leaving;
mod limits;
mod lists;
mod meta;
mod notifications;
mod packs;
mod policies;
mod profile;
mod reopen;
mod role_table;
mod secrets;
mod stale;
mod submit;
mod tenancy;
mod waits;
