//! The engine's steps, each over one level of attributes and then the nested ones.

use crate::{
    Path, Value,
    plan::set,
    schema::{AttributeSpec, Nesting, Shape},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

static NULL: Value = Value::Null;

/// Where the configuration says nothing, the default.
pub(crate) fn defaults(attributes: &[AttributeSpec], planned: &mut Value, config: &Value) {
    each_attribute(attributes, planned, config, &NULL, &mut |spec, planned, config, _| {
        if config.is_null()
            && let Some(default) = &spec.default
        {
            *planned = default.clone();
        }
    });
}

/// What is only written is planned as nothing, wherever it stands.
pub(crate) fn forget_write_only(attributes: &[AttributeSpec], value: &mut Value) {
    each_object(value, &mut |object| {
        for spec in attributes {
            match (object.get_mut(spec.name), &spec.shape) {
                (Some(value), _) if spec.write_only => *value = Value::Null,
                (Some(value), Shape::Nested(_, nested)) => forget_write_only(nested, value),
                _ => {}
            }
        }
    });
}

/// What is only written, put back from the configuration: the input of create and update.
pub(crate) fn recall_write_only(attributes: &[AttributeSpec], planned: &mut Value, config: &Value) {
    each_attribute(attributes, planned, config, &NULL, &mut |spec, planned, config, _| {
        if spec.write_only {
            *planned = config.clone();
        }
    });
}

fn each_object(value: &mut Value, work: &mut dyn FnMut(&mut BTreeMap<String, Value>)) {
    match value {
        Value::Object(object) => work(object),
        // No set holds anything write-only: the self-check of schemas refuses that.
        Value::List(items) => {
            for item in items {
                each_object(item, work);
            }
        }
        Value::Map(items) => {
            for item in items.values_mut() {
                each_object(item, work);
            }
        }
        _ => {}
    }
}

/// Where the configuration says nothing and the provider decides, "known after apply".
pub(super) fn mark_unknown(attributes: &[AttributeSpec], planned: &mut Value, config: &Value) {
    each_attribute(attributes, planned, config, &NULL, &mut |spec, planned, config, _| {
        if spec.computed && spec.default.is_none() && config.is_null() {
            *planned = spec.unknown();
        }
    });
}

/// What stays once it is known is not unknown after all.
pub(super) fn keep(attributes: &[AttributeSpec], planned: &mut Value, config: &Value, prior: &Value) {
    if prior.is_null() {
        return;
    }
    each_attribute(attributes, planned, config, prior, &mut |spec, planned, config, prior| {
        if spec.keep && config.is_null() && planned.is_unknown() && (spec.nullable || !prior.is_null()) {
            *planned = prior.clone();
        }
    });
}

/// Which attributes make the change a replacement.
pub(super) fn replace(
    attributes: &[AttributeSpec],
    planned: &Value,
    prior: &Value,
    at: &Path,
    found: &mut BTreeSet<Path>,
) {
    let (Some(_), Some(_)) = (planned.as_object(), prior.as_object()) else {
        return;
    };
    for spec in attributes {
        let (planned, prior) = (planned.attribute(spec.name), prior.attribute(spec.name));
        let path = at.clone().attr(spec.name);
        if planned == prior {
            continue;
        }
        if spec.replace.as_ref().is_some_and(|rule| rule.applies(prior, planned)) {
            found.insert(path);
        } else if let Shape::Nested(nesting, nested) = &spec.shape
            && *nesting != Nesting::Set
        {
            // In a set, what changes is another element: nothing says which it was before.
            for (path, element) in elements(planned, &path) {
                if let Some((_, before)) = elements(prior, &at.clone().attr(spec.name)).find(|(p, _)| *p == path) {
                    replace(nested, element, before, &path, found);
                }
            }
        }
    }
}

/// The objects in a nested attribute with their paths. Elements of a set have none: theirs is the set's.
pub(crate) fn elements<'a>(value: &'a Value, at: &Path) -> Box<dyn Iterator<Item = (Path, &'a Value)> + 'a> {
    let at = at.clone();
    match value {
        Value::Object(_) => Box::new(std::iter::once((at, value))),
        Value::List(items) => Box::new(items.iter().enumerate().map(move |(n, item)| (at.clone().index(n), item))),
        Value::Map(items) => Box::new(items.iter().map(move |(key, item)| (at.clone().key(key), item))),
        Value::Set(items) => Box::new(items.iter().map(move |item| (at.clone(), item))),
        _ => Box::new(std::iter::empty()),
    }
}

type Visit<'v> = dyn FnMut(&AttributeSpec, &mut Value, &Value, &Value) + 'v;

/// Visits each planned attribute with its configured and prior value, then the attributes nested in it, if the
/// configuration has something there.
fn each_attribute(
    attributes: &[AttributeSpec],
    planned: &mut Value,
    config: &Value,
    prior: &Value,
    visit: &mut Visit<'_>,
) {
    let Value::Object(object) = planned else {
        return;
    };
    for spec in attributes {
        let (config, prior) = (config.attribute(spec.name), prior.attribute(spec.name));
        let planned = object.entry(spec.name.to_owned()).or_insert(Value::Null);
        visit(spec, planned, config, prior);
        if let Shape::Nested(_, nested) = &spec.shape
            && !config.is_null()
        {
            each_element(nested, planned, config, prior, visit);
        }
    }
}

fn each_element(nested: &[AttributeSpec], planned: &mut Value, config: &Value, prior: &Value, visit: &mut Visit<'_>) {
    match (planned, config) {
        (planned @ Value::Object(_), Value::Object(_)) => each_attribute(nested, planned, config, prior, visit),
        (Value::List(items), Value::List(configs)) => {
            for (n, (item, config)) in items.iter_mut().zip(configs).enumerate() {
                let prior = match prior {
                    Value::List(priors) => priors.get(n).unwrap_or(&NULL),
                    _ => &NULL,
                };
                each_attribute(nested, item, config, prior, visit);
            }
        }
        (Value::Map(items), Value::Map(configs)) => {
            for (key, item) in items {
                let prior = match prior {
                    Value::Map(priors) => priors.get(key).unwrap_or(&NULL),
                    _ => &NULL,
                };
                each_attribute(nested, item, configs.get(key).unwrap_or(&NULL), prior, visit);
            }
        }
        (planned @ Value::Set(_), Value::Set(configs)) => {
            // A set's elements have no names. Terraform finds an element by what the configuration says of it; so do we.
            let Value::Set(mut items) = mem::replace(planned, Value::Null) else {
                return;
            };
            let of_items = set::configured(configs, &items);
            let before = match prior {
                Value::Set(priors) => set::before(&items, priors),
                _ => vec![None; items.len()],
            };
            for ((item, config), prior) in items.iter_mut().zip(of_items).zip(before) {
                if let Some(config) = config {
                    each_attribute(nested, item, config, prior.unwrap_or(&NULL), visit);
                }
            }
            *planned = Value::set(items);
        }
        _ => {}
    }
}
