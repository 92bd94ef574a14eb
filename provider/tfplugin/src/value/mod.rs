//! Terraform's values: the tree, its types, and the two encodings of the wire.

pub(crate) mod convert;
mod duration;
mod dynamic;
mod json;
mod json_text;
mod msgpack;
mod number;
mod path;
mod refinement;
mod spelling;
mod types;
mod write_only;

pub use convert::{Attr, AttributeType, Computed, ValueError};
pub use duration::GoDuration;
pub use dynamic::Dynamic;
pub(crate) use json::parse_exactly;
pub use json::{from_json, to_json};
pub use json_text::JsonText;
pub use msgpack::{decode, encode};
pub use number::{Number, NumberError};
pub use path::{Path, Step};
pub use refinement::Refinement;
pub(crate) use spelling::{as_written, same_text};
pub use types::Type;
pub use write_only::WriteOnly;

use std::collections::BTreeMap;

/// One value of Terraform's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Absent. Terraform has one null per type; the type is known from where the value stands.
    #[default]
    Null,
    /// Not known before apply, perhaps with promises about what it will be.
    Unknown(Option<Box<Refinement>>),
    /// `true` or `false`.
    Bool(bool),
    /// A number of any size, exact.
    Number(Number),
    /// Text.
    String(String),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A set: sorted, so that two equal sets are equal here. Build it with [`Value::set`].
    Set(Vec<Value>),
    /// A map of values of one type.
    Map(BTreeMap<String, Value>),
    /// An object; every attribute of its type is present, null if it has no value.
    Object(BTreeMap<String, Value>),
    /// A value where the schema says "dynamic": it brings its own type.
    Dynamic(Box<Type>, Box<Value>),
}

impl Value {
    /// Unknown, without a promise.
    pub const UNKNOWN: Self = Self::Unknown(None);

    /// Unknown, but never null.
    #[must_use]
    pub fn unknown_not_null() -> Self {
        Self::Unknown(Some(Box::new(Refinement { not_null: true, ..Refinement::default() })))
    }

    /// A set. Equal elements become one, except where something in them is not known yet: those may still differ.
    #[must_use]
    pub fn set(mut elements: Vec<Self>) -> Self {
        elements.sort();
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self::Set(elements)
    }

    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Dynamic(_, inner) => inner.is_null(),
            _ => false,
        }
    }

    /// Whether this value itself is unknown.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether nothing in the tree is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(items) | Self::Set(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(items) | Self::Object(items) => items.values().all(Self::is_wholly_known),
            Self::Dynamic(_, inner) => inner.is_wholly_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The attributes, if this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(attributes) => Some(attributes),
            _ => None,
        }
    }

    /// The attribute of that name; null where there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &Self {
        self.as_object().and_then(|o| o.get(name)).unwrap_or(&Self::Null)
    }

    /// What is there one step further; none where there is nothing.
    pub(crate) fn child(&self, step: &Step) -> Option<&Self> {
        match (self, step) {
            (Self::Object(parts), Step::Attribute(name)) => parts.get(name),
            (Self::Map(parts), Step::Key(key)) => parts.get(key),
            (Self::List(parts), Step::Index(n)) => parts.get(usize::try_from(*n).ok()?),
            (Self::Dynamic(_, inner), step) => inner.child(step),
            _ => None,
        }
    }

    /// What is there at a path; none where there is nothing.
    pub(crate) fn part(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |value, step| value.child(step))
    }

    /// The same, to be changed.
    pub(crate) fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (self, step) {
            (Self::Object(parts), Step::Attribute(name)) => parts.get_mut(name),
            (Self::Map(parts), Step::Key(key)) => parts.get_mut(key),
            (Self::List(parts), Step::Index(n)) => parts.get_mut(usize::try_from(*n).ok()?),
            (Self::Dynamic(_, inner), step) => inner.child_mut(step),
            _ => None,
        }
    }

    /// Replaces every unknown in the tree by null, as core does with what an error leaves behind.
    #[must_use]
    pub fn unknown_as_null(self) -> Self {
        let each = |items: Vec<Self>| items.into_iter().map(Self::unknown_as_null).collect();
        let all = |items: BTreeMap<_, Self>| items.into_iter().map(|(k, v)| (k, v.unknown_as_null())).collect();
        match self {
            Self::Unknown(_) => Self::Null,
            Self::List(items) => Self::List(each(items)),
            Self::Set(items) => Self::set(each(items)),
            Self::Map(items) => Self::Map(all(items)),
            Self::Object(items) => Self::Object(all(items)),
            Self::Dynamic(ty, inner) => Self::Dynamic(ty, Box::new(inner.unknown_as_null())),
            known => known,
        }
    }

    /// What kind of value this is, in Terraform's words, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_, inner) => inner.kind(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
