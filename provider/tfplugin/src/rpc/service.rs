//! The service as tonic wants it: each RPC guarded, and each failure in the form that its answer has for it.

use super::{Server, check, checked, decode, find, function, guard::guarded, list};
use crate::{
    Diagnostics, Provider, View,
    proto::tfplugin6::{self as wire, provider_server::Provider as Wire},
    registry::{AnyAction, AnyDataSource, AnyEphemeral, AnyList, AnyResource},
};
use futures::{Stream, StreamExt as _, stream};
use std::pin::Pin;
use tonic::{Request, Response, Status};

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Null, as it is written.
const NIL: &[u8] = &[0xc0];

/// An answer that can say what went wrong.
trait Answer {
    fn diagnostics(&mut self) -> &mut Vec<wire::Diagnostic>;
}

fn failed<A: Answer + Default>(e: Diagnostics) -> A {
    let mut answer = A::default();
    *answer.diagnostics() = e.or_some_error().to_proto();
    answer
}

/// The RPCs whose answer has diagnostics, as name, what the log calls it, what it is about, and what it does. Then the
/// others, as they are.
macro_rules! service {
    (|$server:ident, $request:ident| {
        $($rpc:ident, $label:literal, $of:expr => $work:expr;)*
    } $($others:tt)*) => {
        $(impl Answer for wire::$rpc::Response {
            fn diagnostics(&mut self) -> &mut Vec<wire::Diagnostic> {
                &mut self.diagnostics
            }
        })*

        #[tonic::async_trait]
        impl<P: Provider> Wire for Server<P> {
            $(async fn $rpc(
                &self,
                request: Request<wire::$rpc::Request>,
            ) -> Result<Response<wire::$rpc::Response>, Status> {
                let ($server, $request) = (self, request.into_inner());
                let of = String::from($of);
                let answer = guarded($label, &of, async move { $work }).await;
                Ok(Response::new(answer.unwrap_or_else(failed)))
            })*

            $($others)*
        }
    };
}

service! {
    |server, request| {
        validate_provider_config, "ValidateProviderConfig", P::NAME => {
            let schema = &server.offer().provider;
            let config = decode(request.config.as_ref(), &schema.ty)?;
            let found = check(schema, &config, || P::validate(View::new(&config)));
            Ok(wire::validate_provider_config::Response { diagnostics: found.to_proto() })
        };
        configure_provider, "ConfigureProvider", P::NAME => server.configure(request).await;

        validate_resource_config, "ValidateResourceConfig", &request.type_name => {
            let entry = find(&server.offer().registry.resources, &request.type_name)?;
            let mut diagnostics = checked(entry, request.config.as_ref(), AnyResource::validate)?;
            let host = request.client_capabilities.unwrap_or_default();
            if !host.write_only_attributes_allowed {
                diagnostics.extend(super::plan::refuse_write_only(&entry.schema, request.config.as_ref())?.to_proto());
            }
            Ok(wire::validate_resource_config::Response { diagnostics })
        };
        upgrade_resource_state, "UpgradeResourceState", &request.type_name => server.upgrade(&request);
        upgrade_resource_identity, "UpgradeResourceIdentity", &request.type_name => server.upgrade_identity(&request);
        read_resource, "ReadResource", &request.type_name => server.read(request).await;
        plan_resource_change, "PlanResourceChange", &request.type_name => server.plan(request).await;
        import_resource_state, "ImportResourceState", &request.type_name => server.import(request).await;
        move_resource_state, "MoveResourceState", &request.target_type_name => server.move_state(request);
        generate_resource_config, "GenerateResourceConfig", &request.type_name => server.generate(&request);

        validate_data_resource_config, "ValidateDataResourceConfig", &request.type_name => {
            let entry = find(&server.offer().registry.data_sources, &request.type_name)?;
            let diagnostics = checked(entry, request.config.as_ref(), AnyDataSource::validate)?;
            Ok(wire::validate_data_resource_config::Response { diagnostics })
        };
        read_data_source, "ReadDataSource", &request.type_name => server.read_data(request).await;

        validate_ephemeral_resource_config, "ValidateEphemeralResourceConfig", &request.type_name => {
            let entry = find(&server.offer().registry.ephemerals, &request.type_name)?;
            let diagnostics = checked(entry, request.config.as_ref(), AnyEphemeral::validate)?;
            Ok(wire::validate_ephemeral_resource_config::Response { diagnostics })
        };
        open_ephemeral_resource, "OpenEphemeralResource", &request.type_name => server.open(request).await;
        renew_ephemeral_resource, "RenewEphemeralResource", &request.type_name => server.renew(request).await;
        close_ephemeral_resource, "CloseEphemeralResource", &request.type_name => server.close(request).await;

        validate_list_resource_config, "ValidateListResourceConfig", &request.type_name => {
            let entry = find(&server.offer().registry.lists, &request.type_name)?;
            let diagnostics = checked(entry, request.config.as_ref(), AnyList::validate)?;
            Ok(wire::validate_list_resource_config::Response { diagnostics })
        };
        validate_action_config, "ValidateActionConfig", &request.type_name => {
            let entry = find(&server.offer().registry.actions, &request.type_name)?;
            let diagnostics = checked(entry, request.config.as_ref(), AnyAction::validate)?;
            Ok(wire::validate_action_config::Response { diagnostics })
        };
        plan_action, "PlanAction", &request.action_type => server.plan_action(request).await;
    }

    type ListResourceStream = Events<wire::list_resource::Event>;
    type InvokeActionStream = Events<wire::invoke_action::Event>;

    async fn get_metadata(
        &self,
        _: Request<wire::get_metadata::Request>,
    ) -> Result<Response<wire::get_metadata::Response>, Status> {
        Ok(Response::new(self.metadata()))
    }

    async fn get_provider_schema(
        &self,
        _: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        let answer = guarded("GetProviderSchema", P::NAME, async { Ok(self.schemas()) }).await;
        Ok(Response::new(answer.unwrap_or_else(|e| wire::get_provider_schema::Response {
            diagnostics: e.to_proto(),
            ..<_>::default()
        })))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Result<Response<wire::get_resource_identity_schemas::Response>, Status> {
        Ok(Response::new(self.identity_schemas()))
    }

    async fn get_functions(
        &self,
        _: Request<wire::get_functions::Request>,
    ) -> Result<Response<wire::get_functions::Response>, Status> {
        Ok(Response::new(self.functions()))
    }

    async fn stop_provider(
        &self,
        _: Request<wire::stop_provider::Request>,
    ) -> Result<Response<wire::stop_provider::Response>, Status> {
        self.stop.stop();
        Ok(Response::new(wire::stop_provider::Response::default()))
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
        let identity = request.planned_identity.clone();
        let is_new = request.prior_state.as_ref().is_none_or(|state| state.msgpack.as_ref() == NIL);
        let response = guarded("ApplyResourceChange", &name, self.apply(request)).await;
        Ok(Response::new(response.unwrap_or_else(|e| wire::apply_resource_change::Response {
            new_state: prior,
            private,
            diagnostics: e.or_some_error().to_proto(),
            new_identity: identity.filter(|_| !is_new),
        })))
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Result<Response<wire::call_function::Response>, Status> {
        let request = request.into_inner();
        let answer = guarded("CallFunction", &request.name, async { self.call(&request) }).await;
        Ok(Response::new(answer.unwrap_or_else(|e| function::broken(&e))))
    }

    async fn list_resource(
        &self,
        request: Request<wire::list_resource::Request>,
    ) -> Result<Response<Self::ListResourceStream>, Status> {
        Ok(Response::new(match self.list(request.into_inner()) {
            Ok(events) => events.map(Ok).boxed(),
            Err(e) => stream::iter([Ok(list::failure(&e))]).boxed(),
        }))
    }

    async fn invoke_action(
        &self,
        request: Request<wire::invoke_action::Request>,
    ) -> Result<Response<Self::InvokeActionStream>, Status> {
        Ok(Response::new(self.invoke(request.into_inner()).map(Ok).boxed()))
    }
}
