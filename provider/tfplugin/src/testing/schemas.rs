//! What a provider says of itself, read from the wire as core reads it: of its source the stand-in knows nothing.

use super::calls::{answer, refuse_errors, told};
use crate::{
    function::ParameterSpec,
    proto::tfplugin6::{self as wire, provider_client::ProviderClient, schema::object::NestingMode},
    schema::{AttributeSpec, ForImport, IdentitySpec, Kind, Nesting, SchemaSpec, Shape, object_type},
    value::Type,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tonic::transport::Channel;

/// All schemas of a provider.
pub(super) struct Schemas {
    pub(super) provider: SchemaSpec,
    pub(super) resources: BTreeMap<String, SchemaSpec>,
    pub(super) data_sources: BTreeMap<String, SchemaSpec>,
    pub(super) ephemerals: BTreeMap<String, SchemaSpec>,
    pub(super) lists: BTreeMap<String, SchemaSpec>,
    pub(super) actions: BTreeMap<String, SchemaSpec>,
    pub(super) functions: BTreeMap<String, Signature>,
}

/// What a function takes and gives.
pub(super) struct Signature {
    pub(super) parameters: Vec<ParameterSpec>,
    pub(super) variadic: Option<ParameterSpec>,
    pub(super) output: Type,
}

impl Schemas {
    /// Asks the provider for them.
    ///
    /// # Panics
    /// If Terraform would not load the provider.
    pub(super) async fn ask(client: &mut ProviderClient<Channel>) -> Self {
        let all = answer(client.get_provider_schema(wire::get_provider_schema::Request {}).await);
        refuse_errors("GetProviderSchema", &told(&all.diagnostics));
        let identities =
            answer(client.get_resource_identity_schemas(wire::get_resource_identity_schemas::Request {}).await);
        refuse_errors("GetResourceIdentitySchemas", &told(&identities.diagnostics));
        let each = |kind, schemas: BTreeMap<String, wire::Schema>| {
            schemas.into_iter().map(|(name, schema)| (name.clone(), spec(kind, &name, schema))).collect()
        };
        let mut resources: BTreeMap<_, _> = each(Kind::Resource, all.resource_schemas);
        for (name, identity) in identities.identity_schemas {
            let Some(resource) = resources.get_mut(&name) else { refuse(&name, "an identity of no resource") };
            resource.identity = Some(self::identity(&name, identity));
        }
        let lists: BTreeMap<_, _> = each(Kind::List, all.list_resource_schemas);
        if let Some(name) = lists.keys().find(|name| resources.get(*name).is_none_or(|of| of.identity.is_none())) {
            refuse(name, "a list of what has no identity");
        }
        let actions = all.action_schemas.into_iter();
        let actions = actions.map(|(name, action)| (name, action.schema.unwrap_or_default()));
        Self {
            provider: spec(Kind::Provider, "the provider", all.provider.unwrap_or_default()),
            resources,
            data_sources: each(Kind::DataSource, all.data_source_schemas),
            ephemerals: each(Kind::Ephemeral, all.ephemeral_resource_schemas),
            lists,
            actions: each(Kind::Action, actions.collect()),
            functions: all.functions.into_iter().map(|(name, f)| (name.clone(), signature(&name, f))).collect(),
        }
    }

    /// Identities, list resources and actions, with the versions of the identities.
    pub(super) fn newer(&self) -> Json {
        let blocks = |of: &BTreeMap<String, SchemaSpec>| {
            of.iter().map(|(name, spec)| (name.clone(), written(&spec.attributes))).collect::<BTreeMap<_, _>>()
        };
        let identities = self.resources.iter().filter_map(|(name, spec)| {
            let identity = spec.identity.as_ref()?;
            Some((name, json!({"version": identity.version, "attributes": written(&identity.attributes)})))
        });
        json!({
            "identities": identities.collect::<BTreeMap<_, _>>(),
            "list_resources": blocks(&self.lists),
            "actions": blocks(&self.actions),
        })
    }

    /// The one of that name.
    pub(super) fn one<'a, S>(of: &'a BTreeMap<String, S>, name: &str) -> &'a S {
        of.get(name).unwrap_or_else(|| panic!("the provider has no {name}"))
    }
}

/// Attributes by name, with what is true of them: for a file that shows what has changed.
fn written(attributes: &[AttributeSpec]) -> Json {
    let each = attributes.iter().map(|spec| {
        let is_part = spec.identity.is_some();
        let facts = [
            ("required", spec.required),
            // A part of an identity is neither; it says what an import needs.
            ("optional", spec.optional && !is_part),
            ("computed", spec.computed),
            ("sensitive", spec.sensitive),
            ("write_only", spec.write_only),
            ("required_for_import", spec.identity == Some(ForImport::Required)),
            ("optional_for_import", spec.identity == Some(ForImport::Optional)),
        ];
        let facts = facts.into_iter().filter(|(_, is)| *is).map(|(fact, _)| (fact.to_owned(), Json::Bool(true)));
        let shape = match &spec.shape {
            Shape::Type(ty) => ("type", ty.to_json()),
            Shape::Nested(nesting, nested) => {
                ("nested", json!({"nesting": format!("{nesting:?}"), "attributes": written(nested)}))
            }
        };
        let all = facts.chain([(shape.0.to_owned(), shape.1)]).collect::<serde_json::Map<_, _>>();
        (spec.name.to_owned(), Json::Object(all))
    });
    Json::Object(each.collect())
}

fn refuse(what: &str, why: &str) -> ! {
    panic!("Terraform would not load the provider: {what}: {why}")
}

fn spec(kind: Kind, name: &str, schema: wire::Schema) -> SchemaSpec {
    let Some(block) = schema.block else { refuse(name, "a schema without a block") };
    if !block.deprecated && !block.deprecation_message.is_empty() {
        refuse(name, "a word on its deprecation, and it is not deprecated");
    }
    let attributes = attributes(name, block.attributes);
    SchemaSpec {
        kind,
        identity: None,
        version: u32::try_from(schema.version).unwrap_or_else(|_| refuse(name, "a version below zero")),
        description: block.description,
        deprecated: block.deprecated.then(|| kept(block.deprecation_message)),
        ty: object_type(&attributes),
        attributes,
    }
}

fn attributes(of: &str, attributes: Vec<wire::schema::Attribute>) -> Vec<AttributeSpec> {
    attributes.into_iter().map(|attribute| self::attribute(of, attribute)).collect()
}

/// One attribute, held against the rules by which core refuses a whole provider.
fn attribute(of: &str, attribute: wire::schema::Attribute) -> AttributeSpec {
    let path = format!("{of}.{}", attribute.name);
    let wire::schema::Attribute { required, optional, computed, sensitive, deprecated, write_only, .. } = attribute;
    match (required, optional, computed) {
        (false, false, false) => refuse(&path, "neither required nor optional nor computed"),
        (true, false, false) | (false, ..) => {}
        (true, ..) => refuse(&path, "required, and optional or computed"),
    }
    if !deprecated && !attribute.deprecation_message.is_empty() {
        refuse(&path, "a word on its deprecation, and it is not deprecated");
    }
    let shape = match (attribute.r#type.as_slice(), attribute.nested_type) {
        ([], None) => refuse(&path, "no type"),
        ([], Some(nested)) => self::nested(&path, nested),
        (_, Some(_)) => refuse(&path, "a type, and nested attributes"),
        (ty, None) => Shape::Type(self::ty(&path, ty)),
    };
    if shape.ty().has_dynamic_elements() {
        refuse(&path, "a collection of values of dynamic type");
    }
    AttributeSpec {
        name: kept(attribute.name),
        description: attribute.description,
        shape,
        required,
        optional,
        computed,
        sensitive,
        write_only,
        holds_write_only: write_only,
        deprecated: deprecated.then(|| kept(attribute.deprecation_message)),
        keep: false,
        replace: None,
        identity: None,
        means_the_same: None,
        nullable: true,
        default: None,
        checks: Vec::new(),
    }
}

fn nested(path: &str, object: wire::schema::Object) -> Shape {
    let nesting = match object.nesting() {
        NestingMode::Invalid => refuse(path, "no kind of nesting"),
        NestingMode::Single => Nesting::Single,
        NestingMode::List => Nesting::List,
        NestingMode::Set => Nesting::Set,
        NestingMode::Map => Nesting::Map,
    };
    let attributes = attributes(path, object.attributes);
    if nesting == Nesting::Set && crate::schema::has_write_only(&attributes) {
        refuse(path, "a set of what is write-only");
    }
    Shape::Nested(nesting, attributes)
}

fn ty(path: &str, json: &[u8]) -> Type {
    let json = serde_json::from_slice(json).ok();
    json.and_then(|json| Type::from_json(&json)).unwrap_or_else(|| refuse(path, "no type that Terraform has"))
}

fn identity(of: &str, schema: wire::ResourceIdentitySchema) -> IdentitySpec {
    let each = schema.identity_attributes.into_iter().map(|part| {
        let path = format!("{of}.{}", part.name);
        let import = match (part.required_for_import, part.optional_for_import) {
            (true, false) => ForImport::Required,
            (false, true) => ForImport::Optional,
            _ => refuse(&path, "not either required or optional for an import"),
        };
        let attribute = wire::schema::Attribute {
            name: part.name,
            r#type: part.r#type,
            description: part.description,
            optional: true,
            ..wire::schema::Attribute::default()
        };
        AttributeSpec { identity: Some(import), ..self::attribute(of, attribute) }
    });
    let version = u32::try_from(schema.version).unwrap_or_else(|_| refuse(of, "an identity of a version below zero"));
    let attributes: Vec<_> = each.collect();
    IdentitySpec { version, ty: object_type(&attributes), attributes }
}

fn signature(name: &str, function: wire::Function) -> Signature {
    let parameter = |parameter: wire::function::Parameter| ParameterSpec {
        ty: ty(name, &parameter.r#type),
        name: kept(parameter.name),
        description: parameter.description,
        nullable: parameter.allow_null_value,
    };
    let output = function.r#return.unwrap_or_else(|| refuse(name, "a function that returns nothing"));
    Signature {
        parameters: function.parameters.into_iter().map(parameter).collect(),
        variadic: function.variadic_parameter.map(parameter),
        output: ty(name, &output.r#type),
    }
}

/// In a provider the names are in its source, and so for ever; here they stay as long as the test's process.
fn kept(text: String) -> &'static str {
    text.leak()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn text(name: &str) -> wire::schema::Attribute {
        wire::schema::Attribute {
            name: name.to_owned(),
            r#type: br#""string""#.to_vec(),
            optional: true,
            ..wire::schema::Attribute::default()
        }
    }

    fn nested(nesting: NestingMode, inside: wire::schema::Attribute) -> wire::schema::Attribute {
        let nested_type = Some(wire::schema::Object { attributes: vec![inside], nesting: nesting.into() });
        wire::schema::Attribute { r#type: Vec::new(), nested_type, ..text("outer") }
    }

    /// Why core would refuse an attribute.
    fn refusal(attribute: wire::schema::Attribute) -> Option<String> {
        let refused = catch_unwind(|| super::attribute("lab_thing", attribute)).err()?;
        let told = refused.downcast_ref::<String>().expect("it says why");
        Some(told.strip_prefix("Terraform would not load the provider: lab_thing.").expect("it says what").to_owned())
    }

    #[test]
    fn what_core_refuses_of_an_attribute_is_refused_with_its_place() {
        assert_eq!(refusal(text("a")), None);
        assert_eq!(refusal(nested(NestingMode::Set, text("a"))), None);
        let refused = [
            (wire::schema::Attribute { optional: false, ..text("a") }, "a: neither required nor optional nor computed"),
            (wire::schema::Attribute { required: true, ..text("a") }, "a: required, and optional or computed"),
            (wire::schema::Attribute { r#type: Vec::new(), ..text("a") }, "a: no type"),
            (wire::schema::Attribute { r#type: b"[]".to_vec(), ..text("a") }, "a: no type that Terraform has"),
            (
                wire::schema::Attribute { r#type: br#"["set","dynamic"]"#.to_vec(), ..text("a") },
                "a: a collection of values of dynamic type",
            ),
            (
                wire::schema::Attribute { deprecation_message: "no".to_owned(), ..text("a") },
                "a: a word on its deprecation, and it is not deprecated",
            ),
            (
                wire::schema::Attribute { r#type: b"1".to_vec(), ..nested(NestingMode::List, text("a")) },
                "outer: a type, and nested attributes",
            ),
            (nested(NestingMode::Invalid, text("a")), "outer: no kind of nesting"),
            (
                nested(NestingMode::Set, wire::schema::Attribute { write_only: true, ..text("a") }),
                "outer: a set of what is write-only",
            ),
            (
                nested(NestingMode::Map, wire::schema::Attribute { optional: false, ..text("a") }),
                "outer.a: neither required nor optional nor computed",
            ),
        ];
        for (attribute, why) in refused {
            assert_eq!(refusal(attribute).as_deref(), Some(why));
        }
    }
}
