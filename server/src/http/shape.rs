//! The shape of a body: every field of a wrong type, missing or unknown is told at once, where serde stops at the first.

use orbit_api::FieldProblem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads a body and tells every field of a wrong type, missing or unknown, not only the first: what is wrong is told and mended, and the rest is
/// read again. Answers the body, mended, with what was wrong; or only that, where it cannot be mended. Bounded by the number of rounds.
pub(crate) fn shape<T: DeserializeOwned + Serialize>(
    mut body: Value,
) -> Result<(T, Vec<FieldProblem>), Vec<FieldProblem>> {
    const ROUNDS: usize = 100;
    // serde would take a list for an object's fields in their order.
    if !body.is_object() {
        return Err(vec![told("", "invalid type: no object, expected an object")]);
    }
    let mut wrong: Vec<FieldProblem> = Vec::new();
    for _ in 0..ROUNDS {
        let error = match serde_path_to_error::deserialize::<_, T>(&body) {
            Ok(read) => match list_for_object(&body, &serde_json::to_value(&read).unwrap_or_default(), "") {
                None => return Ok((read, wrong)),
                Some(at) => {
                    wrong.push(told(&at, "invalid type: sequence, expected struct "));
                    if !take_out(&mut body, &at) {
                        return Err(wrong);
                    }
                    continue;
                }
            },
            Err(error) => error,
        };
        let (mut path, text) = (pointer(error.path()), error.inner().to_string());
        let missing = missing(&text);
        if let Some(name) = missing {
            path = format!("{path}/{name}");
        }
        // What stands in for something is not the caller's.
        let within =
            |told: &FieldProblem| path.strip_prefix(&told.pointer).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        if !wrong.iter().any(within) {
            wrong.push(told(&path, &text));
        }
        let mended = if missing.is_some() || is_of_a_list(&body, &path) {
            stand_in::<T>(&mut body, &path)
        } else {
            take_out(&mut body, &path)
        };
        if !mended {
            return Err(wrong);
        }
    }
    Err(wrong)
}

/// Where a list stands for an object: serde takes one for the fields in their order, and what was read of it, written again, is an object.
fn list_for_object(given: &Value, read: &Value, at: &str) -> Option<String> {
    let deeper = |part: &str, given, read| {
        list_for_object(given, read, &format!("{at}/{}", part.replace('~', "~0").replace('/', "~1")))
    };
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => Some(at.to_owned()),
        (Value::Array(given), Value::Array(read)) => {
            given.iter().zip(read).enumerate().find_map(|(n, (given, read))| deeper(&n.to_string(), given, read))
        }
        (Value::Object(given), Value::Object(read)) => {
            given.iter().find_map(|(name, given)| deeper(name, given, read.get(name)?))
        }
        _ => None,
    }
}

/// serde's words name Rust types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative, and not too large",
        "i8" | "i16" | "i32" | "i64" => "a whole number that is not too large",
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "" => "another value",
        other if other.starts_with("struct ") || other.starts_with("a map") => "an object",
        other => other,
    }
}

/// The field that serde misses.
pub(super) fn missing(text: &str) -> Option<&str> {
    text.strip_prefix("missing field `").and_then(|t| t.split('`').next())
}

/// Whether a pointer leads to an item of a list: to take it out would move those behind it.
fn is_of_a_list(body: &Value, pointer: &str) -> bool {
    pointer.rsplit_once('/').is_some_and(|(parent, _)| body.pointer(parent).is_some_and(Value::is_array))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// What is wrong, in JSON's words. What was given is not told back: it may be a secret in the wrong place.
pub(super) fn told(pointer: &str, text: &str) -> FieldProblem {
    let text = text.split(" at line ").next().unwrap_or(text);
    let expected = text.rsplit_once("expected ").map_or("", |(_, expected)| expected).replace('`', "");
    let (code, detail, remedy) = if text.starts_with("missing field") {
        ("missing", "is missing".to_owned(), "give it".to_owned())
    } else if text.starts_with("unknown field") {
        let known = expected.trim_start_matches("one of ");
        ("unknown-field", "is no field that Orbit knows".to_owned(), format!("take it out; known are: {known}"))
    } else if text.starts_with("unknown variant") {
        let words = expected.trim_start_matches("one of ");
        ("type", format!("is none of: {words}"), "give one of them".to_owned())
    } else {
        let kind = in_words(&expected);
        ("type", format!("is of another type: {kind} is expected"), format!("give {kind}"))
    };
    FieldProblem {
        pointer: if pointer.is_empty() { "/".to_owned() } else { pointer.to_owned() },
        code: code.to_owned(),
        detail,
        limit: None,
        value: None,
        remedy: Some(remedy),
        rule: None,
    }
}

/// Takes a field out, so that the rest can be read.
fn take_out(body: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(&name).is_some(),
        _ => false,
    }
}

/// Puts something of the right type where a field is missing or an item of a list is wrong, so that the rest can be read. What it is does not matter:
/// the body is refused anyhow.
fn stand_in<T: DeserializeOwned>(body: &mut Value, pointer: &str) -> bool {
    let mut tries = vec![
        Value::Object(serde_json::Map::new()),
        Value::Array(vec![]),
        Value::from(false),
        Value::from(0),
        Value::from(""),
    ];
    while let Some(value) = tries.pop() {
        let is_object = value.is_object();
        if !put(body, pointer, value) {
            return false;
        }
        let Err(error) = serde_path_to_error::deserialize::<_, T>(&*body) else { return true };
        let (at, text) = (self::pointer(error.path()), error.inner().to_string());
        // A text that is none of the words of an enum: the error names them.
        if at == pointer && text.starts_with("unknown variant `") {
            let word = text.split_once("expected ").and_then(|(_, words)| words.split('`').nth(1));
            tries.extend(word.map(Value::from));
        } else if !at.starts_with(pointer) || (is_object && missing(&text).is_some()) {
            return true;
        }
    }
    take_out(body, pointer)
}

/// Puts a value where a pointer leads: a field, or an item that is there.
fn put(body: &mut Value, pointer: &str, value: Value) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.insert(name.replace("~1", "/").replace("~0", "~"), value)),
        Some(Value::Array(items)) => match name.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
            Some(item) => *item = value,
            None => return false,
        },
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use orbit_api::TopicCreate;
    use serde_json::json;

    fn wrong(body: Value) -> Vec<(String, String)> {
        shape::<TopicCreate>(body)
            .map_or_else(|wrong| wrong, |(_, wrong)| wrong)
            .into_iter()
            .map(|f| (f.pointer, f.code))
            .collect()
    }

    #[test]
    fn a_field_that_has_to_be_there_and_is_of_another_type_is_told_once() {
        let body = json!({ "workspace": 7, "environment": "e", "name": ["n"], "tags": [1, "a", 2] });
        let due = [("/workspace", "type"), ("/name", "type"), ("/tags/0", "type"), ("/tags/2", "type")];
        let mut due = due.map(|(p, c)| (p.to_owned(), c.to_owned())).to_vec();
        let mut told = wrong(body);
        due.sort();
        told.sort();
        assert_eq!(told, due);
    }

    #[test]
    fn a_list_is_no_object_however_deep_it_stands() {
        let draft = json!({ "name": "p", "scope": "platform", "retention_limits": [1, 2], "quorum": "many" });
        let told = shape::<orbit_api::TopicPolicyBacktest>(json!({ "draft": draft })).unwrap().1;
        let told: Vec<_> = told.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
        let due = [
            ("/draft/quorum", "is of another type: a whole number that is not negative, and not too large is expected"),
            ("/draft/retention_limits", "is of another type: an object is expected"),
        ];
        assert_eq!(told, due);
        let item = json!(["create", { "workspace": "w", "environment": "e", "name": "n" }]);
        let told = shape::<orbit_api::TopicEvaluate>(json!({ "items": [item] })).unwrap_err();
        assert_eq!(told[0].pointer, "/items/0");
    }

    #[test]
    fn what_is_missing_in_an_item_does_not_hide_the_others() {
        let item = json!({ "action": "shred", "topic": { "workspace": "w" } });
        let (_, told) = shape::<orbit_api::TopicEvaluate>(json!({ "items": [item, 7], "more": 1 })).unwrap();
        let mut told: Vec<_> = told.into_iter().map(|f| f.pointer).collect();
        told.sort();
        let due = ["/items/0/action", "/items/0/topic/environment", "/items/0/topic/name", "/items/1", "/more"];
        assert_eq!(told, due);
    }

    #[test]
    fn every_field_of_a_wrong_shape_is_told_at_once() {
        let body = json!({ "workspace": "w", "partitions": "six", "colour": "blue", "config": { "a": 1 }, "cleanup_policy": "shred" });
        let mut told = wrong(body);
        told.sort();
        let due = [
            ("/cleanup_policy", "type"),
            ("/colour", "unknown-field"),
            ("/config/a", "type"),
            ("/environment", "missing"),
            ("/name", "missing"),
            ("/partitions", "type"),
        ];
        assert_eq!(told, due.map(|(p, c)| (p.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_body_that_is_no_object_is_told_once() {
        assert_eq!(wrong(json!([1, 2])).len(), 1);
        assert_eq!(wrong(json!("x")).len(), 1);
    }
}
