//! States in and out: read, import, upgrade.

use super::{Server, decode, encode, find};
use crate::{
    Diagnostics, JsonObject, Path, Provider, Value, ValueError, plan::consistency, proto::tfplugin6 as wire,
    schema::SchemaSpec, value,
};

impl<P: Provider> Server<P> {
    pub(super) async fn read(
        &self,
        request: wire::read_resource::Request,
    ) -> Result<wire::read_resource::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let now = decode(request.current_state.as_ref(), &entry.schema.ty)?;
        let cx = self.cx(request.private)?;
        let found = entry.handler.read(&cx, &now).await?;
        if let Some(found) = &found {
            must_be_known(&entry.schema, found)?;
        }
        let (warnings, private) = cx.into_notes();
        Ok(wire::read_resource::Response {
            new_state: Some(encode(&found.unwrap_or(Value::Null), &entry.schema.ty)?),
            diagnostics: warnings.into_iter().collect::<Diagnostics>().to_proto(),
            private,
        })
    }

    pub(super) async fn import(
        &self,
        request: wire::import_resource_state::Request,
    ) -> Result<wire::import_resource_state::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let cx = self.cx(Vec::new())?;
        let found = entry.handler.import(&cx, request.id).await?;
        let (warnings, private) = cx.into_notes();
        Ok(wire::import_resource_state::Response {
            imported_resources: vec![wire::import_resource_state::ImportedResource {
                type_name: request.type_name,
                // Terraform reads the object next, which fills in what import leaves open.
                state: Some(encode(&found.unknown_as_null(), &entry.schema.ty)?),
                private,
            }],
            diagnostics: warnings.into_iter().collect::<Diagnostics>().to_proto(),
        })
    }

    /// Called for every object on every run, nearly always with the current version: no author code on that way.
    pub(super) fn upgrade(
        &self,
        request: &wire::upgrade_resource_state::Request,
    ) -> Result<wire::upgrade_resource_state::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let json = request.raw_state.as_ref().map_or(&[][..], |raw| &raw.json);
        let mut json = std::str::from_utf8(json).map_err(|_| "the stored state is not UTF-8")?.to_owned();
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
            let mut state: JsonObject =
                serde_json::from_str(&json).map_err(|e| format!("the stored state is not JSON: {e}"))?;
            for from in stored..current {
                state = entry.handler.upgrade(from, state)?;
            }
            json = serde_json::Value::Object(state).to_string();
        }
        let state = value::from_json(&json, &entry.schema.ty)?;
        Ok(wire::upgrade_resource_state::Response {
            upgraded_state: Some(encode(&state, &entry.schema.ty)?),
            diagnostics: Vec::new(),
        })
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
