//! Waiting, by long poll: the server answers when there is news.

use super::{Client, ClientError, retry};
use crate::{Operation, Request, RequestState};
use std::{pin::pin, time::Duration};
use tokio::time::Instant;

/// How long the server may hold back an answer.
const POLL: Duration = Duration::from_secs(30);
/// A server that answers sooner than this without news does not know how to hold back.
const SOON: Duration = Duration::from_secs(1);

/// How a wait ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited<T> {
    /// What was waited for is there.
    Done(T),
    /// The caller stopped waiting; this is the last that was known, if anything was.
    Stopped(Option<T>),
}

impl Client {
    /// Waits until an operation ends, or until `stop` does.
    pub async fn wait_operation(
        &self,
        id: &str,
        stop: impl Future<Output = ()>,
    ) -> Result<Waited<Operation>, ClientError> {
        self.poll(stop, |wait| self.operation_get(id, wait), |operation| operation.state.is_final()).await
    }

    /// Waits until a request is decided, withdrawn or expired, or until `stop`.
    pub async fn wait_request(&self, id: &str, stop: impl Future<Output = ()>) -> Result<Waited<Request>, ClientError> {
        self.poll(stop, |wait| self.request_get(id, wait), |request| request.state != RequestState::Pending).await
    }

    async fn poll<T, Get: Future<Output = Result<T, ClientError>>>(
        &self,
        stop: impl Future<Output = ()>,
        get: impl Fn(Option<Duration>) -> Get,
        is_over: impl Fn(&T) -> bool,
    ) -> Result<Waited<T>, ClientError> {
        let mut stop = pin!(stop);
        let mut last = None;
        let mut too_soon = 0;
        loop {
            let asked = Instant::now();
            let now = tokio::select! {
                biased;
                () = &mut stop => return Ok(Waited::Stopped(last)),
                now = get(Some(POLL)) => now?,
            };
            if is_over(&now) {
                return Ok(Waited::Done(now));
            }
            last = Some(now);
            if asked.elapsed() < SOON {
                // Else this would be as fast a loop as the network allows.
                too_soon += 1;
                tokio::select! {
                    biased;
                    () = &mut stop => return Ok(Waited::Stopped(last)),
                    () = tokio::time::sleep(self.shared.retry.pause(too_soon, None, retry::roll())) => {}
                }
            } else {
                too_soon = 0;
            }
        }
    }
}
