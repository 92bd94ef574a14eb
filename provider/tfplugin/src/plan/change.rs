//! The author's view of a planned change.

use super::{Planning, View};
use crate::{Attr, AttributeType, Computed, Diagnostic, Field, Model, Path, Severity, Value, value::Refinement};
use std::{fmt, marker::PhantomData};

/// What Terraform is about to do, in Terraform's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The object does not exist yet. A replacement is planned twice: first as [`Replace`](Self::Replace), then its
    /// new half as this.
    Create,
    /// It will be changed in place.
    Update,
    /// It will be destroyed and created anew.
    Replace,
    /// It will be destroyed.
    Destroy,
    /// It is as it should be.
    NoOp,
}

/// A planned change of a resource.
pub struct Change<'a, M> {
    planning: &'a mut Planning,
    of: PhantomData<fn() -> M>,
}

/// Without its values: there are secrets among them.
impl<M: Model> fmt::Debug for Change<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("action", &self.action()).finish_non_exhaustive()
    }
}

impl<'a, M: Model> Change<'a, M> {
    pub(crate) fn new(planning: &'a mut Planning) -> Self {
        Self { planning, of: PhantomData }
    }

    /// What will happen, as the plan stands now.
    #[must_use]
    pub fn action(&self) -> Action {
        let Planning { prior, planned, .. } = &*self.planning;
        if planned.is_null() {
            Action::Destroy
        } else if prior.is_null() {
            Action::Create
        } else if prior == planned {
            Action::NoOp
        } else if self.planning.is_replacement() {
            Action::Replace
        } else {
            Action::Update
        }
    }

    /// The configuration: what the user wrote, nothing filled in.
    #[must_use]
    pub fn configuration(&self) -> View<'_, M> {
        View::new(&self.planning.config)
    }

    /// What the user wrote for an attribute.
    #[must_use]
    pub fn config<T: AttributeType>(&self, field: Field<M, T>) -> Attr<T::Known> {
        Attr::read(self.planning.config.attribute(field.name()))
    }

    /// An attribute before the change; null if the object does not exist.
    #[must_use]
    pub fn before<T: AttributeType>(&self, field: Field<M, T>) -> Attr<T::Known> {
        Attr::read(self.planning.prior.attribute(field.name()))
    }

    /// An attribute after the change, as planned so far; null if the object is destroyed.
    #[must_use]
    pub fn planned<T: AttributeType>(&self, field: Field<M, T>) -> Attr<T::Known> {
        Attr::read(self.planning.planned.attribute(field.name()))
    }

    /// Whether an attribute changes.
    #[must_use]
    pub fn changes<T>(&self, field: Field<M, T>) -> bool {
        self.planning.prior.attribute(field.name()) != self.planning.planned.attribute(field.name())
    }

    /// The whole object before the change.
    #[must_use]
    pub fn was(&self) -> Option<M> {
        M::from_object(&self.planning.prior).ok()
    }

    /// The whole object after the change, with [`Computed`] values that are not known yet absent. `None` while an input
    /// is unknown, and on destroy.
    #[must_use]
    pub fn want(&self) -> Option<M> {
        M::from_object(&self.planning.planned).ok()
    }

    /// The same, with these attributes null where they are not known yet: to judge a change by the rest of it.
    #[must_use]
    pub fn want_without(&self, leave_out: &[&str]) -> Option<M> {
        let mut planned = self.planning.planned.clone();
        if let Value::Object(attributes) = &mut planned {
            for (name, value) in attributes {
                if leave_out.contains(&name.as_str()) && !value.is_wholly_known() {
                    *value = Value::Null;
                }
            }
        }
        M::from_object(&planned).ok()
    }

    /// Plans a value. Terraform allows it where the attribute is computed and the configuration says nothing.
    #[expect(clippy::needless_pass_by_value, reason = "a value is handed over: callers have no use for it")]
    pub fn set<T: AttributeType>(&mut self, field: Field<M, T>, value: T::Known) {
        self.put(field.name(), value.to_value());
    }

    /// Plans nothing, where the provider decides and may decide for nothing.
    pub fn set_null<T: AttributeType>(&mut self, field: Field<M, Computed<Option<T>>>) {
        self.put(field.name(), Value::Null);
    }

    /// Plans that a computed attribute stays what it was, where nothing else would say so: the plan then shows only what
    /// changes. Without effect where nothing was before. Apply must return that very value, so say it only of what the
    /// prior state alone decides: Terraform plans twice, and blames a second plan that differs.
    pub fn stays<T: AttributeType>(&mut self, field: Field<M, Computed<T>>) {
        if !self.planning.prior.is_null() {
            let before = self.planning.prior.attribute(field.name()).clone();
            self.put(field.name(), before);
        }
    }

    /// Plans that apply will decide. On an object that is otherwise as it should be, this plans an update: that is how
    /// something pending is resumed.
    pub fn set_unknown<T: AttributeType>(&mut self, field: Field<M, Computed<T>>) {
        let value = if T::NULLABLE { Value::UNKNOWN } else { Value::unknown_not_null() };
        self.put(field.name(), value);
    }

    /// The same, and promises what the value will be like. Terraform shows what it can of it, lets `!= null` and the like
    /// be decided at plan, and holds apply to the promise.
    pub fn promise<T: AttributeType>(&mut self, field: Field<M, Computed<T>>, promise: Refinement) {
        let not_null = promise.not_null || !T::NULLABLE;
        self.put(field.name(), Value::Unknown(Some(Box::new(Refinement { not_null, ..promise }))));
    }

    fn put(&mut self, name: &str, value: Value) {
        if let Value::Object(attributes) = &mut self.planning.planned {
            attributes.insert(name.to_owned(), value);
        }
    }

    /// Makes the change a replacement because of this attribute. Without effect if the attribute does not change.
    pub fn replace<T>(&mut self, field: Field<M, T>) {
        if !self.planning.prior.is_null() && !self.planning.planned.is_null() && self.changes(field) {
            self.planning.requires_replace.insert(field.path());
        }
    }

    /// Refuses the change because of an attribute.
    pub fn error<T>(&mut self, field: Field<M, T>, summary: impl Into<String>) {
        self.error_at(field, summary);
    }

    /// Refuses the change because of something inside an attribute.
    pub fn error_at(&mut self, path: impl Into<Path>, summary: impl Into<String>) {
        self.report(Diagnostic::error(summary).at(path));
    }

    /// Tells the user something that stops nothing.
    pub fn warn(&mut self, warning: impl Into<Diagnostic>) {
        let mut warning = warning.into();
        warning.severity = Severity::Warning;
        self.report(warning);
    }

    /// Says anything.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.planning.diagnostics.push(diagnostic);
    }
}
