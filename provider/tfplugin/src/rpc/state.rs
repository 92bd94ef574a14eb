//! States in and out: read, import, move, upgrade, and back to a configuration.

use super::{Server, decode, deferred, encode, find, identity, may_defer};
use crate::{
    Diagnostic, Diagnostics, JsonObject, MoveSource, Path, Provider, Value, ValueError,
    cx::Notes,
    plan::{
        consistency, generate,
        steps::{defaults, forget_write_only, keep_spelling},
    },
    proto::tfplugin6 as wire,
    schema::{AttributeSpec, SchemaSpec, Shape},
    value::{self, as_written},
};

impl<P: Provider> Server<P> {
    pub(super) async fn read(
        &self,
        request: wire::read_resource::Request,
    ) -> Result<wire::read_resource::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let now = decode(request.current_state.as_ref(), &entry.schema.ty)?;
        let cx = self.cx(request.private)?.may_defer(may_defer(request.client_capabilities.as_ref()));
        let found = entry.handler.read(&cx, &now).await;
        let (found, Notes { warnings, private, deferral }) = cx.settle(found)?;
        let mut found = found.unwrap_or(Value::Null);
        as_written(&now, &mut found);
        keep_spelling(&entry.schema.attributes, &mut found, &now);
        let found = if deferral.is_some() { now } else { found };
        if !found.is_null() {
            must_be_known(&entry.schema, &found)?;
            identity::must_stay(&entry.schema, request.current_identity.as_ref(), &found)?;
        }
        Ok(wire::read_resource::Response {
            new_identity: identity::of(&entry.schema, &found)?,
            new_state: Some(encode(&found, &entry.schema.ty)?),
            diagnostics: warnings.into_iter().collect::<Diagnostics>().to_proto(),
            private,
            deferred: deferred(deferral),
        })
    }

    pub(super) async fn import(
        &self,
        request: wire::import_resource_state::Request,
    ) -> Result<wire::import_resource_state::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let cx = self.cx(Vec::new())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        let asked = identity::held(&entry.schema, request.identity.as_ref())?;
        let found = if asked.is_null() {
            entry.handler.import(&cx, request.id).await
        } else {
            entry.handler.import_by(&cx, &asked).await
        };
        let (found, Notes { warnings, private, deferral }) = cx.settle(found)?;
        // Terraform reads the object next, which fills in what import leaves open.
        let found = found.unknown_as_null();
        Ok(wire::import_resource_state::Response {
            imported_resources: vec![wire::import_resource_state::ImportedResource {
                type_name: request.type_name,
                identity: identity::of(&entry.schema, &found)?.or(request.identity),
                state: Some(encode(&found, &entry.schema.ty)?),
                private,
            }],
            diagnostics: warnings.into_iter().collect::<Diagnostics>().to_proto(),
            deferred: deferred(deferral),
        })
    }

    pub(super) fn move_state(
        &self,
        request: wire::move_resource_state::Request,
    ) -> Result<wire::move_resource_state::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.target_type_name)?;
        let state = object(&raw(request.source_state.as_ref())?)?;
        let identity = raw(request.source_identity.as_ref())?;
        let identity = (!identity.is_empty()).then(|| object(&identity)).transpose()?;
        let source = MoveSource {
            provider: request.source_provider_address,
            type_name: request.source_type_name,
            version: request.source_schema_version,
            state,
            identity: identity.map(|identity| (request.source_identity_schema_version, identity)),
        };
        let Some(state) = entry.handler.move_from(&source)? else {
            let MoveSource { provider, type_name, .. } = source;
            let target = request.target_type_name;
            return Err(Diagnostic::error(format!("A {type_name} cannot become a {target}"))
                .detail(format!(
                    "The provider takes over no {type_name} of {provider}. Remove the `moved` block; a `removed` block \
                     and an `import` block do the same by hand."
                ))
                .into());
        };
        let state = state.unknown_as_null();
        Ok(wire::move_resource_state::Response {
            target_identity: identity::of(&entry.schema, &state)?,
            target_state: Some(encode(&state, &entry.schema.ty)?),
            diagnostics: Vec::new(),
            target_private: Vec::new(),
        })
    }

    /// What a user would have written to get this state.
    pub(super) fn generate(
        &self,
        request: &wire::generate_resource_config::Request,
    ) -> Result<wire::generate_resource_config::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let state = decode(request.state.as_ref(), &entry.schema.ty)?;
        let config = generate(&entry.schema.attributes, &state);
        Ok(wire::generate_resource_config::Response {
            config: Some(encode(&config, &entry.schema.ty)?),
            diagnostics: Vec::new(),
        })
    }

    /// Called for every object on every run, nearly always with the current version: no author code on that way.
    pub(super) fn upgrade(
        &self,
        request: &wire::upgrade_resource_state::Request,
    ) -> Result<wire::upgrade_resource_state::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let mut json = raw(request.raw_state.as_ref())?;
        if json.is_empty() {
            return Err("the state is in the form of Terraform 0.11, which this provider never wrote".into());
        }
        let stored = u32::try_from(request.version).map_err(|_| "the stored state has no version")?;
        let current = entry.schema.version;
        if stored > current {
            let name = &request.type_name;
            return Err(format!(
                "the state of {name} has version {stored}, this provider knows versions up to {current}: \
                 it was written by a newer provider"
            )
            .into());
        }
        if stored < current {
            let mut state = object(&json)?;
            for from in stored..current {
                state = entry.handler.upgrade(from, state)?;
            }
            json = serde_json::Value::Object(state).to_string();
        }
        let mut state = value::from_json(&json, &entry.schema.ty)?;
        // An attribute with a default may have come after the state was stored.
        if has_default(&entry.schema.attributes) {
            let stored = state.clone();
            defaults(&entry.schema.attributes, &mut state, &stored);
        }
        // What is write-only now may have been stored by an older version; Terraform refuses it.
        forget_write_only(&entry.schema.attributes, &mut state);
        Ok(wire::upgrade_resource_state::Response {
            upgraded_state: Some(encode(&state, &entry.schema.ty)?),
            diagnostics: Vec::new(),
        })
    }
}

fn has_default(attributes: &[AttributeSpec]) -> bool {
    let nested = |shape: &Shape| matches!(shape, Shape::Nested(_, nested) if has_default(nested));
    attributes.iter().any(|spec| spec.default.is_some() || nested(&spec.shape))
}

/// What Terraform has stored, as text; empty if there is nothing.
fn raw(state: Option<&wire::RawState>) -> Result<String, Diagnostics> {
    let json = state.map_or(&[][..], |raw| &raw.json);
    Ok(std::str::from_utf8(json).map_err(|_| "what is stored is not UTF-8")?.to_owned())
}

/// A state as its author upgrades it.
fn object(json: &str) -> Result<JsonObject, Diagnostics> {
    match value::parse_exactly(json)? {
        serde_json::Value::Object(state) => Ok(state),
        _ => Err("the state is no JSON object".into()),
    }
}

/// What was read is stored: nothing in it may be left open.
pub(super) fn must_be_known(schema: &SchemaSpec, state: &Value) -> Result<(), Diagnostics> {
    let open = schema.attributes.iter().filter(|spec| !state.attribute(spec.name).is_wholly_known());
    let errors = open.map(|spec| {
        let e = ValueError::at(Path::attribute(spec.name), "the provider did not set it");
        consistency::provider_bug(e)
    });
    let errors: Diagnostics = errors.collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
