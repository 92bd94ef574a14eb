//! The provider as Terraform calls it: one function per RPC, values decoded and encoded at this edge.

mod action;
mod apply;
mod data;
mod ephemeral;
mod function;
mod guard;
mod identity;
mod list;
mod plan;
mod schema;
mod service;
mod state;
mod stop;
mod told;

pub(crate) use guard::request_id;
pub(crate) use stop::Stop;

use crate::{
    Cx, Diagnostic, Diagnostics, Host, Path, Provider, Registry, Type, Value, View,
    cx::Deferral,
    plan::{complete, validate},
    proto::tfplugin6::{self as wire, DynamicValue},
    registry::Entry,
    schema::{Kind, SchemaSpec},
    value,
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};
use told::{Subject, Told};

/// One provider process.
pub(crate) struct Server<P: Provider> {
    /// Built at the first call, so that the handshake waits for nothing.
    offer: OnceLock<Arc<Offer<P>>>,
    client: RwLock<Option<Arc<P::Client>>>,
    stop: Arc<Stop>,
    told: Told,
}

pub(super) struct Offer<P: Provider> {
    pub(super) provider: SchemaSpec,
    pub(super) registry: Registry<P::Client>,
}

impl<P: Provider> Server<P> {
    pub(crate) fn new(stop: Arc<Stop>) -> Self {
        Self { offer: OnceLock::new(), client: RwLock::new(None), stop, told: Told::default() }
    }

    fn offer(&self) -> &Arc<Offer<P>> {
        self.offer.get_or_init(|| {
            Arc::new(Offer { provider: P::schema().into_spec(Kind::Provider), registry: P::registry() })
        })
    }

    /// The surroundings of a call that needs a client.
    fn cx(&self, private: Vec<u8>) -> Result<Cx<P::Client>, Diagnostics> {
        // A token of its own: whoever cancels it ends this call alone.
        Ok(Cx::new(self.client()?, self.stop.current().child_token(), private))
    }

    fn client(&self) -> Result<Arc<P::Client>, Diagnostics> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        client.ok_or_else(|| "the provider is not configured".into())
    }

    /// Lets the provider finish, if it was ever configured.
    pub(crate) async fn finish(&self) {
        if let Ok(client) = self.client() {
            P::close(&client).await;
        }
    }

    async fn configure(
        &self,
        request: wire::configure_provider::Request,
    ) -> Result<wire::configure_provider::Response, Diagnostics> {
        let schema = &self.offer().provider;
        let config = complete(&schema.attributes, &decode(request.config.as_ref(), &schema.ty)?);
        let host = Host::new(request.terraform_version).stopped_by(self.stop.current().child_token());
        let client = P::configure(View::new(&config), &host).await?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(client));
        Ok(wire::configure_provider::Response { diagnostics: host.into_warnings().to_proto() })
    }
}

fn subject(type_name: &str, prior: Option<&DynamicValue>, config: Option<&DynamicValue>) -> Subject {
    let bytes = |wire: Option<&DynamicValue>| wire.map(|wire| wire.msgpack.clone()).unwrap_or_default();
    Subject::new(type_name, &bytes(prior), &bytes(config))
}

fn find<'a, E>(entries: &'a BTreeMap<&'static str, E>, name: &str) -> Result<&'a E, Diagnostics> {
    entries.get(name).ok_or_else(|| format!("the provider has no {name}").into())
}

fn decode(wire: Option<&DynamicValue>, ty: &Type) -> Result<Value, Diagnostics> {
    match wire {
        None => Ok(Value::Null),
        Some(wire) if !wire.msgpack.is_empty() => Ok(value::decode(&wire.msgpack, ty)?),
        Some(wire) if wire.json.is_empty() => Ok(Value::Null),
        Some(wire) => {
            let text = std::str::from_utf8(&wire.json).map_err(|_| "a value is not UTF-8")?;
            Ok(value::from_json(text, ty)?)
        }
    }
}

/// What a `config` block says, completed. Terraform hands over nothing where there is no block, which is one that says nothing.
fn decode_block(wire: Option<&DynamicValue>, schema: &SchemaSpec) -> Result<Value, Diagnostics> {
    let config = match decode(wire, &schema.ty)? {
        Value::Null => {
            Value::Object(schema.attributes.iter().map(|spec| (spec.name.to_owned(), Value::Null)).collect())
        }
        config => config,
    };
    Ok(complete(&schema.attributes, &config))
}

fn encode(value: &Value, ty: &Type) -> Result<DynamicValue, Diagnostics> {
    Ok(DynamicValue { msgpack: Bytes::from(value::encode(value, ty)?), json: Bytes::new() })
}

fn may_defer(host: Option<&wire::ClientCapabilities>) -> bool {
    host.is_some_and(|host| host.deferral_allowed)
}

fn deferred(why: Option<Deferral>) -> Option<wire::Deferred> {
    use wire::deferred::Reason;
    why.map(|why| {
        let reason = match why {
            Deferral::ResourceConfigUnknown => Reason::ResourceConfigUnknown,
            Deferral::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
            Deferral::AbsentPrerequisite => Reason::AbsentPrereq,
        };
        wire::Deferred { reason: reason.into() }
    })
}

/// What is wrong with a configuration, by its schema's rules and then by its author's.
fn checked<A: ?Sized>(
    entry: &Entry<A>,
    config: Option<&DynamicValue>,
    own: impl FnOnce(&A, &Value) -> Result<(), Diagnostics>,
) -> Result<Vec<wire::Diagnostic>, Diagnostics> {
    let config = decode(config, &entry.schema.ty)?;
    Ok(check(&entry.schema, &config, || own(&entry.handler, &config)).to_proto())
}

fn check(schema: &SchemaSpec, config: &Value, own: impl FnOnce() -> Result<(), Diagnostics>) -> Diagnostics {
    let mut found = Diagnostics::default();
    if let Some(text) = schema.deprecated {
        found.push(Diagnostic::warning("This is deprecated").detail(text));
    }
    validate(&schema.attributes, config, &Path::root(), &mut found);
    // The author's rules may build on what the attributes' own checks guarantee.
    if !found.has_error()
        && let Err(e) = own()
    {
        found.extend(e);
    }
    found
}
