//! How objects that exist come into the state: import, move; and how data sources are read.

use super::{
    calls::{answer, pack, pack_identity, refuse_write_only, told, type_name, unpack, unpack_identity},
    config::evaluate,
    core::{Core, Instance},
    report::Report,
    schemas::Schemas,
};
use crate::{
    Diagnostic, Provider, Value,
    proto::tfplugin6::{self as wire, ResourceIdentityData},
    value::{self, to_json},
};
use serde_json::Value as Json;

impl<P: Provider> Core<P> {
    /// Imports an object by its id, and reads it.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn import(&mut self, address: &str, id: &str) -> Report {
        self.import_as(address, id.to_owned(), None).await
    }

    /// Imports an object by its identity, and reads it.
    ///
    /// # Panics
    /// If Terraform would refuse the identity, or blame the provider.
    pub async fn import_by(&mut self, address: &str, identity: &Json) -> Report {
        let schema = self.schema(address);
        let spec = schema.identity.as_ref().unwrap_or_else(|| panic!("{address} has no identity"));
        let identity = value::from_json(&identity.to_string(), &spec.ty)
            .unwrap_or_else(|e| panic!("Terraform would refuse the identity: {e}"));
        let identity = pack_identity(&identity, schema);
        self.import_as(address, String::new(), identity).await
    }

    async fn import_as(&mut self, address: &str, id: String, identity: Option<ResourceIdentityData>) -> Report {
        let identity_given = identity.is_some();
        let request = wire::import_resource_state::Request {
            type_name: type_name(address).to_owned(),
            id,
            client_capabilities: Some(self.capabilities()),
            identity,
        };
        let response = answer(self.client.import_resource_state(request).await);
        let deferred = self.deferral(address, response.deferred);
        let mut found = told(&response.diagnostics);
        if deferred.is_some() {
            return Report { deferred, ..self.report(address, found) };
        }
        let Some(imported) = response.imported_resources.first().filter(|_| !found.has_error()) else {
            return self.report(address, found);
        };
        let state = unpack(imported.state.as_ref(), self.schema(address));
        refuse_write_only(address, self.schema(address), &state);
        let identity = unpack_identity(imported.identity.as_ref(), self.schema(address));
        assert!(
            !identity_given || !identity.is_null(),
            "Terraform would blame the provider: the import of {address} by its identity returned none"
        );
        self.store(address, Instance { state, identity, private: imported.private.clone(), tainted: false });
        let read = self.refresh(address).await;
        found.extend(read.diagnostics);
        if self.state(address).is_none() {
            found.push(Diagnostic::error("Cannot import non-existent remote object"));
        }
        self.report(address, found)
    }

    /// Takes over an object of another type, as a `moved` block across types does, and reads it.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn move_here(&mut self, address: &str, provider: &str, type_name: &str, state: &Json) -> Report {
        let request = wire::move_resource_state::Request {
            source_provider_address: provider.to_owned(),
            source_type_name: type_name.to_owned(),
            source_schema_version: 0,
            source_state: Some(wire::RawState { json: state.to_string().into_bytes(), ..wire::RawState::default() }),
            target_type_name: self::type_name(address).to_owned(),
            source_private: Vec::new(),
            source_identity: None,
            source_identity_schema_version: 0,
        };
        let response = answer(self.client.move_resource_state(request).await);
        let mut found = told(&response.diagnostics);
        if found.has_error() {
            return self.report(address, found);
        }
        let state = unpack(response.target_state.as_ref(), self.schema(address));
        assert!(!state.is_null(), "Terraform would blame the provider: {address} was moved to nothing");
        refuse_write_only(address, self.schema(address), &state);
        let identity = unpack_identity(response.target_identity.as_ref(), self.schema(address));
        self.store(address, Instance { state, identity, private: response.target_private, tainted: false });
        found.extend(self.refresh(address).await.diagnostics);
        self.report(address, found)
    }

    /// The configuration that the provider would write for an object in the state: what `-generate-config-out` asks.
    ///
    /// # Panics
    /// If Terraform would refuse that configuration.
    pub async fn generate(&mut self, address: &str) -> Json {
        let schema = self.schema(address);
        let state = self.state(address).unwrap_or_else(|| panic!("{address} is not in the state"));
        let state = value::from_json(&state.to_string(), &schema.ty).unwrap_or_else(|e| panic!("{address}: {e}"));
        let request = wire::generate_resource_config::Request {
            type_name: type_name(address).to_owned(),
            state: Some(pack(&state, schema)),
        };
        let response = answer(self.client.generate_resource_config(request).await);
        let found = told(&response.diagnostics);
        assert!(found.is_empty(), "GenerateResourceConfig failed: {found:?}");
        let config = to_json(&unpack(response.config.as_ref(), self.schema(address)));
        let refused = evaluate(self.schema(address), &config).err();
        assert_eq!(refused, None, "Terraform would refuse the configuration of {address}");
        config
    }

    /// Reads a data source.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn read(&mut self, data_source: &str, config: &Json) -> Report {
        let schema = Schemas::one(&self.schemas.data_sources, data_source);
        let config = evaluate(schema, config).unwrap_or_else(|e| panic!("Terraform would refuse {data_source}: {e}"));
        let config = Some(pack(&config, schema));
        let type_name = data_source.to_owned();
        let request =
            wire::validate_data_resource_config::Request { type_name: type_name.clone(), config: config.clone() };
        let mut found = told(&answer(self.client.validate_data_resource_config(request).await).diagnostics);
        let (mut state, mut deferred) = (Value::Null, None);
        if !found.has_error() {
            let client_capabilities = Some(self.capabilities());
            let request =
                wire::read_data_source::Request { type_name, config, provider_meta: None, client_capabilities };
            let response = answer(self.client.read_data_source(request).await);
            deferred = self.deferral(data_source, response.deferred);
            found.extend(told(&response.diagnostics));
            state = unpack(response.state.as_ref(), Schemas::one(&self.schemas.data_sources, data_source));
        }
        let state = Some(to_json(&state)).filter(|json| !json.is_null());
        Report { state, tainted: false, diagnostics: found, deferred }
    }
}
