//! What people do: they decide, and they ask for things elsewhere.

use super::{
    Orbit,
    made::{ok, whole},
};
use orbit_api::{Action, RequestState, RequestSummary, TopicSpec, TopicStatus};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::ResponseTemplate;

impl Orbit {
    /// Consents to the newest request.
    #[track_caller]
    pub(crate) fn approve(&mut self) {
        let (request, id, spec) = self.requests.last_mut().expect("a request");
        assert_eq!(request.state, RequestState::Pending);
        request.state = RequestState::Approved;
        let (action, id, spec) = (request.action, id.clone(), spec.clone());
        self.work(&id, action, &spec);
        if action == Action::Create {
            self.topic().approved_by = Some("kim".to_owned());
            self.topic().approved_at = Some("2026-01-02T03:04:05Z".parse().unwrap());
        }
    }

    /// Refuses the newest request.
    #[track_caller]
    pub(crate) fn reject(&mut self, reason: &str) {
        let (request, id, _) = self.requests.last_mut().expect("a request");
        request.state = RequestState::Rejected;
        request.decided_by = Some("kim".to_owned());
        request.reason = Some(reason.to_owned());
        if request.action == Action::Create {
            let id = id.clone();
            self.topics.get_mut(&id).unwrap().status = TopicStatus::Rejected;
        }
    }

    /// Somebody asks for something else over REST, with the same token.
    pub(crate) fn asked_elsewhere(&mut self, action: Action, spec: &TopicSpec) {
        let id = self.topic().id.clone();
        self.file(&id, action, spec);
    }

    /// A request with all that belongs to one.
    pub(super) fn whole(&self, brief: &RequestSummary) -> Value {
        let mut request = whole(brief);
        if brief.state == RequestState::Superseded {
            let mut later = self.requests.iter().skip_while(|(r, ..)| r.id != brief.id).skip(1);
            request["superseded_by"] = json!(later.next().map(|(next, ..)| &next.id));
        }
        request
    }

    /// A request, as who waits for its decision sees it.
    pub(super) fn request(&mut self, path: &str) -> ResponseTemplate {
        match self.decides.take() {
            Some(RequestState::Approved) => self.approve(),
            Some(RequestState::Rejected) => self.reject("too big"),
            Some(RequestState::Expired) => self.expire(),
            _ => {}
        }
        let id = path.rsplit('/').next().unwrap_or_default();
        let (found, ..) = self.requests.iter().find(|(request, ..)| request.id == id).expect("the request");
        let answer = ok(200, self.whole(found));
        if found.state == RequestState::Pending { answer.set_delay(Duration::from_secs(20)) } else { answer }
    }
}
