//! Identities beside the states.

use super::{Server, decode, encode, find};
use crate::{
    Diagnostic, Diagnostics, Provider, Value,
    proto::tfplugin6::{self as wire, ResourceIdentityData},
    schema::SchemaSpec,
    value::{from_json, to_json},
};

/// The identity of a state, for the wire; none where the resource has none, or the state lacks a part of it.
pub(super) fn of(schema: &SchemaSpec, state: &Value) -> Result<Option<ResourceIdentityData>, Diagnostics> {
    let Some(spec) = &schema.identity else { return Ok(None) };
    let identity = spec.read(state);
    if identity.is_null() {
        return Ok(None);
    }
    Ok(Some(ResourceIdentityData { identity_data: Some(encode(&identity, &spec.ty)?) }))
}

/// The identity that Terraform holds.
pub(super) fn held(schema: &SchemaSpec, wire: Option<&ResourceIdentityData>) -> Result<Value, Diagnostics> {
    match &schema.identity {
        Some(spec) => decode(wire.and_then(|wire| wire.identity_data.as_ref()), &spec.ty),
        None => Ok(Value::Null),
    }
}

/// An identity tells an object from all others, so one that changes is another object's.
pub(super) fn must_stay(
    schema: &SchemaSpec,
    held: Option<&ResourceIdentityData>,
    state: &Value,
) -> Result<(), Diagnostics> {
    let (Some(spec), held) = (&schema.identity, self::held(schema, held)?) else { return Ok(()) };
    let now = spec.read(state);
    if held.is_null() || now.is_null() || held == now {
        return Ok(());
    }
    let (held, now) = (to_json(&held), to_json(&now));
    Err(Diagnostic::error("The provider changed the identity of an object")
        .detail(format!("It was {held}, and is {now} now.\n\nThis is a bug in the provider, please report it."))
        .into())
}

impl<P: Provider> Server<P> {
    /// Called for every object on every run. What an identity consists of is found by name, whatever its version.
    pub(super) fn upgrade_identity(
        &self,
        request: &wire::upgrade_resource_identity::Request,
    ) -> Result<wire::upgrade_resource_identity::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let spec = entry.schema.identity.as_ref();
        let spec = spec.ok_or_else(|| format!("{} has no identity", request.type_name))?;
        let json = request.raw_identity.as_ref().map_or(&[][..], |raw| &raw.json);
        let json = std::str::from_utf8(json).map_err(|_| "the stored identity is not UTF-8")?;
        let identity = from_json(json, &spec.ty)?;
        Ok(wire::upgrade_resource_identity::Response {
            upgraded_identity: Some(ResourceIdentityData { identity_data: Some(encode(&identity, &spec.ty)?) }),
            diagnostics: Vec::new(),
        })
    }
}
