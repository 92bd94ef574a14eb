//! Requests and operations.

use super::{Client, ClientError, OperationQuery, RequestQuery};
use crate::{
    Approve, Operation, Page, Reject, Request, RequestCreate, RequestEvaluation, RequestsDecide, RequestsDecided,
};
use std::time::Duration;

impl Client {
    /// A request. With `wait` the answer comes when it is decided, or when the time is up.
    pub async fn request_get(&self, id: &str, wait: Option<Duration>) -> Result<Request, ClientError> {
        self.get(&["v1", "requests", id]).wait(wait).read().await
    }

    /// Asks for several changes as one request. `None` where everything is as asked for already.
    pub async fn request_create(&self, create: &RequestCreate) -> Result<Option<Request>, ClientError> {
        self.post(&["v1", "requests"]).body(create).read_maybe().await
    }

    /// What filing it would answer; nothing is filed.
    pub async fn request_evaluate(&self, request: &RequestCreate) -> Result<RequestEvaluation, ClientError> {
        self.post(&["v1", "requests:evaluate"]).body(request).read().await
    }

    /// A page of the requests that the caller may see.
    pub async fn request_list(&self, query: &RequestQuery) -> Result<Page<Request>, ClientError> {
        self.get(&["v1", "requests"]).requests(query).read().await
    }

    /// Consents to a request.
    pub async fn request_approve(&self, id: &str, approve: &Approve) -> Result<Request, ClientError> {
        self.post(&["v1", "requests", id, "approve"]).body(approve).read().await
    }

    /// Refuses a request.
    pub async fn request_reject(&self, id: &str, reject: &Reject) -> Result<Request, ClientError> {
        self.post(&["v1", "requests", id, "reject"]).body(reject).read().await
    }

    /// Decides several requests, each for itself.
    pub async fn requests_decide(&self, decide: &RequestsDecide) -> Result<RequestsDecided, ClientError> {
        self.post(&["v1", "requests:decide"]).body(decide).read().await
    }

    /// Puts a rejected request back before those who decide.
    pub async fn request_reopen(&self, id: &str) -> Result<Request, ClientError> {
        self.post(&["v1", "requests", id, "reopen"]).read().await
    }

    /// Takes a request back.
    pub async fn request_withdraw(&self, id: &str) -> Result<Request, ClientError> {
        self.post(&["v1", "requests", id, "withdraw"]).read().await
    }

    /// An operation. With `wait` the answer comes when it has ended, or when the time is up.
    pub async fn operation_get(&self, id: &str, wait: Option<Duration>) -> Result<Operation, ClientError> {
        self.get(&["v1", "operations", id]).wait(wait).read().await
    }

    /// Cancels an operation: what was done is taken back.
    pub async fn operation_cancel(&self, id: &str) -> Result<Operation, ClientError> {
        self.post(&["v1", "operations", id, "cancel"]).read().await
    }

    /// Pauses an operation before its next step.
    pub async fn operation_pause(&self, id: &str) -> Result<Operation, ClientError> {
        self.post(&["v1", "operations", id, "pause"]).read().await
    }

    /// Goes on with a paused operation.
    pub async fn operation_resume(&self, id: &str) -> Result<Operation, ClientError> {
        self.post(&["v1", "operations", id, "resume"]).read().await
    }

    /// Takes a stuck operation up again, and tries at once what waits.
    pub async fn operation_retry(&self, id: &str) -> Result<Operation, ClientError> {
        self.post(&["v1", "operations", id, "retry"]).read().await
    }

    /// A page of the operations that the caller may see.
    pub async fn operation_list(&self, query: &OperationQuery) -> Result<Page<Operation>, ClientError> {
        self.get(&["v1", "operations"]).operations(query).read().await
    }
}
