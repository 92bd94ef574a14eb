//! Lists: what is found, as a stream.

use super::{Server, decode, encode, find, guard::guarded};
use crate::{
    Diagnostics, Provider, Value,
    list::{Find, Finds},
    plan,
    proto::tfplugin6::{self as wire, ResourceIdentityData},
    schema::SchemaSpec,
};
use futures::{Stream, StreamExt as _, stream};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How many finds may wait for Terraform.
const AHEAD: usize = 16;

type Event = wire::list_resource::Event;

impl<P: Provider> Server<P> {
    /// Terraform takes what it wants and hangs up; the work ends when nobody takes its finds any more.
    pub(super) fn list(
        &self,
        request: &wire::list_resource::Request,
    ) -> Result<impl Stream<Item = Event> + Send + 'static, Diagnostics> {
        let offer = Arc::clone(self.offer());
        let name = request.type_name.clone();
        let schema = find(&offer.registry.resources, &name)?.schema.clone();
        let identity = schema.identity.clone().ok_or_else(|| format!("{name} has no identity"))?;
        let entry = find(&offer.registry.lists, &name)?;
        let query = decode(request.config.as_ref(), &entry.schema.ty)?;
        let query = plan::complete(&entry.schema.attributes, &query);
        let cx = self.cx(Vec::new())?;
        let (sender, finds) = mpsc::channel(AHEAD);
        let left = usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let out = Finds { sender, identity, left, with_objects: request.include_resource_object };

        let work = tokio::spawn(async move {
            let work = async {
                let entry = find(&offer.registry.lists, &name)?;
                entry.handler.list(&cx, (&query, out)).await
            };
            let told = guarded("ListResource", &name, work).await;
            let mut diagnostics: Diagnostics = cx.into_notes().warnings.into_iter().collect();
            diagnostics.extend(told.err().map(Diagnostics::or_some_error).into_iter().flatten());
            diagnostics
        });
        let finds = ReceiverStream::new(finds).map(move |find| event(&schema, &find));
        let last = stream::once(work).filter_map(|told| async {
            let told = told.unwrap_or_else(|_| "the provider broke off its list".into());
            (!told.is_empty()).then(|| Event { diagnostic: told.to_proto(), ..Event::default() })
        });
        Ok(finds.chain(last))
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
            diagnostic: Vec::new(),
        })
    };
    packed().unwrap_or_else(|e| Event { diagnostic: e.to_proto(), ..Event::default() })
}

/// The only event of a list that could not begin.
pub(super) fn failure(e: Diagnostics) -> Event {
    Event { diagnostic: e.or_some_error().to_proto(), ..Event::default() }
}
