//! Apply: create, update or delete, and the check that what came back is what was planned.

use super::{Server, decode, encode, find, identity, subject};
use crate::{
    Diagnostic, Diagnostics, Provider, Severity, Value, ValueError,
    cx::Notes,
    plan::{
        consistency::{self, provider_bug},
        steps::{keep_spelling, recall_write_only},
    },
    proto::tfplugin6 as wire,
    registry::{Failed, Stored},
    value::as_written,
};

impl<P: Provider> Server<P> {
    pub(super) async fn apply(
        &self,
        request: wire::apply_resource_change::Request,
    ) -> Result<wire::apply_resource_change::Response, Diagnostics> {
        let entry = find(&self.offer().registry.resources, &request.type_name)?;
        let prior = decode(request.prior_state.as_ref(), &entry.schema.ty)?;
        let planned = decode(request.planned_state.as_ref(), &entry.schema.ty)?;
        let subject = subject(&request.type_name, request.prior_state.as_ref(), request.config.as_ref());
        let cx = self.cx(request.planned_private)?;
        let mut want = planned.clone();
        recall_write_only(&entry.schema.attributes, &mut want, &decode(request.config.as_ref(), &entry.schema.ty)?);
        let mut result = match (prior.is_null(), planned.is_null()) {
            (true, _) => entry.handler.create(&cx, &want).await,
            (false, false) => entry.handler.update(&cx, &prior, &want).await,
            (false, true) => entry.handler.delete(&cx, &prior).await,
        };
        if let Ok((state, _)) | Err((_, Some(state))) = &mut result {
            as_written(&planned, state);
            keep_spelling(&entry.schema.attributes, state, &planned);
        }
        let (state, mut diagnostics) = settle(&prior, &planned, result);
        let Notes { warnings, private, .. } = cx.into_notes();
        diagnostics.extend(warnings);
        let news = |d: &Diagnostic| d.severity == Severity::Error || !self.told.knows(subject, d);
        let diagnostics: Diagnostics = diagnostics.into_iter().filter(news).collect();
        Ok(wire::apply_resource_change::Response {
            new_identity: identity::of(&entry.schema, &state)?,
            new_state: Some(encode(&state, &entry.schema.ty)?),
            private: if state.is_null() { Vec::new() } else { private },
            diagnostics: diagnostics.to_proto(),
        })
    }
}

/// The state to store and what to tell.
fn settle(prior: &Value, planned: &Value, result: Result<Stored, Failed>) -> (Value, Diagnostics) {
    match result {
        Ok((state, warning)) => {
            let as_warning = |d| Diagnostic { severity: Severity::Warning, ..d };
            let mut diagnostics: Diagnostics = warning.map(as_warning).into_iter().collect();
            let state = if planned.is_null() { state } else { compare(prior, planned, state, &mut diagnostics) };
            (state, diagnostics)
        }
        // Terraform turns what is open in a failed change into null; so that it cannot fail over that, we do.
        Err((diagnostics, Some(state))) => (state.unknown_as_null(), diagnostics),
        Err((diagnostics, None)) => (prior.clone(), diagnostics),
    }
}

/// Holds the result against the plan.
///
/// After an update a contradiction is an error beside the state that came back. After a create an error would taint
/// the object, and the next apply would destroy what has just been made: there, the planned value is stored, the bug is
/// told as a warning, and the next refresh shows the difference as drift. Only a value that nobody knows is an error.
fn compare(prior: &Value, planned: &Value, mut state: Value, diagnostics: &mut Diagnostics) -> Value {
    for wrong in consistency::applied(planned, &state) {
        let mut diagnostic = provider_bug(wrong.clone());
        if prior.is_null() && restore(&wrong, planned, &mut state) {
            diagnostic.severity = Severity::Warning;
        }
        diagnostics.push(diagnostic);
    }
    state.unknown_as_null()
}

/// Puts the planned value back, just where the contradiction is. Not where apply was to decide something of it.
fn restore(wrong: &ValueError, planned: &Value, state: &mut Value) -> bool {
    let Some(planned) = planned.part(&wrong.path) else { return false };
    let place = wrong.path.steps().iter().try_fold(state, |value, step| value.child_mut(step));
    match place {
        Some(place) if planned.is_wholly_known() => {
            *place = planned.clone();
            true
        }
        _ => false,
    }
}
