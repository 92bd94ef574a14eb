//! What means the same keeps the form that it was written in.

use super::{Number, Step, Value, ValueError};

/// Puts back what was written, where an author's type cannot tell it from what was found: a null that has a type, in an attribute of any type, is `None`
/// like every other; and a number of more digits than a float has is that float. Terraform holds both against the letter.
pub(crate) fn as_written(written: &Value, found: &mut Value) {
    match (written, found) {
        (Value::Dynamic(_, inner), found @ Value::Null) if inner.is_null() => *found = written.clone(),
        (Value::Dynamic(ty, written), Value::Dynamic(found_ty, found)) if ty == found_ty => as_written(written, found),
        (Value::Number(written), Value::Number(found))
            if written != found && *found == Number::from(written.as_f64()) =>
        {
            found.clone_from(written);
        }
        (Value::List(written), Value::List(found)) => {
            for (written, found) in written.iter().zip(found) {
                as_written(written, found);
            }
        }
        (Value::Map(written), Value::Map(found)) | (Value::Object(written), Value::Object(found)) => {
            for (key, found) in found {
                if let Some(written) = written.get(key) {
                    as_written(written, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether text that an author's type has read is written again as it was: what comes back from apply has to be, to the letter.
pub(crate) fn same_text(written: &Value, again: &Value) -> Result<(), ValueError> {
    let within = |step: Step, written: &Value, again: &Value| same_text(written, again).map_err(|e| e.within(step));
    match (written, again) {
        (Value::String(written), Value::String(again)) if written != again => {
            Err(ValueError::new(format!("`{again}` expected, which is how `{written}` is written here")))
        }
        (Value::List(written), Value::List(again)) => {
            let mut pairs = written.iter().zip(again).enumerate();
            pairs.try_for_each(|(n, (written, again))| within(Step::Index(n as u64), written, again))
        }
        (Value::Map(written), Value::Map(again)) => {
            let mut pairs = written.iter().filter_map(|(key, written)| Some((key, written, again.get(key)?)));
            pairs.try_for_each(|(key, written, again)| within(Step::Key(key.clone()), written, again))
        }
        (Value::Object(written), Value::Object(again)) => {
            let mut pairs = written.iter().filter_map(|(name, written)| Some((name, written, again.get(name)?)));
            pairs.try_for_each(|(name, written, again)| within(Step::Attribute(name.clone()), written, again))
        }
        // Sets are sorted, so an element that is written otherwise may stand elsewhere.
        (Value::Set(written), Value::Set(again)) => {
            let mut texts = written.iter().filter(|text| matches!(text, Value::String(_)) && !again.contains(text));
            let other = again.iter().find(|text| !written.contains(text));
            match (texts.next(), other) {
                (Some(written), Some(again)) => same_text(written, again),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    #[test]
    fn text_that_is_written_again_in_another_way_is_told_with_its_place() {
        let list = |text: &str| Value::Map([("a".to_owned(), Value::List(vec!["x".into(), text.into()]))].into());
        assert_eq!(same_text(&list("b"), &list("b")), Ok(()));
        let e = same_text(&list("B"), &list("b")).unwrap_err();
        assert_eq!(e.to_string(), "[\"a\"][1]: `b` expected, which is how `B` is written here");
        let set = |texts: &[&str]| Value::set(texts.iter().copied().map(Value::from).collect());
        assert_eq!(same_text(&set(&["b", "a"]), &set(&["a", "b"])), Ok(()));
        let e = same_text(&set(&["a", "C"]), &set(&["a", "c"])).unwrap_err();
        assert_eq!(e.to_string(), "`c` expected, which is how `C` is written here");
    }

    fn found(written: &Value, found: Value) -> Value {
        let mut found = found;
        as_written(written, &mut found);
        found
    }

    #[test]
    fn only_what_means_the_same_is_put_back() {
        let typed_null = Value::Dynamic(Box::new(Type::String), Box::new(Value::Null));
        let third: Number = "0.3333333333333333333333333".parse().unwrap();
        let third_as_float = Value::Number(Number::from(third.as_f64()));
        let written = Value::Object(
            [("any".to_owned(), typed_null), ("list".to_owned(), Value::List(vec![Value::Number(third)]))].into(),
        );
        let came_back = Value::Object(
            [("any".to_owned(), Value::Null), ("list".to_owned(), Value::List(vec![third_as_float]))].into(),
        );
        assert_eq!(found(&written, came_back), written);
        let another = Value::Object(
            [
                ("any".to_owned(), Value::Dynamic(Box::new(Type::Bool), Box::new(Value::Bool(true)))),
                ("list".to_owned(), Value::List(vec![Value::Number(0.33.into())])),
            ]
            .into(),
        );
        assert_eq!(found(&written, another.clone()), another);
        assert_eq!(found(&Value::Null, written.clone()), written);
    }
}
