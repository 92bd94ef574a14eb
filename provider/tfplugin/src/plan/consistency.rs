//! What Terraform demands of a plan and of the result of an apply. Terraform blames the provider in words for its
//! developers; found here first, the message names the attribute.

use crate::{
    Diagnostic, Path, Value, ValueError,
    schema::{AttributeSpec, Shape},
    value::to_json,
};

pub(crate) fn provider_bug(e: ValueError) -> Diagnostic {
    let path = e.path;
    Diagnostic::error(format!("The provider contradicts itself at {path}"))
        .detail(format!("{path}: {}.\n\nThis is a bug in the provider, please report it.", e.what))
        .at(path)
}

/// A plan may only fill in what is computed and not configured, or leave the prior value in place.
pub(crate) fn plan(attributes: &[AttributeSpec], prior: &Value, config: &Value, planned: &Value) -> Vec<ValueError> {
    let mut wrong = Vec::new();
    match (config.is_null(), planned.is_null()) {
        (false, true) => wrong.push(ValueError::new("planned for absence, but the configuration wants it")),
        (true, false) => wrong.push(ValueError::new("planned for existence, but the configuration lacks it")),
        (true, true) => {}
        (false, false) => planned_attributes(attributes, prior, config, planned, &Path::root(), &mut wrong),
    }
    wrong
}

fn planned_attributes(
    attributes: &[AttributeSpec],
    prior: &Value,
    config: &Value,
    planned: &Value,
    at: &Path,
    wrong: &mut Vec<ValueError>,
) {
    for spec in attributes {
        let of = |value: &Value| value.attribute(spec.name).clone();
        planned_attribute(spec, &of(prior), &of(config), &of(planned), at.clone().attr(spec.name), wrong);
    }
}

fn planned_attribute(
    spec: &AttributeSpec,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: Path,
    wrong: &mut Vec<ValueError>,
) {
    if spec.write_only {
        if !planned.is_null() {
            wrong.push(ValueError::at(path, "a write-only value is planned, but none is ever stored"));
        }
        return;
    }
    let unchanged = alike(planned, prior) && !prior.is_null() && !config.is_null();
    let provider_decides = spec.computed && (!spec.optional || config.is_null());
    if alike(planned, config) || unchanged || provider_decides {
        return;
    }
    if config.is_null() {
        let what = format!("{} is planned for an attribute that is not computed", show(spec, planned));
        wrong.push(ValueError::at(path, what));
        return;
    }
    if let Shape::Nested(_, nested) = &spec.shape {
        match nested_pairs(prior, config, planned, &path) {
            Ok(pairs) => {
                for (path, prior, config, planned) in pairs {
                    planned_attributes(nested, prior, config, planned, &path, wrong);
                }
            }
            Err(what) => wrong.push(ValueError::at(path, what)),
        }
        return;
    }
    let (planned, config) = (show(spec, planned), show(spec, config));
    wrong.push(ValueError::at(path, format!("{planned} is planned, but the configuration says {config}")));
}

type Pair<'a> = (Path, &'a Value, &'a Value, &'a Value);

fn nested_pairs<'a>(
    prior: &'a Value,
    config: &'a Value,
    planned: &'a Value,
    at: &Path,
) -> Result<Vec<Pair<'a>>, &'static str> {
    static NULL: Value = Value::Null;
    Ok(match (config, planned) {
        (Value::Object(_), Value::Object(_)) => vec![(at.clone(), prior, config, planned)],
        (Value::List(configs), Value::List(items)) if configs.len() == items.len() => {
            let prior = |n: usize| match prior {
                Value::List(priors) => priors.get(n).unwrap_or(&NULL),
                _ => &NULL,
            };
            let pairs = configs.iter().zip(items).enumerate();
            pairs.map(|(n, (config, item))| (at.clone().index(n), prior(n), config, item)).collect()
        }
        (Value::Map(configs), Value::Map(items)) if configs.keys().eq(items.keys()) => {
            let prior = |key: &String| match prior {
                Value::Map(priors) => priors.get(key).unwrap_or(&NULL),
                _ => &NULL,
            };
            let pairs = configs.iter().zip(items.values());
            pairs.map(|((key, config), item)| (at.clone().key(key), prior(key), config, item)).collect()
        }
        // Elements of a set have no names to pair them by; Terraform trusts the provider here too.
        (Value::Set(configs), Value::Set(items)) if configs.len() == items.len() => Vec::new(),
        (Value::List(_) | Value::Map(_) | Value::Set(_), Value::List(_) | Value::Map(_) | Value::Set(_)) => {
            return Err("the plan has other elements than the configuration");
        }
        _ => return Err("a nested object is planned as a whole other than the configuration has it"),
    })
}

/// What was planned must come back, and what was unknown must now be known.
pub(crate) fn applied(attributes: &[AttributeSpec], planned: &Value, actual: &Value) -> Vec<ValueError> {
    let mut wrong = Vec::new();
    for spec in attributes {
        let (planned, actual) = (planned.attribute(spec.name), actual.attribute(spec.name));
        applied_value(spec, planned, actual, &Path::attribute(spec.name), &mut wrong);
    }
    wrong
}

fn applied_value(spec: &AttributeSpec, planned: &Value, actual: &Value, path: &Path, wrong: &mut Vec<ValueError>) {
    let mut differs = |what: String| wrong.push(ValueError::at(path.clone(), what));
    match (planned, actual) {
        (_, Value::Unknown(_)) => differs("the provider did not set it".to_owned()),
        (Value::Unknown(promise), actual) => {
            if actual.is_null() && promise.as_ref().is_some_and(|promise| promise.not_null) {
                differs("the provider promised a value and returned none".to_owned());
            }
        }
        (Value::List(planned), Value::List(actual)) if planned.len() == actual.len() => {
            for (n, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                applied_value(spec, planned, actual, &path.clone().index(n), wrong);
            }
        }
        (Value::Map(planned), Value::Map(actual)) if planned.keys().eq(actual.keys()) => {
            for ((key, planned), actual) in planned.iter().zip(actual.values()) {
                applied_value(spec, planned, actual, &path.clone().key(key), wrong);
            }
        }
        (Value::Object(planned), Value::Object(actual)) if planned.keys().eq(actual.keys()) => {
            for ((name, planned), actual) in planned.iter().zip(actual.values()) {
                applied_value(inner(spec, name), planned, actual, &path.clone().attr(name), wrong);
            }
        }
        (Value::Set(planned), Value::Set(actual)) if planned.len() == actual.len() => {
            let known_is_missing = planned.iter().any(|p| p.is_wholly_known() && !actual.contains(p));
            if known_is_missing {
                differs("elements of the set differ from what was planned".to_owned());
            }
        }
        (planned, actual) if alike(planned, actual) => {}
        (planned, actual) => differs(format!("{} was planned, {} came back", show(spec, planned), show(spec, actual))),
    }
}

/// The rules of a nested attribute; those of the outer one where there are none of its own.
fn inner<'a>(spec: &'a AttributeSpec, name: &str) -> &'a AttributeSpec {
    match &spec.shape {
        Shape::Nested(_, nested) if !spec.sensitive => nested.iter().find(|n| n.name == name).unwrap_or(spec),
        _ => spec,
    }
}

/// Equal, promises about unknown values aside.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Unknown(_), Value::Unknown(_)) => true,
        (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Map(a), Value::Map(b)) | (Value::Object(a), Value::Object(b)) => {
            a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| alike(a, b))
        }
        (a, b) => a == b,
    }
}

fn show(spec: &AttributeSpec, value: &Value) -> String {
    match value {
        Value::Unknown(_) => "an unknown value".to_owned(),
        _ if is_secret(spec) => "a sensitive value".to_owned(),
        value => to_json(value).to_string(),
    }
}

/// Whether something in it is not for everybody's eyes.
fn is_secret(spec: &AttributeSpec) -> bool {
    let inside = |nested: &[AttributeSpec]| nested.iter().any(is_secret);
    spec.sensitive || spec.write_only || matches!(&spec.shape, Shape::Nested(_, nested) if inside(nested))
}
