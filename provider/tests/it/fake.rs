//! As much of Orbit as the provider can tell from the real one: topics, requests, operations. Policy is two switches.

mod judge;
mod made;
mod people;

use made::{blank, environments, error, field_problem, not_found, ok, problem_of, refuse, set, workspace};
use orbit_api::{
    Action, Condition, Decision, Difference, OperationState, RequestState, RequestSummary, Topic, TopicCreate,
    TopicReplace, TopicSpec, TopicStatus,
};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use wiremock::{Request, Respond, ResponseTemplate};

/// The server's inside.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Orbit {
    /// Whether changes wait for a person.
    pub(crate) guarded: bool,
    /// More partitions are denied.
    pub(crate) most_partitions: Option<u32>,
    /// What every call is answered with from now on.
    pub(crate) broken: Option<ResponseTemplate>,
    /// So many changes find another operation in their way.
    pub(crate) busy: u32,
    /// How operations end; `Running` never does.
    pub(crate) ends: Option<OperationState>,
    /// The token sees nothing of the workspace any more.
    pub(crate) hidden: bool,
    /// From now on the token is refused where operations are asked for.
    pub(crate) mute: bool,
    /// Changes are carried out, but their answers do not come.
    pub(crate) silent: bool,
    /// Topics are shown late.
    pub(crate) slow: bool,
    /// How a person decides as soon as somebody waits for it.
    pub(crate) decides: Option<RequestState>,
    pub(crate) topics: BTreeMap<String, Topic>,
    /// Ids of topics that Terraform has looked at since they were made: those are not made again by an equal wish.
    acknowledged: BTreeSet<String>,
    /// Requests with what they ask for, oldest first.
    pub(crate) requests: Vec<(RequestSummary, String, TopicSpec)>,
    /// Method and path of the calls so far.
    pub(crate) calls: Vec<String>,
    operations: u32,
    made: u32,
}

pub(crate) struct Fake(pub(crate) Arc<Mutex<Orbit>>);

/// A word of the query.
fn asked(request: &Request, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// As much of a list as is asked for; the cursor is how many come before it.
fn page<T: Serialize>(request: &Request, all: impl Iterator<Item = T>) -> ResponseTemplate {
    let number = |name| asked(request, name).map(|text| text.parse::<usize>().expect("a number"));
    let (limit, begin) = (number("limit").unwrap_or(100), number("cursor").unwrap_or(0));
    let mut rest = all.skip(begin).peekable();
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest.peek().map(|_| (begin + limit).to_string());
    ok(200, json!({"items": items, "next_cursor": next}))
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().answer(request)
    }
}

impl Orbit {
    /// How many requests were filed.
    pub(crate) fn filed(&self) -> usize {
        self.requests.len()
    }

    /// Calls that change something.
    pub(crate) fn writes(&self) -> Vec<&str> {
        let writes = self.calls.iter().filter(|call| !call.starts_with("GET") && !call.contains(":evaluate"));
        writes.map(String::as_str).collect()
    }

    #[track_caller]
    pub(crate) fn topic(&mut self) -> &mut Topic {
        self.topics.values_mut().next().expect("a topic")
    }

    /// Somebody changes the topic on the cluster, past Orbit.
    pub(crate) fn drifts(&mut self, field: &str, before: Option<&str>, after: Option<&str>) {
        let topic = self.topic();
        topic.drift.push(Difference {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        });
        topic.conditions =
            vec![Condition { kind: "Drifted".to_owned(), message: "somebody changed it on cluster main".to_owned() }];
    }

    /// Nobody decides the newest request, which asks for a creation.
    #[track_caller]
    pub(crate) fn expire(&mut self) {
        let (request, ..) = self.requests.last_mut().expect("a request");
        request.state = RequestState::Expired;
        self.topic().status = TopicStatus::Expired;
    }

    /// So many topics are there, none of which Terraform has made.
    pub(crate) fn has_topics(&mut self, count: usize) {
        for n in 0..count {
            let (id, spec) = (format!("top_{n:05}"), TopicSpec { partitions: Some(6), ..TopicSpec::default() });
            let new = TopicCreate::new("payments-team", "prod", format!("orders-{n}"), spec.clone());
            self.topics.insert(id.clone(), blank(&id, &new));
            self.make(&id, &spec);
        }
    }

    fn make(&mut self, id: &str, spec: &TopicSpec) {
        let topic = self.topics.get_mut(id).expect("the topic");
        let made_again = topic.drift.iter().any(|d| d.field.is_empty());
        set(topic, spec);
        topic.status = TopicStatus::Active;
        topic.drift.clear();
        topic.conditions.clear();
        if topic.kafka_topic_id.is_none() || made_again {
            topic.kafka_topic_id = Some(format!("kafka-{}", self.operations));
        }
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().replace("%2F", "/");
        self.calls.push(format!("{} {path}", request.method));
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        let body = || serde_json::from_slice(&request.body).expect("JSON");
        let id = path.strip_prefix("/v1/topics/").map(|named| self.named(named));
        if self.busy > 0 && ["PUT", "DELETE"].contains(&request.method.as_str()) {
            self.busy -= 1;
            return refuse(problem_of(409, "operation.running", "an operation is under way"));
        }
        if self.hidden && path.starts_with("/v1/topics/") {
            return not_found("topic.not-found");
        }
        if matches!(id, Some(None)) {
            return not_found("topic.not-found");
        }
        let answer = self.route(request, &path, id.flatten(), body);
        // As long as nobody would wait for it.
        if self.silent && !["GET"].contains(&request.method.as_str()) && !path.contains("/v1/topics:") {
            return answer.set_delay(Duration::from_secs(20));
        }
        answer
    }

    fn route(
        &mut self,
        request: &Request,
        path: &str,
        id: Option<String>,
        body: impl Fn() -> serde_json::Value,
    ) -> ResponseTemplate {
        match (request.method.as_str(), path, id) {
            ("GET", "/v1/environments", _) => environments(),
            ("GET", "/v1/topics", _) => {
                let physical = asked(request, "physical_name");
                let all = self.topics.keys().map(|id| self.view(id));
                page(request, all.filter(|t| physical.as_ref().is_none_or(|name| *name == t.physical_name)))
            }
            ("GET", "/v1/requests", _) => {
                let run = asked(request, "run_id");
                page(request, self.requests.iter().filter(|(r, ..)| r.run_id == run).map(|(r, ..)| self.whole(r)))
            }
            ("POST", "/v1/topics:acknowledge", _) => {
                let ids: Vec<String> = serde_json::from_value(body()["topics"].clone()).expect("ids");
                self.acknowledged.extend(ids);
                ResponseTemplate::new(204)
            }
            ("GET", path, _) if path.starts_with("/v1/workspaces/") => workspace(path, self.hidden),
            ("GET", path, _) if path.starts_with("/v1/requests/") => self.request(path),
            ("POST", "/v1/topics:evaluate", _) => {
                self.evaluate(&serde_json::from_value(body()).expect("TopicEvaluate"))
            }
            ("POST", "/v1/topics", _) => {
                let answer = self.create(&serde_json::from_value(body()).expect("TopicCreate"));
                // Where operations are no more to be asked for, the answer comes too soon.
                match asked(request, "wait").filter(|_| !self.mute) {
                    Some(longest) => self.when_over(&body(), &longest, answer),
                    None => answer,
                }
            }
            ("GET", path, _) if path.starts_with("/v1/operations/") => self.operation(path),
            ("GET", _, Some(id)) => {
                if request.url.query().is_some_and(|query| query.contains("acknowledge=true")) {
                    self.acknowledged.insert(id.clone());
                }
                let answer = ok(200, self.view(&id));
                if self.slow { answer.set_delay(Duration::from_secs(20)) } else { answer }
            }
            ("PUT", _, Some(id)) => self.update(&id, &serde_json::from_value(body()).expect("TopicReplace")),
            ("DELETE", _, Some(id)) => self.delete(&id),
            _ => not_found("no-route"),
        }
    }

    fn named(&self, named: &str) -> Option<String> {
        let key = |t: &Topic| format!("{}/{}/{}", t.workspace, t.environment, t.name);
        self.topics.values().find(|t| t.id == named || key(t) == named).map(|t| t.id.clone())
    }

    /// A topic with what is under way on it.
    fn view(&self, id: &str) -> Topic {
        let newest = self.requests.iter().rev().find(|(_, of, _)| of == id);
        let standing = newest.filter(|(r, ..)| matches!(r.state, RequestState::Pending | RequestState::Rejected));
        let acknowledged = self.acknowledged.contains(id);
        Topic { request: standing.map(|(request, ..)| request.clone()), acknowledged, ..self.topics[id].clone() }
    }

    fn create(&mut self, new: &TopicCreate) -> ResponseTemplate {
        if new.environment == "nowhere" {
            return not_found("environment.not-found");
        }
        let key = format!("{}/{}/{}", new.workspace, new.environment, new.name);
        let id = match self.named(&key) {
            Some(id) if self.is_lost_reply(&id, &new.spec()) => return ok(200, self.view(&id)),
            Some(id) if self.topics[&id].status == TopicStatus::Active => {
                let mut problem = problem_of(409, "topic.exists", format!("topic {key} exists already"));
                problem.remedy =
                    Some(format!("bring it under Terraform: terraform import orbit_kafka_topic.orders {key}"));
                return refuse(problem);
            }
            Some(id) => id,
            None => {
                self.made += 1;
                let id = format!("top_{}", self.made);
                self.topics.insert(id.clone(), blank(&id, new));
                id
            }
        };
        let answer = self.submit(&id, Action::Create, &new.spec());
        if self.topics.get(&id).is_some_and(|t| t.status == TopicStatus::Failed && t.workflow_id.is_none()) {
            // A denial leaves no record.
            self.topics.remove(&id);
        }
        answer
    }

    /// What a creation is answered with that was waited for.
    fn when_over(&self, new: &serde_json::Value, longest: &str, answer: ResponseTemplate) -> ResponseTemplate {
        let longest: u64 = longest.trim_end_matches('s').parse().expect("whole seconds");
        let key = ["workspace", "environment", "name"].map(|part| new[part].as_str().unwrap_or_default()).join("/");
        match self.named(&key).map(|id| self.view(&id)) {
            Some(topic)
                if topic.status == TopicStatus::Active
                    && topic.workflow_id.is_some()
                    && !self.acknowledged.contains(&topic.id) =>
            {
                ok(201, topic)
            }
            Some(topic) if topic.status == TopicStatus::Provisioning => answer.set_delay(Duration::from_secs(longest)),
            _ => answer,
        }
    }

    /// Whether an equal wish meets what was made of the one before it, whose answer nobody may have got.
    fn is_lost_reply(&self, id: &str, spec: &TopicSpec) -> bool {
        let topic = &self.topics[id];
        topic.status == TopicStatus::Active && !self.acknowledged.contains(id) && topic.spec() == *spec
    }

    fn update(&mut self, id: &str, replace: &TopicReplace) -> ResponseTemplate {
        let topic = self.topics[id].clone();
        let spec = replace.spec();
        let is_there = topic.status == TopicStatus::Active;
        if is_there && topic.drift.is_empty() && spec == topic.spec() {
            self.supersede(id);
            return ok(200, self.view(id));
        }
        let words = |spec: &TopicSpec| TopicSpec { description: None, tags: None, owner_contact: None, ..spec.clone() };
        if is_there && topic.drift.is_empty() && words(&spec) == words(&topic.spec()) {
            self.supersede(id);
            set(self.topics.get_mut(id).expect("the topic"), &spec);
            return ok(200, self.view(id));
        }
        self.submit(id, if is_there { Action::Update } else { Action::Create }, &spec)
    }

    fn delete(&mut self, id: &str) -> ResponseTemplate {
        if self.topics[id].status != TopicStatus::Active {
            for (request, ..) in
                self.requests.iter_mut().filter(|(r, of, _)| of == id && r.state == RequestState::Pending)
            {
                request.state = RequestState::Withdrawn;
            }
            self.topics.remove(id);
            return ResponseTemplate::new(204);
        }
        self.submit(id, Action::Delete, &TopicSpec::default())
    }

    fn submit(&mut self, id: &str, action: Action, spec: &TopicSpec) -> ResponseTemplate {
        if let Some(equal) = self.equal(id, action, spec) {
            if equal.state == RequestState::Rejected {
                let mut problem = problem_of(409, "request.rejected", "kim rejected the same request");
                problem.request = Some(equal);
                return refuse(problem);
            }
            return ok(202, self.view(id));
        }
        let verdict = self.judge(action, spec);
        if verdict.decision == Decision::Deny {
            let mut problem = problem_of(422, "policy.denied", "one rule denies the change");
            problem.errors = verdict.violations.iter().map(field_problem).collect();
            return refuse(problem);
        }
        let reverts = action == Action::Update && *spec == self.topics[id].spec();
        if verdict.decision == Decision::NeedsApproval && !reverts {
            self.file(id, action, spec);
            return ok(202, self.view(id));
        }
        self.work(id, action, spec);
        ok(202, self.topics.get(id).cloned().unwrap_or_else(|| self.deleted(id)))
    }

    fn file(&mut self, id: &str, action: Action, spec: &TopicSpec) {
        self.supersede(id);
        let number = self.requests.len() + 1;
        let request = RequestSummary {
            id: format!("req_{number}"),
            state: RequestState::Pending,
            action,
            url: format!("https://orbit.example/requests/req_{number}"),
            requester: "ci".to_owned(),
            run_id: Some("run-7".to_owned()),
            approvers: "a platform admin".to_owned(),
            because: "policy prod asks for approval".to_owned(),
            decided_by: None,
            reason: None,
            expires_at: Some("2026-01-16T03:04:05Z".parse().unwrap()),
        };
        self.requests.push((request, id.to_owned(), spec.clone()));
        let topic = self.topics.get_mut(id).expect("the topic");
        if action == Action::Create {
            topic.approval_required = true;
            set(topic, spec);
            topic.status = TopicStatus::PendingApproval;
        }
    }

    /// Accepts a change; how its operation ends is known at once, but told only to who asks for the operation.
    fn work(&mut self, id: &str, action: Action, spec: &TopicSpec) {
        self.operations += 1;
        let operation = format!("op_{}", self.operations);
        let end = self.ends.unwrap_or(OperationState::Succeeded);
        match (action, end) {
            (Action::Delete, OperationState::Succeeded) => {
                self.topics.remove(id);
                return;
            }
            (_, OperationState::Succeeded) => self.make(id, spec),
            (Action::Create, OperationState::RolledBack) => {
                self.topics.get_mut(id).unwrap().status = TopicStatus::Failed;
            }
            (Action::Create, _) => self.topics.get_mut(id).unwrap().status = TopicStatus::Provisioning,
            _ => {}
        }
        let topic = self.topics.get_mut(id).unwrap();
        if action == Action::Create {
            set(topic, spec);
        }
        topic.workflow_id = Some(operation.clone());
        topic.operation = serde_json::from_value(json!({"id": operation, "state": end, "error": error(end)})).unwrap();
    }

    fn deleted(&self, id: &str) -> Topic {
        let new = TopicCreate::new("payments-team", "prod", "orders", TopicSpec::default());
        Topic {
            status: TopicStatus::Deleting,
            operation: serde_json::from_value(json!({"id": format!("op_{}", self.operations), "state": "running"}))
                .unwrap(),
            ..blank(id, &new)
        }
    }

    fn operation(&self, path: &str) -> ResponseTemplate {
        if self.mute {
            return refuse(problem_of(401, "token.revoked", "the token was revoked"));
        }
        let state = self.ends.unwrap_or(OperationState::Succeeded);
        let answer = ok(
            200,
            json!({
                "id": path.rsplit('/').next(), "kind": "TopicProvisioning", "state": state, "workspace": "payments-team",
                "cluster": "main", "request_id": "req_0", "steps": [], "created_at": "2026-01-02T03:04:05Z", "error": error(state),
            }),
        );
        // What does not end is held back, as a long poll is.
        if state.is_final() { answer } else { answer.set_delay(Duration::from_secs(20)) }
    }

    fn supersede(&mut self, id: &str) {
        for (request, ..) in self.requests.iter_mut().filter(|(r, of, _)| of == id && r.state == RequestState::Pending)
        {
            request.state = RequestState::Superseded;
        }
    }

    fn open(&self, id: &str) -> Option<RequestSummary> {
        let mut of_it = self.requests.iter().filter(|(_, of, _)| of == id).map(|(request, ..)| request);
        of_it.find(|request| request.state == RequestState::Pending).cloned()
    }

    /// The request that asks for the same, if it is open or was the last and refused.
    fn equal(&self, id: &str, action: Action, spec: &TopicSpec) -> Option<RequestSummary> {
        let (newest, _, wish) = self.requests.iter().rev().find(|(_, of, _)| of == id)?;
        let stands = matches!(newest.state, RequestState::Pending | RequestState::Rejected);
        (stands && newest.action == action && wish == spec).then(|| newest.clone())
    }
}
