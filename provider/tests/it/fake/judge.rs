//! Policy of the fake: two switches, and what evaluate answers.

use super::{
    Orbit,
    made::{ok, problem_of, protected, reason, violation},
};
use orbit_api::{Action, Decision, Finding, Layer, Need, TopicEvaluate, TopicSpec, TopicStatus, Verdict};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

impl Orbit {
    pub(super) fn judge(&self, action: Action, spec: &TopicSpec) -> Verdict {
        let asked = spec.partitions.unwrap_or(1);
        let too_many = self.most_partitions.filter(|most| asked > *most && action != Action::Delete);
        Verdict {
            decision: match too_many {
                Some(_) => Decision::Deny,
                None if self.guarded => Decision::NeedsApproval,
                None => Decision::Allow,
            },
            violations: too_many.iter().map(|most| violation(*most, asked)).collect(),
            reasons: if self.guarded { vec![reason()] } else { Vec::new() },
            warnings: Vec::new(),
            needs: vec![Need {
                layer: Layer::Platform,
                approvers: "a platform admin".to_owned(),
                self_approval: false,
                quorum: 1,
                given_by: vec![],
            }],
        }
    }

    pub(super) fn evaluate(&self, asked: &TopicEvaluate) -> ResponseTemplate {
        let items = asked.items.iter().map(|item| {
            let new = &item.topic;
            let there = self.named(&format!("{}/{}/{}", new.workspace, new.environment, new.name));
            let topic = there.as_ref().map(|id| &self.topics[id]);
            let is_there = topic.is_some_and(|topic| topic.status == TopicStatus::Active);
            if self.hidden {
                return json!({"problem": problem_of(404, "workspace.not-found", "there is no workspace payments-team that you can see")});
            }
            if new.environment == "nowhere" {
                return json!({"problem": problem_of(404, "environment.not-found", "there is no environment nowhere")});
            }
            match item.action {
                Action::Delete if topic.is_some_and(|topic| topic.deletion_protection == Some(true)) => {
                    let denied = Finding { field: "/deletion_protection".to_owned(), ..protected() };
                    json!({"verdict": Verdict { decision: Decision::Deny, violations: vec![denied], ..self.judge(item.action, &new.spec()) }})
                }
                Action::Delete if !is_there => json!({"verdict": {"decision": "allow"}}),
                Action::Create if there.as_ref().is_some_and(|id| self.is_lost_reply(id, &new.spec())) => {
                    json!({"verdict": {"decision": "allow"}})
                }
                Action::Create if is_there => {
                    json!({"problem": problem_of(409, "topic.exists", format!("topic {} exists already", new.name))})
                }
                action => {
                    let action = if action == Action::Update && !is_there { Action::Create } else { action };
                    let request = there.as_ref().and_then(|id| self.equal(id, action, &new.spec()));
                    let open = there.as_ref().and_then(|id| self.open(id));
                    let supersedes = open.filter(|_| request.is_none());
                    let reverts = action == Action::Update && topic.is_some_and(|topic| topic.spec() == new.spec());
                    let mut verdict = self.judge(action, &new.spec());
                    if reverts {
                        verdict = Verdict { decision: Decision::Allow, reasons: vec![], ..verdict };
                    }
                    json!({"verdict": verdict, "request": request, "supersedes": supersedes})
                }
            }
        });
        ok(200, json!({"items": items.collect::<Vec<Value>>()}))
    }
}
