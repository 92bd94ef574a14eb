//! Attributes whose type the user chooses.

use super::{AttributeType, Number, Type, Value, ValueError, convert::unfit};
use crate::schema::Shape;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A value of any type, which it brings along: what Terraform calls dynamic. No set has one inside.
///
/// ```
/// use serde_json::json;
/// use tfplugin::Dynamic;
/// let policy = Dynamic::from_json(&json!({"roles": ["reader", "writer"], "limit": 7}));
/// assert_eq!(policy.ty().to_json(), json!(["object", {"roles": ["tuple", ["string", "string"]], "limit": "number"}]));
/// assert_eq!(policy.to_json(), json!({"roles": ["reader", "writer"], "limit": 7}));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic {
    ty: Type,
    value: Value,
}

impl Dynamic {
    /// A value of a type.
    ///
    /// # Errors
    /// If it is not of that type, or not known, or null: no value at all is `None`.
    pub fn new(ty: Type, value: Value) -> Result<Self, ValueError> {
        if value.is_null() || !value.is_wholly_known() {
            return unfit("a value", &value);
        }
        super::encode(&value, &ty)?;
        Ok(Self { ty, value })
    }

    /// The value of a JSON text, of the types that Terraform's `jsondecode` gives it: objects, tuples, strings, numbers
    /// and bools. `null` is a null of no type, inside of an object or a tuple.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        let (ty, value) = typed(json);
        Self { ty, value }
    }

    /// Its type.
    #[must_use]
    pub const fn ty(&self) -> &Type {
        &self.ty
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The value as JSON, as Terraform's `jsonencode` writes it. Numbers beyond 64 bits become strings.
    #[must_use]
    pub fn to_json(&self) -> Json {
        plain(&self.value)
    }
}

fn typed(json: &Json) -> (Type, Value) {
    match json {
        Json::Null => (Type::Dynamic, Value::Null),
        Json::Bool(b) => (Type::Bool, Value::Bool(*b)),
        Json::Number(n) => (Type::Number, Value::Number(number(n))),
        Json::String(text) => (Type::String, text.as_str().into()),
        Json::Array(items) => {
            let (types, values) = items.iter().map(typed).unzip();
            (Type::Tuple(types), Value::List(values))
        }
        Json::Object(parts) => {
            let each = parts.iter().map(|(name, part)| (name, typed(part)));
            let (types, values): (BTreeMap<_, _>, BTreeMap<_, _>) =
                each.map(|(name, (ty, value))| ((name.clone(), ty), (name.clone(), value))).unzip();
            (Type::Object(types), Value::Object(values))
        }
    }
}

fn number(n: &serde_json::Number) -> Number {
    n.to_string().parse().expect("a number of JSON's is a decimal number")
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Dynamic(_, inner) => plain(inner),
        Value::List(items) | Value::Set(items) => items.iter().map(plain).collect(),
        Value::Map(parts) | Value::Object(parts) => {
            Json::Object(parts.iter().map(|(name, part)| (name.clone(), plain(part))).collect())
        }
        other => super::to_json(other),
    }
}

impl AttributeType for Dynamic {
    type Known = Self;

    fn shape() -> Shape {
        Shape::Type(Type::Dynamic)
    }

    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Dynamic(ty, inner) => Self::new((**ty).clone(), (**inner).clone()),
            other => unfit("a value", other),
        }
    }

    fn to_value(&self) -> Value {
        Value::Dynamic(Box::new(self.ty.clone()), Box::new(self.value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_a_value_that_is_there_and_of_its_type() {
        let refused = |ty, value| Dynamic::new(ty, value).unwrap_err().to_string();
        assert_eq!(refused(Type::String, Value::Null), "a value expected, but it is not set");
        assert_eq!(refused(Type::String, Value::UNKNOWN), "a value expected, but it is not known yet");
        let list = Type::List(Box::new(Type::Bool));
        assert_eq!(refused(list, Value::List(vec!["x".into()])), "[0]: a bool expected, got a string");
    }

    #[test]
    fn json_goes_in_and_comes_out() {
        for json in [json!([]), json!({"a": [1, 2.5, null, {"b": "c"}], "d": {}}), json!(true), json!("x"), json!(-7)] {
            let dynamic = Dynamic::from_json(&json);
            assert_eq!(dynamic.to_json(), json);
            assert_eq!(Dynamic::from_value(&dynamic.to_value()), Ok(dynamic));
        }
    }
}
