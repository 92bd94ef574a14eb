//! A plan that finds nothing to change. But something may wait, have been refused, have failed, or be gone.

use super::{super::ManagedTopic, gone, judge, reopen, status};
use crate::{
    Orbit, evaluate,
    memory::must_see,
    orbit::{ask, nowhere},
    say,
    seen::Seen,
    settle::{Requested as _, open_request},
    wait::let_end,
};
use orbit_api::{Action as Deed, OperationState, RequestState, Topic, TopicStatus, client::TopicRead};
use tfplugin::{Action, Change, Cx, Diagnostic, Diagnostics};

pub(super) async fn resume(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    let status = status(change);
    let is_there = change.before(ManagedTopic::kafka_topic_id).known().is_some();
    let has_request = change.before(ManagedTopic::request_url).known().is_some();
    let seen = Seen::of(cx)?;
    if status == Some(TopicStatus::Active) && is_there && !has_request && seen.filed.is_none() {
        return if seen.drifted { adopt(cx, change).await } else { Ok(()) };
    }
    let (Some(was), Some(id)) = (change.was(), change.before(ManagedTopic::id).known()) else {
        return Ok(());
    };
    let object = was.object();
    let client = cx.client.client()?;
    let look = || ask(cx, client.topic_get(&id, TopicRead::default()));
    // A thousand topics that wait are not asked for one by one.
    let seen_now = match cx.client.refresh().kept(&id) {
        Some(topic) => Ok(topic),
        None => look().await,
    };
    let topic = match seen_now {
        // What an approval has set off a moment ago is done by now, or in another.
        Ok(topic) if topic.status == TopicStatus::Provisioning && let_end(cx, &topic).await => {
            look().await.unwrap_or(topic)
        }
        Ok(topic) => topic,
        Err(e) if e.code() == Some("topic.not-found") => {
            must_see(cx, was.workspace.require()?, &object).await?;
            change.warn(
                Diagnostic::warning(format!("The {object} is gone since the state was written"))
                    .detail("Plan again, with a refresh: it is then made anew."),
            );
            return Ok(());
        }
        Err(e) => return Err(e.tell(&object, &nowhere)),
    };
    match status {
        Some(TopicStatus::Active) if is_there => resume_change(cx, change, &object, &topic, &seen).await,
        Some(TopicStatus::Active) => {
            go_on(change);
            change.report(gone(&object, &topic));
            Ok(())
        }
        Some(TopicStatus::Deleting) => {
            change.warn(deleting(&object, &topic));
            Ok(())
        }
        _ => {
            go_on(change);
            resume_creation(cx, change, &object, &topic).await
        }
    }
}

/// Makes the apply go on with something: the plan shows the object as to be updated, and nothing else of it changes.
fn go_on(change: &mut Change<'_, ManagedTopic>) {
    reopen(change);
    change.set_unknown(ManagedTopic::workflow_id);
    let is_active = status(change) == Some(TopicStatus::Active);
    if !is_active {
        change.set_unknown(ManagedTopic::status);
    }
    if !is_active || !change.before(ManagedTopic::request_url).is_null() {
        change.set_unknown(ManagedTopic::request_url);
    }
}

/// The cluster shows what the configuration says, but Orbit wants something else: somebody changed the cluster first and the configuration then.
async fn adopt(cx: &Cx<Orbit>, change: &mut Change<'_, ManagedTopic>) -> Result<(), Diagnostics> {
    let Some(was) = change.was() else { return Ok(()) };
    go_on(change);
    change.warn(
        Diagnostic::warning(format!("The {} is on its cluster as configured, but Orbit wants something else", was.object()))
            .detail("Somebody changed it past Orbit, and the configuration now says the same. Applying makes Orbit want it too."),
    );
    judge(cx, change, Deed::Update).await
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
        (TopicStatus::Active, ..) => Ok(()),
        // Whatever the topic is called meanwhile, nothing goes on by itself.
        (_, _, Some(operation)) if operation.state == OperationState::Stuck => {
            change.warn(say::failed(object, operation));
            Ok(())
        }
        (TopicStatus::Rejected, Some(request), _) if request.state == RequestState::Rejected => {
            change.report(say::rejected(object, request));
            Ok(())
        }
        (TopicStatus::Provisioning, _, Some(operation)) => {
            change.report(say::under_way(object, &operation.id, operation.error.as_ref()));
            Ok(())
        }
        (TopicStatus::Failed, _, Some(operation)) if operation.state == OperationState::RolledBack => {
            change.warn(say::failed(object, operation));
            judge(cx, change, Deed::Update).await
        }
        // Withdrawn or expired: the apply files it anew, and is judged as that.
        _ => judge(cx, change, Deed::Update).await,
    }
}

/// An active topic about which a request was open or refused when the state was written. If it asks for what is planned, the apply goes on with it; if
/// it asks for something else and this resource filed it, the apply takes it back.
async fn resume_change(
    cx: &Cx<Orbit>,
    change: &mut Change<'_, ManagedTopic>,
    object: &str,
    topic: &Topic,
    seen: &Seen,
) -> Result<(), Diagnostics> {
    let Some(want) = change.want() else { return Ok(()) };
    let stands = |state| matches!(state, RequestState::Pending | RequestState::Rejected);
    match topic.request.as_ref().filter(|request| stands(request.state)) {
        None if topic.status == TopicStatus::Deleting => {
            change.warn(deleting(object, topic));
            return Ok(());
        }
        // It was decided since: what it brought about is not what the configuration says.
        None if want.differs_from(topic)? => {
            go_on(change);
            return judge(cx, change, Deed::Update).await;
        }
        None => {}
        Some(request) => {
            let place = |pointer: &str| want.place(pointer);
            let item = evaluate::topic(cx, Deed::Update, want.intent()?, &place).await?;
            let own = item.supersedes.as_ref().is_some_and(|open| seen.filed.as_deref() == Some(open.id.as_str()));
            if item.request.is_some() || own {
                go_on(change);
                for told in evaluate::tell(object, Deed::Update, &item, cx.client.run_id(), &place) {
                    change.report(told);
                }
            } else if request.state == RequestState::Pending {
                // Somebody else's wish: to the configuration it is no news, to its reader it is.
                change.report(say::pending(object, request, cx.client.run_id()));
                return Ok(());
            }
        }
    }
    if change.action() == Action::NoOp && seen.drifted { adopt(cx, change).await } else { Ok(()) }
}

/// A topic that ends.
fn deleting(object: &str, topic: &Topic) -> Diagnostic {
    if let Some(operation) = topic.operation.as_ref().filter(|operation| operation.state == OperationState::Stuck) {
        return say::failed(object, operation);
    }
    if let Some((at, restore)) = topic.deletes_at() {
        return say::scheduled(object, &at, &restore);
    }
    let id = topic.operation.as_ref().map_or("unknown", |operation| operation.id.as_str());
    Diagnostic::warning(format!("The {object} is being deleted: operation {id}"))
        .detail("Plan again once it is gone: it is then made anew.")
}
