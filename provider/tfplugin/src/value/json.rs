//! The JSON encoding of values: state files, and the second form of the wire. It cannot express unknown values.

use super::{Step, Type, Value, ValueError};
use serde_json::{Value as Json, value::RawValue};
use std::collections::BTreeMap;

type RawObject<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a value of the given type. Numbers keep every digit; attributes that the type lacks are skipped, missing ones
/// are null.
///
/// # Errors
/// Names the attribute whose encoding does not fit its type.
pub fn from_json(text: &str, ty: &Type) -> Result<Value, ValueError> {
    let text = text.trim();
    if text == "null" {
        return Ok(Value::Null);
    }
    match ty {
        Type::Bool => parse(text).map(Value::Bool),
        Type::Number => {
            // Terraform writes numbers that JSON readers might mangle as strings.
            let digits = text.trim_matches('"');
            digits.parse().map(Value::Number).map_err(|_| ValueError::new("a number expected"))
        }
        Type::String => match parse::<Json>(text)? {
            Json::String(text) => Ok(Value::String(text)),
            Json::Bool(_) | Json::Number(_) => Ok(Value::String(text.to_owned())),
            _ => Err(ValueError::new("a string expected")),
        },
        Type::List(element) => elements(text, std::iter::repeat(&**element)).map(Value::List),
        Type::Set(element) => elements(text, std::iter::repeat(&**element)).map(Value::set),
        Type::Tuple(types) => elements(text, types.iter()).map(Value::List),
        Type::Map(element) => {
            let each = parse::<RawObject<'_>>(text)?.into_iter().map(|(key, raw)| {
                let value = from_json(raw.get(), element).map_err(|e| e.within(Step::Key(key.clone())))?;
                Ok((key, value))
            });
            each.collect::<Result<_, _>>().map(Value::Map)
        }
        Type::Object(types) => {
            let raw = parse::<RawObject<'_>>(text)?;
            let each = types.iter().map(|(name, ty)| {
                let value = raw.get(name).map_or(Ok(Value::Null), |raw| from_json(raw.get(), ty));
                Ok((name.clone(), value.map_err(|e| e.within(Step::Attribute(name.clone())))?))
            });
            each.collect::<Result<_, _>>().map(Value::Object)
        }
        Type::Dynamic => {
            let raw = parse::<RawObject<'_>>(text)?;
            let (Some(ty), Some(value)) = (raw.get("type"), raw.get("value")) else {
                return Err(ValueError::new("a dynamic value has a type and a value"));
            };
            let ty = Type::from_json(&parse(ty.get())?).ok_or_else(|| ValueError::new("no type of Terraform's"))?;
            let value = from_json(value.get(), &ty)?;
            Ok(Value::Dynamic(Box::new(ty), Box::new(value)))
        }
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, ValueError> {
    // Not in serde's words, which quote the value: it may be a secret.
    serde_json::from_str(text).map_err(|e| {
        let what = if e.is_data() { "JSON of another kind than its type" } else { "no JSON" };
        ValueError::new(format!("unexpected JSON: {what}, at line {} column {}", e.line(), e.column()))
    })
}

/// Reads JSON without losing a digit: a number beyond 64 bits becomes a string, as which [`from_json`] reads it again.
pub(crate) fn parse_exactly(text: &str) -> Result<Json, ValueError> {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let each = parse::<RawObject<'_>>(text)?.into_iter();
            each.map(|(key, raw)| Ok((key, parse_exactly(raw.get())?))).collect::<Result<_, _>>().map(Json::Object)
        }
        Some(b'[') => {
            let each = parse::<Vec<&RawValue>>(text)?.into_iter();
            each.map(|raw| parse_exactly(raw.get())).collect::<Result<_, _>>().map(Json::Array)
        }
        Some(b'-' | b'0'..=b'9') => from_json(text, &Type::Number).map(|number| to_json(&number)),
        _ => parse(text),
    }
}

fn elements<'a>(text: &str, types: impl Iterator<Item = &'a Type>) -> Result<Vec<Value>, ValueError> {
    let items = parse::<Vec<&RawValue>>(text)?;
    let each = items.into_iter().zip(types).enumerate();
    each.map(|(n, (raw, ty))| from_json(raw.get(), ty).map_err(|e| e.within(Step::Index(n as u64)))).collect()
}

/// The value as JSON, for state upgrades and tests. Unknown values become null; numbers beyond 64 bits become strings.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown(_) => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, float) if super::Number::from(float) == *n => float.into(),
            (None, _) => n.to_string().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::List(items) | Value::Set(items) => items.iter().map(to_json).collect(),
        Value::Map(items) | Value::Object(items) => {
            Json::Object(items.iter().map(|(k, v)| (k.clone(), to_json(v))).collect())
        }
        Value::Dynamic(ty, inner) => serde_json::json!({ "type": ty.to_json(), "value": to_json(inner) }),
    }
}
