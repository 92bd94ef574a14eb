//! Telling people: what a message says, and how it is sent. Sending is work of the outbox; `app::notify` decides who is told of what.

mod email;
mod message;
mod outbound;
mod webhook;

pub use email::{Mailer, MailerError};
pub use message::{Happened, Message};
pub use outbound::{Outbound, forbidden_address};
pub use webhook::{SECRET_PREFIX, Webhooks, sign};

/// Why a message did not arrive: for who set the channel up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotSent(pub String);
