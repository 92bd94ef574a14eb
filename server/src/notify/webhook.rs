//! Webhooks, signed as <https://www.standardwebhooks.com> says, so that ready libraries verify them.

use super::{Message, NotSent, Outbound};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use orbit_core::{notification::Template, secret::Secret};
use std::sync::Arc;
use uuid::Uuid;

/// What a signing secret begins with; base64 follows.
pub const SECRET_PREFIX: &str = "whsec_";

/// The value of `webhook-signature`: HMAC-SHA-256 over id, time and body. `None` where the secret is none.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

/// Sends webhooks.
#[derive(Clone)]
pub struct Webhooks {
    /// The client.
    pub outbound: Arc<Outbound>,
}

impl Webhooks {
    /// Sends a message. `id` stays the same however often it is tried; `now` is in seconds since 1970.
    pub async fn send(
        &self,
        (url, secret): (&str, &Secret),
        (id, now): (Uuid, i64),
        (message, template): (&Message, Template),
    ) -> Result<(), NotSent> {
        let (id, body) = (format!("msg_{}", id.simple()), message.body(template).to_string());
        let signature =
            sign(secret, &id, now, &body).ok_or_else(|| NotSent("the signing secret is none".to_owned()))?;
        let call = self.outbound.post(url)?;
        let call = call
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", signature);
        // Without the address: it may hold a secret.
        let answer = call.body(body).send().await.map_err(|e| NotSent(cause(&e.without_url())))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        // Not what it said: who may set up a channel need not be one who may read what Orbit's network can reach.
        Err(NotSent(format!("the other side answered {status}")))
    }
}

/// The whole chain: reqwest's own text says little.
fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text = format!("{text}: {error}");
        inner = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_the_specifications() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = r#"{"test": 2432232314}"#;
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(sign(&Secret::new("none".to_owned()), "x", 1, body), None);
    }
}
