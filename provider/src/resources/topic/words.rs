//! What a request says for itself.

use orbit_api::Documentation;
use std::collections::BTreeSet;
use tfplugin::{Attributes, Nested, model};

model! {
    /// Words of a request, for those who decide.
    pub(crate) struct RequestWords {
        /// Why the topic is needed, or why it is to change or to go. A destroy says what the last apply had here: to give another reason for it, apply that first.
        justification: Option<String>,
        /// What is going to write to it.
        producers: Option<BTreeSet<String>>,
        /// What is going to read from it.
        consumers: Option<BTreeSet<String>>,
        /// Schemas of its records.
        schema_references: Option<BTreeSet<String>>,
        /// Why records are kept for as long as asked.
        retention_rationale: Option<String>,
        /// Further reading: a ticket, a design.
        links: Option<BTreeSet<String>>,
    }
}

impl Nested for RequestWords {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::justification.optional())
            .attr(Self::producers.optional())
            .attr(Self::consumers.optional())
            .attr(Self::schema_references.optional())
            .attr(Self::retention_rationale.optional())
            .attr(Self::links.optional())
    }
}

impl From<&RequestWords> for Documentation {
    fn from(words: &RequestWords) -> Self {
        let texts = |set: &Option<BTreeSet<String>>| set.as_ref().map(|texts| texts.iter().cloned().collect());
        Self {
            justification: words.justification.clone(),
            producers: texts(&words.producers),
            consumers: texts(&words.consumers),
            schema_references: texts(&words.schema_references),
            retention_rationale: words.retention_rationale.clone(),
            links: texts(&words.links),
        }
    }
}
