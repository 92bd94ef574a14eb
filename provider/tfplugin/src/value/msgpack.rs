//! The `MessagePack` encoding of values, led by their type.

use super::{Number, Path, Refinement, Step, Type, Value, ValueError};
use rmpv::Value as Wire;
use std::collections::BTreeMap;

/// Extension code of an unknown value with refinements; every other code is an unknown value without.
const REFINED: i8 = 12;

/// Reads a value of the given type.
///
/// # Errors
/// Names the attribute whose encoding does not fit its type.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, ValueError> {
    let mut rest = bytes;
    let wire = rmpv::decode::read_value(&mut rest).map_err(|e| ValueError::new(format!("not MessagePack: {e}")))?;
    from_wire(wire, ty)
}

/// Writes a value of the given type.
///
/// # Errors
/// Names the attribute whose value does not fit its type.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, ValueError> {
    let mut bytes = Vec::new();
    let wire = to_wire(value, ty)?;
    rmpv::encode::write_value(&mut bytes, &wire).map_err(|e| ValueError::new(e.to_string()))?;
    Ok(bytes)
}

fn unfit<T>(what: &str, wire: &Wire) -> Result<T, ValueError> {
    let got = match wire {
        Wire::Nil => "nil",
        Wire::Boolean(_) => "a boolean",
        Wire::Integer(_) => "an integer",
        Wire::F32(_) | Wire::F64(_) => "a float",
        Wire::String(_) => "a string",
        Wire::Binary(_) => "bytes",
        Wire::Array(_) => "an array",
        Wire::Map(_) => "a map",
        Wire::Ext(..) => "an extension",
    };
    Err(ValueError::new(format!("{what} expected on the wire, got {got}")))
}

fn from_wire(wire: Wire, ty: &Type) -> Result<Value, ValueError> {
    match (wire, ty) {
        (Wire::Nil, _) => Ok(Value::Null),
        (Wire::Ext(code, payload), _) => Ok(Value::Unknown(refinement(code, &payload))),
        (Wire::Boolean(b), Type::Bool) => Ok(Value::Bool(b)),
        (wire, Type::Number) => number(&wire).map(Value::Number),
        (Wire::String(text), Type::String) => match text.into_str() {
            Some(text) => Ok(Value::String(text)),
            None => Err(ValueError::new("text is not UTF-8")),
        },
        (Wire::Array(items), Type::List(element)) => elements(items, |_| Some(element)).map(Value::List),
        (Wire::Array(items), Type::Set(element)) => elements(items, |_| Some(element)).map(Value::set),
        (Wire::Array(items), Type::Tuple(types)) if items.len() == types.len() => {
            elements(items, |n| types.get(n)).map(Value::List)
        }
        (Wire::Map(entries), Type::Map(element)) => {
            let each = entries.into_iter().map(|(key, wire)| {
                let key = text(key)?;
                let value = from_wire(wire, element).map_err(|e| e.within(Step::Key(key.clone())))?;
                Ok((key, value))
            });
            each.collect::<Result<_, _>>().map(Value::Map)
        }
        (Wire::Map(entries), Type::Object(types)) => object(entries, types),
        (Wire::Array(items), Type::Dynamic) => dynamic(items),
        (wire, ty) => unfit(&type_name(ty), &wire),
    }
}

fn elements<'a>(items: Vec<Wire>, ty: impl Fn(usize) -> Option<&'a Type>) -> Result<Vec<Value>, ValueError> {
    let each = items.into_iter().enumerate();
    each.map(|(n, wire)| {
        let ty = ty(n).ok_or_else(|| ValueError::new("more elements than the tuple has"))?;
        from_wire(wire, ty).map_err(|e| e.within(Step::Index(n as u64)))
    })
    .collect()
}

/// Attributes that the schema does not know are skipped, those that are missing are null.
fn object(entries: Vec<(Wire, Wire)>, types: &BTreeMap<String, Type>) -> Result<Value, ValueError> {
    let mut attributes: BTreeMap<_, _> = types.keys().map(|name| (name.clone(), Value::Null)).collect();
    for (key, wire) in entries {
        let name = text(key)?;
        if let Some(ty) = types.get(&name) {
            let value = from_wire(wire, ty).map_err(|e| e.within(Step::Attribute(name.clone())))?;
            attributes.insert(name, value);
        }
    }
    Ok(Value::Object(attributes))
}

fn dynamic(items: Vec<Wire>) -> Result<Value, ValueError> {
    let mut items = items.into_iter();
    let (Some(ty), Some(wire), None) = (items.next(), items.next(), items.next()) else {
        return Err(ValueError::new("a dynamic value is a pair of type and value"));
    };
    let ty = ty
        .as_slice()
        .or_else(|| ty.as_str().map(str::as_bytes))
        .and_then(|json| Type::from_json(&serde_json::from_slice(json).ok()?))
        .ok_or_else(|| ValueError::new("a dynamic value starts with its type"))?;
    let value = from_wire(wire, &ty)?;
    Ok(Value::Dynamic(Box::new(ty), Box::new(value)))
}

fn text(key: Wire) -> Result<String, ValueError> {
    match key {
        Wire::String(text) => text.into_str().ok_or_else(|| ValueError::new("a key is not UTF-8")),
        other => unfit("a string as key", &other),
    }
}

fn number(wire: &Wire) -> Result<Number, ValueError> {
    let number = match wire {
        Wire::Integer(n) => n.as_i64().map(Number::from).or_else(|| n.as_u64().map(|n| i128::from(n).into())),
        Wire::F32(n) => Number::from_wire(f64::from(*n)),
        Wire::F64(n) => Number::from_wire(*n),
        Wire::String(text) => text.as_str().and_then(|text| text.parse().ok()),
        other => return unfit("a number", other),
    };
    number.ok_or_else(|| ValueError::new(format!("{wire} is not a number that Terraform could hold")))
}

fn refinement(code: i8, payload: &[u8]) -> Option<Box<Refinement>> {
    if code != REFINED {
        return None;
    }
    let Ok(Wire::Map(entries)) = rmpv::decode::read_value(&mut &*payload) else {
        return None;
    };
    let bound = |wire: &Wire| match wire.as_array()?.as_slice() {
        [n, inclusive] => Some((number(n).ok()?, inclusive.as_bool()?)),
        _ => None,
    };
    let mut known = Refinement::default();
    for (key, wire) in &entries {
        match key.as_u64() {
            Some(1) => known.not_null = wire.as_bool() == Some(false),
            Some(2) => known.prefix = wire.as_str().map(str::to_owned),
            Some(3) => known.min = bound(wire),
            Some(4) => known.max = bound(wire),
            Some(5) => known.min_len = wire.as_u64(),
            Some(6) => known.max_len = wire.as_u64(),
            _ => {}
        }
    }
    (known != Refinement::default()).then(|| Box::new(known))
}

fn to_wire(value: &Value, ty: &Type) -> Result<Wire, ValueError> {
    Ok(match (value, ty) {
        (Value::Null, _) => Wire::Nil,
        (Value::Unknown(refinement), _) => unknown_to_wire(refinement.as_deref())?,
        (Value::Dynamic(own, inner), Type::Dynamic) => {
            let constraint = own.to_json().to_string().into_bytes();
            Wire::Array(vec![Wire::Binary(constraint), to_wire(inner, own)?])
        }
        (Value::Bool(b), Type::Bool) => Wire::Boolean(*b),
        (Value::Number(n), Type::Number) => number_to_wire(n),
        (Value::String(text), Type::String) => text.as_str().into(),
        (Value::List(items), Type::List(element)) | (Value::Set(items), Type::Set(element)) => {
            Wire::Array(elements_to_wire(items, std::iter::repeat(&**element))?)
        }
        (Value::List(items), Type::Tuple(types)) if items.len() == types.len() => {
            Wire::Array(elements_to_wire(items, types.iter())?)
        }
        (Value::Map(items), Type::Map(element)) => {
            let each = items.iter().map(|(key, value)| {
                let wire = to_wire(value, element).map_err(|e| e.within(Step::Key(key.clone())))?;
                Ok((key.as_str().into(), wire))
            });
            Wire::Map(each.collect::<Result<_, ValueError>>()?)
        }
        (Value::Object(attributes), Type::Object(types)) => {
            if let Some(name) = attributes.keys().find(|name| !types.contains_key(*name)) {
                return Err(ValueError::at(Path::attribute(name), "the schema has no such attribute"));
            }
            let each = types.iter().map(|(name, ty)| {
                let value = attributes.get(name).unwrap_or(&Value::Null);
                let wire = to_wire(value, ty).map_err(|e| e.within(Step::Attribute(name.clone())))?;
                Ok((name.as_str().into(), wire))
            });
            Wire::Map(each.collect::<Result<_, ValueError>>()?)
        }
        (value, ty) => {
            return Err(ValueError::new(format!("{} expected, got {}", type_name(ty), value.kind())));
        }
    })
}

fn elements_to_wire<'a>(items: &[Value], types: impl Iterator<Item = &'a Type>) -> Result<Vec<Wire>, ValueError> {
    let each = items.iter().zip(types).enumerate();
    each.map(|(n, (value, ty))| to_wire(value, ty).map_err(|e| e.within(Step::Index(n as u64)))).collect()
}

/// Always as decimal text, which loses nothing. An integer would be shorter, but Terraform 1.11 then holds the number
/// with fewer bits than the one it reads from the state file, and `plan -refresh-only` finds a difference where none is.
fn number_to_wire(number: &Number) -> Wire {
    number.to_string().into()
}

fn unknown_to_wire(refinement: Option<&Refinement>) -> Result<Wire, ValueError> {
    let mut entries: Vec<(Wire, Wire)> = Vec::new();
    if let Some(known) = refinement {
        let bound = |(n, inclusive): &(Number, bool)| Wire::Array(vec![number_to_wire(n), (*inclusive).into()]);
        let promises = [
            known.not_null.then_some(Wire::Boolean(false)),
            known.prefix.as_deref().map(Wire::from),
            known.min.as_ref().map(bound),
            known.max.as_ref().map(bound),
            known.min_len.map(Wire::from),
            known.max_len.map(Wire::from),
        ];
        let numbered = (1_u64..).zip(promises);
        entries.extend(numbered.filter_map(|(key, promise)| Some((key.into(), promise?))));
    }
    if entries.is_empty() {
        return Ok(Wire::Ext(0, vec![0]));
    }
    let mut payload = Vec::new();
    rmpv::encode::write_value(&mut payload, &Wire::Map(entries)).map_err(|e| ValueError::new(e.to_string()))?;
    Ok(Wire::Ext(REFINED, payload))
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "a bool".into(),
        Type::Number => "a number".into(),
        Type::String => "a string".into(),
        Type::Dynamic => "a value with its type".into(),
        Type::List(_) => "a list".into(),
        Type::Set(_) => "a set".into(),
        Type::Map(_) => "a map".into(),
        Type::Tuple(types) => format!("a tuple of {}", types.len()),
        Type::Object(_) => "an object".into(),
    }
}
