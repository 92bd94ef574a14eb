//! Bodies that the fake answers with.

use orbit_api::{FieldProblem, Finding, Layer, OperationState, Problem, RequestSummary, Topic, TopicCreate, TopicSpec};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

pub(super) fn ok(status: u16, body: impl serde::Serialize) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(super) fn problem_of(status: u16, code: &str, detail: impl Into<String>) -> Problem {
    Problem {
        type_uri: String::new(),
        title: code.to_owned(),
        status,
        code: code.to_owned(),
        detail: detail.into(),
        remedy: None,
        errors: Vec::new(),
        request: None,
        request_id: Some("trace-1".to_owned()),
    }
}

pub(super) fn refuse(problem: Problem) -> ResponseTemplate {
    ok(problem.status, problem)
}

pub(super) fn not_found(code: &str) -> ResponseTemplate {
    refuse(problem_of(404, code, "there is nothing of that name that you can see"))
}

pub(super) fn environments() -> ResponseTemplate {
    let one = |slug: &str| {
        json!({
            "id": format!("env_{slug}"), "slug": slug, "display_name": slug.to_uppercase(), "revision": 1,
            "naming_template": "{environment}.{workspace}.{name}", "default_approvers": ["kim"], "clusters": ["main"],
            "created_at": "2026-01-02T03:04:05Z",
        })
    };
    ok(200, json!({"items": [one("prod"), one("dev")]}))
}

pub(super) fn workspace(path: &str, hidden: bool) -> ResponseTemplate {
    if hidden {
        return not_found("workspace.not-found");
    }
    let slug = path.rsplit('/').next();
    ok(
        200,
        json!({
            "id": "wsp_1", "slug": slug, "display_name": slug, "tenant": "acme", "revision": 1, "created_at": "2026-01-02T03:04:05Z",
        }),
    )
}

/// A request with all that belongs to one.
pub(super) fn whole(brief: &RequestSummary) -> Value {
    let number: u32 = brief.id.trim_start_matches("req_").parse().expect("a number");
    let item = json!({
        "noun": "topic", "action": brief.action, "object_id": "top_1", "object_key": "payments-team/prod/orders", "cluster": "main",
        "physical_name": "prod.payments-team.orders", "differences": [], "history": [],
    });
    json!({
        "id": brief.id, "state": brief.state, "workspace": "payments-team", "requester": brief.requester, "items": [item],
        "verdict": {"decision": "needs-approval"}, "needs": [], "decided_by": brief.decided_by, "reason": brief.reason,
        "url": brief.url, "created_at": format!("2026-01-02T03:04:{number:02}Z"), "expires_at": "2026-01-16T03:04:05Z", "revision": 1,
    })
}

pub(super) fn blank(id: &str, new: &TopicCreate) -> Topic {
    serde_json::from_value(json!({
        "id": id, "workspace": new.workspace, "environment": new.environment, "name": new.name, "cluster": "main",
        "physical_name": format!("{}.{}.{}", new.environment, new.workspace, new.name), "status": "failed",
        "approval_required": false, "revision": 1, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    }))
    .unwrap()
}

pub(super) fn set(topic: &mut Topic, spec: &TopicSpec) {
    let mut fields = serde_json::to_value(&*topic).unwrap();
    let all = fields.as_object_mut().unwrap();
    for field in [
        "partitions",
        "replication_factor",
        "retention_ms",
        "cleanup_policy",
        "compression",
        "config",
        "description",
        "tags",
        "owner_contact",
        "deletion_protection",
    ] {
        all.remove(field);
    }
    let Value::Object(spec) = serde_json::to_value(spec).unwrap() else { unreachable!() };
    all.extend(spec);
    *topic = serde_json::from_value(fields).unwrap();
}

pub(super) fn error(state: OperationState) -> Value {
    match state {
        OperationState::Succeeded => Value::Null,
        _ => json!({"code": "kafka.no-space", "message": "the brokers have no space left"}),
    }
}

pub(super) fn finding() -> Finding {
    Finding {
        policy_id: None,
        code: "topic.approval".to_owned(),
        layer: Layer::Platform,
        policy: "prod guardrails".to_owned(),
        policy_version: Some(7),
        rule: "require_approval_for".to_owned(),
        field: String::new(),
        limit: None,
        value: None,
        overruled_by: None,
        message: "policy prod asks for approval".to_owned(),
        remedy: "wait for the approval".to_owned(),
    }
}

pub(super) fn reason() -> Finding {
    finding()
}

pub(super) fn protected() -> Finding {
    Finding {
        policy_id: None,
        message: "Denied: deletion protection of topic orders is on".to_owned(),
        remedy: "set deletion_protection to false first".to_owned(),
        ..finding()
    }
}

pub(super) fn violation(most: u32, asked: u32) -> Finding {
    Finding {
        policy_id: None,
        code: "topic.partitions.limit".to_owned(),
        rule: "partition_limits.max".to_owned(),
        field: "/partitions".to_owned(),
        limit: Some(most.to_string()),
        value: Some(asked.to_string()),
        message: format!("Denied: exceeds platform limit of {most} partitions"),
        remedy: format!("ask for at most {most}"),
        ..finding()
    }
}

pub(super) fn field_problem(finding: &Finding) -> FieldProblem {
    FieldProblem {
        pointer: finding.field.clone(),
        code: finding.code.clone(),
        detail: finding.message.clone(),
        limit: finding.limit.clone(),
        value: finding.value.clone(),
        remedy: Some(finding.remedy.clone()),
        rule: Some("\"prod guardrails\" (platform policy, version 7)".to_owned()),
    }
}
