//! The attribute `timeouts`.

use crate::{Attributes, GoDuration, Nested, model};
use std::{fmt, time::Duration};

model! {
    /// How long operations may take, for example `{ create = "30m" }`.
    #[derive(Eq)]
    pub struct Timeouts {
        /// How long a creation may take.
        create: Option<GoDuration>,
        /// How long a refresh may take.
        read: Option<GoDuration>,
        /// How long a change may take.
        update: Option<GoDuration>,
        /// How long a deletion may take.
        delete: Option<GoDuration>,
    }
}

impl Nested for Timeouts {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::create.optional())
            .attr(Self::read.optional())
            .attr(Self::update.optional())
            .attr(Self::delete.optional())
    }
}

/// The calls that have a timeout. Shown, it is the key in `timeouts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// Create.
    Create,
    /// Read.
    Read,
    /// Update.
    Update,
    /// Delete.
    Delete,
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => Timeouts::create.name(),
            Self::Read => Timeouts::read.name(),
            Self::Update => Timeouts::update.name(),
            Self::Delete => Timeouts::delete.name(),
        })
    }
}

impl Timeouts {
    /// What the user allows for a call, or else this. Takes the attribute as a model has it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tfplugin::{Timed, Timeouts};
    /// assert_eq!(Timeouts::of(None, Timed::Create, Duration::from_mins(20)), Duration::from_mins(20));
    /// ```
    #[must_use]
    pub fn of(timeouts: Option<&Self>, call: Timed, or: Duration) -> Duration {
        Self::chosen(timeouts, call).unwrap_or(or)
    }

    /// What the user allows for a call, if anything is said about it.
    #[must_use]
    pub fn chosen(timeouts: Option<&Self>, call: Timed) -> Option<Duration> {
        let timeouts = timeouts?;
        let chosen = match call {
            Timed::Create => timeouts.create.as_ref(),
            Timed::Read => timeouts.read.as_ref(),
            Timed::Update => timeouts.update.as_ref(),
            Timed::Delete => timeouts.delete.as_ref(),
        };
        chosen.map(GoDuration::get)
    }
}
