//! Type constraints and their JSON form, for example `["map","string"]`.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A type of Terraform's language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    String,
    /// Known only at run time.
    Dynamic,
    /// A list of one type.
    List(Box<Type>),
    /// A set of one type.
    Set(Box<Type>),
    /// A map from strings to one type.
    Map(Box<Type>),
    /// A fixed sequence of types.
    Tuple(Vec<Type>),
    /// Named attributes.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// The constraint as Terraform's schema carries it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(elements) => json!(["tuple", elements.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> =
                    attributes.iter().map(|(k, v)| (k.clone(), v.to_json())).collect();
                json!(["object", attributes])
            }
        }
    }

    /// Reads a constraint. `None` if it is none that Terraform has.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        if let Some(name) = json.as_str() {
            return Some(match name {
                "bool" => Self::Bool,
                "number" => Self::Number,
                "string" => Self::String,
                "dynamic" => Self::Dynamic,
                _ => return None,
            });
        }
        // An object's third element names its optional attributes; a value on the wire has them all.
        let [kind, argument, ..] = json.as_array()?.as_slice() else {
            return None;
        };
        let element = || Self::from_json(argument).map(Box::new);
        Some(match kind.as_str()? {
            "list" => Self::List(element()?),
            "set" => Self::Set(element()?),
            "map" => Self::Map(element()?),
            "tuple" => Self::Tuple(argument.as_array()?.iter().map(Self::from_json).collect::<Option<_>>()?),
            "object" => {
                let each = argument.as_object()?.iter();
                Self::Object(each.map(|(k, v)| Some((k.clone(), Self::from_json(v)?))).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// Whether a collection of values with a dynamic type in them is anywhere inside. Terraform allows no such set; it takes
    /// lists and maps of them, and crashes when two of their elements are of different types.
    #[must_use]
    pub fn has_dynamic_elements(&self) -> bool {
        match self {
            Self::Set(element) | Self::List(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic_elements),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic_elements),
            Self::Bool | Self::Number | Self::String | Self::Dynamic => false,
        }
    }

    /// Whether a dynamic type is anywhere inside.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
            Self::Bool | Self::Number | Self::String => false,
        }
    }
}
