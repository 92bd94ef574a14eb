//! JSON in a string attribute.

use super::{AttributeType, Type, Value, ValueError, convert::unfit, parse_exactly};
use crate::schema::Shape;
use serde_json::Value as Json;
use std::{fmt, str::FromStr};

/// JSON as text, such as a schema or a policy, which is the same however it is written: blanks, the order of keys and the
/// spelling of numbers are no difference, neither to a plan nor when a server gives it back in its own way. What is stored
/// is what the user wrote. In a collection every spelling is a value of its own.
///
/// ```
/// use tfplugin::JsonText;
/// let one: JsonText = r#"{"type": "record", "fields": []}"#.parse()?;
/// assert_eq!(one, r#"{ "fields":[], "type":"record" }"#.parse()?);
/// assert_eq!(one.get()["type"], "record");
/// assert_eq!(one.to_string(), r#"{"type": "record", "fields": []}"#);
/// # Ok::<(), tfplugin::ValueError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonText {
    text: String,
    json: Json,
}

impl JsonText {
    /// What it says. A number beyond 64 bits is a string in it.
    #[must_use]
    pub const fn get(&self) -> &Json {
        &self.json
    }
}

impl From<Json> for JsonText {
    fn from(json: Json) -> Self {
        Self { text: json.to_string(), json }
    }
}

impl FromStr for JsonText {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let json = parse_exactly(text).map_err(|e| ValueError::new(format!("JSON expected: {}", e.what)))?;
        Ok(Self { text: text.to_owned(), json })
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl AttributeType for JsonText {
    type Known = Self;
    const MEANS_THE_SAME: Option<fn(&str, &str) -> bool> = Some(means_the_same);
    fn shape() -> Shape {
        Shape::Type(Type::String)
    }
    fn from_value(value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::String(text) => text.parse(),
            other => unfit("JSON", other),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.text.clone())
    }
}

fn means_the_same(one: &str, other: &str) -> bool {
    matches!((parse_exactly(one), parse_exactly(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_the_same_means_the_same() {
        assert!(means_the_same(r#"{"a": [1, 2.50], "b": null}"#, r#"{"b":null,"a":[1,2.5]}"#));
        for other in [r#"{"a": [2.5, 1], "b": null}"#, r#"{"a": [1, 2.5]}"#, "{", ""] {
            assert!(!means_the_same(r#"{"a": [1, 2.5], "b": null}"#, other), "{other}");
        }
        assert!(!means_the_same("12345678901234567890123", "12345678901234567890124"));
    }

    #[test]
    fn what_is_no_json_is_told_without_being_shown() {
        let e = "{\"password\": hush}".parse::<JsonText>().unwrap_err();
        assert!(e.what.starts_with("JSON expected: ") && !e.what.contains("hush"), "{e}");
    }
}
