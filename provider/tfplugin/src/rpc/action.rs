//! Actions: plan, and invoke as a stream of progress.

use super::{Server, decode_block, deferred, find, guard::guarded, may_defer};
use crate::{
    Cx, Diagnostics, Progress, Provider,
    action::Told,
    proto::tfplugin6::{self as wire, invoke_action::event},
};
use futures::{Stream, StreamExt as _, stream};
use std::sync::Arc;
use tokio::sync::mpsc;

type Event = wire::invoke_action::Event;

impl<P: Provider> Server<P> {
    pub(super) async fn plan_action(
        &self,
        request: wire::plan_action::Request,
    ) -> Result<wire::plan_action::Response, Diagnostics> {
        let entry = find(&self.offer().registry.actions, &request.action_type)?;
        let config = decode_block(request.config.as_ref(), &entry.schema)?;
        let cx = self.cx(Vec::new())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        let planned = entry.handler.plan(&cx, &config).await;
        let ((), notes) = cx.settle(planned)?;
        Ok(wire::plan_action::Response {
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
            deferred: deferred(notes.deferral),
        })
    }

    /// Terraform that hangs up has the action stopped, as by Ctrl-C.
    pub(super) fn invoke(&self, request: wire::invoke_action::Request) -> impl Stream<Item = Event> + Send + 'static {
        let (offer, name) = (Arc::clone(self.offer()), request.action_type);
        let (sender, told) = mpsc::unbounded_channel();
        let (stop, at_the_end) = (self.stop.current().child_token(), sender.clone());
        let hung_up = stop.clone().drop_guard();
        let client = self.client();

        tokio::spawn(async move {
            let work = async {
                let entry = find(&offer.registry.actions, &name)?;
                let config = decode_block(request.config.as_ref(), &entry.schema)?;
                let cx = Cx::new(client?, stop, Vec::new());
                let invoked = entry.handler.invoke(&cx, &config, &Progress(sender)).await;
                let ((), notes) = cx.settle(invoked)?;
                Ok(notes.warnings.into_iter().collect())
            };
            let told = guarded("InvokeAction", &name, work).await;
            let _nobody_listens = at_the_end.send(Told::Completed(told.unwrap_or_else(|e| e)));
        });
        // Whoever still holds a sender has nothing to add after the end.
        let events = stream::unfold((told, Some(hung_up)), |(mut told, hung_up)| async move {
            let hung_up = hung_up?;
            match told.recv().await? {
                Told::Progress(message) => Some((progress(message), (told, Some(hung_up)))),
                Told::Completed(diagnostics) => Some((completed(&diagnostics), (told, None))),
            }
        });
        events.fuse()
    }
}

fn progress(message: String) -> Event {
    Event { r#type: Some(event::Type::Progress(event::Progress { message })) }
}

fn completed(told: &Diagnostics) -> Event {
    Event { r#type: Some(event::Type::Completed(event::Completed { diagnostics: told.to_proto() })) }
}
