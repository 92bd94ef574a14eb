//! What came back, and what a story says of it. Failures point at the story.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null where it is no JSON.
    pub(crate) body: Value,
    pub(crate) raw: String,
}

/// An answer that is a problem.
#[derive(Debug)]
pub(crate) struct Problem<'a>(&'a Answer);

impl Answer {
    pub(super) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let raw = response.text().await.expect("the answer arrives whole");
        Self { status, headers, body: serde_json::from_str(&raw).unwrap_or(Value::Null), raw }
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "the answer is {}", self.raw);
        self
    }
    #[track_caller]
    pub(crate) fn ok(&self) -> &Self {
        self.is(200)
    }
    #[track_caller]
    pub(crate) fn created(&self) -> &Self {
        self.is(201)
    }
    #[track_caller]
    pub(crate) fn accepted(&self) -> &Self {
        self.is(202)
    }
    #[track_caller]
    pub(crate) fn gone(&self) -> &Self {
        self.is(204)
    }
    /// A deletion goes ahead: it is under way, or done before the answer was written.
    #[track_caller]
    pub(crate) fn going_or_gone(&self) -> &Self {
        assert!([202, 204].contains(&self.status), "the answer is {} {}", self.status, self.raw);
        self
    }
    /// A problem of this status and code, in RFC 9457's shape, its type leading to the section of the code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Problem<'_> {
        self.is(status);
        assert_eq!(self.text("/code"), code, "the answer is {}", self.raw);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        let anchor = format!("/docs/errors#{}", code.replace('.', "-"));
        assert!(self.text("/type").ends_with(&anchor), "{} does not end with {anchor}", self.text("/type"));
        assert!(!self.text("/title").is_empty() && !self.text("/detail").is_empty());
        assert_eq!(self.text("/request_id"), self.header("x-request-id"), "the id of the exchange is told");
        Problem(self)
    }
    /// What a caller without a token is asked for.
    #[track_caller]
    pub(crate) fn asks_for(&self) -> &str {
        self.problem(401, "unauthenticated");
        self.header("www-authenticate")
    }
    /// Policy does not allow it.
    #[track_caller]
    pub(crate) fn denied(&self) -> Problem<'_> {
        self.problem(422, "policy.denied")
    }
    /// There is no such topic, for this caller.
    #[track_caller]
    pub(crate) fn no_topic(&self) {
        self.problem(404, "topic.not-found");
    }
    /// Fields are wrong.
    #[track_caller]
    pub(crate) fn invalid(&self) -> Problem<'_> {
        self.problem(422, "invalid")
    }

    /// The text at a JSON pointer.
    #[track_caller]
    pub(crate) fn text(&self, pointer: &str) -> &str {
        match self.body.pointer(pointer) {
            Some(Value::String(text)) => text,
            other => panic!("{pointer} is {other:?} in {}", self.raw),
        }
    }
    /// Whether the JSON pointer leads to nothing.
    pub(crate) fn lacks(&self, pointer: &str) -> bool {
        self.body.pointer(pointer).is_none_or(Value::is_null)
    }
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.text("/id").to_owned()
    }
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers));
        value.to_str().unwrap()
    }
    #[track_caller]
    pub(crate) fn etag(&self) -> String {
        self.header("etag").to_owned()
    }
    #[track_caller]
    pub(crate) fn request_id(&self) -> String {
        self.text("/request/id").to_owned()
    }
    #[track_caller]
    pub(crate) fn operation_id(&self) -> String {
        self.text("/operation/id").to_owned()
    }
    /// Says where a topic is on its way.
    #[track_caller]
    pub(crate) fn has_status(&self, status: &str) -> &Self {
        assert_eq!(self.text("/status"), status, "the answer is {}", self.raw);
        self
    }
    /// The kinds of a topic's conditions.
    #[track_caller]
    pub(crate) fn conditions(&self) -> Vec<&str> {
        let all = self.body["conditions"].as_array().unwrap_or_else(|| panic!("no conditions in {}", self.raw));
        all.iter().map(|c| c["type"].as_str().unwrap()).collect()
    }
    /// How many items a list or an evaluation has.
    #[track_caller]
    pub(crate) fn count(&self) -> usize {
        self.ok().body["items"].as_array().unwrap_or_else(|| panic!("no items in {}", self.raw)).len()
    }
    /// The verdict of an evaluation's item, in one word.
    #[track_caller]
    pub(crate) fn decision(&self, item: usize) -> &str {
        self.text(&format!("/items/{item}/verdict/decision"))
    }
    /// Every finding of an evaluation's item of this kind (`violations`, `reasons`, `warnings`): field and message.
    #[track_caller]
    pub(crate) fn findings(&self, item: usize, kind: &str) -> Vec<(&str, &str)> {
        let all = self.body.pointer(&format!("/items/{item}/verdict/{kind}")).and_then(Value::as_array);
        let all = all.unwrap_or_else(|| panic!("item {item} has no verdict in {}", self.raw));
        all.iter().map(|f| (f["field"].as_str().unwrap(), f["message"].as_str().unwrap())).collect()
    }
}

impl Problem<'_> {
    fn errors(&self) -> &[Value] {
        self.0.body["errors"].as_array().map_or(&[], Vec::as_slice)
    }
    /// What is told of a field.
    #[track_caller]
    pub(crate) fn field(&self, pointer: &str) -> &Value {
        let found = self.errors().iter().find(|e| e["pointer"] == pointer);
        found.unwrap_or_else(|| panic!("{pointer} is not among {}", self.0.raw))
    }
    /// A field is told with this detail, and a remedy.
    #[track_caller]
    pub(crate) fn names(&self, pointer: &str, detail: &str) -> &Self {
        let field = self.field(pointer);
        assert_eq!(field["detail"], detail, "{}", self.0.raw);
        assert!(field["remedy"].as_str().is_some_and(|r| !r.is_empty()), "no remedy in {field}");
        self
    }
    /// A field is told with this code and, where it has one, this limit; and a remedy.
    #[track_caller]
    pub(crate) fn limits(&self, pointer: &str, code: &str, limit: Option<&str>) -> &Self {
        let field = self.field(pointer);
        assert_eq!(field["code"], code, "{}", self.0.raw);
        assert_eq!(field.get("limit").and_then(Value::as_str), limit, "{}", self.0.raw);
        assert!(field["remedy"].as_str().is_some_and(|r| !r.is_empty()), "no remedy in {field}");
        self
    }
    /// Which fields are told, sorted.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let mut all: Vec<_> = self.errors().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        all.sort_unstable();
        all
    }
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.0.text("/detail").contains(words), "{words:?} is not in {}", self.0.raw);
        self
    }
    #[track_caller]
    pub(crate) fn advises(&self, words: &str) -> &Self {
        assert!(self.0.text("/remedy").contains(words), "{words:?} is not in {}", self.0.raw);
        self
    }
}
