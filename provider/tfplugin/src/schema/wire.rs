//! Schemas as Terraform reads them.

use super::{AttributeSpec, Kind, Nesting, SchemaSpec, Shape};
use crate::proto::tfplugin6 as wire;

impl SchemaSpec {
    pub(crate) fn to_proto(&self) -> wire::Schema {
        wire::Schema {
            version: i64::from(self.version),
            block: Some(wire::schema::Block {
                version: i64::from(self.version),
                attributes: attributes(self.kind, &self.attributes),
                description: described(&self.description, self.deprecated),
                description_kind: wire::StringKind::Markdown.into(),
                deprecated: self.deprecated.is_some(),
                deprecation_message: self.deprecated.unwrap_or_default().to_owned(),
            }),
        }
    }
}

/// The order of the schema, which is the order of the source: stable from run to run.
fn attributes(kind: Kind, specs: &[AttributeSpec]) -> Vec<wire::schema::Attribute> {
    specs.iter().map(|spec| attribute(kind, spec)).collect()
}

fn attribute(kind: Kind, spec: &AttributeSpec) -> wire::schema::Attribute {
    // Exactly one of the two: Terraform refuses a provider that sends both.
    let (ty, nested_type) = match &spec.shape {
        Shape::Type(ty) => (ty.to_json().to_string().into_bytes(), None),
        Shape::Nested(nesting, nested) => {
            let object =
                wire::schema::Object { attributes: attributes(kind, nested), nesting: nesting_mode(*nesting).into() };
            (Vec::new(), Some(object))
        }
    };
    wire::schema::Attribute {
        name: spec.name.to_owned(),
        r#type: ty,
        description: described(&spec.description, spec.deprecated),
        required: spec.required,
        optional: spec.optional,
        // A default makes an attribute computed, to Terraform; where nothing comes back it is the provider's own affair.
        computed: spec.computed && kind.has_result(),
        sensitive: spec.sensitive,
        description_kind: wire::StringKind::Markdown.into(),
        deprecated: spec.deprecated.is_some(),
        deprecation_message: spec.deprecated.unwrap_or_default().to_owned(),
        write_only: spec.write_only,
        nested_type,
    }
}

fn nesting_mode(nesting: Nesting) -> wire::schema::object::NestingMode {
    use wire::schema::object::NestingMode;
    match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    }
}

/// A description that says what to use instead.
pub(crate) fn described(description: &str, deprecated: Option<&str>) -> String {
    match deprecated {
        Some(text) => format!("{description}\n\n**Deprecated**: {text}"),
        None => description.to_owned(),
    }
}
