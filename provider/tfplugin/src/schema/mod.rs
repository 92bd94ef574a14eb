//! Schemas: what the attributes of a resource, a data source or the provider are.

mod check;
mod field;
mod identity;
mod model;
mod wire;

pub use field::{Attribute, Attributes, Field, Schema};
pub use model::{Model, Nested};
#[doc(hidden)]
pub use model::{attribute_name, read_field};

pub(crate) use check::{Kind, check, has_write_only};
pub(crate) use field::ForImport;
pub(crate) use identity::IdentitySpec;
pub(crate) use wire::described;

use crate::value::{Type, Value, ValueError};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// How many objects a nested attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One.
    Single,
    /// A list of them.
    List,
    /// A set of them.
    Set,
    /// A map of them.
    Map,
}

/// Plain type, or nested attributes with their own rules.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A plain type.
    Type(Type),
    /// Nested attributes.
    Nested(Nesting, Vec<AttributeSpec>),
}

impl Shape {
    /// The type of a value of this shape.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Type(ty) => ty.clone(),
            Self::Nested(nesting, attributes) => {
                let object = object_type(attributes);
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::List(Box::new(object)),
                    Nesting::Set => Type::Set(Box::new(object)),
                    Nesting::Map => Type::Map(Box::new(object)),
                }
            }
        }
    }
}

pub(crate) fn object_type(attributes: &[AttributeSpec]) -> Type {
    Type::Object(attributes.iter().map(|a| (a.name.to_owned(), a.shape.ty())).collect::<BTreeMap<_, _>>())
}

type Check = Arc<dyn Fn(&Value) -> Result<(), ValueError> + Send + Sync>;

type ReplaceRule = Arc<dyn Fn(&Value, &Value) -> bool + Send + Sync>;

/// When a change of an attribute makes the object anew.
#[derive(Clone)]
pub(crate) enum Replace {
    Always,
    If(ReplaceRule),
}

impl Replace {
    /// Whether the change from one value to another one does. From one that is not known yet to nobody knows what does: Terraform takes an object that
    /// it said it would change for one that it may not make anew.
    pub(crate) fn applies(&self, before: &Value, planned: &Value) -> bool {
        match self {
            Self::Always => true,
            Self::If(rule) => !planned.is_wholly_known() || rule(before, planned),
        }
    }
}

/// One attribute's rules, without its Rust type. Built through a [`Field`].
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own in Terraform's schema")]
#[derive(Clone)]
pub struct AttributeSpec {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) optional: bool,
    pub(crate) computed: bool,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    /// Whether the Rust type is one of a write-only attribute.
    pub(crate) holds_write_only: bool,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) keep: bool,
    pub(crate) replace: Option<Replace>,
    pub(crate) identity: Option<ForImport>,
    pub(crate) nullable: bool,
    /// Whether two texts do, where that is not to the letter.
    pub(crate) means_the_same: Option<fn(&str, &str) -> bool>,
    pub(crate) default: Option<Value>,
    /// The first check is the conversion into the Rust type.
    pub(crate) checks: Vec<Check>,
}

impl AttributeSpec {
    /// What is planned for a value that only apply will know.
    pub(crate) fn unknown(&self) -> Value {
        if self.nullable { Value::UNKNOWN } else { Value::unknown_not_null() }
    }
}

impl fmt::Debug for AttributeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeSpec").field("name", &self.name).field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// A whole schema, without its Rust type.
#[derive(Clone, Debug)]
pub(crate) struct SchemaSpec {
    pub(crate) kind: Kind,
    pub(crate) identity: Option<IdentitySpec>,
    pub(crate) version: u32,
    pub(crate) description: String,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) attributes: Vec<AttributeSpec>,
    pub(crate) ty: Type,
}

/// Doc comments come with the blank of `/// ` and as one line each.
pub(crate) fn clean_doc(doc: &str) -> String {
    let lines: Vec<_> = doc.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}
