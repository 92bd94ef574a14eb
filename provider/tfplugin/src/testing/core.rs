//! The stand-in itself.

use super::{
    calls::{Call, Planned, answer, blame, pack, refuse_errors, second_plan_differs, told, type_name, unpack},
    config::evaluate,
    pipe,
    report::{Plan, Report},
};
use crate::{
    Action, Diagnostic, Diagnostics, Path, Provider, Registry, Step, Value,
    plan::consistency,
    proto::tfplugin6::{self as wire, provider_client::ProviderClient},
    value::to_json,
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, marker::PhantomData};
use tonic::transport::Channel;

/// A stand-in for Terraform's core with one provider and a state.
pub struct Core<P: Provider> {
    pub(super) client: ProviderClient<Channel>,
    pub(super) registry: Registry<P::Client>,
    instances: BTreeMap<String, Instance>,
    of: PhantomData<P>,
}

#[derive(Clone, Debug)]
struct Instance {
    state: Value,
    private: Vec<u8>,
    tainted: bool,
}

/// How to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to look at the object first. `-refresh=false` does not.
    pub refresh: bool,
    /// Whether to make the object anew, as `-replace` does.
    pub replace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { refresh: true, replace: false }
    }
}

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

    /// Takes over the state of another: the next command of Terraform's, which starts a process anew.
    pub fn take_over(&mut self, before: &mut Self) {
        self.instances = std::mem::take(&mut before.instances);
    }

    /// Refreshes the object, then plans what the configuration wants of it.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn plan(&mut self, address: &str, config: &Json) -> Plan {
        self.plan_with(address, config, Options::default()).await
    }

    /// The same, as `-refresh=false` or `-replace` have it.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn plan_with(&mut self, address: &str, config: &Json, options: Options) -> Plan {
        let config =
            evaluate(self.schema(address), config).unwrap_or_else(|e| panic!("Terraform would refuse {address}: {e}"));
        self.plan_value(address, config, options).await
    }

    /// Refreshes the object, then plans its end.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn plan_destroy(&mut self, address: &str) -> Plan {
        self.plan_value(address, Value::Null, Options::default()).await
    }

    async fn plan_value(&mut self, address: &str, config: Value, options: Options) -> Plan {
        let mut found = Diagnostics::default();
        if !config.is_null() {
            let request = wire::validate_resource_config::Request {
                type_name: type_name(address).to_owned(),
                config: Some(pack(&config, self.schema(address))),
                client_capabilities: None,
            };
            found.extend(told(&answer(self.client.validate_resource_config(request).await).diagnostics));
        }
        if !found.has_error() && options.refresh && self.instances.contains_key(address) {
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
            private: Vec::new(),
        };
        if !plan.diagnostics.has_error() {
            self.plan_change(&mut plan, options.replace).await;
        }
        plan
    }

    async fn plan_change(&mut self, plan: &mut Plan, forced: bool) {
        let tainted = self.instances.get(&plan.address).is_some_and(|instance| instance.tainted);
        // What is tainted is planned as if nothing were there, unless it is to go anyway.
        let anew = tainted && !plan.config.is_null();
        let prior = if anew { Value::Null } else { plan.prior.clone() };
        let private = if anew { Vec::new() } else { self.private(&plan.address) };
        let call = Call { prior: &prior, config: &plan.config, private };
        let Planned { value, replace, private, found } = self.call_plan(&plan.address, call).await;
        plan.diagnostics.extend(found);
        (plan.planned, plan.private) = (value, private);
        let changed = |path: &Path| match path.steps().first() {
            Some(Step::Attribute(name)) => prior.attribute(name) != plan.planned.attribute(name),
            _ => false,
        };
        plan.requires_replace = replace.into_iter().filter(|path| !anew && changed(path)).collect();
        plan.action = match (plan.prior.is_null(), plan.planned.is_null()) {
            (true, true) => Action::NoOp,
            (true, false) => Action::Create,
            (false, true) => Action::Destroy,
            (false, false) if anew || forced || !plan.requires_replace.is_empty() => Action::Replace,
            (false, false) if prior == plan.planned => Action::NoOp,
            (false, false) => Action::Update,
        };
        if plan.action == Action::Replace && !anew && !plan.diagnostics.has_error() {
            self.plan_new_half(plan).await;
        }
        plan.after = to_json(&plan.planned);
        let attributes = plan.planned.as_object().into_iter().flatten();
        plan.unknown = attributes.filter(|(_, value)| !value.is_wholly_known()).map(|(name, _)| name.clone()).collect();
    }

    /// The new half of a replacement is planned as if nothing were there. What that warns of, core takes for said already.
    async fn plan_new_half(&mut self, plan: &mut Plan) {
        let call = Call { prior: &Value::Null, config: &plan.config, private: plan.private.clone() };
        let Planned { value, private, found, .. } = self.call_plan(&plan.address, call).await;
        (plan.planned, plan.private) = (value, private);
        if found.has_error() {
            plan.diagnostics.extend(found);
        }
    }

    /// Carries out a plan, as core does: plans again first, and holds the result against the plan. What the second plan says of private data is what
    /// apply gets; what the first one said is lost, but for a destroy, which is planned once.
    ///
    /// # Panics
    /// If Terraform would blame the provider, or if the plan had errors.
    pub async fn apply(&mut self, plan: Plan) -> Report {
        assert!(!plan.diagnostics.has_error(), "Terraform does not apply a failed plan: {:?}", plan.diagnostics);
        let mut all = Diagnostics::default();
        if plan.action == Action::NoOp {
            return self.report(&plan.address, all);
        }
        let address = plan.address.as_str();
        let mut prior = plan.prior.clone();
        if matches!(plan.action, Action::Replace | Action::Destroy) {
            let call = Call { prior: &prior, config: &Value::Null, private: plan.private.clone() };
            let (state, private, found) = self.call_apply(address, call, &Value::Null).await;
            all.extend(found);
            let tainted = self.instances.get(address).is_some_and(|instance| instance.tainted);
            self.store(address, state, private, tainted);
            if all.has_error() || plan.action == Action::Destroy {
                return self.report(address, all);
            }
            prior = Value::Null;
        }
        let private = if prior.is_null() { Vec::new() } else { self.private(address) };
        let call = Call { prior: &prior, config: &plan.config, private };
        let Planned { value: planned, private, found, .. } = self.call_plan(address, call).await;
        all.extend(found);
        if all.has_error() {
            return self.report(address, all);
        }
        let wrong = second_plan_differs(&plan.planned, &planned);
        assert!(
            wrong.is_empty(),
            "Terraform would blame the provider for a second plan of {address} that differs: {wrong:?}"
        );
        if planned == prior {
            return self.report(address, all);
        }
        let call = Call { prior: &prior, config: &plan.config, private };
        let (state, private, found) = self.call_apply(address, call, &planned).await;
        let failed = found.has_error();
        if !failed {
            let wrong = consistency::applied(&self.schema(address).attributes, &planned, &state);
            blame("an inconsistent result", address, &wrong);
        }
        all.extend(found);
        self.store(address, state, private, failed && prior.is_null());
        self.report(address, all)
    }

    /// Marks the object as half made, as an error after its creation does, or `terraform taint`.
    ///
    /// # Panics
    /// If the object is not in the state.
    pub fn taint(&mut self, address: &str) {
        let instance = self.instances.get_mut(address);
        instance.unwrap_or_else(|| panic!("{address} is not in the state")).tainted = true;
    }

    fn private(&self, address: &str) -> Vec<u8> {
        self.instances.get(address).map(|instance| instance.private.clone()).unwrap_or_default()
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
}
