//! Every function of the store on both databases. A story is written once; `on_both!` runs it on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in a test a value that is not there is the failure")]

mod support;

mod audit;
mod claim;
mod cluster;
mod desire;
mod drive;
mod environment;
mod idempotency;
mod journal;
mod limits;
mod migrate;
mod news;
mod notification;
mod open;
mod operation;
mod pairs;
mod people;
mod policy;
mod request;
mod rules;
mod topic;
mod weigh;
mod workspace;
