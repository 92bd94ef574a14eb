//! Promises about values that are not known yet.

use super::{Number, Value};

/// What is promised about an unknown value. Terraform holds a provider to the promise at apply.
///
/// ```
/// use tfplugin::{Value, value::Refinement};
/// let address = Refinement { not_null: true, prefix: Some("https://".to_owned()), ..Refinement::default() };
/// assert!(address.admits(&"https://shelf.example/7".into()));
/// assert!(!address.admits(&"ftp://shelf.example/7".into()));
/// assert!(!address.admits(&Value::Null));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refinement {
    /// The value will not be null.
    pub not_null: bool,
    /// The text will start so.
    pub prefix: Option<String>,
    /// Lower bound of a number, and whether the bound itself is allowed.
    pub min: Option<(Number, bool)>,
    /// Upper bound of a number, and whether the bound itself is allowed.
    pub max: Option<(Number, bool)>,
    /// Smallest number of elements.
    pub min_len: Option<u64>,
    /// Largest number of elements.
    pub max_len: Option<u64>,
}

impl Refinement {
    /// Whether a value keeps the promise. One that is still unknown may.
    #[must_use]
    pub fn admits(&self, value: &Value) -> bool {
        match value {
            Value::Null => !self.not_null,
            Value::String(text) => self.prefix.as_ref().is_none_or(|prefix| text.starts_with(prefix)),
            Value::Number(n) => {
                let above = |(min, inclusive): &(Number, bool)| n > min || *inclusive && n == min;
                let below = |(max, inclusive): &(Number, bool)| n < max || *inclusive && n == max;
                self.min.as_ref().is_none_or(above) && self.max.as_ref().is_none_or(below)
            }
            Value::List(items) => self.admits_len(items.len()),
            Value::Set(items) => {
                // What is not known yet in a set may turn out to be equal.
                let at_least =
                    items.iter().filter(|item| item.is_wholly_known()).count().max(usize::from(!items.is_empty()));
                self.admits_max(at_least) && self.admits_min(items.len())
            }
            Value::Map(items) => self.admits_len(items.len()),
            Value::Dynamic(_, inner) => self.admits(inner),
            Value::Unknown(_) | Value::Bool(_) | Value::Object(_) => true,
        }
    }

    fn admits_len(&self, len: usize) -> bool {
        self.admits_min(len) && self.admits_max(len)
    }

    fn admits_min(&self, len: usize) -> bool {
        self.min_len.is_none_or(|min| len as u64 >= min)
    }

    fn admits_max(&self, len: usize) -> bool {
        self.max_len.is_none_or(|max| len as u64 <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn bounds_are_inside_where_they_say_so() {
        let from_one_to_nine =
            Refinement { min: Some((n("1"), true)), max: Some((n("9"), false)), ..Refinement::default() };
        let admitted = |text: &str| from_one_to_nine.admits(&Value::Number(n(text)));
        assert_eq!(["0.9", "1", "8.9", "9"].map(admitted), [false, true, true, false]);
        assert!(from_one_to_nine.admits(&Value::Null), "not null was not promised");
        assert!(from_one_to_nine.admits(&Value::UNKNOWN));
    }

    #[test]
    fn elements_are_counted() {
        let two = Refinement { min_len: Some(2), max_len: Some(2), ..Refinement::default() };
        let list = |len: usize| Value::List(vec![Value::Bool(true); len]);
        assert_eq!([1, 2, 3].map(|len| two.admits(&list(len))), [false, true, false]);
        assert!(!two.admits(&Value::Map([("a".to_owned(), Value::Null)].into())));
        let open = Value::Set(vec![Value::UNKNOWN, Value::UNKNOWN, "a".into()]);
        assert!(two.admits(&open), "two of the three may turn out to be one");
    }
}
