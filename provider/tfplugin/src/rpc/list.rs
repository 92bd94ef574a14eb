//! Lists: what is found, as a stream.

use super::{Server, decode_block, encode, find, guard::guarded};
use crate::{
    Cx, Diagnostic, Diagnostics, Provider, Value,
    list::{Find, Finds},
    proto::tfplugin6::{self as wire, ResourceIdentityData},
    schema::SchemaSpec,
};
use futures::{StreamExt as _, stream, stream::BoxStream};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How many finds may wait for Terraform.
const AHEAD: usize = 16;

type Event = wire::list_resource::Event;
type Events = BoxStream<'static, Event>;

impl<P: Provider> Server<P> {
    /// Terraform takes what it wants and hangs up, which stops the work as Ctrl-C does.
    pub(super) fn list(&self, request: wire::list_resource::Request) -> Result<Events, Diagnostics> {
        let (offer, name) = (Arc::clone(self.offer()), request.type_name.clone());
        let schema = find(&offer.registry.resources, &name)?.schema.clone();
        let identity = schema.identity.clone().ok_or_else(|| format!("{name} has no identity"))?;
        let (sender, finds) = mpsc::channel(AHEAD);
        let left = usize::try_from(request.limit).unwrap_or(0);
        let with_objects = request.include_resource_object;
        let out = Finds { sender, identity, left, with_objects, warnings: Vec::new() };
        let stop = self.stop.current().child_token();
        let hung_up = stop.clone().drop_guard();
        let client = self.client();

        let work = tokio::spawn(async move {
            let work = async {
                let entry = find(&offer.registry.lists, &name)?;
                let query = decode_block(request.config.as_ref(), &entry.schema)?;
                let cx = Cx::new(client?, stop, Vec::new());
                let listed = entry.handler.list(&cx, &query, out).await;
                let (untold, notes) = cx.settle(listed)?;
                Ok(untold.into_iter().chain(notes.warnings).collect())
            };
            guarded("ListResource", &name, work).await.unwrap_or_else(|e| e)
        });
        let finds = ReceiverStream::new(finds).map(move |find| event(&schema, &find));
        let last = stream::once(work).filter_map(move |told| {
            let _until_here = &hung_up;
            let told = told.unwrap_or_else(|_| "the provider broke off its list".into());
            futures::future::ready((!told.is_empty()).then(|| failure(&told)))
        });
        Ok(finds.chain(last).boxed())
    }
}

fn event(schema: &SchemaSpec, find: &Find) -> Event {
    let packed = || -> Result<Event, Diagnostics> {
        let ty = schema.identity.as_ref().map(|identity| &identity.ty).ok_or("a list of what has no identity")?;
        let object = |value: &Value| encode(value, &schema.ty);
        Ok(Event {
            identity: Some(ResourceIdentityData { identity_data: Some(encode(&find.identity, ty)?) }),
            display_name: find.display_name.clone(),
            resource_object: find.object.as_ref().map(object).transpose()?,
            diagnostic: find.warnings.iter().map(Diagnostic::to_proto).collect(),
        })
    };
    packed().unwrap_or_else(|e| failure(&e))
}

/// An event that only tells something.
pub(super) fn failure(told: &Diagnostics) -> Event {
    Event { diagnostic: told.to_proto(), ..Event::default() }
}
