//! Topics: asking for one, changing it, taking it away.

use super::{
    App, AppResult, Call, Code, Filed, Filing, Refusal,
    topic_place::Books,
    topic_wish::{Comes, Wish, change_of},
    way::Standing,
};
use crate::auth::{Caller, permission::TopicWrite};
use orbit_api::FieldProblem;
use orbit_core::{
    change::{Change, TopicAction, TopicChange},
    documentation::Documentation,
    id::TopicId,
    model::topic::{TopicSpec, TopicStatus},
    name::TopicName,
    workflow::Held,
};
use orbit_store::{Read, TopicRow, Tx};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A topic to ask for.
#[derive(Debug, Clone)]
pub struct TopicNew {
    /// Slug or id of the workspace.
    pub workspace: String,
    /// Slug or id of the environment.
    pub environment: String,
    /// Its logical name.
    pub name: TopicName,
    /// What it is to be.
    pub spec: TopicSpec,
    /// What the request says for itself.
    pub documentation: Documentation,
}

/// What a call for a topic comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicReply {
    /// The topic.
    pub topic: TopicId,
    /// How the call ended.
    pub outcome: Outcome,
}

/// How a call for a topic ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is there already, as asked for.
    There,
    /// Work is under way, or a person has to decide.
    UnderWay,
    /// Done, with no work to do.
    Done,
    /// Its record is gone.
    Gone,
}

pub(super) fn no_topic(named: &str) -> Refusal {
    Refusal::new(Code::TopicNotFound, format!("there is no topic {named} that you can see"))
        .remedy("GET /v1/topics lists those that there are")
}

impl App {
    /// Asks for a topic.
    pub async fn topic_create(&self, caller: &Caller<TopicWrite>, call: &Call, new: TopicNew) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, false).await;
        }
        let room = self.room(&mut tx, caller, &new.workspace, &new.environment).await?;
        let room = self.room_lock(&mut tx, room).await?;
        let (place, standing) = self.standing(&mut tx, room, &new.name).await?;
        let mut books = Books::default();
        let new = self.with_profile((&mut tx, &mut books), &place, new).await?;
        if let Some(there) = &place.existing
            && self.comes_to(&mut tx, there, &Wish::Create(&new.spec), call, standing.is_open()).await? == Comes::There
        {
            let topic = there.id;
            return self.there(tx, call, topic).await;
        }
        let change = self.creation(&mut tx, &place, &new).await?;
        self.topic_submit((tx, books), call, (change, standing), new.documentation).await
    }

    /// It is there as asked: that answer is kept too, for who repeats the call when it may be otherwise.
    async fn there(&self, mut tx: Tx, call: &Call, topic: TopicId) -> AppResult<TopicReply> {
        let reply = TopicReply { topic, outcome: Outcome::There };
        self.remember(&mut tx, call, &reply).await?;
        tx.commit().await?;
        Ok(reply)
    }

    /// The answer to a call that was carried out before, for who may see the topic still. One that is gone by now is what a deletion asked for.
    async fn replayed(
        &self,
        db: &mut Read,
        caller: &Caller<TopicWrite>,
        before: TopicReply,
        deletes: bool,
    ) -> AppResult<TopicReply> {
        let named = before.topic.to_string();
        match db.topic(before.topic).await? {
            Some(row) => caller.in_workspace(row.workspace_id, || no_topic(&named))?,
            None if deletes => {}
            None => return Err(no_topic(&named).remedy("it was made, and is gone by now").into()),
        }
        Ok(before)
    }

    /// Submits a change of a topic, commits, and drives the work.
    async fn topic_submit(
        &self,
        (mut tx, books): (Tx, Books),
        call: &Call,
        (change, standing): (TopicChange, Standing),
        documentation: Documentation,
    ) -> AppResult<TopicReply> {
        let topic = change.id;
        let deletes = change.action == TopicAction::Delete;
        self.lane_lock(&mut tx, change.cluster_id).await?;
        let changes = vec![Change::Topic(change)];
        let filing = Filing { changes, standing: vec![standing], places: vec![], documentation, books };
        let (mut tx, filed) = self.submit_or_note(tx, call, filing).await?;
        let outcome = match &filed {
            Filed::Attached(_) | Filed::Pending(_) | Filed::Accepted(_, Some(_)) => Outcome::UnderWay,
            Filed::Accepted(_, None) if deletes => Outcome::Gone,
            Filed::Accepted(_, None) => Outcome::Done,
        };
        let reply = TopicReply { topic, outcome };
        self.remember(&mut tx, call, &reply).await?;
        let work = if let Filed::Accepted(_, work) = filed { work } else { None };
        self.commit_and_drive(tx, work.and_then(|w| w.held)).await?;
        Ok(reply)
    }

    /// Commits, and drives the work at once: it was born leased to this replica, so nothing waits for a poll.
    pub(super) async fn commit_and_drive(&self, tx: Tx, held: Option<Held>) -> AppResult<()> {
        // The lease began a few statements ago: the runner leaves half of it for that.
        let since = Instant::now();
        tx.commit().await?;
        if let Some(held) = held {
            self.runner.drive(held, since);
        }
        Ok(())
    }

    /// Changes a topic. `respec` makes what it is to be from what it is.
    pub async fn topic_update(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
        documentation: Documentation,
        respec: impl FnOnce(&TopicSpec) -> Result<TopicSpec, Vec<FieldProblem>> + Send,
    ) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, false).await;
        }
        let (row, standing) = self.topic_locked(&mut tx, caller, named, expected).await?;
        let mut spec = respec(&row.desired).map_err(Refusal::fields)?;
        let mut books = Books::default();
        self.fill_profile((&mut tx, &mut books), (row.workspace_id, &row.environment), &mut spec, Some(&row.desired))
            .await?;
        match self.comes_to(&mut tx, &row, &Wish::Update(&spec), call, standing.is_open()).await? {
            Comes::To(action) => {
                self.topic_submit((tx, books), call, (change_of(&row, *action), standing), documentation).await
            }
            Comes::There | Comes::Drop => self.there(tx, call, row.id).await,
        }
    }

    /// Takes a topic away. What is not on a cluster loses its record at once.
    pub async fn topic_delete(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
        documentation: Documentation,
    ) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, true).await;
        }
        let (row, standing) = self.topic_locked(&mut tx, caller, named, expected).await?;
        match self.comes_to(&mut tx, &row, &Wish::Delete, call, standing.is_open()).await? {
            Comes::To(action) => {
                self.topic_submit((tx, Books::default()), call, (change_of(&row, *action), standing), documentation)
                    .await
            }
            Comes::There | Comes::Drop => {
                if let Standing::Open(open) = standing {
                    // An operation is none that could be taken back: it stands in the way.
                    self.not_under_way(&mut tx, &open, &row.key()).await?;
                    self.withdraw_open(&mut tx, call, row.id.uuid()).await?;
                }
                self.topic_drop(tx, call, &row).await
            }
        }
    }

    /// Keeps a topic whose deletion was accepted and has not begun.
    pub async fn topic_restore(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
    ) -> AppResult<TopicId> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before::<TopicId>(&mut tx, call).await? {
            // The right is asked for today, as of every call.
            self.topic_locked(&mut tx, caller, named, None).await?;
            return Ok(before);
        }
        let (row, standing) = self.topic_locked(&mut tx, caller, named, expected).await?;
        let none = || {
            Refusal::new(
                Code::TopicNotScheduled,
                format!("topic {} has no deletion that could be taken back", row.key()),
            )
            .remedy(
                "a deletion can be taken back until it begins: GET /v1/topics/… tells where the topic is on its way",
            )
        };
        let Standing::Open(open) = standing else { return Err(none().into()) };
        if row.status != TopicStatus::Deleting {
            return Err(none().into());
        }
        let operation = open.operation_id.ok_or_else(none)?;
        let others = tx.request_items(open.id).await?.len().saturating_sub(1);
        if others > 0 {
            let text =
                format!("{} is deleted together with {others} more, by one request of {}", row.key(), open.requester);
            let remedy = format!(
                "have the whole deletion cancelled by an admin of the workspace or by {}: POST /v1/operations/{operation}/cancel",
                open.requester
            );
            return Err(Refusal::new(Code::RequestOpen, text).remedy(remedy).into());
        }
        if !self.cancel(&mut tx, call, &open, operation).await? {
            return Err(none().into());
        }
        self.remember(&mut tx, call, &row.id).await?;
        tx.commit().await?;
        self.runner.tell(operation.uuid());
        Ok(row.id)
    }

    async fn topic_drop(&self, mut tx: Tx, call: &Call, row: &TopicRow) -> AppResult<TopicReply> {
        tx.topic_forget(row.id).await?;
        let reply = TopicReply { topic: row.id, outcome: Outcome::Gone };
        self.remember(&mut tx, call, &reply).await?;
        self.audit_object(&mut tx, call, "dropped", Some(row), None).await?;
        tx.commit().await?;
        Ok(reply)
    }

    /// The topic, with its workspace locked, at the revision that the caller expects; and what is open on it.
    async fn topic_locked(
        &self,
        tx: &mut Tx,
        caller: &Caller<TopicWrite>,
        named: &str,
        expected: Option<i64>,
    ) -> AppResult<(TopicRow, Standing)> {
        let row = self.topic_named(tx, caller, named).await?;
        tx.workspace_lock(row.workspace_id).await?;
        let standing = Standing::of(tx.request_open(row.id.uuid()).await?);
        let row = if tx.writes_alone() { Some(row) } else { tx.topic(row.id).await? };
        let row = row.ok_or_else(|| no_topic(named))?;
        match expected {
            Some(revision) if revision != row.revision => {
                Err(Refusal::new(Code::Stale, format!("topic {} is at revision {} by now", row.key(), row.revision))
                    .remedy("read it again, and decide again")
                    .into())
            }
            _ => Ok((row, standing)),
        }
    }
}

/// A field that is wrong.
pub(super) fn field(pointer: &str, code: &str, detail: &str, remedy: &str) -> FieldProblem {
    FieldProblem {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        detail: detail.to_owned(),
        limit: None,
        value: None,
        remedy: Some(remedy.to_owned()),
        rule: None,
    }
}
