//! Single calls of the stand-in, each held against what core demands of it.

use super::{
    config::propose,
    core::{Abilities, Core},
    schemas::Schemas,
};
use crate::{
    Deferral, Diagnostic, Diagnostics, Path, Provider, Value,
    plan::{consistency, write_only_in},
    proto::tfplugin6::{self as wire, DynamicValue, ResourceIdentityData},
    schema::SchemaSpec,
    value,
};
use bytes::Bytes;
use tonic::{Response, Status};

/// What plan and apply get.
pub(super) struct Call<'v> {
    pub(super) prior: &'v Value,
    pub(super) config: &'v Value,
    pub(super) private: Vec<u8>,
    /// What Terraform holds of it, or what the first plan said of it.
    pub(super) identity: Value,
    /// What the first plan stored, where the host hands that on.
    pub(super) planned_private: Vec<u8>,
}

/// An object as apply leaves it.
pub(super) struct Made {
    pub(super) state: Value,
    pub(super) identity: Value,
    pub(super) private: Vec<u8>,
    pub(super) found: Diagnostics,
}

/// What plan answers.
pub(super) struct Planned {
    pub(super) value: Value,
    pub(super) replace: Vec<Path>,
    pub(super) private: Vec<u8>,
    pub(super) identity: Value,
    pub(super) found: Diagnostics,
    pub(super) deferred: Option<Deferral>,
}

impl<P: Provider> Core<P> {
    /// What a call of plan answers, held against core's rules.
    pub(super) async fn call_plan(&mut self, address: &str, call: Call<'_>) -> Planned {
        let Call { prior, config, private, identity, planned_private } = call;
        let schema = self.schema(address);
        let proposed = if config.is_null() { Value::Null } else { propose(&schema.attributes, prior, config) };
        let request = wire::plan_resource_change::Request {
            type_name: type_name(address).to_owned(),
            prior_state: Some(pack(prior, schema)),
            proposed_new_state: Some(pack(&proposed, schema)),
            config: Some(pack(config, schema)),
            prior_private: private,
            provider_meta: None,
            client_capabilities: Some(self.capabilities()),
            prior_identity: pack_identity(&identity, schema),
            planned_private,
        };
        let response = answer(self.client.plan_resource_change(request).await);
        let deferred = self.deferral(address, response.deferred);
        let found = told(&response.diagnostics);
        if found.has_error() {
            return Planned {
                value: prior.clone(),
                replace: Vec::new(),
                private: Vec::new(),
                identity,
                found,
                deferred,
            };
        }
        let value = unpack(response.planned_state.as_ref(), self.schema(address));
        let wrong = consistency::plan(&self.schema(address).attributes, prior, config, &value);
        blame("an invalid plan", address, &wrong);
        let replace: Vec<_> = response.requires_replace.iter().map(Path::from_proto).collect();
        let planned = unpack_identity(response.planned_identity.as_ref(), self.schema(address));
        let may_be_open = prior.is_null() || !replace.is_empty();
        assert!(
            may_be_open || planned.is_wholly_known(),
            "Terraform would blame the provider: the identity of {address} is not known"
        );
        Planned { value, replace, private: response.planned_private, identity: planned, found, deferred }
    }

    /// What a call of apply answers.
    pub(super) async fn call_apply(&mut self, address: &str, call: Call<'_>, planned: &Value) -> Made {
        let Call { prior, config, private, identity, .. } = call;
        let schema = self.schema(address);
        let request = wire::apply_resource_change::Request {
            type_name: type_name(address).to_owned(),
            prior_state: Some(pack(prior, schema)),
            planned_state: Some(pack(planned, schema)),
            config: Some(pack(config, schema)),
            planned_private: private,
            provider_meta: None,
            planned_identity: pack_identity(&identity, schema),
        };
        let response = answer(self.client.apply_resource_change(request).await);
        let found = told(&response.diagnostics);
        let state = unpack(response.new_state.as_ref(), self.schema(address));
        assert!(
            state.is_wholly_known(),
            "Terraform would blame the provider: {address} has unknown values after apply"
        );
        if !found.has_error() {
            assert_eq!(
                state.is_null(),
                planned.is_null(),
                "Terraform would blame the provider: {address} is or is not there"
            );
        }
        let schema = self.schema(address);
        refuse_write_only(address, schema, &state);
        let identity = unpack_identity(response.new_identity.as_ref(), schema);
        assert!(
            identity.is_wholly_known(),
            "Terraform would blame the provider: the identity of {address} is not known"
        );
        Made { state, identity, private: response.private, found }
    }

    /// What the host tells that it can.
    pub(super) fn capabilities(&self) -> wire::ClientCapabilities {
        let Abilities { write_only, deferral, planned_private } = self.abilities;
        wire::ClientCapabilities {
            deferral_allowed: deferral,
            write_only_attributes_allowed: write_only,
            store_planned_private: planned_private,
        }
    }

    /// Whether it was put off, which only some hosts allow.
    pub(super) fn deferral(&self, address: &str, deferred: Option<wire::Deferred>) -> Option<Deferral> {
        use wire::deferred::Reason;
        let reason = deferred?.reason();
        assert!(
            self.abilities.deferral,
            "Terraform would blame the provider: {address} is deferred, which was not allowed"
        );
        match reason {
            Reason::ResourceConfigUnknown => Some(Deferral::ResourceConfigUnknown),
            Reason::ProviderConfigUnknown => Some(Deferral::ProviderConfigUnknown),
            Reason::AbsentPrereq => Some(Deferral::AbsentPrerequisite),
            Reason::Unknown => panic!("Terraform would blame the provider: {address} is deferred for no reason"),
        }
    }

    pub(super) fn schema(&self, address: &str) -> &SchemaSpec {
        Schemas::one(&self.schemas.resources, type_name(address))
    }
}

/// `ledger_object.a` is of type `ledger_object`.
pub(super) fn type_name(address: &str) -> &str {
    address.split('.').next().unwrap_or(address)
}

pub(super) fn answer<T>(response: Result<Response<T>, Status>) -> T {
    response.unwrap_or_else(|e| panic!("the provider did not answer: {e}")).into_inner()
}

pub(super) fn told(diagnostics: &[wire::Diagnostic]) -> Diagnostics {
    diagnostics.iter().map(Diagnostic::from_proto).collect()
}

pub(super) fn refuse_errors(rpc: &str, found: &Diagnostics) {
    assert!(!found.has_error(), "{rpc} failed: {found:?}");
}

pub(super) fn blame(what: &str, address: &str, wrong: &[crate::ValueError]) {
    let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "Terraform would blame the provider for {what} of {address}: {wrong:?}");
}

pub(super) fn pack(value: &Value, schema: &SchemaSpec) -> DynamicValue {
    let msgpack = value::encode(value, &schema.ty).unwrap_or_else(|e| panic!("a value does not fit its schema: {e}"));
    DynamicValue { msgpack: Bytes::from(msgpack), json: Bytes::new() }
}

pub(super) fn unpack(wire: Option<&DynamicValue>, schema: &SchemaSpec) -> Value {
    let Some(wire) = wire.filter(|wire| !wire.msgpack.is_empty()) else {
        return Value::Null;
    };
    value::decode(&wire.msgpack, &schema.ty)
        .unwrap_or_else(|e| panic!("the provider sent what its schema does not say: {e}"))
}

/// Null where the resource has no identity, or Terraform holds none.
pub(super) fn unpack_identity(wire: Option<&ResourceIdentityData>, schema: &SchemaSpec) -> Value {
    let data = wire.and_then(|wire| wire.identity_data.as_ref()).filter(|data| !data.msgpack.is_empty());
    let (Some(data), Some(spec)) = (data, &schema.identity) else {
        assert!(data.is_none(), "Terraform would blame the provider: an identity without a schema of it");
        return Value::Null;
    };
    value::decode(&data.msgpack, &spec.ty).unwrap_or_else(|e| panic!("the provider sent an identity that is none: {e}"))
}

pub(super) fn pack_identity(identity: &Value, schema: &SchemaSpec) -> Option<ResourceIdentityData> {
    let spec = schema.identity.as_ref().filter(|_| !identity.is_null())?;
    let msgpack =
        value::encode(identity, &spec.ty).unwrap_or_else(|e| panic!("an identity does not fit its schema: {e}"));
    Some(ResourceIdentityData { identity_data: Some(DynamicValue { msgpack: msgpack.into(), json: Bytes::new() }) })
}

/// What is write-only is in no state, wherever that comes from.
pub(super) fn refuse_write_only(address: &str, schema: &SchemaSpec, state: &Value) {
    let kept = write_only_in(&schema.attributes, state, &Path::root());
    assert!(kept.is_empty(), "Terraform would blame the provider: write-only values of {address} are stored: {kept:?}");
}
