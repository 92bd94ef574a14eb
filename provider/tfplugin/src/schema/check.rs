//! The rules that Terraform applies when it loads a schema, applied before it does: there, one wrong attribute makes
//! the whole provider unusable, with a message for its developers.

use super::{AttributeSpec, Nesting, Shape, clean_doc, field::default_fits};

/// What a schema is of: each kind of block has arguments of Terraform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Provider,
    Resource,
    DataSource,
}

impl Kind {
    const fn reserved(self) -> &'static [&'static str] {
        match self {
            Self::Provider => &["alias", "count", "depends_on", "for_each", "lifecycle", "locals", "source", "version"],
            Self::Resource => {
                &["connection", "count", "depends_on", "for_each", "lifecycle", "locals", "provider", "provisioner"]
            }
            Self::DataSource => &["count", "depends_on", "for_each", "lifecycle", "locals", "provider"],
        }
    }
}

/// Everything that is wrong with the attributes of a model.
pub(crate) fn check(kind: Kind, fields: &[&str], doc: &str, attributes: &[AttributeSpec]) -> Vec<String> {
    let mut problems = Vec::new();
    if clean_doc(doc).is_empty() {
        problems.push("the model has no doc comment".to_owned());
    }
    for field in fields {
        match attributes.iter().filter(|a| a.name == *field).count() {
            1 => {}
            0 => problems.push(format!("{field}: the schema does not define it")),
            n => problems.push(format!("{field}: the schema defines it {n} times")),
        }
        if kind.reserved().contains(field) {
            problems.push(format!("{field}: the name is Terraform's own"));
        }
    }
    check_attributes("", attributes, &mut problems);
    problems
}

fn check_attributes(prefix: &str, attributes: &[AttributeSpec], problems: &mut Vec<String>) {
    for attribute in attributes {
        let path = format!("{prefix}{}", attribute.name);
        let mut wrong = |what: &str| problems.push(format!("{path}: {what}"));
        let name_is_legal = attribute.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !name_is_legal || !attribute.name.starts_with(|c: char| c.is_ascii_lowercase()) {
            wrong("a name has lower-case letters, digits and underscores, a letter first");
        }
        if attribute.description.is_empty() {
            wrong("it has no doc comment");
        }
        if !(attribute.required || attribute.optional || attribute.computed) {
            wrong("it is neither required nor optional nor computed");
        }
        if attribute.required && (attribute.optional || attribute.computed) {
            wrong("it is required and something else");
        }
        // Else every change of anything makes it unknown, unknown is not what it was, and so the object would be destroyed over a description.
        if attribute.computed && attribute.replace && !attribute.keep && attribute.default.is_none() {
            wrong("it is computed and a change of it replaces, so it has to keep its value or have a default");
        }
        if let Some(default) = &attribute.default
            && let Err(e) = default_fits(attribute, default)
        {
            wrong(&format!("its default is refused by its own check: {}", e.what));
        }
        match &attribute.shape {
            Shape::Type(ty) if ty.has_dynamic_set() => {
                wrong("a set cannot hold values of dynamic type");
            }
            Shape::Type(_) => {}
            Shape::Nested(nesting, nested) => {
                if *nesting == Nesting::Set && super::object_type(nested).has_dynamic() {
                    wrong("a set cannot hold values of dynamic type");
                }
                if nested.is_empty() {
                    wrong("it is nested and has no attributes");
                }
                check_attributes(&format!("{path}."), nested, problems);
            }
        }
    }
}
