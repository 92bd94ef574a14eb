//! What a plan says and shows: Orbit's verdict, what waits for a person, and what somebody changed past Orbit.

mod resume;

use super::{ManagedTopic, moved};
use crate::{Orbit, evaluate, memory::must_see, orbit::ask, say, seen::Seen};
use orbit_api::{Action as Deed, Documentation, Topic, TopicCreate, TopicSpec, TopicStatus, client::TopicRead};
use tfplugin::{Action, Attr, Change, Cx, Diagnostic, Diagnostics};

/// What says nothing of the topic on its cluster: a verdict need not wait until it is known.
const WORDS: [&str; 6] = [
    ManagedTopic::description.name(),
    ManagedTopic::tags.name(),
    ManagedTopic::owner_contact.name(),
    ManagedTopic::request.name(),
    ManagedTopic::on_pending.name(),
    ManagedTopic::timeouts.name(),
];

pub(super) async fn plan(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    if let Some(was) = change.was() {
        if was.id.get().is_none() {
            change.report(moved::unseen(&was).at(ManagedTopic::name));
            return Ok(());
        }
        cx.client.memory().holds(was.object());
    }
    if change.action() == Action::Destroy {
        return guard_deletion(cx, change).await;
    }
    choose_workspace(cx.client.workspace(), change);
    if change.action() == Action::Update {
        // By the state alone, and whether Orbit can be asked or not: Terraform plans again at apply, and what it was shown must hold.
        reopen(change);
        stay(cx, change)?;
    }
    if shrinks(cx, change)? || !cx.client.is_known() {
        return Ok(());
    }
    match change.action() {
        Action::Create => judge(cx, change, Deed::Create).await,
        Action::Update => {
            tell_if_gone(cx, change).await?;
            judge(cx, change, Deed::Update).await
        }
        Action::Replace => {
            warn_of_replacement(change);
            guard_deletion(cx, change).await?;
            // Terraform plans the new topic by itself next, and keeps the warnings of that to itself.
            judge(cx, change, Deed::Create).await
        }
        Action::NoOp => resume::resume(cx, change).await,
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
fn shrinks(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<bool, Diagnostics> {
    let waits = change.before(ManagedTopic::request_url).known().is_some() || Seen::of(cx)?.filed.is_some();
    let is_there = status(change) == Some(TopicStatus::Active) && !waits;
    let (Attr::Known(was), Attr::Known(want), true) =
        (change.before(ManagedTopic::partitions), change.planned(ManagedTopic::partitions), is_there)
    else {
        return Ok(false);
    };
    if want >= was || change.action() == Action::Replace {
        return Ok(false);
    }
    let error = Diagnostic::error(format!("Partitions can grow, never shrink: from {was} to {want}"))
        .detail(format!(
            "Kafka cannot take partitions away. Set partitions to {was} or more; a topic with fewer is a new topic, under another name."
        ))
        .at(ManagedTopic::partitions);
    change.report(error);
    Ok(true)
}

fn status(change: &Change<'_, ManagedTopic>) -> Option<TopicStatus> {
    let text = change.before(ManagedTopic::status).known()?;
    serde_json::from_value(text.into()).ok()
}

/// What Orbit would answer to the planned change. Skipped while an input that matters is not known yet, and once the change itself is next.
async fn judge(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>, deed: Deed) -> Result<(), Diagnostics> {
    if cx.client.judge().is_over() {
        return Ok(());
    }
    let (want, in_part) = match change.want() {
        Some(want) => (Some(want), false),
        None => (change.want_without(&WORDS), true),
    };
    let Some(want) = want.filter(|want| want.workspace.get().is_some()) else {
        return Ok(());
    };
    let object = want.object();
    let place = |pointer: &str| want.place(pointer);
    let mut item = evaluate::topic(cx, deed, want.intent()?, &place).await?;
    if in_part {
        // Whether it is what an open request asks for cannot be said.
        (item.request, item.supersedes) = (None, None);
    }
    if change.planned(ManagedTopic::request).is_unknown() {
        // Nor whether it says enough for itself.
        item.verdict = item.verdict.map(evaluate::without_words);
    }
    // Whatever the verdict is: a creation meets what another block has, and would share it.
    if deed == Deed::Create && cx.client.memory().is_held(&object) {
        change.report(say::held(&object).at(ManagedTopic::name));
        return Ok(());
    }
    for told in evaluate::tell(&object, deed, &item, cx.client.run_id(), &place) {
        change.report(told);
    }
    Ok(())
}

/// What an apply may change of a topic that is not on its cluster: its Kafka id. One that has to be filed anew may even come to live on another cluster.
fn reopen(change: &mut Change<'_, ManagedTopic>) {
    let (status, is_update) = (status(change), change.action() == Action::Update);
    if change.before(ManagedTopic::kafka_topic_id).is_null() {
        change.set_unknown(ManagedTopic::kafka_topic_id);
    }
    if status == Some(TopicStatus::Active) {
        return;
    }
    let attaches = matches!(status, Some(TopicStatus::PendingApproval | TopicStatus::Provisioning));
    if !attaches || is_update {
        change.set_unknown(ManagedTopic::cluster);
    }
}

/// What an update of an active topic leaves as it is: the plan then shows just what changes. That it waits for a person shows in the request's address,
/// but with the next refresh: a rule may come to ask for that between plan and apply, when it is too late to say that the address is not known.
fn stay(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    if status(change) != Some(TopicStatus::Active) {
        return Ok(());
    }
    change.stays(ManagedTopic::status);
    let has_request = !change.before(ManagedTopic::request_url).is_null();
    if !has_request {
        change.stays(ManagedTopic::request_url);
    }
    let is_gone = change.before(ManagedTopic::kafka_topic_id).is_null();
    let seen = Seen::of(cx)?;
    let nothing_else = !has_request && !is_gone && !seen.drifted && seen.filed.is_none();
    if nothing_else && !changes_the_cluster(change) {
        change.stays(ManagedTopic::workflow_id);
    }
    Ok(())
}

/// Whether the cluster has to do something. Words about a topic are Orbit's alone.
fn changes_the_cluster(change: &Change<'_, ManagedTopic>) -> bool {
    change.changes(ManagedTopic::partitions)
        || change.changes(ManagedTopic::replication_factor)
        || change.changes(ManagedTopic::retention_ms)
        || change.changes(ManagedTopic::cleanup_policy)
        || change.changes(ManagedTopic::compression)
        || change.changes(ManagedTopic::config)
        || change.changes(ManagedTopic::profile)
}

/// A change of a topic that vanished from its cluster makes it again, whatever else it changes.
async fn tell_if_gone(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    let is_gone = status(change) == Some(TopicStatus::Active) && change.before(ManagedTopic::kafka_topic_id).is_null();
    let (Some(was), Some(id), true) = (change.was(), change.before(ManagedTopic::id).known(), is_gone) else {
        return Ok(());
    };
    // An error is the verdict's to tell.
    if let Ok(topic) = ask(cx, cx.client.client()?.topic_get(&id, TopicRead::default())).await {
        change.warn(gone(&was.object(), &topic));
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
    if !cx.client.is_known() || cx.client.judge().is_over() {
        return Ok(());
    }
    let Some(was) = change.was() else { return Ok(()) };
    let justification = was.justification().map(str::to_owned);
    let intent = TopicCreate::new(was.workspace.require()?, &was.environment, &was.name, TopicSpec::default())
        .documented(Documentation { justification, ..Documentation::default() });
    let place = |pointer: &str| was.place(pointer);
    let item = evaluate::topic(cx, Deed::Delete, intent, &place).await?;
    let is_gone = item.problem.as_ref().is_some_and(|problem| problem.code.ends_with(".not-found"));
    if is_gone {
        // What is not there needs no guard. But is it not there?
        return must_see(cx, was.workspace.require()?, &was.object()).await;
    }
    for told in evaluate::tell(&was.object(), Deed::Delete, &item, cx.client.run_id(), &place) {
        change.report(told);
    }
    Ok(())
}
