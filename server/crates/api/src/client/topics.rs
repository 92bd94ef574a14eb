//! Topics.

use super::{Client, ClientError, Submitted, TopicQuery, TopicRead};
use crate::{Page, Topic, TopicAcknowledge, TopicCreate, TopicEvaluate, TopicEvaluation, TopicPatch, TopicReplace};
use http::StatusCode;
use std::time::Duration;

/// What a deletion was answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Deleted {
    /// It is gone: nothing of it was on a cluster.
    Gone,
    /// An operation deletes it, or a person has to decide first.
    Accepted(Box<Topic>),
}

impl Client {
    /// Asks for a topic. Equal to one whose creation is open, or whose answer was lost, it is that one.
    pub async fn topic_create(&self, topic: &TopicCreate) -> Result<Submitted<Topic>, ClientError> {
        self.post(&["v1", "topics"]).body(topic).submit().await
    }

    /// The same, and the server answers when the work on it is over, or after so long.
    pub async fn topic_make(&self, topic: &TopicCreate, wait: Duration) -> Result<Submitted<Topic>, ClientError> {
        self.post(&["v1", "topics"]).body(topic).wait(Some(wait)).submit().await
    }

    /// Notes that the caller has seen topics that they asked for, at most 1,000, by id.
    pub async fn topic_acknowledge(&self, topics: Vec<String>) -> Result<(), ClientError> {
        self.post(&["v1", "topics:acknowledge"]).body(&TopicAcknowledge { topics }).done().await
    }

    /// A topic, by its id or by `workspace/environment/name`.
    pub async fn topic_get(&self, id: &str, read: TopicRead) -> Result<Topic, ClientError> {
        self.get(&["v1", "topics", id]).read_topic(read).read().await
    }

    /// A page of the topics that the caller may see.
    pub async fn topic_list(&self, query: &TopicQuery) -> Result<Page<Topic>, ClientError> {
        self.get(&["v1", "topics"]).topics(query).read().await
    }

    /// The active topics of a workspace, or of one environment of it, as Terraform's configuration with import blocks.
    pub async fn topic_export(&self, workspace: &str, environment: Option<&str>) -> Result<String, ClientError> {
        let call = self.get(&["v1", "topics:export"]).query("workspace", Some(workspace));
        call.query("environment", environment).answer().await?.text()
    }

    /// Asks for a change of a topic.
    pub async fn topic_update(&self, id: &str, patch: &TopicPatch) -> Result<Submitted<Topic>, ClientError> {
        self.patch(&["v1", "topics", id], patch).submit().await
    }

    /// Makes a topic exactly what is given; with a revision, only where it is of that revision still.
    pub async fn topic_replace(
        &self,
        id: &str,
        spec: &TopicReplace,
        revision: Option<i64>,
    ) -> Result<Submitted<Topic>, ClientError> {
        self.replace(&["v1", "topics", id], spec).at(revision).submit().await
    }

    /// Asks for a topic to go, and says why to those who decide.
    pub async fn topic_delete(&self, id: &str, justification: Option<&str>) -> Result<Deleted, ClientError> {
        let call = self.delete(&["v1", "topics", id]).query("justification", justification);
        let answer = call.answer().await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Deleted::Gone);
        }
        answer.json().map(|topic| Deleted::Accepted(Box::new(topic)))
    }

    /// Keeps a topic whose deletion was accepted and has not begun.
    pub async fn topic_restore(&self, id: &str) -> Result<Topic, ClientError> {
        self.post(&["v1", "topics", id, "restore"]).read().await
    }

    /// What submit would answer. Files nothing.
    pub async fn topic_evaluate(&self, changes: &TopicEvaluate) -> Result<TopicEvaluation, ClientError> {
        self.post(&["v1", "topics:evaluate"]).body(changes).read().await
    }
}
