//! A configuration in which something may be unknown.

use crate::{Attr, AttributeType, Diagnostics, Field, Model, Value};
use std::{fmt, marker::PhantomData};

/// A look at an object of model `M` that may hold unknown values.
pub struct View<'a, M> {
    value: &'a Value,
    of: PhantomData<fn() -> M>,
}

/// Without its values: there are secrets among them.
impl<M> fmt::Debug for View<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

impl<M> Clone for View<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for View<'_, M> {}

impl<'a, M: Model> View<'a, M> {
    pub(crate) fn new(value: &'a Value) -> Self {
        Self { value, of: PhantomData }
    }

    /// One attribute.
    #[must_use]
    pub fn get<T: AttributeType>(&self, field: Field<M, T>) -> Attr<T::Known> {
        Attr::read(self.value.attribute(field.name()))
    }

    /// All of it.
    ///
    /// # Errors
    /// Names the first attribute that is not known yet.
    pub fn known(&self) -> Result<M, Diagnostics> {
        M::from_object(self.value).map_err(Diagnostics::from)
    }

    /// The object behind it.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }
}
