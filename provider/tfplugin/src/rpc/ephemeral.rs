//! Ephemeral resources: open, renew, close.

use super::{Server, decode, deferred, encode, find, may_defer, state::must_be_known};
use crate::{
    Diagnostics, Opened, Provider, Value,
    plan::{self, consistency},
    proto::tfplugin6::{self as wire, Timestamp},
    schema::AttributeSpec,
    value::as_written,
};
use std::time::SystemTime;

impl<P: Provider> Server<P> {
    pub(super) async fn open(
        &self,
        request: wire::open_ephemeral_resource::Request,
    ) -> Result<wire::open_ephemeral_resource::Response, Diagnostics> {
        let entry = find(&self.offer().registry.ephemerals, &request.type_name)?;
        let given = decode(request.config.as_ref(), &entry.schema.ty)?;
        let query = plan::complete(&entry.schema.attributes, &given);
        let cx = self.cx(Vec::new())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        let opened = entry.handler.open(&cx, &query).await;
        let (Opened { mut value, renew_at }, notes) = cx.settle(opened)?;
        as_written(&given, &mut value);
        if notes.deferral.is_none() {
            must_be_known(&entry.schema, &value)?;
            must_agree(&entry.schema.attributes, &given, &value)?;
        }
        Ok(wire::open_ephemeral_resource::Response {
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
            renew_at: renew_at.map(timestamp),
            result: Some(encode(&value, &entry.schema.ty)?),
            private: Some(notes.private),
            deferred: deferred(notes.deferral),
        })
    }

    pub(super) async fn renew(
        &self,
        request: wire::renew_ephemeral_resource::Request,
    ) -> Result<wire::renew_ephemeral_resource::Response, Diagnostics> {
        let entry = find(&self.offer().registry.ephemerals, &request.type_name)?;
        let cx = self.cx(request.private.unwrap_or_default())?;
        let renewed = entry.handler.renew(&cx).await;
        let (renew_at, notes) = cx.settle(renewed)?;
        Ok(wire::renew_ephemeral_resource::Response {
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
            renew_at: renew_at.map(timestamp),
            private: Some(notes.private),
        })
    }

    pub(super) async fn close(
        &self,
        request: wire::close_ephemeral_resource::Request,
    ) -> Result<wire::close_ephemeral_resource::Response, Diagnostics> {
        let entry = find(&self.offer().registry.ephemerals, &request.type_name)?;
        let cx = self.cx(request.private.unwrap_or_default())?;
        let closed = entry.handler.close(&cx).await;
        let ((), notes) = cx.settle(closed)?;
        Ok(wire::close_ephemeral_resource::Response {
            diagnostics: notes.warnings.into_iter().collect::<Diagnostics>().to_proto(),
        })
    }
}

/// What was configured comes back as it was.
fn must_agree(attributes: &[AttributeSpec], given: &Value, value: &Value) -> Result<(), Diagnostics> {
    let wrong = consistency::plan(attributes, &Value::Null, given, value);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into_iter().map(consistency::provider_bug).collect()) }
}

/// Times before 1970 are none that anything could be renewed at.
fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}
