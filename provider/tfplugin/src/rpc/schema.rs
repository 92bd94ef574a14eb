//! What there is: schemas, functions, identities.

use super::{Offer, Server};
use crate::{
    Diagnostic, Diagnostics, Provider,
    function::ParameterSpec,
    proto::tfplugin6 as wire,
    registry::{Entry, FunctionEntry},
};
use std::collections::BTreeMap;

impl<P: Provider> Server<P> {
    pub(super) fn schemas(&self) -> wire::get_provider_schema::Response {
        let Offer { provider, registry } = &**self.offer();
        let problems = registry.problems::<P>();
        let diagnostics = problems.into_iter().map(|problem| Diagnostic::error(format!("Invalid schema: {problem}")));
        wire::get_provider_schema::Response {
            provider: Some(provider.to_proto()),
            resource_schemas: schemas_of(&registry.resources),
            data_source_schemas: schemas_of(&registry.data_sources),
            ephemeral_resource_schemas: schemas_of(&registry.ephemerals),
            list_resource_schemas: schemas_of(&registry.lists),
            action_schemas: named(&registry.actions, |entry| wire::ActionSchema {
                schema: Some(entry.schema.to_proto()),
            }),
            functions: named(&registry.functions, function),
            diagnostics: diagnostics.collect::<Diagnostics>().to_proto(),
            server_capabilities: Some(CAPABILITIES),
        }
    }

    pub(super) fn metadata(&self) -> wire::get_metadata::Response {
        use wire::get_metadata as names;
        let registry = &self.offer().registry;
        wire::get_metadata::Response {
            server_capabilities: Some(CAPABILITIES),
            diagnostics: Vec::new(),
            resources: each(&registry.resources, |type_name| names::ResourceMetadata { type_name }),
            data_sources: each(&registry.data_sources, |type_name| names::DataSourceMetadata { type_name }),
            functions: each(&registry.functions, |name| names::FunctionMetadata { name }),
            ephemeral_resources: each(&registry.ephemerals, |type_name| names::EphemeralMetadata { type_name }),
            list_resources: each(&registry.lists, |type_name| names::ListResourceMetadata { type_name }),
            actions: each(&registry.actions, |type_name| names::ActionMetadata { type_name }),
        }
    }

    pub(super) fn identity_schemas(&self) -> wire::get_resource_identity_schemas::Response {
        let resources = self.offer().registry.resources.iter();
        let identities = resources.filter_map(|(name, entry)| {
            let identity = entry.schema.identity.as_ref()?;
            Some(((*name).to_owned(), identity.to_proto()))
        });
        wire::get_resource_identity_schemas::Response {
            identity_schemas: identities.collect(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn functions(&self) -> wire::get_functions::Response {
        let functions = named(&self.offer().registry.functions, function);
        wire::get_functions::Response { functions, diagnostics: Vec::new() }
    }
}

const CAPABILITIES: wire::ServerCapabilities = wire::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

fn schemas_of<A: ?Sized>(entries: &BTreeMap<&'static str, Entry<A>>) -> BTreeMap<String, wire::Schema> {
    named(entries, |entry| entry.schema.to_proto())
}

fn named<E, T>(entries: &BTreeMap<&'static str, E>, show: impl Fn(&E) -> T) -> BTreeMap<String, T> {
    entries.iter().map(|(name, entry)| ((*name).to_owned(), show(entry))).collect()
}

fn each<E, T>(entries: &BTreeMap<&'static str, E>, show: impl Fn(String) -> T) -> Vec<T> {
    entries.keys().map(|name| show((*name).to_owned())).collect()
}

fn function(entry: &FunctionEntry) -> wire::Function {
    wire::Function {
        parameters: entry.parameters.iter().map(parameter).collect(),
        variadic_parameter: entry.variadic.as_ref().map(parameter),
        r#return: Some(wire::function::Return { r#type: entry.output.to_json().to_string().into_bytes() }),
        summary: entry.summary.clone(),
        description: entry.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
        deprecation_message: entry.deprecated.unwrap_or_default().to_owned(),
    }
}

fn parameter(spec: &ParameterSpec) -> wire::function::Parameter {
    wire::function::Parameter {
        name: spec.name.to_owned(),
        r#type: spec.ty.to_json().to_string().into_bytes(),
        allow_null_value: spec.nullable,
        allow_unknown_values: false,
        description: spec.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
    }
}
