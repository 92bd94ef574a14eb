//! What a plan says and shows: Orbit's verdict, what waits for a person, and what somebody changed past Orbit.

use super::{ManagedTopic, Seen};
use crate::{
    Orbit, evaluate,
    orbit::{ask, nowhere},
    say,
    settle::open_request,
};
use orbit_api::{
    Action as Deed, OperationState, RequestState, Topic, TopicCreate, TopicSpec, TopicStatus, client::TopicRead,
};
use tfplugin::{Action, Attr, Change, Cx, Diagnostic, Diagnostics};

pub(super) async fn plan(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    if change.action() == Action::Destroy {
        return guard_deletion(cx, change).await;
    }
    choose_workspace(cx.client.workspace(), change);
    if shrinks(change) || !cx.client.is_known() {
        return Ok(());
    }
    match change.action() {
        Action::Create => judge(cx, change, Deed::Create).await,
        Action::Update => {
            reopen(change);
            judge(cx, change, Deed::Update).await
        }
        Action::Replace => {
            warn_of_replacement(change);
            guard_deletion(cx, change).await
        }
        Action::NoOp => resume(cx, change).await,
        Action::Destroy => Ok(()),
    }
}

/// Where the resource names no workspace, the provider's.
fn choose_workspace(default: &Attr<String>, change: &mut Change<'_, ManagedTopic>) {
    if !change.config(ManagedTopic::workspace).is_null() {
        return;
    }
    match (default, change.before(ManagedTopic::workspace)) {
        (Attr::Known(workspace), _) => {
            change.set(ManagedTopic::workspace, workspace.clone());
            change.replace(ManagedTopic::workspace);
        }
        (Attr::Null, Attr::Null) => {
            let error = Diagnostic::error("The topic belongs to no workspace")
                .detail("Set `workspace` here, or once for all in the provider block.")
                .at(ManagedTopic::workspace);
            change.report(error);
        }
        // It stays where it is, or it is decided when the provider's settings are known.
        _ => {}
    }
}

/// Kafka has no way to take partitions away. Whoever has never seen the cluster may still ask for fewer; and where a request is open, the state may
/// hold what was only asked for: then Orbit judges.
fn shrinks(change: &mut Change<'_, ManagedTopic>) -> bool {
    let waits = change.before(ManagedTopic::request_url).known().is_some();
    let is_there = status(change) == Some(TopicStatus::Active) && !waits;
    let (Attr::Known(was), Attr::Known(want), true) =
        (change.before(ManagedTopic::partitions), change.planned(ManagedTopic::partitions), is_there)
    else {
        return false;
    };
    if want >= was || change.action() == Action::Replace {
        return false;
    }
    let error = Diagnostic::error(format!("Partitions can grow, never shrink: from {was} to {want}"))
        .detail(format!(
            "Kafka cannot take partitions away. Set partitions to {was} or more; a topic with fewer is a new topic, under another name."
        ))
        .at(ManagedTopic::partitions);
    change.report(error);
    true
}

fn status(change: &Change<'_, ManagedTopic>) -> Option<TopicStatus> {
    let text = change.before(ManagedTopic::status).known()?;
    serde_json::from_value(text.into()).ok()
}

/// What Orbit would answer to the planned change. Skipped while an input is not known yet.
async fn judge(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>, deed: Deed) -> Result<(), Diagnostics> {
    let Some(want) = change.want().filter(|want| want.workspace.get().is_some()) else {
        return Ok(());
    };
    let place = |pointer: &str| want.place(pointer);
    let item = evaluate::topic(cx, deed, want.intent()?, &place).await?;
    for told in evaluate::tell(&want.object(), deed, &item, cx.client.run_id(), &place) {
        change.report(told);
    }
    Ok(())
}

/// What an apply may change of a topic that is not on its cluster: its Kafka id, and who approved it. One that has to be filed anew may even come
/// to live on another cluster.
fn reopen(change: &mut Change<'_, ManagedTopic>) {
    let (status, is_update) = (status(change), change.action() == Action::Update);
    if change.before(ManagedTopic::kafka_topic_id).is_null() {
        change.set_unknown(ManagedTopic::kafka_topic_id);
    }
    if status == Some(TopicStatus::Active) {
        return;
    }
    change.set_unknown(ManagedTopic::approved_by);
    change.set_unknown(ManagedTopic::approved_at);
    let attaches = matches!(status, Some(TopicStatus::PendingApproval | TopicStatus::Provisioning));
    if !attaches || is_update {
        change.set_unknown(ManagedTopic::approval_required);
        change.set_unknown(ManagedTopic::cluster);
    }
}

/// Makes the apply go on with something: the plan shows the object as to be updated, and nothing else of it changes.
fn go_on(change: &mut Change<'_, ManagedTopic>) {
    reopen(change);
    change.set_unknown(ManagedTopic::status);
    change.set_unknown(ManagedTopic::request_url);
    change.set_unknown(ManagedTopic::workflow_id);
}

/// Nothing is to be changed. But something may wait, have been refused, have failed, or be gone.
async fn resume(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    let status = status(change);
    let is_there = change.before(ManagedTopic::kafka_topic_id).known().is_some();
    let has_request = change.before(ManagedTopic::request_url).known().is_some();
    if status == Some(TopicStatus::Active) && is_there && !has_request {
        if Seen::drift(cx)? {
            adopt(change);
        }
        return Ok(());
    }
    let (Some(was), Some(id)) = (change.was(), change.before(ManagedTopic::id).known()) else {
        return Ok(());
    };
    let object = was.object();
    let topic = match ask(cx, cx.client.client()?.topic_get(&id, TopicRead::default())).await {
        Ok(topic) => topic,
        // Seen by the next refresh; this plan was made without.
        Err(e) if e.code() == Some("topic.not-found") => return Ok(()),
        Err(e) => return Err(e.tell(&object, &nowhere)),
    };
    match status {
        Some(TopicStatus::Active) if is_there => resume_change(cx, change, &object, &topic).await,
        Some(TopicStatus::Active) => {
            go_on(change);
            change.report(gone(&object, &topic));
            Ok(())
        }
        Some(TopicStatus::Deleting) => {
            let id = topic.operation.as_ref().map_or("unknown", |operation| operation.id.as_str());
            change.warn(
                Diagnostic::warning(format!("The {object} is being deleted: operation {id}"))
                    .detail("Plan again once it is gone: it is then made anew."),
            );
            Ok(())
        }
        _ => {
            go_on(change);
            resume_creation(cx, change, &object, &topic).await
        }
    }
}

/// The cluster shows what the configuration says, but Orbit wants something else: somebody changed the cluster first and the configuration then.
fn adopt(change: &mut Change<'_, ManagedTopic>) {
    let Some(was) = change.was() else { return };
    go_on(change);
    change.warn(
        Diagnostic::warning(format!("The {} is on its cluster as configured, but Orbit wants something else", was.object()))
            .detail("Somebody changed it past Orbit, and the configuration now says the same. Applying makes Orbit want it too."),
    );
}

/// A creation that did not come to its end.
async fn resume_creation(
    cx: &Cx<Orbit>,
    change: &mut Change<'_, ManagedTopic>,
    object: &str,
    topic: &Topic,
) -> Result<(), Diagnostics> {
    if let Some(request) = open_request(topic) {
        change.report(say::pending(object, request, cx.client.run_id()));
        return Ok(());
    }
    match (topic.status, &topic.request, &topic.operation) {
        (TopicStatus::Rejected, Some(request), _) if request.state == RequestState::Rejected => {
            change.report(say::rejected(object, request));
            Ok(())
        }
        (TopicStatus::Provisioning, _, Some(operation)) => {
            change.report(say::under_way(object, &operation.id, operation.error.as_ref()));
            Ok(())
        }
        (TopicStatus::Failed, _, Some(operation))
            if matches!(operation.state, OperationState::RolledBack | OperationState::Stuck) =>
        {
            change.warn(say::failed(object, operation));
            judge(cx, change, Deed::Update).await
        }
        (TopicStatus::Active, ..) => Ok(()),
        // Withdrawn or expired: the apply files it anew, and is judged as that.
        _ => judge(cx, change, Deed::Update).await,
    }
}

/// An active topic about which a request is open or was refused. If it asks for what is planned, the apply goes on with it; if it asks for something
/// else and is one's own, the apply takes it back.
async fn resume_change(
    cx: &Cx<Orbit>,
    change: &mut Change<'_, ManagedTopic>,
    object: &str,
    topic: &Topic,
) -> Result<(), Diagnostics> {
    let (Some(want), Some(request)) = (change.want(), &topic.request) else {
        return Ok(());
    };
    let place = |pointer: &str| want.place(pointer);
    let item = evaluate::topic(cx, Deed::Update, want.intent()?, &place).await?;
    let was_refused = item.problem.as_ref().is_some_and(|problem| problem.code == "request.rejected");
    if item.request.is_some() || item.supersedes.is_some() || was_refused {
        go_on(change);
        for told in evaluate::tell(object, Deed::Update, &item, cx.client.run_id(), &place) {
            change.report(told);
        }
    } else if request.state == RequestState::Pending {
        // Somebody else's: to the configuration it is no news, to its reader it is.
        change.report(say::pending(object, request, cx.client.run_id()));
    }
    Ok(())
}

fn gone(object: &str, topic: &Topic) -> Diagnostic {
    let told = topic.conditions.iter().find(|condition| condition.kind == "Drifted");
    let told = told.map(|condition| format!("{}\n\n", condition.message)).unwrap_or_default();
    let there_is_another =
        topic.drift.iter().any(|difference| difference.field.is_empty() && difference.after.is_some());
    let next = if there_is_another {
        "Applying fails while the other one is there: have it removed from the cluster, then apply again."
    } else {
        "Applying makes it again, empty: its records are lost."
    };
    Diagnostic::warning(format!("The {object} is not on its cluster any more")).detail(format!("{told}{next}"))
}

fn warn_of_replacement(change: &mut Change<'_, ManagedTopic>) {
    let Some(was) = change.was() else { return };
    change.warn(Diagnostic::warning(format!("The {} is replaced, and its records do not move", was.object())).detail(
        "A change of workspace, environment or name deletes the topic with all its records and makes a new, empty one. \
         To keep the records, add a second topic, copy them, and remove the first one last.",
    ));
}

/// What Orbit would answer to a deletion. The rest of policy has no say in it.
async fn guard_deletion(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    if !cx.client.is_known() {
        return Ok(());
    }
    let Some(was) = change.was() else { return Ok(()) };
    let intent = TopicCreate::new(was.workspace.require()?, &was.environment, &was.name, TopicSpec::default());
    let place = |pointer: &str| was.place(pointer);
    let item = evaluate::topic(cx, Deed::Delete, intent, &place).await?;
    let is_gone = item.problem.as_ref().is_some_and(|problem| problem.code.ends_with(".not-found"));
    if is_gone {
        // What is not there needs no guard.
        return Ok(());
    }
    for told in evaluate::tell(&was.object(), Deed::Delete, &item, cx.client.run_id(), &place) {
        change.report(told);
    }
    Ok(())
}
