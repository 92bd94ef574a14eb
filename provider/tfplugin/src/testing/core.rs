//! The stand-in itself.

use super::{
    calls::{
        Call, Made, Planned, answer, blame, pack, pack_identity, refuse_errors, refuse_write_only, told, type_name,
        unpack, unpack_identity,
    },
    config::evaluate,
    pipe,
    report::{Plan, Report},
    schemas::Schemas,
};
use crate::{
    Action, Diagnostics, Path, Provider, Value,
    plan::consistency,
    proto::tfplugin6::{self as wire, provider_client::ProviderClient},
    value::to_json,
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};
use tonic::transport::Channel;

/// A stand-in for Terraform's core with one provider and a state.
pub struct Core<P: Provider> {
    pub(super) client: ProviderClient<Channel>,
    pub(super) schemas: Arc<Schemas>,
    pub(super) abilities: Abilities,
    instances: BTreeMap<String, Instance>,
    of: PhantomData<P>,
}

#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) state: Value,
    pub(super) identity: Value,
    pub(super) private: Vec<u8>,
    pub(super) tainted: bool,
}

/// What the host can. By default what Terraform 1.15 can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it keeps write-only values out of its state, as Terraform 1.11 and newer do.
    pub write_only: bool,
    /// Whether an object may be put off to another run, as `-allow-deferral` of experimental builds has it.
    pub deferral: bool,
    /// Whether private data of the plan reach the apply, as in Terraform 1.16.
    pub planned_private: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self { write_only: true, deferral: false, planned_private: false }
    }
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
        Self::start_with(config, Abilities::default()).await
    }

    /// The same, in a host of these abilities.
    ///
    /// # Panics
    /// If a schema is wrong, or the configuration is.
    pub async fn start_with(config: Json, abilities: Abilities) -> Self {
        let mut client = pipe::connect::<P>();
        let schemas = Arc::new(Schemas::ask(&mut client).await);
        let mut core = Self { client, schemas, abilities, instances: BTreeMap::new(), of: PhantomData };

        let schema = &core.schemas.provider;
        let config = evaluate(schema, &config).unwrap_or_else(|e| panic!("Terraform would refuse: {e}"));
        let config = Some(pack(&config, schema));
        let request = wire::validate_provider_config::Request { config: config.clone() };
        refuse_errors(
            "ValidateProviderConfig",
            &told(&answer(core.client.validate_provider_config(request).await).diagnostics),
        );
        let request = wire::configure_provider::Request {
            terraform_version: "1.15.0".to_owned(),
            config,
            client_capabilities: Some(core.capabilities()),
        };
        refuse_errors("ConfigureProvider", &told(&answer(core.client.configure_provider(request).await).diagnostics));
        core
    }

    /// Identities, list resources and actions as the wire tells them: for a file that is compared, since no `providers schema`
    /// of an older Terraform shows them, and a change of an identity reaches into states.
    #[must_use]
    pub fn newer_schemas(&self) -> Json {
        self.schemas.newer()
    }

    /// Another worker of the same command, without objects of its own: Terraform has ten of them call one process of the
    /// provider side by side.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            client: self.client.clone(),
            schemas: Arc::clone(&self.schemas),
            abilities: self.abilities,
            instances: BTreeMap::new(),
            of: PhantomData,
        }
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
                client_capabilities: Some(self.capabilities()),
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
            deferred: None,
            planned: Value::Null,
            identity: Value::Null,
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
        let identity = if anew { Value::Null } else { self.identity(&plan.address) };
        let call = Call { prior: &prior, config: &plan.config, private, identity, planned_private: Vec::new() };
        let Planned { value, replace, private, identity, found, deferred } = self.call_plan(&plan.address, call).await;
        plan.diagnostics.extend(found);
        plan.deferred = deferred;
        (plan.planned, plan.private, plan.identity) = (value, private, identity);
        // What the provider names has to be there, before or after; what is named and did not change, core passes over.
        let changed = |path: &Path| {
            let (before, after) = (prior.part(path), plan.planned.part(path));
            let is_there = prior.is_null() || before.is_some() || after.is_some();
            assert!(
                is_there,
                "Terraform would blame the provider: {} has no {path} that could replace it",
                plan.address
            );
            before != after
        };
        plan.requires_replace = replace.into_iter().filter(|path| changed(path) && !anew).collect();
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
        let call = Call {
            prior: &Value::Null,
            config: &plan.config,
            private: plan.private.clone(),
            identity: Value::Null,
            planned_private: Vec::new(),
        };
        let Planned { value, private, identity, found, .. } = self.call_plan(&plan.address, call).await;
        (plan.planned, plan.private, plan.identity) = (value, private, identity);
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
        let config = plan.config.clone();
        self.carry_out(plan, config).await
    }

    /// The same, where what the plan did not know is known by now: the configuration with nothing unknown left.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider, or if the plan had errors.
    pub async fn apply_known(&mut self, plan: Plan, config: &Json) -> Report {
        let address = &plan.address;
        let config =
            evaluate(self.schema(address), config).unwrap_or_else(|e| panic!("Terraform would refuse {address}: {e}"));
        blame("another configuration", address, &consistency::planned_again(&plan.config, &config));
        self.carry_out(plan, config).await
    }

    async fn carry_out(&mut self, plan: Plan, config: Value) -> Report {
        assert!(!plan.diagnostics.has_error(), "Terraform does not apply a failed plan: {:?}", plan.diagnostics);
        let mut all = Diagnostics::default();
        if plan.action == Action::NoOp || plan.deferred.is_some() {
            return self.report(&plan.address, all);
        }
        let address = plan.address.as_str();
        let mut prior = plan.prior.clone();
        if matches!(plan.action, Action::Replace | Action::Destroy) {
            let call = Call {
                prior: &prior,
                config: &Value::Null,
                private: plan.private.clone(),
                identity: self.identity(address),
                planned_private: Vec::new(),
            };
            let Made { state, identity, private, found } = self.call_apply(address, call, &Value::Null).await;
            all.extend(found);
            let tainted = self.instances.get(address).is_some_and(|instance| instance.tainted);
            self.store(address, Instance { state, identity, private, tainted });
            if all.has_error() || plan.action == Action::Destroy {
                return self.report(address, all);
            }
            prior = Value::Null;
        }
        let private = if prior.is_null() { Vec::new() } else { self.private(address) };
        let planned_private = if self.abilities.planned_private { plan.private.clone() } else { Vec::new() };
        let identity = if prior.is_null() { Value::Null } else { self.identity(address) };
        let call = Call { prior: &prior, config: &config, private, identity, planned_private };
        let Planned { value: planned, private, identity, found, replace, .. } = self.call_plan(address, call).await;
        all.extend(found);
        if all.has_error() {
            return self.report(address, all);
        }
        blame("a second plan that differs", address, &consistency::planned_again(&plan.planned, &planned));
        let is_made_anew = !prior.is_null() && replace.iter().any(|path| prior.part(path) != planned.part(path));
        assert!(!is_made_anew, "Terraform would blame the provider: the update of {address} became a replacement");
        if planned == prior {
            return self.report(address, all);
        }
        let call = Call { prior: &prior, config: &config, private, identity, planned_private: Vec::new() };
        let Made { state, identity, private, found } = self.call_apply(address, call, &planned).await;
        let failed = found.has_error();
        if !failed {
            let wrong = consistency::applied(&planned, &state);
            blame("an inconsistent result", address, &wrong);
        }
        all.extend(found);
        self.store(address, Instance { state, identity, private, tainted: failed && prior.is_null() });
        self.report(address, all)
    }

    /// Puts an object into the state as an older version of the provider may have stored it, with its identity if it had
    /// one, each with its version, and upgrades both: what a command does first.
    ///
    /// # Panics
    /// If Terraform would blame the provider.
    pub async fn hold(&mut self, address: &str, version: i64, state: &Json, identity: Option<(i64, &Json)>) -> Report {
        let raw = |json: &Json| wire::RawState { json: json.to_string().into_bytes(), ..wire::RawState::default() };
        let type_name = type_name(address).to_owned();
        let request = wire::upgrade_resource_state::Request {
            type_name: type_name.clone(),
            version,
            raw_state: Some(raw(state)),
        };
        let upgraded = answer(self.client.upgrade_resource_state(request).await);
        let mut found = told(&upgraded.diagnostics);
        let state = unpack(upgraded.upgraded_state.as_ref(), self.schema(address));
        refuse_write_only(address, self.schema(address), &state);
        let mut held = Value::Null;
        if self.schema(address).identity.is_some() {
            let (version, raw_identity) = identity.map(|(version, json)| (version, raw(json))).unwrap_or_default();
            let request =
                wire::upgrade_resource_identity::Request { type_name, version, raw_identity: Some(raw_identity) };
            let upgraded = answer(self.client.upgrade_resource_identity(request).await);
            found.extend(told(&upgraded.diagnostics));
            held = unpack_identity(upgraded.upgraded_identity.as_ref(), self.schema(address));
        }
        if !found.has_error() {
            self.store(address, Instance { state, identity: held, private: Vec::new(), tainted: false });
        }
        self.report(address, found)
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

    pub(super) fn identity(&self, address: &str) -> Value {
        self.instances.get(address).map(|instance| instance.identity.clone()).unwrap_or_default()
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
        refuse_write_only(
            address,
            self.schema(address),
            &unpack(upgraded.upgraded_state.as_ref(), self.schema(address)),
        );
        let request = wire::read_resource::Request {
            type_name: type_name(address).to_owned(),
            current_state: upgraded.upgraded_state,
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: Some(self.capabilities()),
            current_identity: pack_identity(&instance.identity, self.schema(address)),
        };
        let response = answer(self.client.read_resource(request).await);
        let deferred = self.deferral(address, response.deferred);
        let found = told(&response.diagnostics);
        if deferred.is_some() {
            return Report { deferred, ..self.report(address, found) };
        }
        if !found.has_error() {
            let state = unpack(response.new_state.as_ref(), self.schema(address));
            assert!(
                state.is_wholly_known(),
                "Terraform would blame the provider: {address} has unknown values after read"
            );
            let identity = unpack_identity(response.new_identity.as_ref(), self.schema(address));
            let private = response.private;
            self.store(address, Instance { state, identity, private, tainted: instance.tainted });
        }
        self.report(address, found)
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

    /// The identity beside the state; null if there is none.
    #[must_use]
    pub fn identity_of(&self, address: &str) -> Json {
        to_json(&self.identity(address))
    }

    /// The object in the state.
    #[must_use]
    pub fn state(&self, address: &str) -> Option<Json> {
        self.instances.get(address).map(|instance| to_json(&instance.state))
    }

    pub(super) fn store(&mut self, address: &str, instance: Instance) {
        if instance.state.is_null() {
            self.instances.remove(address);
        } else {
            self.instances.insert(address.to_owned(), instance);
        }
    }

    pub(super) fn report(&self, address: &str, diagnostics: Diagnostics) -> Report {
        Report {
            state: self.state(address),
            tainted: self.instances.get(address).is_some_and(|instance| instance.tainted),
            diagnostics,
            deferred: None,
        }
    }
}
