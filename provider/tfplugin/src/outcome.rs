//! What create, update and delete answer.

use crate::{Diagnostic, Diagnostics};

/// A success.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied<T> {
    /// Done, and this is the new state.
    Done(T),
    /// Accepted, but not done: the state goes into the file, the warning to the user, and a later plan resumes. From
    /// `delete`, where there is no state to keep, it says that the object counts as gone although something lasts,
    /// such as a period in which it can be restored.
    Pending(T, Diagnostic),
}

/// A failure: what to tell, and what to store.
///
/// Any error that converts into [`Diagnostics`] converts into a failure that stores nothing new, so `?` leaves the
/// state as it was: absent after create, the prior state after update and delete.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure<T> {
    /// What the user reads.
    pub diagnostics: Diagnostics,
    state: Option<T>,
}

/// The answer of create and update.
pub type Outcome<T> = Result<Applied<T>, Failure<T>>;

impl<T> Failure<T> {
    /// Stores this state beside the error.
    ///
    /// After **update** and **delete** it replaces the prior state: for changes that went through in part. After
    /// **create** it makes Terraform *taint* the object: the next apply destroys it and creates another. That is right
    /// for a half-made object of no value, and wrong for everything that waits, resumes or holds data: return
    /// [`Applied::Pending`], or the plain error, and find the object again in the next create.
    #[must_use]
    pub fn and_store(mut self, state: T) -> Self {
        self.state = Some(state);
        self
    }

    pub(crate) fn into_parts(self) -> (Diagnostics, Option<T>) {
        (self.diagnostics.or_some_error(), self.state)
    }
}

impl<T, E> From<E> for Failure<T>
where
    Diagnostics: From<E>,
{
    fn from(error: E) -> Self {
        Self { diagnostics: error.into(), state: None }
    }
}
