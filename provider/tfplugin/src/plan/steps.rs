//! The engine's steps, each over one level of attributes and then the nested ones.

use crate::{
    Path, Step, Value,
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

/// What means the same as before is what it was before, to the letter.
pub(crate) fn keep_spelling(attributes: &[AttributeSpec], now: &mut Value, before: &Value) {
    each_attribute(attributes, now, before, &NULL, &mut |spec, now, before, _| {
        if let (Some(means_the_same), Value::String(text), Value::String(before)) = (spec.means_the_same, &*now, before)
            && means_the_same(text, before)
        {
            *now = Value::String(before.clone());
        }
    });
}

/// What stays although core proposes nothing: it drops nested attributes of which something is not computed, since only a configuration can have said that.
/// The provider may have.
pub(super) fn keep_whole(attributes: &[AttributeSpec], planned: &mut Value, config: &Value, prior: &Value) {
    each_attribute(attributes, planned, config, prior, &mut |spec, planned, config, prior| {
        if spec.keep && config.is_null() && planned.is_null() && matches!(spec.shape, Shape::Nested(..)) {
            *planned = prior.clone();
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

/// An attribute, or a model, before the change, as configured, and as planned.
#[derive(Clone, Copy)]
pub(super) struct Three<'v> {
    pub(super) prior: &'v Value,
    pub(super) config: &'v Value,
    pub(super) planned: &'v Value,
}

impl Three<'_> {
    fn attribute(self, name: &str) -> Self {
        let Self { prior, config, planned } = self;
        Self { prior: prior.attribute(name), config: config.attribute(name), planned: planned.attribute(name) }
    }

    /// What is at that step, before and after.
    fn element(self, step: &Step) -> Option<Self> {
        let Self { prior, config, planned } = self;
        let config = config.child(step).unwrap_or(&NULL);
        Some(Self { prior: prior.child(step)?, config, planned: planned.child(step)? })
    }
}

/// Which attributes make the change a replacement: those of the object, and of the objects in it that are there before and after. A single one counts as
/// there, with nothing in it: what it says comes and goes with it. In a set, what changes is another element: nothing says which it was before.
pub(super) fn replace(attributes: &[AttributeSpec], of: Three<'_>, at: &Path, found: &mut BTreeSet<Path>) {
    for spec in attributes {
        let (of, path) = (of.attribute(spec.name), at.clone().attr(spec.name));
        if of.planned == of.prior {
            continue;
        }
        if spec.replace.as_ref().is_some_and(|rule| rule.applies(of.prior, of.planned)) {
            found.insert(path);
            continue;
        }
        let Shape::Nested(nesting, nested) = &spec.shape else { continue };
        match nesting {
            Nesting::Set => {}
            // Once it is known, anything in it may turn out to have changed.
            _ if of.config.is_unknown() => {
                if has_replace(nested) {
                    found.insert(path);
                }
            }
            Nesting::Single if of.planned.is_unknown() => {}
            Nesting::Single => replace(nested, of, &path, found),
            Nesting::List | Nesting::Map => {
                for step in steps_into(of.planned) {
                    if let Some(of) = of.element(&step) {
                        replace(nested, of, &path.clone().step(step), found);
                    }
                }
            }
        }
    }
}

/// The steps to the elements of a list or a map.
fn steps_into(value: &Value) -> Vec<Step> {
    match value {
        Value::List(items) => (0..items.len()).map(|n| Step::Index(n as u64)).collect(),
        Value::Map(items) => items.keys().cloned().map(Step::Key).collect(),
        _ => Vec::new(),
    }
}

/// Whether a change of something in there would be a replacement.
fn has_replace(attributes: &[AttributeSpec]) -> bool {
    attributes.iter().any(|spec| match &spec.shape {
        _ if spec.replace.is_some() => true,
        Shape::Nested(nesting, nested) => *nesting != Nesting::Set && has_replace(nested),
        Shape::Type(_) => false,
    })
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
                Value::Set(priors) => set::before(&items, &of_items, priors),
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
