//! What can go wrong with a call, in words for a person.

use crate::Problem;
use std::{error::Error, io};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Orbit said no, or could not.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// Nobody answered.
    #[error("cannot reach Orbit at {endpoint}: {cause}")]
    Unreachable {
        /// The address that was tried.
        endpoint: String,
        /// What happened there.
        cause: String,
    },
    /// Somebody answered, but not as Orbit does: a proxy, another server.
    #[error("{call} was not answered by Orbit as expected (HTTP status {status}): {what}")]
    Unexpected {
        /// Method and address of the call.
        call: String,
        /// The HTTP status.
        status: u16,
        /// What was unexpected.
        what: String,
    },
}

impl ClientError {
    /// What Orbit said, if it was Orbit.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Unreachable { .. } | Self::Unexpected { .. } => None,
        }
    }

    /// The code of what Orbit said, for example `policy.denied`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// The innermost causes of an error: the outer ones say that a request was being sent, which the reader knows.
pub(super) fn cause_of(error: &(dyn Error + 'static)) -> String {
    let mut chain: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // How the HTTP library says that something below it failed.
        if !text.starts_with("client error (") {
            chain.push(text);
        }
        next = cause.source();
    }
    // Where one says what the next says anyway, the outer is enough.
    let repeated = |n: usize| n > 0 && chain[n - 1].contains(&chain[n]);
    let from = chain.len().saturating_sub(2);
    let told: Vec<&str> = (from..chain.len()).filter(|n| !repeated(*n)).map(|n| chain[n].as_str()).collect();
    if told.is_empty() { error.to_string() } else { told.join(": ") }
}

/// Whether a connection failed for a reason that trying again does not cure: the certificate is not to be trusted, or there is no TLS.
pub(super) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.downcast_ref::<io::Error>().is_some_and(is_bad_tls) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// A failed handshake is told as invalid data, wrapped by the connector: an I/O error in an I/O error is no `source` of it.
fn is_bad_tls(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_bad_tls)
}
