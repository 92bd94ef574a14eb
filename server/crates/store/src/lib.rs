//! Orbit's tables, on SQLite and on PostgreSQL, with one body for both: [`conn`], and [`open`] for options, are the only files that name the drivers.
//!
//! One file per aggregate; each function is one statement, or a named composition of them in the same file, and checks how many rows it touched.
//! There is no trait to fake: SQLite in a file is the fake.

mod approval;
mod audit;
mod channel;
mod cluster;
mod conn;
mod crypto;
mod environment;
mod error;
mod grounded;
mod idempotency;
mod journal;
mod limits;
mod lock;
mod migrate;
mod news;
mod open;
mod operation;
mod outbox;
mod people;
mod policy;
mod request;
mod request_expiry;
mod request_write;
mod rules;
mod saves;
mod topic;
mod workspace;

pub use approval::ApprovalRow;
pub use audit::{AuditEvent, AuditRow};
pub use channel::{ChannelRow, NewChannel};
pub use cluster::{ClusterRow, Health, NewCluster};
pub use conn::{Read, Store, Tx};
pub use crypto::{Keyring, KeyringError, Sealed};
pub use environment::{EnvironmentRow, MappingRow, NewEnvironment, NewMapping};
pub use error::{Result, StoreError};
pub use grounded::{Asked, Grounded, Stage, Weighed, Work};
pub use idempotency::Earlier;
pub use journal::LeasedJournal;
pub use limits::{LimitsRow, UsageRow};
pub use migrate::MigrationState;
pub use news::{Listener, News};
pub use open::OpenError;
pub use operation::{Claimed, NewOperation, OperationFilter, OperationRow, Room};
pub use outbox::{DeliveryFilter, DeliveryState, OutboxRow};
pub use people::{DEFAULT_TENANT, MembershipRow, NewToken, PrincipalRow, SYSTEM_PRINCIPAL, TokenRow, Who};
pub use policy::{NewPolicy, PackMark, PolicyRow, PolicyVersionRow};
pub use request::{RequestFilter, RequestItemRow, RequestRow};
pub use request_write::{NewItem, NewRequest, Resolution};
pub use topic::{Beside, Direction, TopicFilter, TopicOrder, TopicRow};
pub use workspace::WorkspaceRow;

/// How many rows a page holds, and where it begins. Every list is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<K> {
    /// Rows after this key; from the beginning where absent.
    pub after: Option<K>,
    /// At most so many.
    pub limit: u32,
}
