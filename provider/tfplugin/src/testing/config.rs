//! Configurations in tests, and what core makes of them.

use crate::{
    Path, Type, Value,
    plan::steps::elements,
    schema::{AttributeSpec, Nesting, SchemaSpec, Shape},
    value::from_json,
};
use serde_json::Value as Json;

/// Stands for a value that is not known yet, anywhere in a configuration.
pub const UNKNOWN: &str = "\u{0}unknown";

/// The object that a block with these arguments evaluates to, or why core would not accept the block.
pub(super) fn evaluate(schema: &SchemaSpec, block: &Json) -> Result<Value, String> {
    attributes(&schema.attributes, block, &Path::root())
}

fn attributes(specs: &[AttributeSpec], block: &Json, at: &Path) -> Result<Value, String> {
    let block = block.as_object().ok_or_else(|| format!("{at}: an object expected"))?;
    if let Some(name) = block.keys().find(|name| specs.iter().all(|spec| spec.name != **name)) {
        return Err(format!("{}: an argument of that name is not expected here", at.clone().attr(name)));
    }
    let each = specs.iter().map(|spec| {
        let path = at.clone().attr(spec.name);
        let value = block.get(spec.name).unwrap_or(&Json::Null);
        if spec.required && value.is_null() {
            return Err(format!("{path}: the argument is required"));
        }
        if !value.is_null() && !spec.required && !spec.optional {
            return Err(format!("{path}: the provider decides it, it cannot be set"));
        }
        Ok((spec.name.to_owned(), shaped(&spec.shape, value, &path)?))
    });
    each.collect::<Result<_, _>>().map(Value::Object)
}

fn shaped(shape: &Shape, json: &Json, path: &Path) -> Result<Value, String> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    if json == UNKNOWN {
        return Ok(Value::UNKNOWN);
    }
    let items = || json.as_array().into_iter().flatten().enumerate();
    match shape {
        Shape::Type(ty) => plain(ty, json, path),
        Shape::Nested(Nesting::Single, nested) => attributes(nested, json, path),
        Shape::Nested(Nesting::List, nested) => items()
            .map(|(n, item)| attributes(nested, item, &path.clone().index(n)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        Shape::Nested(Nesting::Set, nested) => {
            items().map(|(_, item)| attributes(nested, item, path)).collect::<Result<_, _>>().map(Value::set)
        }
        Shape::Nested(Nesting::Map, nested) => {
            let items = json.as_object().into_iter().flatten();
            let each = items.map(|(key, item)| Ok((key.clone(), attributes(nested, item, &path.clone().key(key))?)));
            each.collect::<Result<_, String>>().map(Value::Map)
        }
    }
}

fn plain(ty: &Type, json: &Json, path: &Path) -> Result<Value, String> {
    if json == UNKNOWN {
        return Ok(Value::UNKNOWN);
    }
    match (ty, json) {
        (Type::List(element), Json::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(n, item)| plain(element, item, &path.clone().index(n)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Type::Set(element), Json::Array(items)) => {
            items.iter().map(|item| plain(element, item, path)).collect::<Result<_, _>>().map(Value::set)
        }
        (Type::Map(element), Json::Object(items)) => {
            let each = items.iter().map(|(key, item)| Ok((key.clone(), plain(element, item, &path.clone().key(key))?)));
            each.collect::<Result<_, String>>().map(Value::Map)
        }
        (ty, json) => from_json(&json.to_string(), ty).map_err(|e| format!("{path}: {e}")),
    }
}

/// What core proposes as the new state: the configuration, and the prior value where that says nothing and the
/// provider decides.
pub(super) fn propose(specs: &[AttributeSpec], prior: &Value, config: &Value) -> Value {
    let each = specs.iter().map(|spec| {
        let (prior, config) = (prior.attribute(spec.name), config.attribute(spec.name));
        (spec.name.to_owned(), propose_attribute(spec, prior, config))
    });
    Value::Object(each.collect())
}

fn propose_attribute(spec: &AttributeSpec, prior: &Value, config: &Value) -> Value {
    let Shape::Nested(_, nested) = &spec.shape else {
        return if config.is_null() && spec.computed { prior.clone() } else { config.clone() };
    };
    if config.is_null() && spec.computed {
        // What holds something that only a configuration can have said goes with it.
        let was_written = spec.optional && elements(prior, &Path::root()).any(|(_, prior)| is_written(nested, prior));
        return if was_written { Value::Null } else { prior.clone() };
    }
    let list = |prior: &Value, n: usize| match prior {
        Value::List(items) => items.get(n).cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    };
    let map = |prior: &Value, key: &str| match prior {
        Value::Map(items) => items.get(key).cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    };
    match config {
        Value::Object(_) => propose(nested, prior, config),
        Value::List(items) => {
            Value::List(items.iter().enumerate().map(|(n, item)| propose(nested, &list(prior, n), item)).collect())
        }
        Value::Map(items) => {
            let each = items.iter().map(|(key, item)| (key.clone(), propose(nested, &map(prior, key), item)));
            Value::Map(each.collect())
        }
        // Core finds the prior element by the configured attributes, and each only once.
        Value::Set(items) => {
            let mut free: Vec<_> = match prior {
                Value::Set(priors) => priors.iter().collect(),
                _ => Vec::new(),
            };
            let each = items.iter().map(|item| {
                let found = free.iter().position(|prior| configured(nested, prior, item) == *item);
                propose(nested, found.map_or(&Value::Null, |n| free.remove(n)), item)
            });
            Value::set(each.collect())
        }
        config => config.clone(),
    }
}

/// Whether something in an object is there that the provider does not decide.
fn is_written(specs: &[AttributeSpec], object: &Value) -> bool {
    specs.iter().any(|spec| {
        let value = object.attribute(spec.name);
        let inside =
            |nested: &[AttributeSpec]| elements(value, &Path::root()).any(|(_, part)| is_written(nested, part));
        !value.is_null() && (!spec.computed || matches!(&spec.shape, Shape::Nested(_, nested) if inside(nested)))
    })
}

/// A prior element with everything nulled that the configuration leaves to the provider.
fn configured(specs: &[AttributeSpec], prior: &Value, config: &Value) -> Value {
    let each = specs.iter().map(|spec| {
        let left_open = spec.computed && config.attribute(spec.name).is_null();
        let value = if left_open { Value::Null } else { prior.attribute(spec.name).clone() };
        (spec.name.to_owned(), value)
    });
    Value::Object(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attributes, Computed, Nested, Schema, model, schema::Kind, value::to_json};
    use serde_json::json;
    use std::collections::BTreeSet;

    model! {
        /// A wardrobe.
        struct Wardrobe {
            /// What hangs in it.
            coats: Option<BTreeSet<Coat>>,
            /// What lies at its bottom.
            shoes: Computed<Option<Coat>>,
        }
    }

    model! {
        /// A coat.
        #[derive(Eq, PartialOrd, Ord)]
        struct Coat {
            /// Whose it is.
            owner: Option<String>,
            /// On which hook it hangs.
            hook: Computed<Option<String>>,
        }
    }

    impl Nested for Coat {
        fn attributes() -> Attributes<Self> {
            Attributes::new().attr(Self::owner.optional()).attr(Self::hook.optional_computed())
        }
    }

    /// What core proposes for a configuration, over a state.
    fn proposed(prior: &Json, config: &Json) -> Json {
        let schema = Schema::new()
            .attr(Wardrobe::coats.optional())
            .attr(Wardrobe::shoes.optional_computed())
            .into_spec(Kind::Resource);
        let prior = from_json(&prior.to_string(), &schema.ty).unwrap();
        to_json(&propose(&schema.attributes, &prior, &evaluate(&schema, config).unwrap()))
    }

    #[test]
    fn an_element_of_a_set_keeps_what_was_decided_of_one_that_says_the_same() {
        let coat = |owner: &str, hook: Json| json!({"owner": owner, "hook": hook});
        let prior = json!({"coats": [coat("kim", json!("1")), coat("kim", json!("2")), coat("lee", json!("3"))]});
        let told = proposed(&prior, &json!({"coats": [coat("kim", Json::Null), coat("mo", Json::Null)]}));
        assert_eq!(told["coats"], json!([coat("mo", Json::Null), coat("kim", json!("1"))]));
        // Each is taken once.
        let told = proposed(&prior, &json!({"coats": [coat("kim", json!("2")), coat("kim", Json::Null)]}));
        assert_eq!(told["coats"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_was_decided_stays_where_nothing_is_said_but_not_what_was_written() {
        let decided = json!({"shoes": {"owner": null, "hook": "floor"}});
        assert_eq!(proposed(&decided, &json!({}))["shoes"], decided["shoes"]);
        let written = json!({"shoes": {"owner": "kim", "hook": "floor"}});
        assert_eq!(proposed(&written, &json!({}))["shoes"], Json::Null);
    }
}
