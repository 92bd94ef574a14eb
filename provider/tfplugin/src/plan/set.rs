//! Which element of a set is which. They have no names: what is said of them has to tell.

use crate::Value;
use std::cmp::Reverse;

/// For each planned element, the one of the configuration that it came from. Each comes from another, and one of which much is said is looked for before
/// one of which little is: else that would take the other's place.
pub(super) fn configured<'a>(configs: &'a [Value], items: &[Value]) -> Vec<Option<&'a Value>> {
    let mut by_words: Vec<&Value> = configs.iter().collect();
    by_words.sort_by_key(|config| Reverse(words(config)));
    let mut found = vec![None; items.len()];
    for config in by_words {
        let free = (0..items.len()).find(|n| found[*n].is_none() && agrees(config, &items[*n]));
        if let Some(n) = free {
            found[n] = Some(config);
        }
    }
    found
}

/// For each planned element, the one that it was before: everything of it that is known is the same. Of one whose configuration is not known yet nobody can
/// say which it was, and what is planned now must hold when it is.
pub(super) fn before<'a>(items: &[Value], configs: &[Option<&Value>], priors: &'a [Value]) -> Vec<Option<&'a Value>> {
    let mut free: Vec<&Value> = priors.iter().collect();
    let each = items.iter().zip(configs).map(|(item, config)| {
        config.filter(|config| config.is_wholly_known())?;
        let n = free.iter().position(|prior| is_known_of(item, prior))?;
        Some(free.remove(n))
    });
    each.collect()
}

/// Whether an element has everything that the configuration says of it; null says nothing.
fn agrees(config: &Value, element: &Value) -> bool {
    matches!(config, Value::Null) || alike(config, element, agrees)
}

/// Whether an element has everything that is known of the planned one.
fn is_known_of(planned: &Value, element: &Value) -> bool {
    alike(planned, element, is_known_of)
}

fn alike(one: &Value, other: &Value, part: fn(&Value, &Value) -> bool) -> bool {
    match (one, other) {
        (Value::Unknown(_), _) => true,
        (Value::Object(one), Value::Object(_)) => one.iter().all(|(name, value)| part(value, other.attribute(name))),
        (Value::Map(one), Value::Map(other)) => {
            one.keys().eq(other.keys()) && one.values().zip(other.values()).all(|(one, other)| part(one, other))
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| part(one, other))
        }
        (Value::Set(one), Value::Set(other)) => {
            one.len() == other.len() && one.iter().all(|one| other.iter().any(|other| part(one, other)))
        }
        (one, other) => one == other,
    }
}

/// How much is said.
fn words(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Object(parts) | Value::Map(parts) => parts.values().map(words).sum(),
        Value::List(parts) | Value::Set(parts) => parts.iter().map(words).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: &str, size: Value) -> Value {
        Value::Object([("label".to_owned(), Value::String(label.to_owned())), ("size".to_owned(), size)].into())
    }

    fn size(n: i64) -> Value {
        Value::Number(n.into())
    }

    #[test]
    fn each_element_comes_from_another_of_the_configuration() {
        let configs = [item("a", Value::Null), item("a", size(7))];
        let items = [item("a", size(1)), item("a", size(7))];
        assert_eq!(configured(&configs, &items), [Some(&configs[0]), Some(&configs[1])]);
        let proposed = [item("a", Value::Null), item("a", size(7))];
        assert_eq!(configured(&configs, &proposed), [Some(&configs[0]), Some(&configs[1])]);
        assert_eq!(configured(&configs, &[item("b", size(1))]), [None]);
    }

    #[test]
    fn an_object_inside_of_an_element_may_have_been_completed() {
        let inside = |part: Value| Value::Object([("part".to_owned(), part)].into());
        let configs = [inside(item("a", Value::Null))];
        assert_eq!(configured(&configs, &[inside(item("a", size(1)))]), [Some(&configs[0])]);
        assert_eq!(configured(&configs, &[inside(Value::Null)]), [None]);
    }

    #[test]
    fn an_element_was_before_what_is_known_of_it() {
        let priors = [item("a", size(1)), item("a", size(7))];
        let items = [item("a", Value::UNKNOWN), item("a", size(7)), item("b", Value::UNKNOWN)];
        let configs = [item("a", Value::Null), item("a", size(7)), item("b", Value::Null)];
        assert_eq!(before(&items, &configs.each_ref().map(Some), &priors), [Some(&priors[0]), Some(&priors[1]), None]);
        let open = Value::Object([("label".to_owned(), Value::UNKNOWN), ("size".to_owned(), Value::Null)].into());
        assert_eq!(before(std::slice::from_ref(&open), &[Some(&open)], &priors), [None]);
    }
}
