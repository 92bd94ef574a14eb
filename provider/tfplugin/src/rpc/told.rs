//! Terraform plans again when it applies, and shows the warnings of both: what the plan has said, apply need not.

use crate::Diagnostic;
use bytes::Bytes;
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher as _},
    sync::{Mutex, PoisonError},
};

/// The warnings of this process's plans, each with the object that it was about.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<u64>>);

/// An object as plan and apply both see it: Terraform does not tell its address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject(u64);

impl Subject {
    pub(super) fn new(type_name: &str, prior: &Bytes, config: &Bytes) -> Self {
        Self(hash(&(type_name, prior, config)))
    }
}

impl Told {
    /// Remembers what a plan says.
    pub(super) fn note<'a>(&self, subject: Subject, said: impl IntoIterator<Item = &'a Diagnostic>) {
        let keys: Vec<_> = said.into_iter().map(|diagnostic| key(subject, diagnostic)).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
    }

    /// Whether a plan has said so.
    pub(super) fn knows(&self, subject: Subject, diagnostic: &Diagnostic) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&key(subject, diagnostic))
    }
}

/// Only the texts: a plan points at an attribute where apply speaks of the whole object.
fn key(subject: Subject, diagnostic: &Diagnostic) -> u64 {
    hash(&(subject.0, &diagnostic.summary, &diagnostic.detail))
}

fn hash(of: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
