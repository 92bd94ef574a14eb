//! Values that reach the provider and are stored nowhere.

use super::{AttributeType, Value, ValueError};
use crate::schema::Shape;
use std::fmt;

/// A value that is in no plan and in no state: create and update get it, read never does. It is not shown when printed,
/// and whatever holds one writes it as null, so a secret of this type cannot end up in a state.
///
/// ```
/// use tfplugin::WriteOnly;
/// let password = WriteOnly::from("hush".to_owned());
/// assert_eq!(password.get().map(String::as_str), Some("hush"));
/// assert_eq!(format!("{password:?}"), "WriteOnly(set)");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WriteOnly<T>(Option<T>);

impl<T> WriteOnly<T> {
    /// No value: what a state holds.
    #[must_use]
    pub const fn absent() -> Self {
        Self(None)
    }

    /// The value, if the configuration gives one.
    #[must_use]
    pub const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value, if the configuration gives one.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.0
    }
}

impl<T> From<T> for WriteOnly<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> fmt::Debug for WriteOnly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "WriteOnly(set)" } else { "WriteOnly(absent)" })
    }
}

impl<T: AttributeType> AttributeType for WriteOnly<T> {
    type Known = T::Known;
    const NULLABLE: bool = true;
    const WRITE_ONLY: bool = true;
    fn shape() -> Shape {
        T::shape()
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Null => Ok(Self::absent()),
            value => T::from_value(value).map(Self::from),
        }
    }
    fn to_value(&self) -> Value {
        Value::Null
    }
}
