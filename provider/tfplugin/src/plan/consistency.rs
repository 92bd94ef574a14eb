//! What Terraform demands of a plan and of the result of an apply. Terraform blames the provider in words for its
//! developers; found here first, the message names the attribute.

use crate::{
    Diagnostic, Path, Value, ValueError,
    schema::{AttributeSpec, Shape},
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
        let (prior, config, planned) =
            (prior.attribute(spec.name), config.attribute(spec.name), planned.attribute(spec.name));
        planned_attribute(spec, prior, config, planned, at.clone().attr(spec.name), wrong);
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
        let what = format!("{} is planned for an attribute that is not computed", kind(planned));
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
    let what = match (kind(planned), kind(config)) {
        (planned, config) if planned == config => format!("{planned} is planned, but the configuration has another"),
        (planned, config) => format!("{planned} is planned, but the configuration has {config}"),
    };
    wrong.push(ValueError::at(path, what));
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
pub(crate) fn applied(planned: &Value, actual: &Value) -> Vec<ValueError> {
    Comparison::of(planned, actual, true)
}

/// What the first plan knew the second one must say again, and what it promised the second one must keep to.
pub(crate) fn planned_again(first: &Value, second: &Value) -> Vec<ValueError> {
    Comparison::of(first, second, false)
}

struct Comparison {
    /// Whether nothing may be unknown any more.
    is_last: bool,
    wrong: Vec<ValueError>,
}

impl Comparison {
    fn of(planned: &Value, actual: &Value, is_last: bool) -> Vec<ValueError> {
        let mut comparison = Self { is_last, wrong: Vec::new() };
        comparison.go_on(planned, actual, &Path::root());
        comparison.wrong
    }

    fn differs(&mut self, path: &Path, what: impl Into<String>) {
        self.wrong.push(ValueError::at(path.clone(), what));
    }

    fn go_on(&mut self, planned: &Value, actual: &Value, path: &Path) {
        match (planned, actual) {
            (_, Value::Unknown(_)) if self.is_last => self.differs(path, "the provider did not set it"),
            (Value::Unknown(promise), actual) => {
                if promise.as_ref().is_some_and(|promise| !promise.admits(actual)) {
                    self.differs(path, format!("{} came back, and the plan promised what it is not", kind(actual)));
                }
            }
            (Value::List(planned), Value::List(actual)) if planned.len() == actual.len() => {
                for (n, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                    self.go_on(planned, actual, &path.clone().index(n));
                }
            }
            (Value::Map(planned), Value::Map(actual)) if planned.keys().eq(actual.keys()) => {
                for ((key, planned), actual) in planned.iter().zip(actual.values()) {
                    self.go_on(planned, actual, &path.clone().key(key));
                }
            }
            (Value::Object(planned), Value::Object(actual)) if planned.keys().eq(actual.keys()) => {
                for ((name, planned), actual) in planned.iter().zip(actual.values()) {
                    self.go_on(planned, actual, &path.clone().attr(name));
                }
            }
            (Value::Set(planned), Value::Set(actual))
                if planned == actual && actual.iter().all(Value::is_wholly_known) => {}
            (Value::Set(planned), Value::Set(actual)) => {
                // Elements have no names: each has to be what some planned one may have become, and what has become equal is one.
                let becomes = |planned: &Value, actual: &Value| Self::of(planned, actual, self.is_last).is_empty();
                let is_there = |planned| actual.iter().any(|actual| becomes(planned, actual));
                let is_planned = |actual| planned.iter().any(|planned| becomes(planned, actual));
                let fits =
                    actual.len() <= planned.len() && planned.iter().all(is_there) && actual.iter().all(is_planned);
                if !fits {
                    self.differs(path, "elements of the set differ from what was planned");
                }
            }
            (Value::Dynamic(ty, planned), Value::Dynamic(actual_ty, actual)) if ty == actual_ty => {
                self.go_on(planned, actual, path);
            }
            (planned, actual) if planned == actual => {}
            (planned, actual) => self.differs(
                path,
                match (kind(planned), kind(actual)) {
                    (planned, actual) if planned == actual => format!("{planned} was planned, another came back"),
                    (planned, actual) => format!("{planned} was planned, {actual} came back"),
                },
            ),
        }
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

/// What kind of value it is, and never the value itself: the user may have marked it as sensitive, which a provider is not told.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "no value",
        value => value.kind(),
    }
}
