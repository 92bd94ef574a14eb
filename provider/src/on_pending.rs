//! What an apply does with a request that a person has to decide.

use std::str::FromStr;

/// What an apply does with a request that a person has to decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnPending {
    /// Ends with a warning; a later plan or apply goes on.
    #[default]
    Return,
    /// Waits for the decision.
    Wait,
    /// Ends with an error.
    Fail,
}

impl FromStr for OnPending {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "return" => Ok(Self::Return),
            "wait" => Ok(Self::Wait),
            "fail" => Ok(Self::Fail),
            other => Err(format!("`return`, `wait` or `fail` expected, got `{other}`")),
        }
    }
}
