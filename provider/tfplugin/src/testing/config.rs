//! Configurations in tests, and what core makes of them.

use crate::{
    Path, Type, Value,
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
    if config.is_null() && spec.computed {
        return prior.clone();
    }
    let Shape::Nested(_, nested) = &spec.shape else {
        return config.clone();
    };
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
        // Core finds the prior element by the configured attributes.
        Value::Set(items) => {
            let prior_of = |item: &Value| match prior {
                Value::Set(priors) => priors.iter().find(|p| &configured(nested, p, item) == item).cloned(),
                _ => None,
            };
            Value::set(items.iter().map(|item| propose(nested, &prior_of(item).unwrap_or(Value::Null), item)).collect())
        }
        config => config.clone(),
    }
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
