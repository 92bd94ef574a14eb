use super::*;
use crate::plan::consistency;
use proptest::prelude::*;
use serde_json::json;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, b| hex + &format!("{b:02x}"))
}

#[test]
fn unknown_values_have_the_encoding_that_every_core_knows() {
    assert_eq!(hex(&encode(&Value::UNKNOWN, &Type::String).unwrap()), "d40000");
    let promised = encode(&Value::unknown_not_null(), &Type::String).unwrap();
    assert_eq!(hex(&promised), "c7030c8101c2");
    assert_eq!(decode(&promised, &Type::String).unwrap(), Value::unknown_not_null());
    // Any other extension is unknown too.
    assert_eq!(decode(&[0xd4, 99, 7], &Type::Bool).unwrap(), Value::UNKNOWN);
}

#[test]
fn numbers_of_every_encoding_are_read_exactly() {
    let read = |bytes: &[u8]| match decode(bytes, &Type::Number).unwrap() {
        Value::Number(n) => n.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&[0x07]), "7");
    assert_eq!(read(&[0xff]), "-1");
    assert_eq!(read(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "18446744073709551615");
    assert_eq!(read(&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), "1.5");
    let tenth = [&[0xcb][..], &0.1_f64.to_be_bytes()].concat();
    assert_eq!(read(&tenth), "0.1000000000000000055511151231257827021181583404541015625");
    assert_eq!(read(b"\xa30.1"), "0.1");
}

#[test]
fn numbers_compare_by_value() {
    let number = |text: &str| text.parse::<Number>().unwrap();
    let sorted = ["-1e3", "-2.5", "-0.1", "0", "0.001", "0.1", "1", "2.5", "9", "10", "1e30"].map(number);
    assert!(sorted.is_sorted());
    assert_eq!(number("1e3"), number("1000.000"));
    assert_eq!(number("-0"), number("0"));
    for wrong in ["", "-", ".5", "1x", "NaN", "inf", "1e99999"] {
        assert!(wrong.parse::<Number>().is_err(), "{wrong}");
    }
}

#[test]
fn errors_name_the_attribute() {
    let ty = Type::from_json(&json!(["object", {"config": ["map", ["list", "number"]]}])).unwrap();
    let list = Value::List(vec![Value::Number(1_i64.into()), Value::Bool(true)]);
    let value = Value::Object([("config".into(), Value::Map([("a.b".into(), list)].into()))].into());
    let e = encode(&value, &ty).unwrap_err();
    assert_eq!(e.to_string(), r#"config["a.b"][1]: a number expected, got a bool"#);

    let e = from_json(r#"{"config": {"x": [1, "two"]}}"#, &ty).unwrap_err();
    assert_eq!(e.to_string(), r#"config["x"][1]: a number expected"#);

    let strings = Type::from_json(&json!(["object", {"config": ["map", ["list", "string"]]}])).unwrap();
    let one = Value::Map([("k".into(), Value::List(vec!["x".into()]))].into());
    let bytes = encode(&Value::Object([("config".into(), one)].into()), &strings).unwrap();
    let e = decode(&bytes, &Type::from_json(&json!(["object", {"config": ["map", ["list", "bool"]]}])).unwrap())
        .unwrap_err();
    assert_eq!(e.to_string(), r#"config["k"][0]: a bool expected on the wire, got a string"#);
}

#[test]
fn what_the_schema_lacks_is_skipped_and_what_is_missing_is_null() {
    let ty = Type::from_json(&json!(["object", {"a": "string", "b": "string"}])).unwrap();
    let value = from_json(r#"{"b": "x", "old": [1, {}]}"#, &ty).unwrap();
    assert_eq!(value, Value::Object([("a".into(), Value::Null), ("b".into(), "x".into())].into()));
}

#[test]
fn json_keeps_digits_that_a_float_would_lose() {
    let value = from_json("123456789012345678901234567890.5", &Type::Number).unwrap();
    assert_eq!(value, Value::Number("123456789012345678901234567890.5".parse().unwrap()));
}

#[test]
fn json_of_an_old_state_keeps_its_digits_on_the_way_through_an_upgrade() {
    let old =
        r#"{"a": [1, 2.5, 123456789012345678901234567890.5], "b": {"c": 18446744073709551616}, "d": "x", "e": null}"#;
    let through = parse_exactly(old).unwrap();
    assert_eq!(through["a"], json!([1, 2.5, "123456789012345678901234567890.5"]));
    let ty = Type::from_json(&json!(["object", {
        "a": ["list", "number"], "b": ["map", "number"], "d": "string", "e": "bool",
    }]));
    let ty = ty.unwrap();
    assert_eq!(from_json(&through.to_string(), &ty).unwrap(), from_json(old, &ty).unwrap());
}

#[test]
fn sets_ignore_order_and_keep_unknown_elements_apart() {
    let [a, b] = ["a", "b"].map(Value::from);
    assert_eq!(Value::set(vec![b.clone(), a.clone(), b.clone()]), Value::set(vec![a, b]));
    assert_eq!(Value::set(vec![Value::UNKNOWN, Value::UNKNOWN]), Value::Set(vec![Value::UNKNOWN, Value::UNKNOWN]));
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String), Just(Type::Dynamic)];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Type::List),
            boxed.clone().prop_map(Type::Set),
            boxed.prop_map(Type::Map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(Type::Object),
        ]
    })
}

/// What a value can have: no constraint of anything.
fn known_types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String)];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Type::Set),
            boxed.prop_map(Type::Map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(Type::Object),
        ]
    })
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<i128>().prop_map(Number::from),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{0,20}[1-9])?".prop_map(|text| text.parse().unwrap()),
        any::<f64>().prop_map(Number::from),
    ]
}

fn refinements() -> impl Strategy<Value = Value> {
    (
        any::<bool>(),
        prop::option::of("[a-z]{0,4}"),
        prop::option::of((numbers(), any::<bool>())),
        prop::option::of((numbers(), any::<bool>())),
        prop::option::of(0..9_u64),
        prop::option::of(0..9_u64),
    )
        .prop_map(|(not_null, prefix, min, max, min_len, max_len)| {
            let known = Refinement { not_null, prefix, min, max, min_len, max_len };
            Value::Unknown((known != Refinement::default()).then(|| Box::new(known)))
        })
}

fn values(ty: &Type) -> BoxedStrategy<Value> {
    let known = match ty.clone() {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => numbers().prop_map(Value::Number).boxed(),
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::Dynamic => known_types()
            .prop_flat_map(|ty| {
                values(&ty).prop_map(move |value| Value::Dynamic(Box::new(ty.clone()), Box::new(value)))
            })
            .boxed(),
        Type::List(element) => prop::collection::vec(values(&element), 0..3).prop_map(Value::List).boxed(),
        Type::Set(element) => prop::collection::vec(values(&element), 0..3).prop_map(Value::set).boxed(),
        Type::Map(element) => {
            prop::collection::btree_map(any::<String>(), values(&element), 0..3).prop_map(Value::Map).boxed()
        }
        Type::Tuple(types) => types.iter().map(values).collect::<Vec<_>>().prop_map(Value::List).boxed(),
        Type::Object(types) => {
            let fields: Vec<_> =
                types.into_iter().map(|(name, ty)| values(&ty).prop_map(move |v| (name.clone(), v))).collect();
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())).boxed()
        }
    };
    prop_oneof![8 => known, 1 => Just(Value::Null), 1 => refinements()].boxed()
}

proptest! {
    #[test]
    fn every_value_survives_the_wire((ty, value) in types().prop_flat_map(|ty| { let v = values(&ty); (Just(ty), v) })) {
        prop_assert_eq!(Type::from_json(&ty.to_json()), Some(ty.clone()));
        let bytes = encode(&value, &ty).unwrap();
        prop_assert_eq!(decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn every_known_value_survives_json((ty, value) in types().prop_flat_map(|ty| { let v = values(&ty); (Just(ty), v) })) {
        let value = value.unknown_as_null();
        let text = to_json(&value).to_string();
        prop_assert_eq!(from_json(&text, &ty).unwrap(), value);
    }

    #[test]
    fn what_comes_back_as_it_was_planned_contradicts_nothing((ty, value) in types().prop_flat_map(|ty| { let v = values(&ty); (Just(ty), v) })) {
        let known = value.clone().unknown_as_null();
        prop_assert_eq!(consistency::applied(&known, &known), []);
        prop_assert_eq!(consistency::applied(&Value::UNKNOWN, &known), []);
        prop_assert_eq!(consistency::planned_again(&value, &value), [], "{:?}", ty);
    }

    #[test]
    fn a_promise_admits_what_it_was_made_of(n in numbers(), text in ".{0,9}", len in 0..4_usize) {
        let exact = Some((n.clone(), true));
        let number = Refinement { not_null: true, min: exact.clone(), max: exact, ..Refinement::default() };
        prop_assert!(number.admits(&Value::Number(n.clone())) && !number.admits(&Value::Null));
        let below = Refinement { max: Some((n.clone(), false)), ..Refinement::default() };
        prop_assert!(!below.admits(&Value::Number(n)));
        let head: String = text.chars().take(3).collect();
        let begins = Refinement { prefix: Some(head), ..Refinement::default() };
        prop_assert!(begins.admits(&Value::String(text)));
        let many = Some(len as u64);
        let list = Refinement { min_len: many, max_len: many, ..Refinement::default() };
        prop_assert!(list.admits(&Value::List(vec![Value::Null; len])) && !list.admits(&Value::List(vec![Value::Null; len + 1])));
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), ty in types()) {
        let _either = decode(&bytes, &ty);
    }

    #[test]
    fn numbers_print_what_they_parse(number in numbers(), other in numbers()) {
        prop_assert_eq!(number.to_string().parse::<Number>().unwrap(), number.clone());
        prop_assert_eq!(number.cmp(&other), other.cmp(&number).reverse());
        prop_assert_eq!(number == other, number.cmp(&other).is_eq());
    }
}
