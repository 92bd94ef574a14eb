//! From Orbit's answer to Terraform's: the only place that waits.

use crate::{
    Orbit,
    orbit::{NoAnswer, Place, ask, nowhere},
    resources::topic::ManagedTopic,
    say,
};
use orbit_api::{
    Action, Operation, OperationState, OperationSummary, RequestState, RequestSummary, Topic, TopicStatus,
    client::{ClientError, Deleted, Submitted, TopicRead, Waited},
};
use std::time::Duration;
use tfplugin::{Applied, Cx, Diagnostic, Diagnostics, Failure, Outcome};

/// How long an apply waits for an operation. One whose cluster does not answer goes on without limit; Terraform need not.
const PATIENCE: Duration = Duration::from_mins(20);
/// How long the last look at an operation may take once waiting has ended: whoever pressed Ctrl-C wants to leave.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// What becomes of a create or an update that Orbit accepted: done, waiting for a person, or failed. A failure stores nothing: after a create
/// the next one takes up the same topic, after an update the state stays what it was.
pub(crate) async fn settle(
    cx: &Cx<Orbit>,
    want: ManagedTopic,
    answer: Submitted<Topic>,
    place: Place<'_>,
) -> Outcome<ManagedTopic> {
    let topic = match answer {
        Submitted::Done(topic) if topic.status == TopicStatus::Active => return Ok(Applied::Done(want.filled(&topic))),
        // A call that attached to an open creation is answered as done, since it has filed nothing; the topic is not there yet all the same.
        Submitted::Done(topic) | Submitted::Accepted(topic) => topic,
    };
    let object = object(&topic);
    if let Some(request) = open_request(&topic).filter(|request| request.action != Action::Delete) {
        let warning = say::pending(&object, request, cx.client.run_id());
        return Ok(Applied::Pending(want.filled(&topic), warning));
    }
    let Some(operation) = &topic.operation else {
        return Ok(Applied::Done(want.filled(&topic)));
    };
    match finish(cx, &object, &operation.id, place).await? {
        Ended::Done => {}
        Ended::Failed(diagnostic) => return Err(diagnostic.into()),
        Ended::Not(warning) => return Ok(Applied::Pending(want.filled(&topic), warning)),
    }
    let read = TopicRead {
        fresh: true,
        // The state is not stored yet: should that fail, the next create must find the topic again.
        acknowledge: false,
    };
    if let Ok(topic) = ask(cx, cx.client.client()?.topic_get(&topic.id, read)).await {
        return Ok(Applied::Done(want.filled(&topic)));
    }
    // It is there: an error would only lose sight of it.
    let warning = Diagnostic::warning(format!("The work on {object} is done, but Orbit did not show the result"))
        .detail("Plan again to see it.");
    Ok(Applied::Pending(want.filled(&topic), warning))
}

/// What becomes of a deletion that Orbit accepted. Terraform knows no pending deletion: one that waits for a person is an error, and the object
/// stays in the state.
pub(crate) async fn settle_deletion(cx: &Cx<Orbit>, answer: Deleted) -> Result<Applied<()>, Failure<ManagedTopic>> {
    let Deleted::Accepted(topic) = answer else {
        return Ok(Applied::Done(()));
    };
    let object = object(&topic);
    if let Some(request) = open_request(&topic).filter(|request| request.action == Action::Delete) {
        return Err(say::as_error(say::pending(&object, request, cx.client.run_id())).into());
    }
    let Some(operation) = &topic.operation else {
        return Ok(Applied::Done(()));
    };
    match finish(cx, &object, &operation.id, &nowhere).await? {
        Ended::Done => Ok(Applied::Done(())),
        Ended::Failed(diagnostic) | Ended::Not(diagnostic) => Err(say::as_error(diagnostic).into()),
    }
}

/// Makes a call; while another operation on the topic is in its way, waits for that once and calls again.
pub(crate) async fn when_free<T, Call: Future<Output = Result<T, NoAnswer>>>(
    cx: &Cx<Orbit>,
    id: &str,
    object: &str,
    call: impl Fn() -> Call,
) -> Result<Result<T, NoAnswer>, Diagnostics> {
    let answer = call().await;
    if answer.as_ref().err().and_then(NoAnswer::code) != Some("operation.running") {
        return Ok(answer);
    }
    let topic = ask(cx, cx.client.client()?.topic_get(id, TopicRead::default())).await;
    let topic = topic.map_err(|e| e.tell(object, &nowhere))?;
    if let Some(operation) = topic.operation.filter(|operation| !operation.state.is_final())
        && let Ended::Not(warning) = finish(cx, object, &operation.id, &nowhere).await?
    {
        return Err(say::as_error(warning).into());
    }
    Ok(call().await)
}

/// Lets what is under way on a topic come to its end, if that takes but a moment. Whether something did.
pub(crate) async fn let_end(cx: &Cx<Orbit>, topic: &Topic, at_most: Duration) -> bool {
    let (Some(operation), Ok(client)) = (&topic.operation, cx.client.client()) else {
        return false;
    };
    // One that waits for its cluster does so for long.
    if operation.state.is_final() || operation.state == OperationState::Waiting {
        return false;
    }
    let stop = async {
        tokio::select! {
            () = cx.stopping() => {}
            () = tokio::time::sleep(at_most) => {}
        }
    };
    matches!(client.wait_operation(&operation.id, stop).await, Ok(Waited::Done(_)))
}

/// How waiting for an operation ended.
enum Ended {
    Done,
    Failed(Diagnostic),
    /// Not in time, or the user wants to stop.
    Not(Diagnostic),
}

async fn finish(cx: &Cx<Orbit>, object: &str, id: &str, place: Place<'_>) -> Result<Ended, Diagnostics> {
    let stop = async {
        tokio::select! {
            () = cx.stopping() => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
    };
    let client = cx.client.client()?;
    let waited = client.wait_operation(id, stop).await;
    match waited.map_err(|e: ClientError| say::failure(object, &e, place))? {
        Waited::Done(operation) if operation.state == OperationState::Succeeded => Ok(Ended::Done),
        Waited::Done(operation) => Ok(Ended::Failed(say::failed(object, &short(operation)))),
        Waited::Stopped(last) => {
            // The poll that was under way had no news to bring; a short look tells what is waited for.
            let look = tokio::time::timeout(LAST_LOOK, client.operation_get(id, None)).await;
            let last = look.ok().and_then(Result::ok).or(last);
            let waits_for = last.and_then(|operation| operation.error);
            Ok(Ended::Not(say::under_way(object, id, waits_for.as_ref())))
        }
    }
}

fn short(operation: Operation) -> OperationSummary {
    OperationSummary { id: operation.id, state: operation.state, error: operation.error }
}

/// The request that a person has to decide.
pub(crate) fn open_request(topic: &Topic) -> Option<&RequestSummary> {
    topic.request.as_ref().filter(|request| request.state == RequestState::Pending)
}

pub(crate) fn object(topic: &Topic) -> String {
    say::topic(&topic.workspace, &topic.environment, &topic.name)
}
