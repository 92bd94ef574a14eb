//! What is not in the state: ephemeral resources, functions, lists, actions.

use super::{
    calls::{answer, pack, refuse_errors, told, unpack, unpack_identity},
    config::evaluate,
    core::Core,
    report::texts,
    schemas::Schemas,
};
use crate::{
    Diagnostics, Provider, Severity, Type, Value,
    proto::tfplugin6::{self as wire, DynamicValue, invoke_action::event},
    value::{self, to_json},
};
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::Value as Json;
use std::time::{Duration, SystemTime};

/// An ephemeral resource that is open.
#[derive(Debug)]
#[must_use]
pub struct Open {
    /// Its value.
    pub value: Json,
    /// When it is to be renewed.
    pub renew_at: Option<SystemTime>,
    /// What the provider tells.
    pub diagnostics: Diagnostics,
    name: String,
    /// What open stored, for close; and what the last renewal did, for the next.
    opened: Option<Vec<u8>>,
    renewed: Option<Vec<u8>>,
}

/// What a list came to.
#[derive(Debug)]
#[must_use]
pub struct Listing {
    /// What was found.
    pub found: Vec<Listed>,
    /// What the provider tells.
    pub diagnostics: Diagnostics,
}

/// One find of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What people call it.
    pub display_name: String,
    /// What tells it from others.
    pub identity: Json,
    /// All of it; null where that was not asked for.
    pub object: Json,
}

/// An action that has run.
#[derive(Debug)]
#[must_use]
pub struct Ran {
    /// What it told meanwhile.
    pub progress: Vec<String>,
    /// What it told at its end.
    pub diagnostics: Diagnostics,
}

impl Ran {
    /// The errors, as text with the attribute first.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        texts(&self.diagnostics, Severity::Error)
    }
}

impl<P: Provider> Core<P> {
    /// Opens an ephemeral resource.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn open(&mut self, name: &str, config: &Json) -> Open {
        let schema = Schemas::one(&self.schemas.ephemerals, name);
        let config = evaluate(schema, config).unwrap_or_else(|e| panic!("Terraform would refuse {name}: {e}"));
        let config = Some(pack(&config, schema));
        let type_name = name.to_owned();
        let request =
            wire::validate_ephemeral_resource_config::Request { type_name: type_name.clone(), config: config.clone() };
        let found = told(&answer(self.client.validate_ephemeral_resource_config(request).await).diagnostics);
        if found.has_error() {
            return Open {
                value: Json::Null,
                renew_at: None,
                diagnostics: found,
                name: type_name,
                opened: None,
                renewed: None,
            };
        }
        let client_capabilities = Some(self.capabilities());
        let request =
            wire::open_ephemeral_resource::Request { type_name: type_name.clone(), config, client_capabilities };
        let response = answer(self.client.open_ephemeral_resource(request).await);
        let _nobody_defers_it = self.deferral(name, response.deferred);
        Open {
            value: to_json(&unpack(response.result.as_ref(), Schemas::one(&self.schemas.ephemerals, name))),
            renew_at: response.renew_at.map(time),
            diagnostics: told(&response.diagnostics),
            name: type_name,
            opened: response.private.clone(),
            renewed: response.private,
        }
    }

    /// Renews what is open, as Terraform does at the time that was asked for.
    ///
    /// # Panics
    /// If the provider fails.
    pub async fn renew(&mut self, open: &mut Open) {
        let request =
            wire::renew_ephemeral_resource::Request { type_name: open.name.clone(), private: open.renewed.clone() };
        let response = answer(self.client.renew_ephemeral_resource(request).await);
        refuse_errors("RenewEphemeralResource", &told(&response.diagnostics));
        (open.renew_at, open.renewed) = (response.renew_at.map(time), response.private);
    }

    /// Closes it.
    ///
    /// # Panics
    /// If the provider fails.
    pub async fn close(&mut self, open: Open) {
        let request = wire::close_ephemeral_resource::Request { type_name: open.name, private: open.opened };
        let response = answer(self.client.close_ephemeral_resource(request).await);
        refuse_errors("CloseEphemeralResource", &told(&response.diagnostics));
    }

    /// Calls a function: its result, or its error with the number of the argument.
    ///
    /// # Panics
    /// If Terraform would not make the call.
    ///
    /// # Errors
    /// What the function says of its arguments.
    pub async fn call(&mut self, name: &str, arguments: &[Json]) -> Result<Json, (String, Option<i64>)> {
        let entry = Schemas::one(&self.schemas.functions, name);
        let enough = arguments.len() == entry.parameters.len()
            || arguments.len() > entry.parameters.len() && entry.variadic.is_some();
        assert!(enough, "Terraform would refuse that many arguments of {name}");
        let specs = entry.parameters.iter().chain(std::iter::repeat(entry.variadic.as_ref()).map_while(|spec| spec));
        let packed = arguments.iter().zip(specs).map(|(argument, spec)| {
            assert!(spec.nullable || !argument.is_null(), "Terraform would refuse null for {}", spec.name);
            let argument = value::from_json(&argument.to_string(), &spec.ty)
                .unwrap_or_else(|e| panic!("Terraform would refuse {}: {e}", spec.name));
            let msgpack = value::encode(&argument, &spec.ty).unwrap_or_else(|e| panic!("{}: {e}", spec.name));
            DynamicValue { msgpack: msgpack.into(), json: Bytes::new() }
        });
        let request = wire::call_function::Request { name: name.to_owned(), arguments: packed.collect() };
        let response = answer(self.client.call_function(request).await);
        if let Some(error) = response.error {
            return Err((error.text, error.function_argument));
        }
        let result = response.result.unwrap_or_default();
        let result = value::decode(&result.msgpack, &Schemas::one(&self.schemas.functions, name).output);
        Ok(to_json(&result.unwrap_or_else(|e| panic!("Terraform would blame the provider: the result of {name}: {e}"))))
    }

    /// Lists objects: at most so many, whole ones or only their identities. Hangs up when it has enough.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn list(&mut self, name: &str, config: &Json, limit: i64, with_objects: bool) -> Listing {
        let schema = Schemas::one(&self.schemas.lists, name);
        let config = evaluate(schema, config).unwrap_or_else(|e| panic!("Terraform would refuse {name}: {e}"));
        let config = Some(pack(&config, schema));
        let request = wire::validate_list_resource_config::Request {
            type_name: name.to_owned(),
            config: config.clone(),
            include_resource_object: Some(plain(&Value::Bool(with_objects), &Type::Bool)),
            limit: Some(plain(&Value::Number(limit.into()), &Type::Number)),
        };
        let mut diagnostics = told(&answer(self.client.validate_list_resource_config(request).await).diagnostics);
        let mut found = Vec::new();
        if diagnostics.has_error() {
            return Listing { found, diagnostics };
        }
        let request = wire::list_resource::Request {
            type_name: name.to_owned(),
            config,
            include_resource_object: with_objects,
            limit,
        };
        let mut events = answer(self.client.list_resource(request).await);
        while found.len() < usize::try_from(limit).unwrap_or(0)
            && let Some(event) = events.next().await
        {
            let event = event.unwrap_or_else(|e| panic!("the provider broke off its list: {e}"));
            diagnostics.extend(told(&event.diagnostic));
            if diagnostics.has_error() {
                break;
            }
            if event.identity.is_none() && !event.diagnostic.is_empty() {
                continue;
            }
            let schema = Schemas::one(&self.schemas.resources, name);
            let identity = unpack_identity(event.identity.as_ref(), schema);
            assert!(!identity.is_null(), "Terraform would blame the provider: {} without identity", event.display_name);
            let object = unpack(event.resource_object.as_ref(), schema);
            assert_eq!(object.is_null(), !with_objects, "{}: whole objects were asked for or not", event.display_name);
            let (identity, object) = (to_json(&identity), to_json(&object));
            found.push(Listed { display_name: event.display_name, identity, object });
        }
        Listing { found, diagnostics }
    }

    /// Plans and runs an action. What its plan refuses, it does not run.
    ///
    /// # Panics
    /// If Terraform would refuse the configuration, or blame the provider.
    pub async fn invoke(&mut self, name: &str, config: &Json) -> Ran {
        let schema = Schemas::one(&self.schemas.actions, name);
        let config = evaluate(schema, config).unwrap_or_else(|e| panic!("Terraform would refuse {name}: {e}"));
        let is_known = config.is_wholly_known();
        let action_type = name.to_owned();
        let request = wire::validate_action_config::Request {
            type_name: action_type.clone(),
            config: Some(pack(&config, schema)),
        };
        let mut found = told(&answer(self.client.validate_action_config(request).await).diagnostics);
        // A `config` block that says nothing may as well be left out. Core validates it as empty then, and plans and invokes without any.
        let says_nothing = config.as_object().is_none_or(|parts| parts.values().all(Value::is_null));
        let config = Some(pack(if says_nothing { &Value::Null } else { &config }, schema));
        let client_capabilities = Some(self.capabilities());
        if !found.has_error() {
            let request = wire::plan_action::Request {
                action_type: action_type.clone(),
                config: config.clone(),
                client_capabilities,
            };
            let response = answer(self.client.plan_action(request).await);
            let _ignored_as_terraform_does = self.deferral(name, response.deferred);
            found.extend(told(&response.diagnostics));
        }
        let mut progress = Vec::new();
        if found.has_error() || !is_known {
            return Ran { progress, diagnostics: found };
        }
        let request = wire::invoke_action::Request { action_type, config, client_capabilities };
        let mut events = answer(self.client.invoke_action(request).await);
        let mut is_complete = false;
        while let Some(event) = events.next().await {
            assert!(!is_complete, "Terraform would blame the provider: {name} goes on after its end");
            match event.unwrap_or_else(|e| panic!("the provider broke off {name}: {e}")).r#type {
                Some(event::Type::Progress(event::Progress { message })) => progress.push(message),
                Some(event::Type::Completed(event::Completed { diagnostics })) => {
                    is_complete = true;
                    found.extend(told(&diagnostics));
                }
                None => panic!("Terraform would crash: {name} sent an event of no kind"),
            }
        }
        assert!(is_complete, "Terraform would blame the provider: {name} has no end");
        Ran { progress, diagnostics: found }
    }
}

fn plain(value: &Value, ty: &Type) -> DynamicValue {
    let msgpack = value::encode(value, ty).unwrap_or_else(|e| panic!("{e}"));
    DynamicValue { msgpack: msgpack.into(), json: Bytes::new() }
}

fn time(at: wire::Timestamp) -> SystemTime {
    let seconds = Duration::from_secs(u64::try_from(at.seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(at.nanos).unwrap_or(0))
}
