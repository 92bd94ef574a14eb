//! Data sources.

use super::{Server, decode, deferred, encode, find, may_defer, state::must_be_known};
use crate::{Diagnostics, Provider, plan, proto::tfplugin6 as wire, value::as_written};

impl<P: Provider> Server<P> {
    pub(super) async fn read_data(
        &self,
        request: wire::read_data_source::Request,
    ) -> Result<wire::read_data_source::Response, Diagnostics> {
        let entry = find(&self.offer().registry.data_sources, &request.type_name)?;
        let given = decode(request.config.as_ref(), &entry.schema.ty)?;
        // What the configuration leaves open is the data source's to fill in: absent, not null.
        let query = plan::complete(&entry.schema.attributes, &given);
        let cx = self.cx(Vec::new())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        let found = entry.handler.read(&cx, &query).await;
        let (mut found, notes) = cx.settle(found)?;
        as_written(&given, &mut found);
        if notes.deferral.is_none() {
            must_be_known(&entry.schema, &found)?;
        }
        Ok(wire::read_data_source::Response {
            state: Some(encode(&found, &entry.schema.ty)?),
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
            deferred: deferred(notes.deferral),
        })
    }
}
