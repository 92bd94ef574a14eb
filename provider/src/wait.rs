//! The only place that waits.

use crate::{
    Orbit,
    orbit::{Place, ask, nowhere},
    say,
    settle::Requested,
};
use orbit_api::{
    Operation, OperationState, OperationSummary, RequestState, RequestSummary,
    client::{Client, ClientError, Waited},
};
use std::time::Duration;
use tfplugin::{Cx, Diagnostic, Diagnostics, Timed, Timeouts};
use tokio::time::Instant;

/// How long an apply waits for an operation or a decision, unless `timeouts` says so.
const LONGEST: Duration = Duration::from_mins(20);
/// How long an apply waits for an operation whose cluster does not answer, unless `timeouts` says so. That goes on without limit; Terraform holds one
/// of ten slots for it.
const PATIENCE_WITH_A_CLUSTER: Duration = Duration::from_mins(1);
/// How often it looks whether an operation waits for its cluster.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
/// How long the last look at an operation may take once waiting has ended. With `orbit::GRACE`, which may come before, it stays far below a second:
/// whoever pressed Ctrl-C wants to leave.
pub(crate) const LAST_LOOK: Duration = Duration::from_millis(200);

/// How long a call may wait, from its begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    call: Timed,
    until: Instant,
    /// Then a cluster that does not answer is waited for as long.
    is_chosen: bool,
}

impl Patience {
    /// What the user set, or the default, from now on.
    pub(crate) fn of(timeouts: Option<&Timeouts>, call: Timed) -> Self {
        let chosen = Timeouts::chosen(timeouts, call);
        Self { call, until: Instant::now() + chosen.unwrap_or(LONGEST), is_chosen: chosen.is_some() }
    }

    /// What is left of it.
    pub(crate) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The same warning, with how to wait for longer, unless the user wants to stop.
    pub(crate) fn exhausted(self, cx: &Cx<Orbit>, mut warning: Diagnostic) -> Diagnostic {
        if !cx.is_stopping() {
            let text = format!("\n\nSet `timeouts = {{ {} = \"1h\" }}` to have an apply wait for longer.", self.call);
            warning.detail.push_str(&text);
        }
        warning
    }
}

/// How waiting for an operation ended.
pub(crate) enum Ended {
    Done,
    Failed(Diagnostic),
    /// Not in time, or the user wants to stop.
    Not(Diagnostic),
}

/// Waits until an operation ends.
pub(crate) async fn finish(
    cx: &Cx<Orbit>,
    object: &str,
    id: &str,
    place: Place<'_>,
    patience: Patience,
) -> Result<Ended, Diagnostics> {
    let client = cx.client.client()?;
    let enough = async {
        tokio::select! {
            () = no_longer(cx, patience) => {}
            () = waits_for_long(client, id), if !patience.is_chosen => {}
        }
    };
    let waited = client.wait_operation(id, enough).await;
    match waited.map_err(|e: ClientError| say::failure(object, &e, place))? {
        Waited::Done(operation) if operation.state == OperationState::Succeeded => Ok(Ended::Done),
        Waited::Done(operation) => Ok(Ended::Failed(say::failed(object, &short(operation)))),
        Waited::Stopped(last) => {
            // The poll that was under way had no news to bring; a short look tells what is waited for.
            let look = tokio::time::timeout(LAST_LOOK, client.operation_get(id, None)).await;
            let last = look.ok().and_then(Result::ok).or(last);
            let waits_for = last.and_then(|operation| operation.error);
            Ok(Ended::Not(patience.exhausted(cx, say::under_way(object, id, waits_for.as_ref()))))
        }
    }
}

/// The user wants to stop, or patience is at its end.
async fn no_longer(cx: &Cx<Orbit>, patience: Patience) {
    tokio::select! {
        () = cx.stopping() => {}
        () = tokio::time::sleep_until(patience.until) => {}
    }
}

/// Ends once an operation has waited for its cluster for so long that it may well do so for much longer.
async fn waits_for_long(client: &Client, id: &str) {
    let mut waits = Waits::default();
    loop {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let found = client.operation_get(id, None).await.ok();
        if found.is_some_and(|operation| waits.for_long(&operation, Instant::now())) {
            return;
        }
    }
}

/// Since when an operation has been seen to wait.
#[derive(Default)]
struct Waits(Option<Instant>);

impl Waits {
    fn for_long(&mut self, operation: &Operation, now: Instant) -> bool {
        // Between two waits it tries again, and bears the error of the last try.
        if operation.state != OperationState::Waiting && operation.error.is_none() {
            self.0 = None;
            return false;
        }
        now.duration_since(*self.0.get_or_insert(now)) + BETWEEN_LOOKS >= PATIENCE_WITH_A_CLUSTER
    }
}

/// How waiting for a decision ended.
pub(crate) enum Decided<N> {
    /// It was approved; the object as it is then.
    Approved(N),
    /// It ended otherwise.
    Refused(Diagnostic),
    /// Not in time, or the user wants to stop.
    Not,
    /// Orbit could not be asked any more.
    Unseen(Diagnostics),
}

/// Waits until a request is decided.
pub(crate) async fn decided<N: Requested>(
    cx: &Cx<Orbit>,
    it: &N,
    request: &RequestSummary,
    patience: Patience,
) -> Decided<N> {
    let object = it.object();
    let client = match cx.client.client() {
        Ok(client) => client,
        Err(cause) => return Decided::Unseen(cause),
    };
    let end = match client.wait_request(&request.id, no_longer(cx, patience)).await {
        Ok(Waited::Done(end)) => end,
        Ok(Waited::Stopped(_)) => return Decided::Not,
        Err(e) => return Decided::Unseen(say::failure(&object, &e, &nowhere)),
    };
    if end.state != RequestState::Approved {
        let refused =
            RequestSummary { state: end.state, decided_by: end.decided_by, reason: end.reason, ..request.clone() };
        return Decided::Refused(say::as_error(say::ended(&object, &refused)));
    }
    match ask(cx, N::look(client, it.id())).await {
        Ok(now) => Decided::Approved(now),
        Err(e) => Decided::Unseen(e.tell(&object, &nowhere)),
    }
}

/// Lets what is under way on an object come to its end, if that takes but a moment: right after an approval the next plan is then empty. All refreshes
/// of a process share one patience. Whether something ended.
pub(crate) async fn let_end(cx: &Cx<Orbit>, it: &impl Requested) -> bool {
    let (Some(operation), Ok(client)) = (it.operation(), cx.client.client()) else {
        return false;
    };
    // One that waits for its cluster does so for long.
    if operation.state.is_final() || operation.state == OperationState::Waiting {
        return false;
    }
    let wait = cx.client.memory().begin_to_wait();
    if wait.at_most.is_zero() {
        return false;
    }
    let stop = async {
        tokio::select! {
            () = cx.stopping() => {}
            () = tokio::time::sleep(wait.at_most) => {}
        }
    };
    matches!(client.wait_operation(&operation.id, stop).await, Ok(Waited::Done(_)))
}

fn short(operation: Operation) -> OperationSummary {
    OperationSummary { id: operation.id, state: operation.state, error: operation.error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orbit::GRACE;
    use serde_json::json;

    fn operation(state: OperationState, waits_for: Option<&str>) -> Operation {
        serde_json::from_value(json!({
            "id": "op_1", "kind": "TopicProvisioning", "state": state, "workspace": "w", "cluster": "main", "request_id": "req_1",
            "steps": [], "created_at": "2026-01-02T03:04:05Z",
            "error": waits_for.map(|message| json!({"code": "kafka.unreachable", "message": message})),
        }))
        .unwrap()
    }

    #[test]
    fn an_apply_does_not_sit_out_a_cluster_that_is_down() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let waiting = operation(OperationState::Waiting, Some("no broker can be reached"));
        let trying = operation(OperationState::Running, Some("no broker can be reached"));
        let mut waits = Waits::default();
        for seconds in [10, 20, 30, 40, 50] {
            let now = if seconds == 30 { &trying } else { &waiting };
            assert!(!waits.for_long(now, at(seconds)), "{seconds}");
        }
        assert!(waits.for_long(&waiting, at(60)));
    }

    #[test]
    fn what_runs_again_has_waited_for_nothing() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut waits = Waits::default();
        assert!(!waits.for_long(&operation(OperationState::Waiting, None), at(0)));
        assert!(!waits.for_long(&operation(OperationState::Running, None), at(50)));
        assert!(!waits.for_long(&operation(OperationState::Waiting, None), at(60)));
    }

    #[test]
    fn whoever_wants_to_stop_leaves_within_a_second() {
        assert!(GRACE + LAST_LOOK <= Duration::from_millis(600));
    }
}
