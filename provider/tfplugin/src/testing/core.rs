//! The stand-in itself.

use super::{
    config::{evaluate, propose},
    pipe,
    report::{Plan, Report},
};
use crate::{
    Action, Diagnostic, Diagnostics, Path, Provider, Registry, Step, Value,
    plan::consistency,
    proto::tfplugin6::{self as wire, DynamicValue, provider_client::ProviderClient},
    schema::SchemaSpec,
    value::{self, to_json},
};
use bytes::Bytes;
use serde_json::Value as Json;
use std::{collections::BTreeMap, marker::PhantomData};
use tonic::{Response, Status, transport::Channel};

/// A stand-in for Terraform's core with one provider and a state.
pub struct Core<P: Provider> {
    client: ProviderClient<Channel>,
    registry: Registry<P::Client>,
    instances: BTreeMap<String, Instance>,
    of: PhantomData<P>,
}

#[derive(Clone, Debug)]
struct Instance {
    state: Value,
    private: Vec<u8>,
    tainted: bool,
}

type Outcome = (Value, Vec<u8>, Diagnostics);

impl<P: Provider> Core<P> {
    /// Starts and configures the provider.
    ///
    /// # Panics
    /// If a schema is wrong, or the configuration is.
    pub async fn start(config: Json) -> Self {
        let mut core =
            Self { client: pipe::connect::<P>(), registry: P::registry(), instances: BTreeMap::new(), of: PhantomData };
        let schemas = core.client.get_provider_schema(wire::get_provider_schema::Request {}).await;
        refuse_errors("GetProviderSchema", &told(&answer(schemas).diagnostics));

        let schema = P::schema().into_spec();
        let config = evaluate(&schema, &config).unwrap_or_else(|e| panic!("Terraform would refuse: {e}"));
        let config = Some(pack(&config, &schema));
        let request = wire::validate_provider_config::Request { config: config.clone() };
        refuse_errors(
            "ValidateProviderConfig",
            &told(&answer(core.client.validate_provider_config(request).await).diagnostics),
        );
        let request = wire::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config,
            client_capabilities: None,
        };
        refuse_errors("ConfigureProvider", &told(&answer(core.client.configure_provider(request).await).diagnostics));
        core
    }

    /// Refreshes the object, then plans what the configuration wants of it.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn plan(&mut self, address: &str, config: &Json) -> Plan {
        let config =
            evaluate(self.schema(address), config).unwrap_or_else(|e| panic!("Terraform would refuse {address}: {e}"));
        self.plan_value(address, config).await
    }

    /// Refreshes the object, then plans its end.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn plan_destroy(&mut self, address: &str) -> Plan {
        self.plan_value(address, Value::Null).await
    }

    async fn plan_value(&mut self, address: &str, config: Value) -> Plan {
        let mut found = Diagnostics::default();
        if !config.is_null() {
            let request = wire::validate_resource_config::Request {
                type_name: type_name(address).to_owned(),
                config: Some(pack(&config, self.schema(address))),
                client_capabilities: None,
            };
            found.extend(told(&answer(self.client.validate_resource_config(request).await).diagnostics));
        }
        if !found.has_error() && self.instances.contains_key(address) {
            found.extend(self.refresh(address).await.diagnostics);
        }
        let prior = self.instances.get(address).map_or(Value::Null, |instance| instance.state.clone());
        let mut plan = Plan {
            action: Action::NoOp,
            before: to_json(&prior),
            after: Json::Null,
            unknown: Vec::new(),
            requires_replace: Vec::new(),
            diagnostics: found,
            address: address.to_owned(),
            config,
            prior,
            planned: Value::Null,
        };
        if !plan.diagnostics.has_error() {
            self.plan_change(&mut plan).await;
        }
        plan
    }

    async fn plan_change(&mut self, plan: &mut Plan) {
        let prior = plan.prior.clone();
        let (planned, replace, found) = self.call_plan(&plan.address, &prior, &plan.config).await;
        plan.diagnostics.extend(found);
        plan.planned = planned;
        let changed = |path: &Path| match path.steps().first() {
            Some(Step::Attribute(name)) => prior.attribute(name) != plan.planned.attribute(name),
            _ => false,
        };
        plan.requires_replace = replace.into_iter().filter(changed).collect();
        let tainted = self.instances.get(&plan.address).is_some_and(|instance| instance.tainted);
        let both = !prior.is_null() && !plan.planned.is_null();
        plan.action = match (prior.is_null(), plan.planned.is_null()) {
            (true, true) => Action::NoOp,
            (true, false) => Action::Create,
            (false, true) => Action::Destroy,
            (false, false) if tainted || both && !plan.requires_replace.is_empty() => Action::Replace,
            (false, false) if prior == plan.planned => Action::NoOp,
            (false, false) => Action::Update,
        };
        if plan.action == Action::Replace && !plan.diagnostics.has_error() {
            // The new half is planned as if nothing were there.
            let (planned, _, found) = self.call_plan(&plan.address, &Value::Null, &plan.config).await;
            plan.planned = planned;
            plan.diagnostics.extend(found);
        }
        plan.after = to_json(&plan.planned);
        let attributes = plan.planned.as_object().into_iter().flatten();
        plan.unknown = attributes.filter(|(_, value)| !value.is_wholly_known()).map(|(name, _)| name.clone()).collect();
    }

    async fn call_plan(&mut self, address: &str, prior: &Value, config: &Value) -> (Value, Vec<Path>, Diagnostics) {
        let schema = self.schema(address);
        let proposed = if config.is_null() { Value::Null } else { propose(&schema.attributes, prior, config) };
        let request = wire::plan_resource_change::Request {
            type_name: type_name(address).to_owned(),
            prior_state: Some(pack(prior, schema)),
            proposed_new_state: Some(pack(&proposed, schema)),
            config: Some(pack(config, schema)),
            prior_private: self.instances.get(address).map(|i| i.private.clone()).unwrap_or_default(),
            provider_meta: None,
            client_capabilities: None,
        };
        let response = answer(self.client.plan_resource_change(request).await);
        let found = told(&response.diagnostics);
        if found.has_error() {
            return (prior.clone(), Vec::new(), found);
        }
        let planned = unpack(response.planned_state.as_ref(), self.schema(address));
        let wrong = consistency::plan(&self.schema(address).attributes, prior, config, &planned);
        blame("an invalid plan", address, &wrong);
        (planned, response.requires_replace.iter().map(Path::from_proto).collect(), found)
    }

    /// Carries out a plan, as core does: plans again first, and holds the result against the plan.
    ///
    /// # Panics
    /// If Terraform would blame the provider, or if the plan had errors.
    pub async fn apply(&mut self, plan: Plan) -> Report {
        assert!(!plan.diagnostics.has_error(), "Terraform does not apply a failed plan: {:?}", plan.diagnostics);
        let mut all = Diagnostics::default();
        let mut prior = plan.prior.clone();
        if plan.action == Action::Replace {
            let (state, private, found) = self.call_apply(&plan.address, &prior, &Value::Null, &Value::Null).await;
            all.extend(found);
            self.store(&plan.address, state, private, false);
            if all.has_error() {
                return self.report(&plan.address, all);
            }
            prior = Value::Null;
        }
        if plan.action == Action::NoOp {
            return self.report(&plan.address, all);
        }
        let mut planned = plan.planned.clone();
        if !planned.is_null() {
            let (again, _, found) = self.call_plan(&plan.address, &prior, &plan.config).await;
            all.extend(found);
            if all.has_error() {
                return self.report(&plan.address, all);
            }
            let wrong = second_plan_differs(&planned, &again);
            assert!(
                wrong.is_empty(),
                "Terraform would blame the provider for a second plan of {} that differs: {wrong:?}",
                plan.address
            );
            planned = again;
            if planned == prior {
                return self.report(&plan.address, all);
            }
        }
        let (state, private, found) = self.call_apply(&plan.address, &prior, &planned, &plan.config).await;
        let failed = found.has_error();
        if !failed && !planned.is_null() {
            let wrong = consistency::applied(&self.schema(&plan.address).attributes, &planned, &state);
            blame("an inconsistent result", &plan.address, &wrong);
        }
        all.extend(found);
        self.store(&plan.address, state, private, failed && prior.is_null());
        self.report(&plan.address, all)
    }

    async fn call_apply(&mut self, address: &str, prior: &Value, planned: &Value, config: &Value) -> Outcome {
        let schema = self.schema(address);
        let request = wire::apply_resource_change::Request {
            type_name: type_name(address).to_owned(),
            prior_state: Some(pack(prior, schema)),
            planned_state: Some(pack(planned, schema)),
            config: Some(pack(config, schema)),
            planned_private: self.instances.get(address).map(|i| i.private.clone()).unwrap_or_default(),
            provider_meta: None,
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
        (state, response.private, found)
    }

    /// Upgrades and reads the object.
    ///
    /// # Panics
    /// If the object is not in the state.
    pub async fn refresh(&mut self, address: &str) -> Report {
        let instance = self.instances.get(address).cloned().unwrap_or_else(|| panic!("{address} is not in the state"));
        let schema = self.schema(address);
        let request = wire::upgrade_resource_state::Request {
            type_name: type_name(address).to_owned(),
            version: i64::from(schema.version),
            raw_state: Some(wire::RawState {
                json: to_json(&instance.state).to_string().into_bytes(),
                ..wire::RawState::default()
            }),
        };
        let upgraded = answer(self.client.upgrade_resource_state(request).await);
        refuse_errors("UpgradeResourceState", &told(&upgraded.diagnostics));
        let request = wire::read_resource::Request {
            type_name: type_name(address).to_owned(),
            current_state: upgraded.upgraded_state,
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: None,
        };
        let response = answer(self.client.read_resource(request).await);
        let found = told(&response.diagnostics);
        if !found.has_error() {
            let state = unpack(response.new_state.as_ref(), self.schema(address));
            assert!(
                state.is_wholly_known(),
                "Terraform would blame the provider: {address} has unknown values after read"
            );
            self.store(address, state, response.private, instance.tainted);
        }
        self.report(address, found)
    }

    /// Imports an object by its id, and reads it.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn import(&mut self, address: &str, id: &str) -> Report {
        let request = wire::import_resource_state::Request {
            type_name: type_name(address).to_owned(),
            id: id.to_owned(),
            client_capabilities: None,
        };
        let response = answer(self.client.import_resource_state(request).await);
        let mut found = told(&response.diagnostics);
        let Some(imported) = response.imported_resources.first().filter(|_| !found.has_error()) else {
            return self.report(address, found);
        };
        let state = unpack(imported.state.as_ref(), self.schema(address));
        self.store(address, state, imported.private.clone(), false);
        let read = self.refresh(address).await;
        found.extend(read.diagnostics);
        if !self.instances.contains_key(address) {
            found.push(Diagnostic::error("Cannot import non-existent remote object"));
        }
        self.report(address, found)
    }

    /// Reads a data source.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn read(&mut self, data_source: &str, config: &Json) -> Report {
        let schema = &self.registry.data_sources[data_source].schema;
        let config = evaluate(schema, config).unwrap_or_else(|e| panic!("Terraform would refuse {data_source}: {e}"));
        let config = Some(pack(&config, schema));
        let type_name = data_source.to_owned();
        let request =
            wire::validate_data_resource_config::Request { type_name: type_name.clone(), config: config.clone() };
        let mut found = told(&answer(self.client.validate_data_resource_config(request).await).diagnostics);
        let mut state = Value::Null;
        if !found.has_error() {
            let request =
                wire::read_data_source::Request { type_name, config, provider_meta: None, client_capabilities: None };
            let response = answer(self.client.read_data_source(request).await);
            found.extend(told(&response.diagnostics));
            state = unpack(response.state.as_ref(), &self.registry.data_sources[data_source].schema);
        }
        Report { state: Some(to_json(&state)).filter(|json| !json.is_null()), tainted: false, diagnostics: found }
    }

    /// Asks the provider to stop what it is doing, as Ctrl-C does. Take it before a call that is to be stopped.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub fn stopper(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut client = self.client.clone();
        async move {
            let _stopped = answer(client.stop_provider(wire::stop_provider::Request {}).await);
        }
    }

    /// The object in the state.
    #[must_use]
    pub fn state(&self, address: &str) -> Option<Json> {
        self.instances.get(address).map(|instance| to_json(&instance.state))
    }

    fn store(&mut self, address: &str, state: Value, private: Vec<u8>, tainted: bool) {
        if state.is_null() {
            self.instances.remove(address);
        } else {
            self.instances.insert(address.to_owned(), Instance { state, private, tainted });
        }
    }

    fn report(&self, address: &str, diagnostics: Diagnostics) -> Report {
        Report {
            state: self.state(address),
            tainted: self.instances.get(address).is_some_and(|instance| instance.tainted),
            diagnostics,
        }
    }

    fn schema(&self, address: &str) -> &SchemaSpec {
        let name = type_name(address);
        let entry = self.registry.resources.get(name);
        &entry.unwrap_or_else(|| panic!("the provider has no {name}")).schema
    }
}

/// `ledger_object.a` is of type `ledger_object`.
fn type_name(address: &str) -> &str {
    address.split('.').next().unwrap_or(address)
}

fn answer<T>(response: Result<Response<T>, Status>) -> T {
    response.unwrap_or_else(|e| panic!("the provider did not answer: {e}")).into_inner()
}

fn told(diagnostics: &[wire::Diagnostic]) -> Diagnostics {
    diagnostics.iter().map(Diagnostic::from_proto).collect()
}

fn refuse_errors(rpc: &str, found: &Diagnostics) {
    assert!(!found.has_error(), "{rpc} failed: {found:?}");
}

fn blame(what: &str, address: &str, wrong: &[crate::ValueError]) {
    let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "Terraform would blame the provider for {what} of {address}: {wrong:?}");
}

/// What was known in the first plan must be the same in the second; what was unknown may have become known.
fn second_plan_differs(first: &Value, second: &Value) -> Vec<String> {
    let attributes = first.as_object().into_iter().flatten();
    let differs = attributes.filter(|(name, first)| first.is_wholly_known() && *first != second.attribute(name));
    differs.map(|(name, _)| name.clone()).collect()
}

fn pack(value: &Value, schema: &SchemaSpec) -> DynamicValue {
    let msgpack = value::encode(value, &schema.ty).unwrap_or_else(|e| panic!("a value does not fit its schema: {e}"));
    DynamicValue { msgpack: Bytes::from(msgpack), json: Bytes::new() }
}

fn unpack(wire: Option<&DynamicValue>, schema: &SchemaSpec) -> Value {
    let Some(wire) = wire.filter(|wire| !wire.msgpack.is_empty()) else {
        return Value::Null;
    };
    value::decode(&wire.msgpack, &schema.ty)
        .unwrap_or_else(|e| panic!("the provider sent what its schema does not say: {e}"))
}
