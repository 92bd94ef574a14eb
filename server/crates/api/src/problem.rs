//! Problems: what went wrong, in a form for people and one for programs (RFC 9457, `application/problem+json`).

use crate::wire;
use std::fmt;

wire! {
    /// What went wrong. `code` is stable; every code has a section in the error reference that `type` leads to.
    struct Problem {
        /// Where the error reference explains the code.
        #[serde(rename = "type")]
        pub type_uri: String,
        /// The code's short name, the same at each occurrence.
        pub title: String,
        /// The HTTP status.
        pub status: u16,
        /// Stable code, for example `policy.denied`.
        pub code: String,
        /// What happened this time, for a person.
        pub detail: String,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub remedy: Option<String>,
        /// What is wrong with which field: all of them, not only the first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<FieldProblem>,
        /// The request that stands in the way, or that was decided before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request: Option<crate::RequestSummary>,
        /// The id of this HTTP exchange: the server's log has the details under it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_id: Option<String>,
    }
}

wire! {
    /// What is wrong with one field.
    struct FieldProblem {
        /// JSON pointer into the body (RFC 6901), or the query parameter's name.
        pub pointer: String,
        /// Stable code, for example `topic.partitions.limit`.
        pub code: String,
        /// What is wrong, for a person.
        pub detail: String,
        /// The limit, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<String>,
        /// The value that was given, where it helps and is not secret.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub remedy: Option<String>,
        /// The rule that said so, where a policy did: `"prod guardrails" (platform policy, version 7)`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.detail, self.code)?;
        for e in &self.errors {
            write!(f, "\n  {}: {}", e.pointer, e.detail)?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  {remedy}")?;
        }
        Ok(())
    }
}
