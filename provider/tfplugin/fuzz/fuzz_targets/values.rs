//! Whatever bytes come for a value: no panic, and what is understood comes back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::str;
use tfplugin::value::{Number, Type, decode, encode, from_json, to_json};

fuzz_target!(|data: &[u8]| {
    let Some((ty, rest)) = ty(data, 3) else { return };
    if let Ok(value) = decode(rest, &ty) {
        let bytes = encode(&value, &ty).expect("what was decoded can be encoded");
        assert_eq!(decode(&bytes, &ty).expect("what was encoded can be decoded"), value);
    }
    let Ok(text) = str::from_utf8(rest) else { return };
    if let Ok(value) = from_json(text, &ty) {
        let again = from_json(&to_json(&value).to_string(), &ty);
        assert_eq!(again.expect("what was written as JSON can be read"), value);
    }
    if let Ok(number) = text.parse::<Number>() {
        assert_eq!(number.to_string().parse::<Number>().expect("a number prints as one"), number);
    }
});

/// The type that the first bytes spell, and what follows them: a schema says it, not the value.
fn ty(data: &[u8], depth: u8) -> Option<(Type, &[u8])> {
    let (first, mut rest) = data.split_first()?;
    if depth == 0 {
        let leaf = [Type::Bool, Type::Number, Type::String, Type::Dynamic][usize::from(first % 4)].clone();
        return Some((leaf, rest));
    }
    let mut inner = || {
        let (ty, left) = ty(rest, depth - 1)?;
        rest = left;
        Some(ty)
    };
    let ty = match first % 9 {
        0 => Type::Bool,
        1 => Type::Number,
        2 => Type::String,
        3 => Type::Dynamic,
        4 => Type::List(Box::new(inner()?)),
        5 => Type::Map(Box::new(inner()?)),
        6 => Type::Tuple(vec![inner()?, inner()?]),
        7 => Type::Object([("a".to_owned(), inner()?), ("b".to_owned(), inner()?)].into()),
        // No set holds values of dynamic type: schemas with one are refused.
        _ => Type::Set(Box::new(inner().filter(|ty| !ty.has_dynamic())?)),
    };
    Some((ty, rest))
}
