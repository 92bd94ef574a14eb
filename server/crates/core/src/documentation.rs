//! What a request says for itself: why, who writes, who reads, how long records are worth keeping. For those who decide; not kept in the object.

use serde::{Deserialize, Serialize};

/// What a request says for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Documentation {
    /// Why it is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// What writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub producers: Vec<String>,
    /// What reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<String>,
    /// Schemas of the records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema_references: Vec<String>,
    /// Why records are kept for as long as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_rationale: Option<String>,
    /// Further reading: a ticket, a design.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

/// A part of a [`Documentation`], as a policy names what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestField {
    /// [`Documentation::justification`].
    Justification,
    /// [`Documentation::producers`].
    Producers,
    /// [`Documentation::consumers`].
    Consumers,
    /// [`Documentation::schema_references`].
    SchemaReferences,
    /// [`Documentation::retention_rationale`].
    RetentionRationale,
    /// [`Documentation::links`].
    Links,
}

impl RequestField {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Justification,
        Self::Producers,
        Self::Consumers,
        Self::SchemaReferences,
        Self::RetentionRationale,
        Self::Links,
    ];

    /// The field's name, as the wire and Terraform spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Justification => "justification",
            Self::Producers => "producers",
            Self::Consumers => "consumers",
            Self::SchemaReferences => "schema_references",
            Self::RetentionRationale => "retention_rationale",
            Self::Links => "links",
        }
    }
}

impl Documentation {
    /// One that says something in every part: of what was documented before.
    #[must_use]
    pub fn complete() -> Self {
        let said = || "said before".to_owned();
        Self {
            justification: Some(said()),
            producers: vec![said()],
            consumers: vec![said()],
            schema_references: vec![said()],
            retention_rationale: Some(said()),
            links: vec![said()],
        }
    }

    /// The same, with what another one says in place of what this says of it.
    #[must_use]
    pub fn or_rather(&self, other: &Self) -> Self {
        let text = |one: &Option<String>, other: &Option<String>| other.as_ref().or(one.as_ref()).cloned();
        let texts = |one: &[String], other: &[String]| if other.is_empty() { one.to_vec() } else { other.to_vec() };
        Self {
            justification: text(&self.justification, &other.justification),
            producers: texts(&self.producers, &other.producers),
            consumers: texts(&self.consumers, &other.consumers),
            schema_references: texts(&self.schema_references, &other.schema_references),
            retention_rationale: text(&self.retention_rationale, &other.retention_rationale),
            links: texts(&self.links, &other.links),
        }
    }

    /// Whether a part of it says anything.
    #[must_use]
    pub fn has(&self, field: RequestField) -> bool {
        let said = |text: &String| !text.trim().is_empty();
        match field {
            RequestField::Justification => self.justification.as_ref().is_some_and(said),
            RequestField::Producers => self.producers.iter().any(said),
            RequestField::Consumers => self.consumers.iter().any(said),
            RequestField::SchemaReferences => self.schema_references.iter().any(said),
            RequestField::RetentionRationale => self.retention_rationale.as_ref().is_some_and(said),
            RequestField::Links => self.links.iter().any(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_say_nothing() {
        let blank = || vec![String::new(), "  ".to_owned()];
        let mut words = Documentation {
            justification: Some(" ".to_owned()),
            producers: blank(),
            consumers: blank(),
            schema_references: blank(),
            retention_rationale: Some(String::new()),
            links: blank(),
        };
        assert!(RequestField::ALL.iter().all(|field| !words.has(*field)));
        assert!(RequestField::ALL.iter().all(|field| Documentation::complete().has(*field)));
        words.consumers.push("billing".to_owned());
        assert!(words.has(RequestField::Consumers) && !words.has(RequestField::Producers));
    }
}
