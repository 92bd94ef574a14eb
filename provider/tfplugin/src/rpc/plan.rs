//! Plan.

use super::{Server, decode, deferred, encode, find, identity, may_defer, subject};
use crate::{
    Diagnostic, Diagnostics, Path, Provider,
    cx::Notes,
    plan::{Planning, validate, write_only_in},
    proto::tfplugin6::{self as wire, DynamicValue},
    schema::SchemaSpec,
};

impl<P: Provider> Server<P> {
    pub(super) async fn plan(
        &self,
        request: wire::plan_resource_change::Request,
    ) -> Result<wire::plan_resource_change::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let schema = &entry.schema;
        let value = |wire: &Option<DynamicValue>| decode(wire.as_ref(), &schema.ty);
        let config = value(&request.config)?;
        let prior = value(&request.prior_state)?;
        let mut found = Diagnostics::default();
        validate(&schema.attributes, &config, &Path::root(), &mut found);
        if found.has_error() {
            return Err(found);
        }
        let subject = subject(&request.type_name, request.prior_state.as_ref(), request.config.as_ref());
        let mut planning = Planning::start(schema, prior, value(&request.proposed_new_state)?, config);
        let prior_private = request.prior_private;
        let cx = self.cx(prior_private.clone())?.may_defer(may_defer(request.client_capabilities.as_ref()));
        // Where the plan has stored nothing, it is what was in the state.
        let planned_before = request.planned_private;
        let cx = if prior_private == planned_before { cx } else { cx.planned_before(planned_before) };
        if let Err(e) = entry.handler.plan(&cx, &mut planning).await {
            planning.diagnostics.extend(e.or_some_error());
        }
        let planning = planning.finish(schema);
        let Notes { warnings, private: planned_private, deferral } = cx.into_notes();
        let is_update = !planning.prior.is_null() && !planning.is_replacement();
        let mut diagnostics = planning.diagnostics;
        if is_update && let Err(e) = identity::must_stay(schema, request.prior_identity.as_ref(), &planning.planned) {
            diagnostics.extend(e);
        }
        diagnostics.extend(warnings);
        self.told.note(subject, &diagnostics);
        Ok(wire::plan_resource_change::Response {
            planned_identity: if planning.planned.is_null() {
                request.prior_identity
            } else {
                identity::of(schema, &planning.planned)?
            },
            planned_state: Some(encode(&planning.planned, &schema.ty)?),
            requires_replace: planning.requires_replace.iter().map(Path::to_proto).collect(),
            planned_private,
            diagnostics: diagnostics.to_proto(),
            deferred: deferred(deferral),
        })
    }
}

/// A host that does not know write-only attributes would keep their values in its state.
pub(super) fn refuse_write_only(
    schema: &SchemaSpec,
    config: Option<&DynamicValue>,
) -> Result<Diagnostics, Diagnostics> {
    let config = decode(config, &schema.ty)?;
    let set = write_only_in(&schema.attributes, &config, &Path::root());
    let refused = set.into_iter().map(|path| {
        Diagnostic::error(format!("{path} is write-only, which this version of Terraform does not know"))
            .detail("It would be kept in the state. Terraform 1.11 and newer, and OpenTofu 1.11 and newer, do not.")
            .at(path)
    });
    Ok(refused.collect())
}
