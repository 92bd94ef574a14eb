//! Between Terraform's values and Rust's types.

use super::{Number, Path, Step, Type, Value};
use crate::schema::{Nested, Nesting, Shape};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A value does not fit: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}{what}", if path.steps().is_empty() { "" } else { ": " })]
pub struct ValueError {
    /// The attribute or element.
    pub path: Path,
    /// What is wrong with it.
    pub what: String,
}

impl ValueError {
    /// An error about the value itself.
    pub fn new(what: impl Into<String>) -> Self {
        Self::at(Path::root(), what)
    }

    /// An error further inside.
    pub fn at(path: Path, what: impl Into<String>) -> Self {
        Self { path, what: what.into() }
    }

    pub(crate) fn within(mut self, step: Step) -> Self {
        self.path.prepend(step);
        self
    }
}

/// An attribute as plan and validation see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attr<T> {
    /// It has this value.
    Known(T),
    /// It has none.
    Null,
    /// It has one that is not known yet, in part or at all.
    Unknown,
}

impl<T> Attr<T> {
    /// The value, if it is known and not null.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Whether the value is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same with another type inside.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Known(value) => Attr::Known(f(value)),
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
        }
    }
}

impl<T: AttributeType> Attr<T> {
    /// Reads a value that may be absent. What does not fit `T` is reported by validation, long before this.
    pub(crate) fn read(value: &Value) -> Self {
        if value.is_null() { Self::Null } else { T::from_value(value).map_or(Self::Unknown, Self::Known) }
    }
}

/// A value that the provider decides: absent in the input of create (and wherever the plan says "known after apply"),
/// required in what create, update and read return.
///
/// ```
/// use tfplugin::Computed;
/// let mut id: Computed<String> = Computed::absent();
/// assert_eq!(id.get(), None);
/// id = "17".to_owned().into();
/// assert_eq!(id.get().map(String::as_str), Some("17"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Computed<T>(Option<T>);

impl<T> Computed<T> {
    /// No value yet.
    #[must_use]
    pub const fn absent() -> Self {
        Self(None)
    }

    /// A value.
    #[must_use]
    pub const fn known(value: T) -> Self {
        Self(Some(value))
    }

    /// The value, if there is one.
    #[must_use]
    pub const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value, if there is one.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.0
    }

    /// The value, or an error that says that it is missing: for ids in read, update and delete.
    ///
    /// # Errors
    /// If there is no value.
    pub fn require(&self) -> Result<&T, crate::Diagnostics> {
        self.0.as_ref().ok_or_else(|| "the state lacks a value that the provider sets itself; import it anew".into())
    }
}

impl<T> Default for Computed<T> {
    fn default() -> Self {
        Self::absent()
    }
}

impl<T> From<T> for Computed<T> {
    fn from(value: T) -> Self {
        Self::known(value)
    }
}

/// A Rust type that an attribute can have.
///
/// Implemented for the usual scalars and collections, for [`Option`] (may be null), for [`Computed`] and, through
/// [`Nested`], for your own structs. A type with a text form gets it from [`string_attribute!`](crate::string_attribute).
pub trait AttributeType: Sized + Clone + fmt::Debug + Send + Sync + 'static {
    /// The type of a known, non-null value: the type itself, without [`Option`] and [`Computed`].
    type Known: AttributeType<Known = Self::Known>;
    /// Whether a known value can be null.
    const NULLABLE: bool = false;
    /// Whether it is, or holds, what only a write-only attribute may: see [`WriteOnly`](crate::WriteOnly).
    const WRITE_ONLY: bool = false;
    /// For a text of which several spellings mean the same: whether two do. A plan then keeps the one that the state has.
    const MEANS_THE_SAME: Option<fn(&str, &str) -> bool> = None;
    /// How the schema describes it.
    fn shape() -> Shape;
    /// Reads the value.
    ///
    /// # Errors
    /// If it does not fit, with the place inside.
    fn from_value(value: &Value) -> Result<Self, ValueError>;
    /// Writes the value.
    fn to_value(&self) -> Value;
}

pub(crate) fn unfit<T>(want: &str, got: &Value) -> Result<T, ValueError> {
    Err(ValueError::new(match got {
        Value::Null => format!("{want} expected, but it is not set"),
        Value::Unknown(_) => format!("{want} expected, but it is not known yet"),
        Value::Number(n) => format!("{want} expected, got {n}"),
        other => format!("{want} expected, got {}", other.kind()),
    }))
}

impl AttributeType for String {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Type(Type::String)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            other => unfit("a string", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl AttributeType for bool {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Type(Type::Bool)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Bool(b) => Ok(*b),
            other => unfit("true or false", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl AttributeType for Number {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Type(Type::Number)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Number(n) => Ok(n.clone()),
            other => unfit("a number", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::Number(self.clone())
    }
}

impl AttributeType for f64 {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Type(Type::Number)
    }
    /// The nearest float. What comes back keeps all the digits that were written, as long as it is the same float.
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        let float = Number::from_value(value)?.as_f64();
        if float.is_finite() {
            Ok(float)
        } else {
            Err(ValueError::new("a number expected that a 64-bit float can hold"))
        }
    }
    fn to_value(&self) -> Value {
        Value::Number((*self).into())
    }
}

macro_rules! whole_numbers {
    ($($t:ty),*) => { $(
        impl AttributeType for $t {
            type Known = Self;
            fn shape() -> Shape {
                Shape::Type(Type::Number)
            }
            fn from_value(value: &Value) -> Result<Self, ValueError> {
                let whole = match value {
                    Value::Number(n) => n.as_i128().and_then(|n| n.try_into().ok()),
                    _ => None,
                };
                let want = || format!("a whole number from {} to {}", <$t>::MIN, <$t>::MAX);
                whole.map_or_else(|| unfit(&want(), value), Ok)
            }
            fn to_value(&self) -> Value {
                Value::Number(i128::from(*self).into())
            }
        }
    )* };
}
whole_numbers!(u8, u16, u32, u64, i8, i16, i32, i64);

impl<T: AttributeType> AttributeType for Option<T> {
    type Known = T::Known;
    const NULLABLE: bool = true;
    const WRITE_ONLY: bool = T::WRITE_ONLY;
    const MEANS_THE_SAME: Option<fn(&str, &str) -> bool> = T::MEANS_THE_SAME;
    fn shape() -> Shape {
        T::shape()
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, AttributeType::to_value)
    }
}

impl<T: AttributeType> AttributeType for Computed<T> {
    type Known = T::Known;
    const NULLABLE: bool = T::NULLABLE;
    const WRITE_ONLY: bool = T::WRITE_ONLY;
    const MEANS_THE_SAME: Option<fn(&str, &str) -> bool> = T::MEANS_THE_SAME;
    fn shape() -> Shape {
        T::shape()
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Unknown(_) => Ok(Self::absent()),
            // A partial import or an older state: the next read fills it.
            value if value.is_null() && !T::NULLABLE => Ok(Self::absent()),
            value => T::from_value(value).map(Self::known),
        }
    }
    fn to_value(&self) -> Value {
        self.0.as_ref().map_or(Value::UNKNOWN, AttributeType::to_value)
    }
}

/// A collection of models is nested attributes; a collection of anything else is a plain type.
fn collection<T: AttributeType>(nesting: Nesting, plain: fn(Box<Type>) -> Type) -> Shape {
    match T::shape() {
        Shape::Nested(Nesting::Single, attributes) => Shape::Nested(nesting, attributes),
        element => Shape::Type(plain(Box::new(element.ty()))),
    }
}

fn each<T: AttributeType, C: FromIterator<T>>(items: &[Value]) -> Result<C, ValueError> {
    let each = items.iter().enumerate();
    each.map(|(n, item)| T::from_value(item).map_err(|e| e.within(Step::Index(n as u64)))).collect()
}

impl<T: AttributeType> AttributeType for Vec<T> {
    type Known = Self;
    const WRITE_ONLY: bool = T::WRITE_ONLY;
    fn shape() -> Shape {
        collection::<T>(Nesting::List, Type::List)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::List(items) => each(items),
            other => unfit("a list", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(AttributeType::to_value).collect())
    }
}

impl<T: AttributeType + Ord> AttributeType for BTreeSet<T> {
    type Known = Self;
    const WRITE_ONLY: bool = T::WRITE_ONLY;
    fn shape() -> Shape {
        collection::<T>(Nesting::Set, Type::Set)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Set(items) => each(items),
            other => unfit("a set", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::set(self.iter().map(AttributeType::to_value).collect())
    }
}

impl<T: AttributeType> AttributeType for BTreeMap<String, T> {
    type Known = Self;
    const WRITE_ONLY: bool = T::WRITE_ONLY;
    fn shape() -> Shape {
        collection::<T>(Nesting::Map, Type::Map)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        let Value::Map(items) = value else {
            return unfit("a map", value);
        };
        let each = items.iter().map(|(key, item)| {
            let item = T::from_value(item).map_err(|e| e.within(Step::Key(key.clone())))?;
            Ok((key.clone(), item))
        });
        each.collect()
    }
    fn to_value(&self) -> Value {
        Value::Map(self.iter().map(|(key, item)| (key.clone(), item.to_value())).collect())
    }
}

impl<N: Nested> AttributeType for N {
    type Known = Self;
    fn shape() -> Shape {
        Shape::Nested(Nesting::Single, N::attributes().into_specs())
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        Self::from_object(value)
    }
    fn to_value(&self) -> Value {
        self.to_object()
    }
}

/// Makes a type with `FromStr` and `Display` an attribute of type string. What does not parse is a validation error.
///
/// ```
/// #[derive(Clone, Debug, PartialEq)]
/// pub enum Status { Active, Pending }
/// # impl std::fmt::Display for Status {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         f.write_str(match self { Self::Active => "active", Self::Pending => "pending" })
/// #     }
/// # }
/// # impl std::str::FromStr for Status {
/// #     type Err = &'static str;
/// #     fn from_str(s: &str) -> Result<Self, Self::Err> {
/// #         match s { "active" => Ok(Self::Active), "pending" => Ok(Self::Pending), _ => Err("active or pending") }
/// #     }
/// # }
/// tfplugin::string_attribute!(Status);
/// ```
#[macro_export]
macro_rules! string_attribute {
    ($t:ty) => {
        impl $crate::AttributeType for $t {
            type Known = Self;
            fn shape() -> $crate::schema::Shape {
                <::std::string::String as $crate::AttributeType>::shape()
            }
            fn from_value(value: &$crate::Value) -> ::std::result::Result<Self, $crate::ValueError> {
                let text = <::std::string::String as $crate::AttributeType>::from_value(value)?;
                ::std::str::FromStr::from_str(&text)
                    .map_err(|e| $crate::ValueError::new(::std::string::ToString::to_string(&e)))
            }
            fn to_value(&self) -> $crate::Value {
                $crate::Value::String(::std::string::ToString::to_string(self))
            }
        }
    };
}
