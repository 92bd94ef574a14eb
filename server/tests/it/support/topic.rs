//! Topics in the words of a developer: `dev.topic("orders").partitions(60).create().await.denied()`.

use super::{Answer, Person, until};
use reqwest::Method;
use serde_json::{Value, json};

/// A topic that somebody speaks of.
#[derive(Clone)]
pub(crate) struct Topic<'a> {
    who: &'a Person,
    body: Value,
}

impl Person {
    /// A topic of workspace `payments` in `dev`.
    pub(crate) fn topic(&self, name: &str) -> Topic<'_> {
        Topic { who: self, body: json!({ "workspace": "payments", "environment": "dev", "name": name }) }
    }
    /// Asks what submit would answer to several changes.
    pub(crate) async fn evaluate(&self, items: &[(&str, Topic<'_>)]) -> Answer {
        let items: Vec<_> = items.iter().map(|(action, t)| json!({ "action": action, "topic": t.body })).collect();
        self.post("/v1/topics:evaluate", json!({ "items": items })).await
    }
}

impl Topic<'_> {
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }
    pub(crate) fn in_prod(self) -> Self {
        self.with("environment", "prod")
    }
    pub(crate) fn of(self, workspace: &str) -> Self {
        self.with("workspace", workspace)
    }
    pub(crate) fn partitions(self, count: u32) -> Self {
        self.with("partitions", count)
    }
    pub(crate) fn retention_ms(self, millis: i64) -> Self {
        self.with("retention_ms", millis)
    }
    pub(crate) fn config(mut self, key: &str, value: &str) -> Self {
        self.body["config"][key] = value.into();
        self
    }
    pub(crate) fn because(self, justification: &str) -> Self {
        self.with("justification", justification)
    }

    fn part(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap()
    }
    /// `workspace/environment/name`
    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.part("workspace"), self.part("environment"), self.part("name"))
    }
    /// Its name on the cluster, by the default template.
    pub(crate) fn physical(&self) -> String {
        format!("{}.{}.{}", self.part("environment"), self.part("workspace"), self.part("name"))
    }
    /// Where it is.
    pub(crate) fn path(&self) -> String {
        format!("/v1/topics/{}", self.key().replace('/', "%2F"))
    }

    pub(crate) async fn create(&self) -> Answer {
        self.who.post("/v1/topics", self.body.clone()).await
    }
    /// Creates it under an idempotency key.
    pub(crate) async fn create_once(&self, key: &str) -> Answer {
        self.who.call(Method::POST, "/v1/topics").key(key).json(&self.body).send().await
    }
    pub(crate) async fn get(&self) -> Answer {
        self.who.get(&self.path()).await
    }
    /// As its creator sees it: from then on an equal create is a duplicate.
    pub(crate) async fn acknowledge(&self) -> Answer {
        self.who.get(&format!("{}?acknowledge=true", self.path())).await
    }
    /// With a look at the cluster first.
    pub(crate) async fn fresh(&self) -> Answer {
        self.who.get(&format!("{}?observe=fresh", self.path())).await
    }
    pub(crate) async fn patch(&self, patch: Value) -> Answer {
        self.who.patch(&self.path(), patch).await
    }
    pub(crate) async fn replace(&self, whole: Value) -> Answer {
        self.who.put(&self.path(), whole).await
    }
    pub(crate) async fn delete(&self) -> Answer {
        self.who.delete(&self.path()).await
    }
    pub(crate) async fn evaluate(&self, action: &str) -> Answer {
        self.who.evaluate(&[(action, self.clone())]).await
    }

    /// Waits until it is active and nothing is under way on it.
    pub(crate) async fn active(&self) -> Answer {
        self.settled("active").await
    }
    /// Waits until it has this status, and no operation on it is under way.
    pub(crate) async fn settled(&self, status: &str) -> Answer {
        until(&format!("{} is {status}", self.key()), async || {
            let seen = self.get().await;
            let operation = seen.ok().body.pointer("/operation/state").and_then(Value::as_str);
            let over = operation.is_none_or(|state| ["succeeded", "rolled-back", "stuck"].contains(&state));
            (over && seen.text("/status") == status).then_some(seen)
        })
        .await
    }
    /// Waits until there is no record of it.
    pub(crate) async fn vanished(&self) {
        until(&format!("{} is gone", self.key()), async || (self.get().await.status == 404).then_some(())).await;
    }
    /// Creates it, and waits until it is there.
    pub(crate) async fn made(&self) -> Answer {
        self.create().await.accepted();
        self.active().await
    }
}
