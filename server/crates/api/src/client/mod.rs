//! The typed client: one method per call of the API, named `noun_verb` as everywhere in Orbit.
//!
//! Calls are retried while that is safe and useful: every call of the API is idempotent, a POST by its key. A server that is not there is
//! told within ten seconds, with its address.

mod builder;
mod call;
mod error;

mod governance;
mod outage;
mod pace;
mod people;
mod platform;
mod query;
mod requests;
mod retry;
mod send;
mod topics;
mod wait;

#[cfg(test)]
mod tests;

pub use builder::{BuildError, Builder};
pub use call::Submitted;
pub use error::ClientError;
pub use governance::InboxQuery;
pub use query::{MembershipQuery, OperationQuery, PageQuery, RequestQuery, TopicQuery, TopicRead};
pub use topics::Deleted;
pub use wait::Waited;

use std::{fmt, sync::Arc};

/// A client of one Orbit server, for one token. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<builder::Shared>,
}

impl Client {
    /// A client of the server at `endpoint`, for example `https://orbit.example.com`. A path in it is a prefix of every call's.
    pub fn builder(endpoint: impl Into<String>) -> Builder {
        Builder::new(endpoint.into())
    }

    /// The address that it was built for.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// The run that its changes belong to.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.shared.run_id.as_deref()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.shared.endpoint).finish_non_exhaustive()
    }
}
