//! What a call for a topic comes to, where the topic stands; submit and evaluate both ask.

use super::{
    App, AppError, AppResult, Call, Code, Place, Refusal, TopicIntent, TopicNew, to_the_second, topic_place::Books,
    topics::field,
};
use orbit_core::{
    change::{Action, TopicAction, TopicChange},
    model::topic::{Drift, TopicSpec, TopicStatus},
};
use orbit_store::{OperationRow, Read, TopicRow};

/// What a call asks of a topic that has a record.
pub(super) enum Wish<'a> {
    Create(&'a TopicSpec),
    Update(&'a TopicSpec),
    Delete,
}

/// What a wish comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Comes {
    /// A change to judge and file.
    To(Box<TopicAction>),
    /// Nothing: it is there as asked.
    There,
    /// Nothing stands behind the record: it is dropped, once the request that is open on it is taken back.
    Drop,
}

/// Where an intent stands.
pub(super) struct Intent<'a> {
    pub call: &'a Call,
    pub place: &'a Place,
    /// Whether a request is open on the topic.
    pub is_open: bool,
}

/// What an intent comes to.
pub(super) enum Intended {
    /// A change to judge and file, and what it was asked for as, with what its profile gives.
    Change(TopicChange, TopicNew),
    /// Nothing: it is there as asked.
    There(TopicRow),
    /// Nothing stands behind the record: it is to be dropped.
    Drop(TopicRow),
}

impl App {
    /// What an intent comes to, as one of several that a call holds.
    pub(super) async fn intended(
        &self,
        (db, books): (&mut Read, &mut Books),
        intent: &Intent<'_>,
        item: TopicIntent,
    ) -> AppResult<Intended> {
        let (place, new) = (intent.place, item.topic);
        let new = match item.action {
            Action::Create | Action::Update => self.with_profile((db, books), place, new).await?,
            Action::Delete => new,
        };
        let wish = match item.action {
            Action::Create => Wish::Create(&new.spec),
            Action::Update => Wish::Update(&new.spec),
            Action::Delete => Wish::Delete,
        };
        let comes = match &place.existing {
            Some(row) => Some((row, self.comes_to(db, row, &wish, intent.call, intent.is_open).await?)),
            None => None,
        };
        match (item.action, comes) {
            (_, Some((row, Comes::There))) => Ok(Intended::There(row.clone())),
            (_, Some((row, Comes::Drop))) => Ok(Intended::Drop(row.clone())),
            (Action::Create, _) => Ok(Intended::Change(self.creation(db, place, &new).await?, new)),
            (Action::Update | Action::Delete, Some((row, Comes::To(action)))) => {
                Ok(Intended::Change(change_of(row, *action), new))
            }
            (Action::Update | Action::Delete, None) => {
                let key = format!("{}/{}/{}", new.workspace, new.environment, new.name);
                let text = format!("there is no topic {key} that you can see");
                Err(Refusal::new(Code::TopicNotFound, text).into())
            }
        }
    }

    /// What a wish comes to, where the topic stands; submit and evaluate both ask.
    pub(super) async fn comes_to(
        &self,
        db: &mut Read,
        row: &TopicRow,
        wish: &Wish<'_>,
        call: &Call,
        is_open: bool,
    ) -> AppResult<Comes> {
        match comes_to(row, wish, call, is_open) {
            Err(AppError::Refused(refusal)) if refusal.code == Code::TopicDeleting => {
                let newest = db.operations_newest(&[row.id.uuid()]).await?.pop().map(|(_, operation)| operation);
                Err(newest.and_then(|o| scheduled(row, &o)).unwrap_or(*refusal).into())
            }
            told => told,
        }
    }
}

/// The refusal of what meets a topic whose deletion has not begun.
fn scheduled(row: &TopicRow, operation: &OperationRow) -> Option<Refusal> {
    let at = to_the_second(operation.scheduled_at()?);
    let text = format!("topic {} is going to be deleted at {at}", row.key());
    Some(
        Refusal::new(Code::TopicDeletionScheduled, text).remedy(format!(
            "keep it with POST /v1/topics/{}/restore, or wait until it is gone, then call again",
            row.id
        )),
    )
}

/// The same by the record alone. A create that meets an active topic is the lost reply of its own creator,
/// or the topic exists already.
fn comes_to(row: &TopicRow, wish: &Wish<'_>, call: &Call, is_open: bool) -> AppResult<Comes> {
    match (row.status, wish) {
        (TopicStatus::Deleting, Wish::Create(_) | Wish::Update(_)) => Err(deleting(row).into()),
        (TopicStatus::Active, Wish::Create(spec)) => {
            let lost_reply = row.acknowledged_at.is_none()
                && row.created_by == call.who.principal
                && row.desired.differences(spec).is_empty();
            if lost_reply { Ok(Comes::There) } else { Err(exists(row).into()) }
        }
        (TopicStatus::Active, Wish::Update(spec)) => match row.drift() {
            Some(Drift::Recreated { .. }) => Err(recreated(row).into()),
            // With a request open, asking for what is already there is a wish of its own: that one gives way to it, and nothing is left to do.
            None if !is_open && row.desired.differences(spec).is_empty() => Ok(Comes::There),
            _ => Ok(Comes::To(Box::new(TopicAction::Update { spec: (*spec).clone() }))),
        },
        (TopicStatus::Active | TopicStatus::Deleting, Wish::Delete) => Ok(Comes::To(Box::new(TopicAction::Delete))),
        (
            TopicStatus::PendingApproval
            | TopicStatus::Provisioning
            | TopicStatus::Failed
            | TopicStatus::Rejected
            | TopicStatus::Withdrawn
            | TopicStatus::Expired,
            wish,
        ) => Ok(match wish {
            Wish::Create(spec) | Wish::Update(spec) => {
                Comes::To(Box::new(TopicAction::Create { spec: (*spec).clone() }))
            }
            Wish::Delete => Comes::Drop,
        }),
    }
}

fn exists(row: &TopicRow) -> Refusal {
    let (key, name) = (row.key(), row.name.as_str().replace('.', "_"));
    let remedy = format!(
        "bring it under Terraform: terraform import orbit_kafka_topic.{name} {key}; by REST, change it: PATCH /v1/topics/{}",
        row.id
    );
    let detail = format!("topic {key} exists already");
    Refusal::new(Code::TopicExists, &detail).remedy(&remedy).field(field("/name", "topic.exists", &detail, &remedy))
}

fn deleting(row: &TopicRow) -> Refusal {
    Refusal::new(Code::TopicDeleting, format!("topic {} is being deleted", row.key()))
        .remedy("wait until it is gone, then call again")
}

fn recreated(row: &TopicRow) -> Refusal {
    let (name, cluster) = (&row.physical_name, &row.cluster);
    Refusal::new(
        Code::TopicRecreated,
        format!("the topic {name} on cluster {cluster} is not the one that Orbit made: somebody deleted it and created it again"),
    )
    .remedy("have it removed from the cluster, then apply again; or delete the topic here, which leaves the one on the cluster alone")
}

/// A change of a topic that has a record: names and cluster stay what they are.
pub(super) fn change_of(row: &TopicRow, action: TopicAction) -> TopicChange {
    TopicChange {
        id: row.id,
        workspace_id: row.workspace_id,
        workspace: row.workspace.clone(),
        environment_id: row.environment_id,
        environment: row.environment.clone(),
        name: row.name.clone(),
        cluster_id: row.cluster_id,
        physical_name: row.physical_name.clone(),
        action,
    }
}
