//! One call: who, under which idempotency key, of which run.

use super::{App, AppResult, Code, Refusal};
use crate::auth::Identity;
use orbit_store::{Earlier, Tx};
use serde::{Serialize, de::DeserializeOwned};

/// What every mutating use case knows of the call that asked for it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who.
    pub who: Identity,
    /// The `Idempotency-Key`, and a hash of what was asked under it.
    pub once: Option<Once>,
    /// The Terraform or CI run that it belongs to.
    pub run: Option<Run>,
}

/// A Terraform or CI run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id (`Orbit-Run-Id`).
    pub id: String,
    /// Where it can be seen (`Orbit-Run-Url`).
    pub url: Option<String>,
}

/// An idempotency key and what it stands for.
#[derive(Debug, Clone)]
pub struct Once {
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub hash: Vec<u8>,
}

impl App {
    /// The answer that an equal call got before, if there was one. Taken first in a transaction: whoever comes second with a key waits here.
    pub(super) async fn answered_before<T: DeserializeOwned>(&self, tx: &mut Tx, call: &Call) -> AppResult<Option<T>> {
        let Some(once) = &call.once else { return Ok(None) };
        match tx.idempotency_take(call.who.principal, &once.key, &once.hash).await? {
            Earlier::Nothing => Ok(None),
            // An answer of an older shape is as good as none: the object itself tells.
            Earlier::Answer(answer) => Ok(serde_json::from_value(answer).ok()),
            Earlier::OtherCall => Err(Refusal::new(
                Code::IdempotencyKey,
                "this Idempotency-Key was used for another call within the last 24 hours",
            )
            .remedy("send a fresh random key with each new call")
            .into()),
        }
    }

    /// Keeps the answer for who asks again under the same key.
    pub(super) async fn remember(&self, tx: &mut Tx, call: &Call, answer: &impl Serialize) -> AppResult<()> {
        let Some(once) = &call.once else { return Ok(()) };
        let answer = serde_json::to_value(answer).map_err(|e| super::AppError::Internal(e.to_string()))?;
        tx.idempotency_answer(call.who.principal, &once.key, &answer).await?;
        Ok(())
    }
}
