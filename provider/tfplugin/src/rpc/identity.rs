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

/// An identity tells an object from all others, so one that changes is another object's. Where a configuration can ask for
/// another one, a change outside of Terraform is drift, and plans a replacement: that is told in other ways.
pub(super) fn must_stay(
    schema: &SchemaSpec,
    held: Option<&ResourceIdentityData>,
    state: &Value,
) -> Result<(), Diagnostics> {
    let (Some(spec), held) = (&schema.identity, self::held(schema, held)?) else { return Ok(()) };
    // A part that is not held came to the identity in a later version.
    let changed = spec.attributes.iter().filter(|part| {
        let (held, now) = (held.attribute(part.name), state.attribute(part.name));
        part.replace.is_none() && !held.is_null() && held != now
    });
    let changed: Vec<_> = changed.map(|part| part.name).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let (held, now) = (to_json(&held), to_json(&spec.read(state)));
    Err(Diagnostic::error(format!("The provider changed the identity of an object: {}", changed.join(", ")))
        .detail(format!("It was {held}, and is {now} now.\n\nThis is a bug in the provider, please report it."))
        .into())
}

impl<P: Provider> Server<P> {
    /// Called where the stored identity is of another version, or where there is none. What it consists of is found by
    /// name; where a part is missing, the next read brings it.
    pub(super) fn upgrade_identity(
        &self,
        request: &wire::upgrade_resource_identity::Request,
    ) -> Result<wire::upgrade_resource_identity::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let spec = entry.schema.identity.as_ref();
        let spec = spec.ok_or_else(|| format!("{} has no identity", request.type_name))?;
        let json = request.raw_identity.as_ref().map_or(&[][..], |raw| &raw.json);
        let json = std::str::from_utf8(json).map_err(|_| "the stored identity is not UTF-8")?;
        let stored = if json.trim().is_empty() { Value::Null } else { from_json(json, &spec.ty)? };
        let identity = spec.read(&stored);
        let data = (!identity.is_null()).then(|| encode(&identity, &spec.ty)).transpose()?;
        Ok(wire::upgrade_resource_identity::Response {
            upgraded_identity: data.map(|data| ResourceIdentityData { identity_data: Some(data) }),
            diagnostics: Vec::new(),
        })
    }
}
