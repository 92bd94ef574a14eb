//! The rules that Terraform applies when it loads a schema, applied before it does: there, one wrong attribute makes
//! the whole provider unusable, with a message for its developers.

use super::{AttributeSpec, Nesting, Replace, Shape, clean_doc, field::default_fits};
use crate::Type;

/// What a schema is of: each kind of block has arguments of Terraform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Provider,
    Resource,
    DataSource,
    Ephemeral,
    /// What a `list` block is asked for, inside of its `config`.
    List,
    /// What an `action` block is told, inside of its `config`.
    Action,
}

impl Kind {
    const fn reserved(self) -> &'static [&'static str] {
        match self {
            Self::Provider => &["alias", "count", "depends_on", "for_each", "lifecycle", "locals", "source", "version"],
            Self::Resource => {
                &["connection", "count", "depends_on", "for_each", "lifecycle", "locals", "provider", "provisioner"]
            }
            Self::DataSource | Self::Ephemeral => {
                &["count", "depends_on", "for_each", "lifecycle", "locals", "provider"]
            }
            Self::List | Self::Action => &[],
        }
    }

    /// What it is called.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Resource => "resource",
            Self::DataSource => "data source",
            Self::Ephemeral => "ephemeral resource",
            Self::List => "list resource",
            Self::Action => "action",
        }
    }

    /// Whether there is a value that the provider can decide.
    pub(crate) const fn has_result(self) -> bool {
        matches!(self, Self::Resource | Self::DataSource | Self::Ephemeral)
    }
}

const DYNAMIC_ELEMENTS: &str = "a collection cannot hold values of dynamic type: make all of it one";

/// Whether the provider can decide everything in there.
fn is_computed(attributes: &[AttributeSpec]) -> bool {
    attributes
        .iter()
        .all(|spec| spec.computed && !matches!(&spec.shape, Shape::Nested(_, nested) if !is_computed(nested)))
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
    check_attributes(kind, "", attributes, &mut problems);
    problems
}

fn check_attributes(kind: Kind, prefix: &str, attributes: &[AttributeSpec], problems: &mut Vec<String>) {
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
        if attribute.computed && attribute.replace.is_some() && !attribute.keep && attribute.default.is_none() {
            wrong("it is computed and a change of it replaces, so it has to keep its value or have a default");
        }
        if attribute.computed && attribute.default.is_none() && !kind.has_result() {
            wrong("it is computed, but nothing comes back here");
        }
        if attribute.write_only && !matches!(kind, Kind::Resource | Kind::Action) {
            wrong("only a resource and an action have write-only attributes");
        }
        if attribute.holds_write_only && !attribute.write_only {
            wrong("its type is for write-only attributes, and it is none");
        }
        if attribute.write_only && attribute.replace.is_some() {
            wrong("it is write-only, so nobody can see that it changes: let its version replace the object");
        }
        if attribute.identity.is_some() {
            check_identity(kind, prefix, attribute, &mut wrong);
        }
        if attribute.default.as_ref().is_some_and(|default| !default.is_wholly_known()) {
            wrong("its default leaves something open, so every plan would be a change");
        } else if let Some(default) = &attribute.default
            && let Err(e) = default_fits(attribute, default)
        {
            wrong(&format!("its default is refused by its own check: {}", e.what));
        }
        match &attribute.shape {
            Shape::Type(ty) if ty.has_dynamic_elements() => wrong(DYNAMIC_ELEMENTS),
            Shape::Type(_) => {}
            Shape::Nested(nesting, nested) => {
                if *nesting != Nesting::Single && super::object_type(nested).has_dynamic() {
                    wrong(DYNAMIC_ELEMENTS);
                }
                if attribute.optional
                    && attribute.computed
                    && attribute.default.is_none()
                    && !attribute.keep
                    && !is_computed(nested)
                {
                    wrong(
                        "Terraform proposes nothing for it where the configuration has nothing, since not all in it is computed: let it keep its value",
                    );
                }
                if *nesting == Nesting::Set && has_write_only(nested) {
                    wrong("a set cannot hold write-only attributes");
                }
                if nested.is_empty() {
                    wrong("it is nested and has no attributes");
                }
                check_attributes(kind, &format!("{path}."), nested, problems);
            }
        }
    }
}

fn check_identity(kind: Kind, prefix: &str, attribute: &AttributeSpec, wrong: &mut impl FnMut(&str)) {
    if kind != Kind::Resource || !prefix.is_empty() {
        wrong("only attributes of a resource, and no nested ones, belong to an identity");
    }
    if !matches!(attribute.shape, Shape::Type(Type::Bool | Type::Number | Type::String)) {
        wrong("an identity is made of strings, numbers and bools");
    }
    if attribute.sensitive || attribute.write_only {
        wrong("an identity is shown to everybody");
    }
    let provider_keeps = attribute.computed && attribute.keep;
    if !provider_keeps && !matches!(attribute.replace, Some(Replace::Always)) {
        wrong(
            "it belongs to the identity, so a change of it has to replace the object, or the provider has to keep it",
        );
    }
}

pub(crate) fn has_write_only(attributes: &[AttributeSpec]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.write_only || matches!(&attribute.shape, Shape::Nested(_, nested) if has_write_only(nested))
    })
}
