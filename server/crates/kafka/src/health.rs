//! What the connection to a cluster is like: the last failure that librdkafka reported since a broker last answered.

use crate::native::Refusal;
use rdkafka::{client::ClientContext, types::RDKafkaErrorCode as C};
use tokio::sync::watch;

/// A client's state of connection, kept by the thread that serves it and watched by those who wait for an answer.
#[derive(Clone)]
pub(crate) struct Health(watch::Sender<State>);

#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// Whether any broker ever answered.
    pub(crate) answered: bool,
    /// What went wrong since.
    pub(crate) failure: Option<Failure>,
}

/// A connection that could not be made, or was lost.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) refusal: Refusal,
    /// Whether no broker at all was connected then.
    pub(crate) all_down: bool,
}

impl Failure {
    /// Whether trying again cannot help: credentials or certificates are refused.
    pub(crate) fn is_final(&self) -> bool {
        [C::Authentication as i32, C::SSL as i32].contains(&self.refusal.code)
    }
}

impl Health {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }
    /// librdkafka reports a failure of a connection.
    pub(crate) fn noted(&self, refusal: Refusal) {
        tracing::debug!(target: "librdkafka", code = refusal.code, text = refusal.text, "connection failure");
        self.0.send_modify(|state| match &mut state.failure {
            // That all are down says nothing of why: the reason came before.
            Some(failure) if refusal.code == C::AllBrokersDown as i32 => failure.all_down = true,
            failure => {
                let all_down = refusal.code == C::AllBrokersDown as i32;
                *failure = Some(Failure { refusal, all_down });
            }
        });
    }
    /// A broker answered.
    pub(crate) fn answered(&self) {
        self.0.send_if_modified(|state| {
            let news = !state.answered || state.failure.is_some();
            *state = State { answered: true, failure: None };
            news
        });
    }
    /// Whether the last that was heard of the cluster is an answer.
    pub(crate) fn is_good(&self) -> bool {
        let state = self.0.borrow();
        state.answered && state.failure.is_none()
    }
    /// Waits until there is a failure of which `which` holds.
    pub(crate) async fn failed(&self, which: impl Fn(&Failure) -> bool) -> Failure {
        let mut watched = self.0.subscribe();
        loop {
            if let Some(failure) = watched.borrow_and_update().failure.clone().filter(&which) {
                return failure;
            }
            // The sender is `self`, so it is not gone.
            if watched.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
    /// A line of librdkafka's log, at one level below its own: a failure is logged where the failed call is handled, and this is the detail.
    pub(crate) fn log_line(syslog_level: i32, facility: &str, line: &str) {
        match syslog_level {
            ..=2 => tracing::error!(target: "librdkafka", facility, "{line}"),
            3 => tracing::warn!(target: "librdkafka", facility, "{line}"),
            4 => tracing::info!(target: "librdkafka", facility, "{line}"),
            _ => tracing::debug!(target: "librdkafka", facility, "{line}"),
        }
    }
}

/// Events come through [`crate::native`]'s queue, not through these callbacks.
impl ClientContext for Health {}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn noted(health: &Health, code: C) {
        health.noted(Refusal::new(code, "a broker is away"));
    }

    #[test]
    fn the_reason_outlives_that_all_are_down() {
        let health = Health::new();
        noted(&health, C::Authentication);
        noted(&health, C::AllBrokersDown);

        let failure = health.failed(|_| true).now_or_never().unwrap();

        assert_eq!(failure.refusal.code, C::Authentication as i32);
        assert!(failure.all_down && failure.is_final());
    }

    #[test]
    fn an_answer_forgets_the_failure() {
        let health = Health::new();
        assert!(!health.is_good(), "nothing was heard yet");
        noted(&health, C::BrokerTransportFailure);
        health.answered();
        assert!(health.is_good());
        assert!(health.failed(|_| true).now_or_never().is_none());
    }
}
