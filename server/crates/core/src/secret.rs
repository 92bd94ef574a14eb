//! A secret that cannot be printed, logged or serialized by accident.

use std::fmt;

/// A password, key or token. `Debug` hides it, there is no `Display` and no `Serialize`: to read it, a caller must write [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be seen.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself, for the one place that sends or encrypts it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_hides_it() {
        assert_eq!(format!("{:?}", super::Secret::new("s3cret")), "[hidden]");
    }
}
