//! Sending, with retries, and telling apart what comes back.

use super::{ClientError, builder::Shared, call::Call, error, retry};
use crate::Problem;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use std::{cmp::Ordering, sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::Instant;

/// No answer is longer: a thousand topics with all their settings are two megabytes.
const LONGEST_BODY: usize = 64 << 20;
/// How much of a foreign answer is worth showing.
const EXCERPT: usize = 160;

/// A success.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    call: String,
    /// Who calls, as users know it: `terraform-provider-orbit 0.1.0`.
    caller: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A server tells its version with every answer.
const VERSION: HeaderName = HeaderName::from_static("orbit-version");

/// Whether the server did not know what it was asked: an older one, perhaps.
fn is_unheard_of(problem: &Problem) -> bool {
    let unknown = |code: &str| matches!(code, "unknown-field" | "unknown-parameter" | "unknown-value");
    problem.code == "no-route" || problem.errors.iter().any(|e| unknown(&e.code))
}

/// A try that failed.
enum Failure {
    /// Nobody is there, or what stands before a server says so of it.
    Down(ClientError),
    /// It may go better next time; perhaps the server said when.
    Passing(ClientError, Option<Duration>),
    /// It will not.
    Final(ClientError),
}

impl Call<'_> {
    pub(super) async fn send(self) -> Result<Answer, ClientError> {
        let Shared { retry, outage, .. } = &*self.client.shared;
        if let Some(told) = outage.told(retry.rest).filter(|_| !self.once) {
            return Err(told);
        }
        let begun = Instant::now();
        let mut down_since = None;
        let mut tried = 0_u32;
        loop {
            let this_try = Instant::now();
            let failure = match self.attempt().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tried += 1;
            let (error, asked, last_chance) = match failure {
                Failure::Final(error) => return Err(error),
                Failure::Down(error) => {
                    let since = *down_since.get_or_insert(this_try);
                    (error, None, (since + retry.down).min(begun + retry.budget))
                }
                Failure::Passing(error, asked) => {
                    down_since = None;
                    (error, asked, begun + retry.budget)
                }
            };
            if self.once {
                return Err(error);
            }
            let pause = retry.pause(tried, asked, retry::roll());
            let is_unreachable = matches!(error, ClientError::Unreachable { .. });
            if Instant::now() + pause > last_chance || is_unreachable && outage.lasts() {
                if is_unreachable {
                    outage.begins(&error);
                }
                return Err(error);
            }
            tracing::debug!(call = self.name(), tried, ?pause, %error, "trying again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self) -> Result<Answer, Failure> {
        let shared = &self.client.shared;
        let http = shared.http().map_err(|cause| Failure::Final(self.unreachable(cause.to_owned())))?;
        let mut request = http
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone())
            .timeout(shared.retry.answer + self.patience);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        // It is never closed.
        let _slot = if self.patience.is_zero() { shared.slots.acquire().await.ok() } else { None };
        shared.pace.turn().await;
        let response = tokio::select! {
            response = request.send() => response.map_err(|e| self.not_sent(&e))?,
            error = self.nobody_there(http) => return Err(Failure::Down(error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body_of(response).await?;
        // The id under which the server's log has the call.
        let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        tracing::debug!(call = self.name(), status = status.as_u16(), request_id, "answered");
        let answer = Answer { status, call: self.name(), caller: shared.caller(), headers, body };
        if let Some(pause) = answer.exhausted() {
            shared.pace.rest(pause);
        }
        if status.is_success() {
            shared.answered();
            return Ok(answer);
        }
        let asked = retry::retry_after(&answer.headers, retry::now());
        let error = answer.refusal();
        let is_own = matches!(error, ClientError::Problem(_));
        if is_own {
            shared.answered();
        }
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS => Failure::Passing(error, asked),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT if is_own => {
                Failure::Passing(error, asked)
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                let error = self.unreachable(format!("what stands before it answers {status}, {}", answer.excerpt()));
                // With a time it is a pause that somebody has planned.
                if asked.is_some() { Failure::Passing(error, asked) } else { self.silence(error) }
            }
            _ => Failure::Final(error),
        })
    }

    /// Completes once it is clear that nobody is going to answer the first call: after a while, somebody who is only slow answers another one.
    async fn nobody_there(&self, http: &reqwest::Client) -> ClientError {
        let Shared { reached, retry, .. } = &*self.client.shared;
        if !reached.load(Relaxed) {
            tokio::time::sleep(retry.silence).await;
            let probe = self.client.call(Method::GET, &["healthz"]);
            if http.get(probe.url.clone()).timeout(retry.silence).send().await.is_err_and(|e| e.is_timeout()) {
                let waited = 2 * retry.silence;
                return self.unreachable(format!("no answer within {} s, nor to {}", waited.as_secs(), probe.name()));
            }
        }
        std::future::pending().await
    }

    /// Orbit does not answer. Where it never did, that is told soon: the address may be wrong. Where it did before, it may be starting anew.
    fn silence(&self, error: ClientError) -> Failure {
        if self.client.shared.reached.load(Relaxed) { Failure::Passing(error, None) } else { Failure::Down(error) }
    }

    async fn body_of(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.not_sent(&e))? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(Failure::Final(ClientError::Unexpected {
                    call: self.name(),
                    status: response.status().as_u16(),
                    what: format!("the answer is longer than {} MiB", LONGEST_BODY >> 20),
                }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn not_sent(&self, e: &reqwest::Error) -> Failure {
        if e.is_timeout() && !e.is_connect() {
            let waited = self.client.shared.retry.answer + self.patience;
            return self.silence(self.unreachable(format!("no answer within {} s", waited.as_secs())));
        }
        let error = self.unreachable(error::cause_of(e));
        if e.is_builder() || error::is_untrusted(e) {
            Failure::Final(error)
        } else if e.is_connect() {
            Failure::Down(error)
        } else {
            // The connection broke. Every call can be repeated: a POST by its key, the others by their nature.
            Failure::Passing(error, None)
        }
    }

    fn unreachable(&self, cause: String) -> ClientError {
        let cause = match self.client.shared.proxy_before(&self.url) {
            Some(proxy) => format!("through the proxy {proxy}: {cause}"),
            None => cause,
        };
        ClientError::Unreachable { endpoint: self.client.endpoint().to_owned(), cause }
    }
}

impl Answer {
    /// The body as an object.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            self.unexpected(if self.is_json() {
                let skew = self.skew().map(|skew| format!(". {skew}")).unwrap_or_default();
                format!("this client does not understand the answer: {e}{skew}")
            } else {
                format!("{}. Is this the address of Orbit, and is there a proxy in between?", self.excerpt())
            })
        })
    }

    /// The body as text.
    pub(super) fn text(&self) -> Result<String, ClientError> {
        String::from_utf8(self.body.clone()).map_err(|e| self.unexpected(format!("the answer is no text: {e}")))
    }

    /// The error that the answer is.
    fn refusal(&self) -> ClientError {
        if let Ok(mut problem) = serde_json::from_slice::<Problem>(&self.body) {
            if is_unheard_of(&problem)
                && let Some(skew) = self.skew()
            {
                problem.remedy = Some(skew);
            }
            return problem.into();
        }
        if self.status.is_redirection() {
            let target = self.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            return self
                .unexpected(format!("it redirects to {target}. Set the endpoint to the address of Orbit itself"));
        }
        self.unexpected(self.excerpt())
    }

    /// Which of the two is the older one, where server and client are not of one version.
    fn skew(&self) -> Option<String> {
        const OURS: &str = env!("CARGO_PKG_VERSION");
        let theirs = self.headers.get(VERSION)?.to_str().ok()?;
        let number = |text: &str| {
            text.split(['-', '+'])
                .next()
                .map(|core| core.split('.').map(|n| n.parse().unwrap_or(0)).collect::<Vec<u64>>())
        };
        let older = match number(theirs).cmp(&number(OURS)) {
            Ordering::Equal => return None,
            Ordering::Less => "the server",
            Ordering::Greater => self.caller.split(' ').next().unwrap_or("this client"),
        };
        Some(format!("The server is Orbit {theirs}, and this is {}: upgrade {older}", self.caller))
    }

    /// Until when the server wants no more calls, as it says beside its answer.
    fn exhausted(&self) -> Option<Duration> {
        let state = self.headers.get("ratelimit")?.to_str().ok()?;
        let part = |key: &str| state.split(';').find_map(|part| part.trim().strip_prefix(key)?.parse::<u64>().ok());
        (part("r=")? == 0).then(|| part("t=").map(Duration::from_secs)).flatten()
    }

    fn is_json(&self) -> bool {
        self.content_type().contains("json")
    }

    fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no type")
    }

    /// What a person can tell a proxy's page by.
    fn excerpt(&self) -> String {
        if self.body.is_empty() {
            return "an empty answer".to_owned();
        }
        let text = String::from_utf8_lossy(&self.body);
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let mut excerpt: String = text.chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
        if excerpt.len() < text.len() {
            excerpt.push('…');
        }
        format!("{} instead of JSON: {excerpt}", self.content_type())
    }

    fn unexpected(&self, what: String) -> ClientError {
        ClientError::Unexpected { call: self.call.clone(), status: self.status.as_u16(), what }
    }
}
