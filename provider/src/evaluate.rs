//! The verdict at plan: what Orbit would answer to a change, told at the attributes. Files nothing.

use crate::{
    Orbit,
    orbit::{Place, ask},
    say,
};
use orbit_api::{
    Action, Decision, Problem, RequestState, TopicCreate, TopicEvaluateItem, TopicEvaluationItem, Verdict,
};
use tfplugin::{Cx, Diagnostic, Diagnostics, Severity};

/// Asks Orbit what it would answer.
pub(crate) async fn topic(
    cx: &Cx<Orbit>,
    action: Action,
    topic: TopicCreate,
    place: Place<'_>,
) -> Result<TopicEvaluationItem, Diagnostics> {
    let object = say::topic(&topic.workspace, &topic.environment, &topic.name);
    let verdict = cx.client.judge().judge(cx.client.client()?, TopicEvaluateItem { action, topic });
    ask(cx, verdict).await.map_err(|e| e.tell(&object, place))
}

/// A verdict on what says nothing for itself yet: what policy wants to know may still come.
pub(crate) fn without_words(mut verdict: Verdict) -> Verdict {
    verdict.violations.retain(|violation| violation.code != "topic.request-field");
    if verdict.decision == Decision::Deny && verdict.violations.is_empty() {
        verdict.decision = if verdict.needs.is_empty() { Decision::Allow } else { Decision::NeedsApproval };
    }
    verdict
}

/// What the plan says of it.
pub(crate) fn tell(
    object: &str,
    action: Action,
    item: &TopicEvaluationItem,
    run_id: &str,
    place: Place<'_>,
) -> Diagnostics {
    // What is open or refused already is not judged anew by applying it.
    if let Some(request) = &item.request {
        match request.state {
            RequestState::Pending => return say::pending(object, request, run_id).into(),
            RequestState::Rejected => return say::rejected(object, request).into(),
            _ => {}
        }
    }
    if let Some(problem) = &item.problem {
        return told_problem(object, problem, place);
    }
    let Some(verdict) = &item.verdict else {
        return Diagnostics::default();
    };
    let worth_knowing = verdict.warnings.iter().map(|finding| as_warning(say::finding(finding, place)));
    let mut all: Diagnostics = worth_knowing.collect();
    if let Some(open) = item.supersedes.as_ref().filter(|_| verdict.decision != Decision::Deny) {
        all.push(say::gives_way(object, open));
    }
    match verdict.decision {
        Decision::Deny => all.extend(verdict.violations.iter().map(|violation| say::finding(violation, place))),
        Decision::NeedsApproval => all.push(say::foretell(object, action, verdict)),
        Decision::Allow => {}
    }
    all
}

/// What keeps a change from being judged is an error, unless it may be gone by the time of apply.
fn told_problem(object: &str, problem: &Problem, place: Place<'_>) -> Diagnostics {
    let told = say::problem(object, problem, place);
    match problem.code.as_str() {
        "workspace.not-found" | "environment.not-found" | "environment.no-cluster" => {
            Diagnostic::warning(format!("The plan of {object} cannot be judged yet: {}", problem.detail))
                .detail("That is fine if this apply or the platform team brings it before. Otherwise applying fails.")
                .into()
        }
        "request.open" | "operation.running" | "topic.deleting" | "topic.not-found" => {
            told.into_iter().map(as_warning).collect()
        }
        _ => told,
    }
}

fn as_warning(mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.severity = Severity::Warning;
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;
    use orbit_api::Need;
    use serde_json::json;

    #[test]
    fn what_says_nothing_yet_is_not_denied_for_that() {
        let violation = |code: &str| json!({"code": code, "message": "m", "field": "/f", "rule": "r", "policy": "p", "layer": "platform", "remedy": "r"});
        let verdict = |codes: &[&str], needs: Vec<Need>| -> Verdict {
            let violations: Vec<_> = codes.iter().map(|code| violation(code)).collect();
            let verdict =
                json!({"decision": "deny", "violations": violations, "reasons": [], "warnings": [], "needs": needs});
            serde_json::from_value(verdict).unwrap()
        };
        let decision = |verdict| without_words(verdict).decision;
        let need: Need = serde_json::from_value(
            json!({"layer": "platform", "approvers": "kim", "self_approval": false, "quorum": 1, "given_by": []}),
        )
        .unwrap();
        assert_eq!(decision(verdict(&["topic.request-field"], vec![])), Decision::Allow);
        assert_eq!(decision(verdict(&["topic.request-field"], vec![need])), Decision::NeedsApproval);
        let other = without_words(verdict(&["topic.request-field", "topic.partitions.limit"], vec![]));
        assert_eq!((other.decision, other.violations.len()), (Decision::Deny, 1));
    }
}
