//! Actions: plan, and invoke as a stream of progress.

use super::{Server, decode, deferred, find, guard::guarded, may_defer};
use crate::{
    Diagnostics, Progress, Provider, plan,
    proto::tfplugin6::{self as wire, invoke_action::event},
};
use futures::{Stream, StreamExt as _, stream};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

type Event = wire::invoke_action::Event;

impl<P: Provider> Server<P> {
    pub(super) async fn plan_action(
        &self,
        request: wire::plan_action::Request,
    ) -> Result<wire::plan_action::Response, Diagnostics> {
        let entry = find(&self.offer().registry.actions, &request.action_type)?;
        let config = decode(request.config.as_ref(), &entry.schema.ty)?;
        let config = plan::complete(&entry.schema.attributes, &config);
        let cx = self.cx(Vec::new())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        entry.handler.plan(&cx, &config).await?;
        let notes = cx.into_notes();
        Ok(wire::plan_action::Response {
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
            deferred: deferred(notes.deferral),
        })
    }

    pub(super) fn invoke(
        &self,
        request: wire::invoke_action::Request,
    ) -> Result<impl Stream<Item = Event> + Send + 'static, Diagnostics> {
        let offer = Arc::clone(self.offer());
        let name = request.action_type;
        let entry = find(&offer.registry.actions, &name)?;
        let config = decode(request.config.as_ref(), &entry.schema.ty)?;
        let config = plan::complete(&entry.schema.attributes, &config);
        let cx = self.cx(Vec::new())?;
        let (sender, texts) = mpsc::unbounded_channel();

        let work = tokio::spawn(async move {
            let progress = Progress(sender);
            let work = async {
                let entry = find(&offer.registry.actions, &name)?;
                entry.handler.invoke(&cx, &config, &progress).await
            };
            let told = guarded("InvokeAction", &name, work).await;
            let mut diagnostics: Diagnostics = cx.into_notes().warnings.into_iter().collect();
            diagnostics.extend(told.err().map(Diagnostics::or_some_error).into_iter().flatten());
            diagnostics
        });
        let progress = UnboundedReceiverStream::new(texts)
            .map(|message| Event { r#type: Some(event::Type::Progress(event::Progress { message })) });
        let last = stream::once(work)
            .map(|told| completed(&told.unwrap_or_else(|_| "the provider broke off the action".into())));
        Ok(progress.chain(last))
    }
}

pub(super) fn completed(told: &Diagnostics) -> Event {
    Event { r#type: Some(event::Type::Completed(event::Completed { diagnostics: told.to_proto() })) }
}
