//! From the model and the rows to wire types.

use crate::{
    app::{OpenBrief, RequestBrief, RequestView, TopicView, to_the_second},
    auth::Identity,
};
use orbit_api as api;
use orbit_core::{
    approval::RequestState,
    change::Action,
    documentation::{Documentation, RequestField},
    model::topic::{CleanupPolicy, Compression, Difference, Drift, Preset, TopicSpec, TopicStatus},
    policy::{self, Finding, Layer, Needs, Verdict},
    workflow::{OperationState, Saga, StepState},
};
use orbit_store::{OperationRow, TopicRow};

macro_rules! same_words { ($($(#[$meta:meta])* $name:ident: $from:ty => $to:ty { $($Word:ident),* $(,)? })*) => { $(
    $(#[$meta])*
    #[must_use]
    pub fn $name(word: $from) -> $to { match word { $(<$from>::$Word => <$to>::$Word),* } }
)* } }

same_words! {
    /// Where a request stands.
    request_state: RequestState => api::RequestState { Pending, Approved, Rejected, Withdrawn, Expired, Superseded }
    /// What is to happen.
    action: Action => api::Action { Create, Update, Delete }
    /// What is to happen, read from the wire.
    action_in: api::Action => Action { Create, Update, Delete }
    /// Whose rule.
    layer: Layer => api::Layer { System, Platform, Workspace }
    /// A verdict in one word.
    decision: policy::Decision => api::Decision { Allow, NeedsApproval, Deny }
    /// Where an operation stands.
    operation_state: OperationState => api::OperationState { Pending, Running, Waiting, Paused, Succeeded, RollingBack, RolledBack, Stuck, Cancelled }
    /// How far a step is.
    begun: StepState => api::StepState { Pending, Running, Done, Failed, Undone }
    /// What a request can say for itself.
    request_field: RequestField => api::RequestField { Justification, Producers, Consumers, SchemaReferences, RetentionRationale, Links }
    /// Where a topic is on its way.
    topic_status: TopicStatus => api::TopicStatus { PendingApproval, Provisioning, Active, Failed, Deleting, Rejected, Withdrawn, Expired }
    /// What becomes of old records.
    cleanup_policy: CleanupPolicy => api::CleanupPolicy { Delete, Compact, CompactDelete }
    /// How records are compressed.
    compression: Compression => api::Compression { None, Gzip, Snappy, Lz4, Zstd }
}

/// What an operation's state is, read from the wire.
#[must_use]
pub fn operation_state_in(word: api::OperationState) -> OperationState {
    OperationState::ALL.into_iter().find(|s| operation_state(*s) == word).unwrap_or(OperationState::Pending)
}

/// What a request's state is, read from the wire.
#[must_use]
pub fn request_state_in(word: api::RequestState) -> RequestState {
    RequestState::ALL.into_iter().find(|s| request_state(*s) == word).unwrap_or(RequestState::Pending)
}

/// What a request can say for itself, read from the wire.
#[must_use]
pub fn request_field_in(word: api::RequestField) -> RequestField {
    RequestField::ALL.into_iter().find(|f| request_field(*f) == word).unwrap_or(RequestField::Justification)
}

/// What a topic's status is, read from the wire.
#[must_use]
pub fn topic_status_in(word: api::TopicStatus) -> TopicStatus {
    TopicStatus::ALL.into_iter().find(|s| topic_status(*s) == word).unwrap_or(TopicStatus::Active)
}

/// What a topic is to be.
#[must_use]
pub fn topic_spec(spec: &TopicSpec) -> api::TopicSpec {
    api::TopicSpec {
        profile: spec.profile.as_ref().filter(|p| !p.by_default).map(|p| p.name.to_string()),
        partitions: spec.partitions,
        replication_factor: spec.replication_factor,
        retention_ms: spec.retention_ms,
        cleanup_policy: spec.cleanup_policy.map(cleanup_policy),
        compression: spec.compression.map(compression),
        config: (!spec.config.is_empty()).then(|| spec.config.clone()),
        description: spec.description.clone(),
        tags: (!spec.tags.is_empty()).then(|| spec.tags.clone()),
        owner_contact: spec.owner_contact.clone(),
        deletion_protection: spec.deletion_protection,
    }
}

/// What a request says for itself.
#[must_use]
pub fn documentation(said: &Documentation) -> api::Documentation {
    let some = |texts: &Vec<String>| (!texts.is_empty()).then(|| texts.clone());
    api::Documentation {
        justification: said.justification.clone(),
        producers: some(&said.producers),
        consumers: some(&said.consumers),
        schema_references: some(&said.schema_references),
        retention_rationale: said.retention_rationale.clone(),
        links: some(&said.links),
    }
}

/// What a profile gives.
#[must_use]
pub fn topic_profile(preset: &Preset) -> api::TopicProfile {
    api::TopicProfile {
        partitions: preset.partitions,
        replication_factor: preset.replication_factor,
        config: (!preset.config.is_empty()).then(|| preset.config.clone()),
    }
}

/// A field that differs.
#[must_use]
pub fn difference(d: &Difference) -> api::Difference {
    api::Difference { field: d.field.clone(), before: d.before.clone(), after: d.after.clone() }
}

fn finding(f: &Finding) -> api::Finding {
    api::Finding {
        code: f.code.clone(),
        layer: layer(f.layer),
        policy: f.rule.name.clone(),
        policy_id: f.rule.policy.map(|id| id.to_string()),
        policy_version: f.rule.version,
        rule: f.rule.rule.clone(),
        field: f.field.clone(),
        limit: f.limit.clone(),
        value: f.value.clone(),
        overruled_by: f.overruled_by.clone(),
        message: f.message.clone(),
        remedy: f.remedy.clone(),
    }
}

/// A consent that is due. `approvers` says who can give it.
pub(super) fn need(n: &Needs, approvers: &str, given_by: Vec<String>) -> api::Need {
    api::Need {
        layer: layer(n.layer),
        approvers: approvers.to_owned(),
        quorum: n.quorum,
        self_approval: n.self_approval,
        given_by,
    }
}

/// What policy says. `approvers` words who can give each consent.
#[must_use]
pub fn verdict(v: &Verdict, approvers: &[(Needs, String)]) -> api::Verdict {
    let all = |findings: &[Finding]| findings.iter().map(finding).collect();
    let words = |n: &Needs| {
        let same = approvers.iter().find(|(of, _)| of.layer == n.layer && of.approvers == n.approvers);
        same.map_or("", |(_, words)| words.as_str())
    };
    let needs = v.needs.iter().map(|n| need(n, words(n), Vec::new()));
    api::Verdict {
        decision: decision(v.decision()),
        violations: all(&v.violations),
        reasons: all(&v.reasons),
        warnings: all(&v.warnings),
        needs: needs.collect(),
    }
}

/// How far a step is, of an operation that is over or is not.
fn step_state(state: StepState, over: bool) -> api::StepState {
    if over && state == StepState::Pending { api::StepState::Skipped } else { begun(state) }
}

/// Why an operation failed, or what it waits for.
fn operation_error(saga: &Saga) -> Option<api::OperationError> {
    let at = saga.steps.get(saga.at).and_then(|step| step.last_error.clone());
    if saga.state == OperationState::Stuck {
        let why = saga.failure.as_ref().map(|f| format!("; it was taken back because: {}", f.user)).unwrap_or_default();
        let message = format!("taking back failed: {}{why}", at.unwrap_or_default());
        return Some(api::OperationError { code: "operation.stuck".to_owned(), message });
    }
    if let Some(failure) = &saga.failure {
        let failed = saga.steps.iter().rev().find(|step| step.last_error.as_ref() == Some(&failure.user));
        let of = failed.and_then(|step| saga.works_on(step)).map(|name| format!("{name}: "));
        let message = format!("{}{}", of.unwrap_or_default(), failure.user);
        return Some(api::OperationError { code: failure.code.clone(), message });
    }
    let message = at.filter(|_| saga.state == OperationState::Waiting)?;
    Some(api::OperationError { code: "operation.waiting".to_owned(), message })
}

/// An operation in short.
#[must_use]
pub fn operation_summary(row: &OperationRow) -> api::OperationSummary {
    api::OperationSummary {
        id: row.id.to_string(),
        state: operation_state(row.state),
        error: operation_error(&row.saga),
    }
}

/// The steps that are not taken back yet, where taking back has failed.
fn undo_left(saga: &Saga) -> Vec<String> {
    let left = saga.steps.iter().take(saga.at + 1).filter(|_| saga.state == OperationState::Stuck).rev();
    let named = left.map(|step| match saga.works_on(step) {
        Some(of) => format!("{} of {of}", step.step.name()),
        None => step.step.name().to_owned(),
    });
    named.collect()
}

/// An operation, with its steps. Causes are told to those who run the platform.
#[must_use]
pub fn operation(row: &OperationRow, to: &Identity) -> api::Operation {
    let steps = row.saga.steps.iter().map(|s| api::OperationStep {
        name: s.step.name().to_owned(),
        physical_name: row.saga.works_on(s).map(str::to_owned),
        state: step_state(s.state, row.state.is_final() && row.state != OperationState::Stuck),
        attempts: s.attempts,
        waits: s.waits,
        started_at: s.started_at,
        finished_at: s.finished_at,
        last_error: s.last_error.clone(),
        last_cause: s.last_cause.clone().filter(|_| to.platform_admin),
    });
    api::Operation {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        state: operation_state(row.state),
        workspace: row.workspace.clone(),
        cluster: row.cluster.clone(),
        request_id: row.request_id.to_string(),
        not_before: row.scheduled_at(),
        cancel_requested: row.wish.cancel,
        pause_requested: row.wish.pause,
        steps: steps.collect(),
        error: operation_error(&row.saga),
        undo_left: undo_left(&row.saga),
        created_at: row.created_at,
        finished_at: row.finished_at,
    }
}

/// A topic.
#[must_use]
pub fn topic(view: &TopicView) -> api::Topic {
    let TopicView { row, request, operation } = view;
    let spec = topic_spec(&row.desired);
    let drift = row.drift();
    api::Topic {
        id: row.id.to_string(),
        workspace: row.workspace.to_string(),
        environment: row.environment.to_string(),
        name: row.name.to_string(),
        profile: spec.profile,
        default_profile: row.desired.profile.as_ref().filter(|p| p.by_default).map(|p| p.name.to_string()),
        from_profile: row.desired.profile.as_ref().map(|p| topic_profile(&p.preset)),
        partitions: spec.partitions,
        replication_factor: spec.replication_factor,
        retention_ms: spec.retention_ms,
        cleanup_policy: spec.cleanup_policy,
        compression: spec.compression,
        config: spec.config,
        description: spec.description,
        tags: spec.tags,
        owner_contact: spec.owner_contact,
        deletion_protection: spec.deletion_protection,
        cluster: row.cluster.to_string(),
        physical_name: row.physical_name.to_string(),
        kafka_topic_id: row.kafka_topic_id.map(|id| id.to_string()),
        status: topic_status(row.status),
        conditions: conditions(view, drift.as_ref()),
        drift: drift.as_ref().map(differences_of).unwrap_or_default(),
        observed: observed(row),
        request: request.as_ref().map(request_summary),
        deletes_at: operation
            .as_ref()
            .filter(|_| row.status == TopicStatus::Deleting)
            .and_then(OperationRow::scheduled_at),
        operation: operation.as_ref().map(operation_summary),
        workflow_id: operation.as_ref().map(|o| o.id.to_string()),
        acknowledged: row.acknowledged_at.is_some(),
        approval_required: row.approval_required,
        approved_by: row.approved_by.clone(),
        approved_at: row.approved_at,
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn differences_of(drift: &Drift) -> Vec<api::Difference> {
    let whole = |after: Option<String>| {
        vec![api::Difference { field: String::new(), before: Some("the topic that Orbit made".to_owned()), after }]
    };
    match drift {
        Drift::Missing => whole(None),
        Drift::Recreated { found } => whole(Some(format!("another topic of its name, with id {found}"))),
        Drift::Fields(fields) => fields.iter().map(difference).collect(),
    }
}

fn conditions(view: &TopicView, drift: Option<&Drift>) -> Vec<api::Condition> {
    let mut all = Vec::new();
    let mut tell = |kind: &str, message: String| all.push(api::Condition { kind: kind.to_owned(), message });
    let row = &view.row;
    if !row.cluster_reachable {
        tell(
            "ClusterUnreachable",
            format!("cluster {} did not answer when it was last asked; work on it waits", row.cluster),
        );
    }
    match drift {
        Some(Drift::Missing) => tell(
            "Drifted",
            format!("the topic is not on cluster {} any more: somebody deleted it past Orbit", row.cluster),
        ),
        Some(Drift::Recreated { .. }) => tell(
            "Drifted",
            format!(
                "the topic on cluster {} is not the one that Orbit made: somebody deleted it and created it again",
                row.cluster
            ),
        ),
        Some(Drift::Fields(fields)) => {
            let names: Vec<_> = fields.iter().map(|f| f.field.trim_start_matches('/')).collect();
            tell("Drifted", format!("the cluster differs in {}", names.join(", ")));
        }
        None => {}
    }
    let pending = view.request.as_ref().filter(|r| r.state == RequestState::Pending);
    let running = view.operation.as_ref().filter(|o| !o.state.is_final());
    if row.status == TopicStatus::Deleting
        && let Some(at) = view.operation.as_ref().and_then(OperationRow::scheduled_at)
    {
        let at = to_the_second(at);
        let together = view.operation.as_ref().filter(|o| o.saga.pieces.len() > 1);
        let keep = together.map_or_else(
            || format!("POST /v1/topics/{}/restore keeps it", row.id),
            |o| format!("POST /v1/operations/{}/cancel keeps it and all that is deleted with it", o.id),
        );
        tell("DeletionScheduled", format!("deleted at {at}; until then {keep}"));
    }
    if row.status == TopicStatus::Active {
        if let Some(request) = pending {
            tell("ChangePending", format!("{} waits for {}", request.id, request.approvers));
        } else if let Some(operation) = running {
            tell("ChangePending", format!("{} is under way", operation.id));
        }
    }
    all
}

fn observed(row: &TopicRow) -> Option<api::ObservedTopic> {
    let (seen, at) = row.observed.as_ref().zip(row.observed_at)?;
    let topic = seen.topic.as_ref();
    Some(api::ObservedTopic {
        at,
        present: topic.is_some_and(|t| row.kafka_topic_id.is_none_or(|id| id == t.id)),
        partitions: topic.map(|t| t.partitions),
        replication_factor: topic.map(|t| t.replication_factor),
        config: topic.map(|t| t.configs.clone()).unwrap_or_default(),
    })
}

/// A request in short.
#[must_use]
pub fn request_summary(brief: &RequestBrief) -> api::RequestSummary {
    api::RequestSummary {
        id: brief.id.to_string(),
        state: request_state(brief.state),
        action: action(brief.action),
        url: brief.url.clone(),
        requester: brief.requester.clone(),
        run_id: brief.run_id.clone(),
        approvers: brief.approvers.clone(),
        because: brief.because.clone(),
        decided_by: brief.decided_by.clone(),
        reason: brief.reason.clone(),
        expires_at: brief.expires_at,
    }
}

fn open_request(open: &OpenBrief) -> api::OpenRequest {
    api::OpenRequest { id: open.id.to_string(), url: open.url.clone(), objects: open.objects.clone() }
}

/// A request, with all that a decision needs.
#[must_use]
pub fn request(view: &RequestView, url: String) -> api::Request {
    let row = &view.row;
    let items = view.items.iter().zip(&view.clusters).zip(&view.history).map(|((item, cluster), history)| {
        let object = item.change.object();
        api::RequestItem {
            noun: object.noun.as_str().to_owned(),
            action: action(item.change.action()),
            object_id: RequestView::topic_change(item).id.to_string(),
            object_key: object.key,
            cluster: cluster.clone(),
            physical_name: RequestView::topic_change(item).physical_name.to_string(),
            differences: item.differences.iter().map(difference).collect(),
            history: history
                .iter()
                .map(|h| api::HistoryEntry {
                    at: h.at,
                    actor: h.actor.clone(),
                    action: h.action.clone(),
                    request_id: h.request_id.map(|id| id.to_string()),
                    detail: h.detail.clone(),
                })
                .collect(),
        }
    });
    let needs = view.approvers.iter().map(|(of, text)| {
        let given = view.approvals.iter().filter(|a| a.consent.layer == of.layer);
        need(of, text, given.map(|a| a.name.clone()).collect())
    });
    let pending = row.state == RequestState::Pending;
    api::Request {
        id: row.id.to_string(),
        state: request_state(row.state),
        workspace: row.workspace.clone(),
        requester: row.requester.clone(),
        documentation: documentation(&row.documentation),
        run_id: row.run_id.clone(),
        run_url: row.run_url.clone(),
        items: items.collect(),
        verdict: verdict(&row.verdict, &view.approvers),
        needs: needs.collect(),
        decided_by: row.decided_by.clone(),
        decided_at: row.decided_at,
        superseded_by: row.superseded_by.map(|id| id.to_string()),
        reason: row.reason.clone(),
        operation_id: row.operation_id.map(|id| id.to_string()),
        requester_open: view.requester_open.as_ref().map(|open| open.iter().map(open_request).collect()),
        approve_with: pending.then(|| format!("curl -X POST -H \"Authorization: Bearer $ORBIT_TOKEN\" {url}/approve")),
        url,
        created_at: row.created_at,
        expires_at: row.expires_at,
        revision: row.revision,
    }
}
