//! The provider as Terraform calls it: one function per RPC, values decoded and encoded at this edge.

mod apply;
mod guard;
mod state;
mod stop;
mod told;

pub(crate) use stop::Stop;

use crate::{
    Cx, Diagnostic, Diagnostics, Host, Path, Provider, Registry, Type, Value, View,
    plan::{self, Planning},
    proto::tfplugin6::{self as wire, DynamicValue, provider_server::Provider as Wire},
    registry::Entry,
    schema::SchemaSpec,
    value,
};
use bytes::Bytes;
use guard::guarded;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};
use told::{Subject, Told};
use tonic::{Request, Response, Status};

/// One provider process.
pub(crate) struct Server<P: Provider> {
    /// Built at the first call, so that the handshake waits for nothing.
    offer: OnceLock<Offer<P>>,
    client: RwLock<Option<Arc<P::Client>>>,
    stop: Arc<Stop>,
    told: Told,
}

struct Offer<P: Provider> {
    provider: SchemaSpec,
    registry: Registry<P::Client>,
}

impl<P: Provider> Server<P> {
    pub(crate) fn new(stop: Arc<Stop>) -> Self {
        Self { offer: OnceLock::new(), client: RwLock::new(None), stop, told: Told::default() }
    }

    fn offer(&self) -> &Offer<P> {
        self.offer.get_or_init(|| Offer { provider: P::schema().into_spec(), registry: P::registry() })
    }

    /// The surroundings of a call that needs a client.
    fn cx(&self, private: Vec<u8>) -> Result<Cx<P::Client>, Diagnostics> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        let client = client.ok_or("the provider is not configured")?;
        Ok(Cx::new(client, self.stop.current(), private))
    }

    async fn configure(&self, request: wire::configure_provider::Request) -> Result<(), Diagnostics> {
        let schema = &self.offer().provider;
        let config = plan::complete(&schema.attributes, &decode(request.config.as_ref(), &schema.ty)?);
        let host = Host { version: request.terraform_version };
        let client = P::configure(View::new(&config), &host).await?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(client));
        Ok(())
    }

    fn schemas(&self) -> wire::get_provider_schema::Response {
        let Offer { provider, registry } = self.offer();
        let problems = registry.problems::<P>();
        let diagnostics = problems.into_iter().map(|problem| Diagnostic::error(format!("Invalid schema: {problem}")));
        wire::get_provider_schema::Response {
            provider: Some(provider.to_proto()),
            resource_schemas: schemas_of(&registry.resources),
            data_source_schemas: schemas_of(&registry.data_sources),
            diagnostics: diagnostics.collect::<Diagnostics>().to_proto(),
            server_capabilities: Some(wire::ServerCapabilities {
                plan_destroy: true,
                get_provider_schema_optional: true,
                ..wire::ServerCapabilities::default()
            }),
        }
    }

    async fn plan(
        &self,
        request: wire::plan_resource_change::Request,
    ) -> Result<wire::plan_resource_change::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let schema = &entry.schema;
        let value = |wire: &Option<DynamicValue>| decode(wire.as_ref(), &schema.ty);
        let config = value(&request.config)?;
        let prior = value(&request.prior_state)?;
        let mut found = Diagnostics::default();
        plan::validate(&schema.attributes, &config, &Path::root(), &mut found);
        if found.has_error() {
            return Err(found);
        }
        let subject = subject(&request.type_name, request.prior_state.as_ref(), request.config.as_ref());
        let mut planning = Planning::start(schema, prior, value(&request.proposed_new_state)?, config);
        let cx = self.cx(request.prior_private)?;
        if let Err(e) = entry.handler.plan(&cx, &mut planning).await {
            planning.diagnostics.extend(e.or_some_error());
        }
        let planning = planning.finish(schema);
        let (warnings, planned_private) = cx.into_notes();
        let mut diagnostics = planning.diagnostics;
        diagnostics.extend(warnings);
        self.told.note(subject, &diagnostics);
        Ok(wire::plan_resource_change::Response {
            planned_state: Some(encode(&planning.planned, &schema.ty)?),
            requires_replace: planning.requires_replace.iter().map(Path::to_proto).collect(),
            planned_private,
            diagnostics: diagnostics.to_proto(),
        })
    }

    async fn read_data(
        &self,
        request: wire::read_data_source::Request,
    ) -> Result<wire::read_data_source::Response, Diagnostics> {
        let entry = find(&self.offer().registry.data_sources, &request.type_name)?;
        let query = decode(request.config.as_ref(), &entry.schema.ty)?;
        // What the configuration leaves open is the data source's to fill in: absent, not null.
        let query = plan::complete(&entry.schema.attributes, &query);
        let cx = self.cx(Vec::new())?;
        let found = entry.handler.read(&cx, &query).await?;
        state::must_be_known(&entry.schema, &found)?;
        Ok(wire::read_data_source::Response {
            state: Some(encode(&found, &entry.schema.ty)?),
            diagnostics: cx.into_notes().0.into_iter().collect::<Diagnostics>().to_proto(),
        })
    }
}

fn subject(type_name: &str, prior: Option<&DynamicValue>, config: Option<&DynamicValue>) -> Subject {
    let bytes = |wire: Option<&DynamicValue>| wire.map(|wire| wire.msgpack.clone()).unwrap_or_default();
    Subject::new(type_name, &bytes(prior), &bytes(config))
}

fn schemas_of<A: ?Sized>(entries: &BTreeMap<&'static str, Entry<A>>) -> BTreeMap<String, wire::Schema> {
    entries.iter().map(|(name, entry)| ((*name).to_owned(), entry.schema.to_proto())).collect()
}

fn find<'a, A: ?Sized>(entries: &'a BTreeMap<&'static str, Entry<A>>, name: &str) -> Result<&'a Entry<A>, Diagnostics> {
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

fn encode(value: &Value, ty: &Type) -> Result<DynamicValue, Diagnostics> {
    Ok(DynamicValue { msgpack: Bytes::from(value::encode(value, ty)?), json: Bytes::new() })
}

fn checked(schema: &SchemaSpec, config: &Value, own: impl FnOnce() -> Result<(), Diagnostics>) -> Diagnostics {
    let mut found = Diagnostics::default();
    if let Some(text) = schema.deprecated {
        found.push(Diagnostic::warning("This is deprecated").detail(text));
    }
    plan::validate(&schema.attributes, config, &Path::root(), &mut found);
    // The author's rules may build on what the attributes' own checks guarantee.
    if !found.has_error()
        && let Err(e) = own()
    {
        found.extend(e);
    }
    found
}

/// Answers with the handler's response, or with the default one and its diagnostics.
macro_rules! answer {
    ($name:literal, $of:expr, $work:expr) => {
        guarded($name, $of, $work).await.unwrap_or_else(|e: Diagnostics| {
            let mut response = <_>::default();
            set_diagnostics(&mut response, &e);
            response
        })
    };
}

trait Answer {
    fn diagnostics(&mut self) -> &mut Vec<wire::Diagnostic>;
}

macro_rules! answers {
    ($($message:ident),*) => { $(
        impl Answer for wire::$message::Response {
            fn diagnostics(&mut self) -> &mut Vec<wire::Diagnostic> {
                &mut self.diagnostics
            }
        }
    )* };
}
answers!(
    get_provider_schema,
    validate_provider_config,
    configure_provider,
    validate_resource_config,
    upgrade_resource_state,
    read_resource,
    plan_resource_change,
    apply_resource_change,
    import_resource_state,
    validate_data_resource_config,
    read_data_source
);

fn set_diagnostics(response: &mut impl Answer, diagnostics: &Diagnostics) {
    *response.diagnostics() = diagnostics.clone().or_some_error().to_proto();
}

#[tonic::async_trait]
impl<P: Provider> Wire for Server<P> {
    async fn get_provider_schema(
        &self,
        _: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        Ok(Response::new(answer!("GetProviderSchema", P::NAME, async { Ok(self.schemas()) })))
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Result<Response<wire::validate_provider_config::Response>, Status> {
        let request = request.into_inner();
        Ok(Response::new(answer!("ValidateProviderConfig", P::NAME, async {
            let schema = &self.offer().provider;
            let config = decode(request.config.as_ref(), &schema.ty)?;
            let found = checked(schema, &config, || Ok(()));
            Ok(wire::validate_provider_config::Response { diagnostics: found.to_proto() })
        })))
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Result<Response<wire::configure_provider::Response>, Status> {
        let request = request.into_inner();
        Ok(Response::new(answer!("ConfigureProvider", P::NAME, async {
            self.configure(request).await?;
            Ok(wire::configure_provider::Response::default())
        })))
    }

    async fn stop_provider(
        &self,
        _: Request<wire::stop_provider::Request>,
    ) -> Result<Response<wire::stop_provider::Response>, Status> {
        self.stop.stop();
        Ok(Response::new(wire::stop_provider::Response::default()))
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Result<Response<wire::validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("ValidateResourceConfig", &name, async {
            let entry = find(&self.offer().registry.resources, &request.type_name)?;
            let config = decode(request.config.as_ref(), &entry.schema.ty)?;
            let found = checked(&entry.schema, &config, || entry.handler.validate(&config));
            Ok(wire::validate_resource_config::Response { diagnostics: found.to_proto() })
        })))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Result<Response<wire::upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("UpgradeResourceState", &name, async { self.upgrade(&request) })))
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Result<Response<wire::read_resource::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("ReadResource", &name, self.read(request))))
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Result<Response<wire::plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("PlanResourceChange", &name, self.plan(request))))
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Result<Response<wire::apply_resource_change::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        // Whatever goes wrong, the answer must hold a state: an empty one would say that the object is gone.
        let prior = request.prior_state.clone();
        let private = request.planned_private.clone();
        let response = guarded("ApplyResourceChange", &name, self.apply(request)).await;
        Ok(Response::new(response.unwrap_or_else(|e| wire::apply_resource_change::Response {
            new_state: prior,
            private,
            diagnostics: e.or_some_error().to_proto(),
        })))
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Result<Response<wire::import_resource_state::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("ImportResourceState", &name, self.import(request))))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Result<Response<wire::validate_data_resource_config::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("ValidateDataResourceConfig", &name, async {
            let entry = find(&self.offer().registry.data_sources, &request.type_name)?;
            let config = decode(request.config.as_ref(), &entry.schema.ty)?;
            let found = checked(&entry.schema, &config, || entry.handler.validate(&config));
            Ok(wire::validate_data_resource_config::Response { diagnostics: found.to_proto() })
        })))
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Result<Response<wire::read_data_source::Response>, Status> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        Ok(Response::new(answer!("ReadDataSource", &name, self.read_data(request))))
    }
}
