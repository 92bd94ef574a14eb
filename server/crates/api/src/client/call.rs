//! One call: built by the methods, sent with retries, its answer read.

use super::{Client, ClientError, retry, send::Answer};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, time::Duration};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const RUN_ID: HeaderName = HeaderName::from_static("orbit-run-id");
const RUN_URL: HeaderName = HeaderName::from_static("orbit-run-url");

/// What a change was answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted<T> {
    /// Nothing is left to do (200 or 201).
    Done(T),
    /// An operation does it, or a person has to decide first (202).
    Accepted(T),
}

impl<T> Submitted<T> {
    /// The object, in either case.
    pub fn into_inner(self) -> T {
        let (Self::Done(it) | Self::Accepted(it)) = self;
        it
    }
}

/// A call on its way.
pub(super) struct Call<'c> {
    pub(super) client: &'c Client,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// Beyond the usual: how long the server may hold back its answer.
    pub(super) patience: Duration,
    /// Whether a failure is told at once.
    pub(super) once: bool,
    /// A mistake in the building, told when the call is sent.
    broken: Option<String>,
}

impl Client {
    /// A call. Each segment of the path is encoded on its own: a slash in an id stays one segment.
    pub(super) fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let mut url = self.shared.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut call = Call {
            client: self,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            patience: Duration::ZERO,
            once: false,
            broken: None,
        };
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.shared.authorization {
            call.headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if call.method != Method::GET {
            call.put(RUN_ID, self.shared.run_id.as_deref());
            call.put(RUN_URL, self.shared.run_url.as_deref());
        }
        if call.method == Method::POST {
            // Kept over the retries of this call, and never used by another.
            call.put(IDEMPOTENCY_KEY, Some(&retry::fresh().to_string()));
        }
        call
    }

    pub(super) fn get(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(super) fn post(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(super) fn replace(&self, path: &[&str], body: &impl Serialize) -> Call<'_> {
        self.call(Method::PUT, path).body(body)
    }

    pub(super) fn patch(&self, path: &[&str], body: &impl Serialize) -> Call<'_> {
        let mut call = self.call(Method::PATCH, path).body(body);
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/merge-patch+json"));
        call
    }

    pub(super) fn delete(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::DELETE, path)
    }
}

impl Call<'_> {
    fn put(&mut self, name: HeaderName, value: Option<&str>) {
        let Some(value) = value else { return };
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(name, value);
            }
            Err(_) => self.broken = Some(format!("the header {name} cannot be sent")),
        }
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => self.body = Some(json),
            Err(e) => self.broken = Some(format!("the body cannot be written as JSON: {e}")),
        }
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    pub(super) fn query(mut self, name: &str, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            self.url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Only if the object is at this revision still.
    pub(super) fn at(mut self, revision: Option<i64>) -> Self {
        if let Some(revision) = revision {
            self.put(header::IF_MATCH, Some(&format!("\"{revision}\"")));
        }
        self
    }

    /// Lets the server hold back its answer until there is news.
    pub(super) fn wait(mut self, wait: Option<Duration>) -> Self {
        let Some(wait) = wait else { return self };
        self.patience = wait;
        self.query("wait", Some(format!("{}s", wait.as_secs())))
    }

    /// Without retries: who asks wants to know how it is now.
    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Method and address, for messages.
    pub(super) fn name(&self) -> String {
        format!("{} {}{}", self.method, self.client.endpoint(), self.url.path())
    }

    /// What was answered, if it was a success.
    pub(super) async fn answer(self) -> Result<Answer, ClientError> {
        if let Some(what) = self.broken {
            return Err(ClientError::Unexpected {
                call: format!("{} {}", self.method, self.url.path()),
                status: 0,
                what,
            });
        }
        self.send().await
    }

    /// The object that was answered.
    pub(super) async fn read<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        self.answer().await?.json()
    }

    /// The object that was answered, if there is one.
    pub(super) async fn read_maybe<T: DeserializeOwned>(self) -> Result<Option<T>, ClientError> {
        let answer = self.answer().await?;
        if answer.status == StatusCode::NO_CONTENT { Ok(None) } else { answer.json().map(Some) }
    }

    /// The object that was answered, and whether something is left to do.
    pub(super) async fn submit<T: DeserializeOwned>(self) -> Result<Submitted<T>, ClientError> {
        let answer = self.answer().await?;
        let accepted = answer.status == StatusCode::ACCEPTED;
        let it = answer.json()?;
        Ok(if accepted { Submitted::Accepted(it) } else { Submitted::Done(it) })
    }

    /// That it went well.
    pub(super) async fn done(self) -> Result<(), ClientError> {
        self.answer().await.map(drop)
    }
}
