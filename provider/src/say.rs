//! What users read. Plan and apply say the same of the same thing, so that it is said once.

use crate::orbit::Place;
use orbit_api::{
    Action, FieldProblem, Finding, Layer, OperationError, OperationState, OperationSummary, Problem, RequestState,
    RequestSummary, Verdict, client::ClientError,
};
use std::time::Duration;
use tfplugin::{Diagnostic, Diagnostics};

/// `topic payments-team/prod/orders`
pub(crate) fn topic(workspace: &str, environment: &str, name: &str) -> String {
    format!("topic {workspace}/{environment}/{name}")
}

/// What kind of object it is: how every message names one begins with that.
fn kind(object: &str) -> &str {
    object.split(' ').next().unwrap_or(object)
}

fn deed(action: Action) -> &'static str {
    match action {
        Action::Create => "creation",
        Action::Update => "change",
        Action::Delete => "deletion",
    }
}

/// A request that a person has to decide.
pub(crate) fn pending(object: &str, request: &RequestSummary, run_id: &str) -> Diagnostic {
    let expires = request.expires_at.map(|at| at.to_string());
    let lines = [
        ("decide at", Some(request.url.as_str())),
        ("approvers", Some(request.approvers.as_str())),
        ("because", Some(request.because.as_str())),
        ("expires", expires.as_deref()),
        // Who attaches to a request of another run finds it by its own run too.
        ("run", Some(request.run_id.as_deref().unwrap_or(run_id))),
    ];
    let next = match request.action {
        Action::Delete => format!(
            "The {} stays in the state until then. Orbit deletes it as soon as that is approved; destroy or apply again to see it gone. \
             Nothing is filed twice.",
            kind(object)
        ),
        Action::Create | Action::Update => {
            "Orbit carries it out as soon as it is approved. Approve, then plan or apply again; nothing is filed twice."
                .to_owned()
        }
    };
    let summary = format!("The {} of {object} waits for approval: request {}", deed(request.action), request.id);
    Diagnostic::warning(summary).detail(format!("{}\n\n{next}", table(&lines)))
}

/// The same warning of a request that was waited for, and that nobody could be asked about any more.
pub(crate) fn unseen(mut pending: Diagnostic, cause: &Diagnostics) -> Diagnostic {
    let cause: Vec<String> = cause.iter().map(ToString::to_string).collect();
    let text = format!("\n\nWaiting for it ended before its time: {}", cause.join("\n\n"));
    pending.detail.push_str(&text);
    pending
}

/// A request that ended otherwise than by an approval.
pub(crate) fn ended(object: &str, request: &RequestSummary) -> Diagnostic {
    if request.state == RequestState::Rejected {
        return rejected(object, request);
    }
    let (deed, id, state) = (deed(request.action), &request.id, request.state);
    Diagnostic::warning(format!("The {deed} of {object} was not approved: request {id} is {state}"))
        .detail(format!("{}\n\nApply again to ask anew.", table(&[("see", Some(&request.url))])))
}

/// A request of one's own that is open, and asks for something else than the configuration.
pub(crate) fn gives_way(object: &str, open: &RequestSummary) -> Diagnostic {
    let deed = deed(open.action);
    Diagnostic::warning(format!("The {deed} of {object} that waits for approval is not what the configuration says"))
        .detail(format!(
            "{}\n\nApplying takes that request back. Until then, whoever approves it still brings about the {deed}.",
            table(&[
                ("request", Some(open.id.as_str())),
                ("see", Some(open.url.as_str())),
                ("filed by", Some(open.requester.as_str()))
            ])
        ))
}

/// A request that a person refused.
pub(crate) fn rejected(object: &str, request: &RequestSummary) -> Diagnostic {
    let reviewer = request.decided_by.as_deref().unwrap_or("an approver");
    let reason = request.reason.as_deref().unwrap_or("(none given)");
    let summary =
        format!("The {} of {object} was rejected by {reviewer}: request {}", deed(request.action), request.id);
    let next = match request.action {
        Action::Delete => format!(
            "The {} stays. Ask whoever decided before you ask again: with another `justification` in `request`, applied before the destroy.",
            kind(object)
        ),
        Action::Create | Action::Update => {
            "Asking for the same again fails. Change it, or say more for it in `request`, and apply.".to_owned()
        }
    };
    let lines = table(&[("reason", Some(reason)), ("see", Some(&request.url))]);
    Diagnostic::warning(summary).detail(format!("{lines}\n\n{next}"))
}

/// An approval that will be due.
pub(crate) fn foretell(object: &str, action: Action, verdict: &Verdict) -> Diagnostic {
    let mut approvers: Vec<&str> = verdict.needs.iter().map(|need| need.approvers.as_str()).collect();
    approvers.dedup();
    let approvers = if approvers.is_empty() { "a person".to_owned() } else { approvers.join(" and ") };
    let because: Vec<String> =
        verdict.reasons.iter().map(|reason| format!("  - {} ({})", reason.message, rule(reason))).collect();
    let next = match action {
        Action::Delete => format!(
            "Destroying files a request, and ends with an error until it is approved: the {} stays, in the state too. Destroy or apply again \
             after that.",
            kind(object)
        ),
        Action::Create | Action::Update => {
            "Applying files a request; nothing happens on the cluster before it is approved.".to_owned()
        }
    };
    Diagnostic::warning(format!("The {} of {object} will need approval by {approvers}", deed(action)))
        .detail(format!("Because:\n{}\n\n{next}", because.join("\n")))
}

/// A violation, or something worth knowing.
pub(crate) fn finding(finding: &Finding, place: Place<'_>) -> Diagnostic {
    let rule = rule(finding);
    let lines = [
        ("value", finding.value.as_deref()),
        ("limit", finding.limit.as_deref()),
        ("rule", Some(rule.as_str())),
        ("remedy", Some(finding.remedy.as_str())),
        ("code", Some(finding.code.as_str())),
    ];
    placed(Diagnostic::error(&finding.message).detail(table(&lines)), &finding.field, place)
}

/// `partition_limits.max of policy "prod guardrails" (platform, version 7)`
fn rule(finding: &Finding) -> String {
    let Finding { rule, policy, layer, .. } = finding;
    let version = finding.policy_version.map(|version| format!(", version {version}")).unwrap_or_default();
    match layer {
        Layer::System => format!("{rule} of {policy}"),
        layer => format!("{rule} of policy \"{policy}\" ({layer}{version})"),
    }
}

/// What went wrong with a call.
pub(crate) fn failure(object: &str, error: &ClientError, place: Place<'_>) -> Diagnostics {
    match error {
        ClientError::Problem(problem) => self::problem(object, problem, place),
        ClientError::Unreachable { endpoint, cause } => {
            let next = if cause.contains("certificate") {
                "Is the address right (`endpoint` or ORBIT_ENDPOINT)? Where its certificate is of an authority of your own, name that in `ca_file`."
            } else {
                "Is the address right (`endpoint` or ORBIT_ENDPOINT), and is the server running?"
            };
            Diagnostic::error(format!("Cannot reach Orbit at {endpoint}")).detail(format!("{cause}\n\n{next}")).into()
        }
        ClientError::Unexpected { .. } => {
            Diagnostic::error(format!("Orbit did not answer about {object}")).detail(error.to_string()).into()
        }
        _ => Diagnostic::error(error.to_string()).into(),
    }
}

/// What Orbit answered instead.
pub(crate) fn problem(object: &str, problem: &Problem, place: Place<'_>) -> Diagnostics {
    if let ("request.rejected", Some(request)) = (problem.code.as_str(), &problem.request) {
        return as_error(rejected(object, request)).into();
    }
    if !problem.errors.is_empty() {
        return problem.errors.iter().map(|e| field(e, place)).collect();
    }
    let request = problem.request.as_ref().map(|request| format!("request {} at {}", request.id, request.url));
    // The API's remedy is for who reads and writes; a plan is what reads here.
    let is_stale = problem.code == "stale";
    let remedy = if is_stale {
        Some("plan again: the plan that was applied does not know of that change")
    } else {
        problem.remedy.as_deref()
    };
    let lines = [
        ("remedy", remedy),
        ("see", request.as_deref()),
        ("code", Some(problem.code.as_str())),
        ("help", Some(problem.type_uri.as_str()).filter(|uri| uri.starts_with("http"))),
        ("trace", problem.request_id.as_deref()),
    ];
    Diagnostic::error(format!("Orbit refuses {object}: {}", problem.detail)).detail(table(&lines)).into()
}

/// A problem in one line.
pub(crate) fn in_a_sentence(problem: &Problem) -> String {
    let fields = problem.errors.iter().map(|e| format!("; {}: {}", e.pointer, e.detail));
    format!("{} [{}]{}", problem.detail, problem.code, fields.collect::<String>())
}

fn field(e: &FieldProblem, place: Place<'_>) -> Diagnostic {
    let lines = [
        ("value", e.value.as_deref()),
        ("limit", e.limit.as_deref()),
        ("rule", e.rule.as_deref()),
        ("remedy", e.remedy.as_deref()),
        ("code", Some(e.code.as_str())),
    ];
    // What Orbit says of a field begins as what the field is: `is no host:port`.
    let is_predicate = e.detail.starts_with(|c: char| c.is_lowercase());
    let subject =
        || place(&e.pointer).map_or_else(|| e.pointer.trim_start_matches('/').to_owned(), |path| path.to_string());
    let summary = if is_predicate { format!("{} {}", subject(), e.detail) } else { e.detail.clone() };
    placed(Diagnostic::error(summary).detail(table(&lines)), &e.pointer, place)
}

/// An operation that failed.
pub(crate) fn failed(object: &str, operation: &OperationSummary) -> Diagnostic {
    let OperationSummary { id, state, error } = operation;
    let (code, message) = match error {
        Some(OperationError { code, message }) => (code.as_str(), message.as_str()),
        None => ("unknown", "Orbit does not say why"),
    };
    let next = match state {
        OperationState::Stuck => {
            "It could not be taken back either: a person has to look at the operation before anything else can happen."
        }
        OperationState::Cancelled => {
            "A person cancelled it, and nothing of it is left. Apply again to ask for it anew."
        }
        _ => "What had been done was taken back. Apply again once the cause is gone.",
    };
    Diagnostic::error(format!("The work on {object} failed: {message}"))
        .detail(format!("{next}\n\n{}", table(&[("operation", Some(id)), ("code", Some(code))])))
}

/// A deletion with a lead time.
pub(crate) fn scheduled(object: &str, at: &str, restore: &str) -> Diagnostic {
    Diagnostic::warning(format!("The {object} is deleted at {at}, and can be restored until then")).detail(format!(
        "It is out of the state, and on its cluster until then. To keep it:\n\n  {restore}\n\nThen bring it back with `terraform import`."
    ))
}

/// An operation that goes on without us.
pub(crate) fn under_way(object: &str, operation: &str, waits_for: Option<&OperationError>) -> Diagnostic {
    let why = waits_for.map(|e| format!("It waits: {}\n\n", e.message)).unwrap_or_default();
    Diagnostic::warning(format!("The work on {object} is still under way: operation {operation}")).detail(format!(
        "{why}Orbit goes on with it. Plan or apply again to see what became of it; nothing is done twice."
    ))
}

/// A refresh that took longer than the user allows.
pub(crate) fn late(object: &str, longest: Duration) -> Diagnostic {
    Diagnostic::error(format!("Orbit did not show {object} within {longest:?}"))
        .detail("That is all that `timeouts` allows for `read`. Set `timeouts = { read = \"5m\" }` to wait for longer.")
}

/// An operation that nobody could be asked about any more.
pub(crate) fn lost_sight(object: &str, operation: &str, cause: &Diagnostics) -> Diagnostic {
    let cause: Vec<String> = cause.iter().map(ToString::to_string).collect();
    Diagnostic::warning(format!("Orbit works on {object}, but could not be asked what became of it: operation {operation}"))
        .detail(format!(
            "{}\n\nOrbit goes on with it. Once it can be asked again, plan or apply to see what became of it; nothing is done twice.",
            cause.join("\n\n")
        ))
}

/// Nothing can be said of an object whose workspace the token does not see.
pub(crate) fn invisible(object: &str, workspace: &str, endpoint: &str) -> Diagnostic {
    Diagnostic::error(format!("This token cannot see workspace {workspace}: whether {object} is there is not known"))
        .detail(format!(
            "The Orbit at {endpoint} shows neither to whom the token speaks for. Is it the right address, and has the token a role in the workspace? \
             Nothing was taken out of the state. If the workspace itself is gone, `terraform state rm` takes out what it owned."
        ))
}

/// Nothing can be said of an object that only platform admins see for sure.
pub(crate) fn not_ruled(object: &str, endpoint: &str) -> Diagnostic {
    Diagnostic::error(format!("This token is no platform admin's: whether {object} is there is not known"))
        .detail(format!(
            "The Orbit at {endpoint} does not show it to whom the token speaks for. Is it the right address, and the right token? Nothing was taken out of \
             the state."
        ))
}

/// An object that another resource block of the same run has got.
pub(crate) fn shared(object: &str) -> Diagnostic {
    Diagnostic::error(format!("Another resource block of this run has {object} already")).detail(
        "Two blocks with one topic would undo each other's changes, and the one that is removed would delete what the other keeps. Remove one of them.",
    )
}

/// An object that is to be created although the state holds it.
pub(crate) fn held(object: &str) -> Diagnostic {
    Diagnostic::error(format!("The {object} is managed here already")).detail(
        "After a rename of its resource block, say so: moved { from = orbit_kafka_topic.OLD, to = orbit_kafka_topic.NEW }. \
         If it is tainted, `terraform untaint` it: nothing is wrong with it. \
         To make it anew, without its records, take two applies: remove the block, apply, add it again, apply.",
    )
}

pub(crate) fn as_error(mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.severity = tfplugin::Severity::Error;
    diagnostic
}

fn placed(diagnostic: Diagnostic, pointer: &str, place: Place<'_>) -> Diagnostic {
    match place(pointer) {
        Some(path) => diagnostic.at(path),
        None => diagnostic,
    }
}

/// Lines of a name and a value, those without a value left out.
fn table(lines: &[(&str, Option<&str>)]) -> String {
    let each = lines.iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    // Terraform wraps what is not indented.
    let each = each.map(|(name, value)| format!("  {name:<11}{value}"));
    each.collect::<Vec<_>>().join("\n")
}
