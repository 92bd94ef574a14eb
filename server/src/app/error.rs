//! Why a use case was refused: one table of codes, one shape for users, and a text for operators that never leaves the log.

use super::RequestBrief;
use axum::http::StatusCode;
use orbit_api::FieldProblem;
use orbit_core::policy::{Finding, Layer, Verdict};
use orbit_store::StoreError;

macro_rules! codes { ($($(#[doc = $doc:literal])* $Name:ident = $code:literal, $status:ident, $title:literal;)*) => {
    /// Every code that an answer can bear. `docs/errors.md` has a section for each: a test compares.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Code { $($(#[doc = $doc])* $Name),* }

    impl Code {
        /// All of them.
        pub const ALL: &'static [Self] = &[$(Self::$Name),*];
        /// As answers spell it.
        #[must_use]
        pub fn as_str(self) -> &'static str { match self { $(Self::$Name => $code),* } }
        /// The HTTP status it comes with.
        #[must_use]
        pub fn status(self) -> StatusCode { match self { $(Self::$Name => StatusCode::$status),* } }
        /// Its short name.
        #[must_use]
        pub fn title(self) -> &'static str { match self { $(Self::$Name => $title),* } }
    }
} }

codes! {
    /// The body is no JSON.
    Malformed = "malformed", BAD_REQUEST, "The body is not what it says";
    /// Fields are wrong.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Some fields are wrong";
    /// The body is too large.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is of another type.
    MediaType = "media-type", UNSUPPORTED_MEDIA_TYPE, "The body has another media type";
    /// The caller wants another type.
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "The answer has another media type";
    /// More calls than a principal may make.
    TooManyCalls = "too-many-calls", TOO_MANY_REQUESTS, "You make too many calls";
    /// No such route.
    NoRoute = "no-route", NOT_FOUND, "There is nothing here";
    /// The route takes other methods.
    Method = "method", METHOD_NOT_ALLOWED, "The route takes other methods";
    /// No token, or one that does not hold.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A token is due";
    /// The caller may not.
    Forbidden = "forbidden", FORBIDDEN, "You may not do that";
    /// The key was used for another call.
    IdempotencyKey = "idempotency-key", UNPROCESSABLE_ENTITY, "The idempotency key was used for another call";
    /// The object changed since it was read.
    Stale = "stale", PRECONDITION_FAILED, "The object has changed meanwhile";
    /// No such workspace, for this caller.
    WorkspaceNotFound = "workspace.not-found", NOT_FOUND, "There is no such workspace";
    /// The slug is taken.
    WorkspaceExists = "workspace.exists", CONFLICT, "The workspace exists already";
    /// Something belongs to it.
    WorkspaceInUse = "workspace.in-use", CONFLICT, "The workspace is in use";
    /// No such environment.
    EnvironmentNotFound = "environment.not-found", NOT_FOUND, "There is no such environment";
    /// The slug is taken.
    EnvironmentExists = "environment.exists", CONFLICT, "The environment exists already";
    /// Something belongs to it.
    EnvironmentInUse = "environment.in-use", CONFLICT, "The environment is in use";
    /// No mapping leads from it.
    EnvironmentNoCluster = "environment.no-cluster", CONFLICT, "The environment leads to no cluster";
    /// No such mapping.
    MappingNotFound = "mapping.not-found", NOT_FOUND, "There is no such environment mapping";
    /// It leads there already.
    MappingExists = "mapping.exists", CONFLICT, "The environment leads to that cluster already";
    /// No such cluster.
    ClusterNotFound = "cluster.not-found", NOT_FOUND, "There is no such cluster";
    /// The slug is taken.
    ClusterExists = "cluster.exists", CONFLICT, "The cluster exists already";
    /// Something belongs to it.
    ClusterInUse = "cluster.in-use", CONFLICT, "The cluster is in use";
    /// Its connection does not work.
    ClusterConnection = "cluster.connection", UNPROCESSABLE_ENTITY, "The cluster's connection does not work";
    /// No such policy.
    PolicyNotFound = "policy.not-found", NOT_FOUND, "There is no such policy";
    /// The name is taken.
    PolicyExists = "policy.exists", CONFLICT, "The policy exists already";
    /// No such pack.
    PolicyPackNotFound = "policy-pack.not-found", NOT_FOUND, "There is no such policy pack";
    /// Its policies were changed by hand.
    PolicyPackChanged = "policy-pack.changed", CONFLICT, "Policies of the pack were changed by hand";
    /// It would leave nothing that could be created.
    PolicyLocksOut = "policy.locks-out", CONFLICT, "The policy would lock everybody out";
    /// Policy says no.
    PolicyDenied = "policy.denied", UNPROCESSABLE_ENTITY, "Policy does not allow it";
    /// No such principal.
    PrincipalNotFound = "principal.not-found", NOT_FOUND, "There is no such principal";
    /// The name is taken.
    PrincipalExists = "principal.exists", CONFLICT, "The principal exists already";
    PrincipalSelf = "principal.self", CONFLICT, "This is the caller's own principal";
    /// No such membership.
    MembershipNotFound = "membership.not-found", NOT_FOUND, "There is no such membership";
    /// The principal has a role there.
    MembershipExists = "membership.exists", CONFLICT, "The principal has a role there already";
    /// No such token.
    TokenNotFound = "token.not-found", NOT_FOUND, "There is no such token";
    /// No such topic, for this caller.
    TopicNotFound = "topic.not-found", NOT_FOUND, "There is no such topic";
    /// The name is taken.
    TopicExists = "topic.exists", CONFLICT, "The topic exists already";
    /// It is going to be deleted, and can be restored until then.
    TopicDeletionScheduled = "topic.deletion-scheduled", CONFLICT, "The topic is scheduled for deletion";
    /// Nothing is scheduled that could be taken back.
    TopicNotScheduled = "topic.not-scheduled", CONFLICT, "The topic is not scheduled for deletion";
    /// Nothing of it is on a cluster.
    TopicRecordOnly = "topic.record-only", CONFLICT, "Only the record of the topic is left";
    /// It is being deleted.
    TopicDeleting = "topic.deleting", CONFLICT, "The topic is being deleted";
    /// The cluster has another one of its name.
    TopicRecreated = "topic.recreated", CONFLICT, "The topic on the cluster is another one";
    /// No such request, for this caller.
    RequestNotFound = "request.not-found", NOT_FOUND, "There is no such request";
    /// Somebody else's request of the object is open.
    RequestOpen = "request.open", CONFLICT, "Another request is open";
    /// The same was refused before.
    RequestRejected = "request.rejected", CONFLICT, "The same request was rejected";
    /// It was decided before.
    RequestDecided = "request.decided", CONFLICT, "The request is decided";
    /// The caller's decision does not count.
    RequestNotYours = "request.not-yours", FORBIDDEN, "You cannot decide this request";
    /// No such operation, for this caller.
    OperationNotFound = "operation.not-found", NOT_FOUND, "There is no such operation";
    /// Work on the object is under way.
    OperationRunning = "operation.running", CONFLICT, "An operation is under way";
    /// Another Kafka answers under a cluster's address.
    ClusterOther = "cluster.other-kafka", CONFLICT, "The address leads to another Kafka cluster";
    /// It cannot be cancelled, paused, resumed or retried as it stands.
    OperationState = "operation.state", CONFLICT, "The operation's state does not allow that";
    /// Work on the object could not be taken back, and a person has to look.
    OperationStuck = "operation.stuck", CONFLICT, "An operation is stuck";
    /// No such channel, for this caller.
    ChannelNotFound = "channel.not-found", NOT_FOUND, "There is no such notification channel";
    /// The name is taken.
    ChannelExists = "channel.exists", CONFLICT, "The notification channel exists already";
    /// No such delivery.
    DeliveryNotFound = "delivery.not-found", NOT_FOUND, "There is no such delivery";
    /// It is tried again by itself.
    DeliveryPending = "delivery.pending", CONFLICT, "The delivery is being tried";
    /// The server is at fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Orbit failed";
    /// The server is not able to answer now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Orbit cannot answer now";
}

/// A refusal, for the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Which.
    pub code: Code,
    /// What happened this time.
    pub detail: String,
    /// What to do.
    pub remedy: Option<String>,
    /// What is wrong with which field.
    pub fields: Vec<FieldProblem>,
    /// The request that stands in the way.
    pub request: Option<Box<RequestBrief>>,
    /// What policy said, for the audit trail.
    pub verdict: Option<Box<Verdict>>,
}

/// Why a use case was not carried out.
#[derive(Debug)]
pub enum AppError {
    /// The user can mend it.
    Refused(Box<Refusal>),
    /// The user cannot: the operator's text goes to the log.
    Internal(String),
    /// Nobody need do anything: the same may work in a moment. The operator's text goes to the log.
    Unavailable(String),
}

/// What a use case answers.
pub type AppResult<T> = Result<T, AppError>;

impl Refusal {
    /// A refusal that is told in one sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), remedy: None, fields: Vec::new(), request: None, verdict: None }
    }
    /// With what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
    /// With the field that it is about.
    #[must_use]
    pub fn field(mut self, field: FieldProblem) -> Self {
        self.fields.push(field);
        self
    }
    /// With the request that stands in the way.
    #[must_use]
    pub fn request(mut self, request: RequestBrief) -> Self {
        self.request = Some(Box::new(request));
        self
    }
    /// Fields that are wrong: all of them in one answer.
    #[must_use]
    pub fn fields(fields: Vec<FieldProblem>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{} {}", one.pointer, one.detail),
            many => format!("{} fields are wrong", many.len()),
        };
        Self { fields, ..Self::new(Code::Invalid, detail) }
    }
    /// The same, told of what stands at `at` in a body of several.
    #[must_use]
    pub fn within(mut self, at: &str) -> Self {
        if self.fields.is_empty() {
            self.fields.push(FieldProblem {
                pointer: String::new(),
                code: self.code.as_str().to_owned(),
                detail: self.detail.clone(),
                limit: None,
                value: None,
                remedy: self.remedy.clone(),
                rule: None,
            });
        }
        for field in &mut self.fields {
            field.pointer = format!("{at}{}", field.pointer);
        }
        if self.code == Code::Invalid {
            self.detail = Self::fields(self.fields.clone()).detail;
        }
        self
    }
    /// What policy forbids. One violation is told in the detail as it is, several by the first.
    #[must_use]
    pub fn denied(verdict: &Verdict) -> Self {
        let fields: Vec<FieldProblem> = verdict.violations.iter().map(field_of).collect();
        let detail = match verdict.violations.as_slice() {
            [] => "policy does not allow it".to_owned(),
            [one] => one.message.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
        };
        Self { fields, verdict: Some(Box::new(verdict.clone())), ..Self::new(Code::PolicyDenied, detail) }
    }
}

fn field_of(finding: &Finding) -> FieldProblem {
    FieldProblem {
        pointer: finding.field.clone(),
        code: finding.code.clone(),
        detail: finding.message.clone(),
        limit: finding.limit.clone(),
        value: finding.value.clone(),
        remedy: Some(finding.remedy.clone()),
        rule: Some(rule_text(finding)),
    }
}

/// Names the rule for people: `partition_limits.max of "guardrails" (platform policy, version 7)`.
#[must_use]
pub fn rule_text(finding: &Finding) -> String {
    let rule = &finding.rule;
    match (finding.layer, rule.version) {
        (Layer::System, _) | (_, None) => format!("{} of {}", rule.rule, rule.name),
        (layer, Some(version)) => {
            format!("{} of {:?} ({} policy, version {version})", rule.rule, rule.name, layer.as_str())
        }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if error.is_passing() { Self::Unavailable(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}
