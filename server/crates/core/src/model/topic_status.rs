//! Where a topic is on its way, and what may happen to it there: one table.

use serde::{Deserialize, Serialize};

/// Where a topic is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopicStatus {
    /// Its creation waits for a person.
    PendingApproval,
    /// It is being made.
    Provisioning,
    /// It is on the cluster.
    Active,
    /// It could not be made.
    Failed,
    /// It is being deleted.
    Deleting,
    /// Its creation was refused by a person.
    Rejected,
    /// Its creation was taken back.
    Withdrawn,
    /// Nobody decided its creation in time.
    Expired,
}

impl TopicStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::PendingApproval,
        Self::Provisioning,
        Self::Active,
        Self::Failed,
        Self::Deleting,
        Self::Rejected,
        Self::Withdrawn,
        Self::Expired,
    ];

    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingApproval => "pending-approval",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// Whether creating it again takes up the record, since nothing is on the cluster and nothing is under way.
    #[must_use]
    pub fn can_be_taken_up(self) -> bool {
        match self {
            Self::Failed | Self::Rejected | Self::Withdrawn | Self::Expired => true,
            Self::PendingApproval | Self::Provisioning | Self::Active | Self::Deleting => false,
        }
    }
}

/// What happens to a topic's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicEvent {
    /// A create was filed and waits for a person.
    CreateFiled,
    /// A create was allowed or approved.
    CreateAccepted,
    /// A person refused the create.
    CreateRejected,
    /// The create was taken back.
    CreateWithdrawn,
    /// Nobody decided in time.
    CreateExpired,
    /// The topic is on the cluster.
    Provisioned,
    /// It was made, and is being taken back with the bundle that it belongs to.
    TakenBack,
    /// It could not be made; nothing of it is left.
    ProvisioningFailed,
    /// A delete was allowed or approved.
    DeleteAccepted,
    /// The delete could not be carried out; the topic is there still.
    DeleteFailed,
    /// The delete was taken back before it began.
    DeleteCancelled,
}

/// An event that cannot happen to a topic of that status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a topic that is {status:?}")]
pub struct IllegalTransition {
    /// The status.
    pub status: Option<TopicStatus>,
    /// The event.
    pub event: TopicEvent,
}

/// The topic's state machine. `None` is "no record yet". A deleted topic has no record, so there is no state for it.
#[expect(clippy::match_same_arms, reason = "a table: a line per event, in the order of a life")]
pub fn transition(status: Option<TopicStatus>, event: TopicEvent) -> Result<TopicStatus, IllegalTransition> {
    use TopicEvent as E;
    use TopicStatus as S;
    Ok(match (status, event) {
        (None | Some(S::Failed | S::Rejected | S::Withdrawn | S::Expired | S::PendingApproval), E::CreateFiled) => {
            S::PendingApproval
        }
        // `Active` too: a topic that was deleted behind Orbit's back is made again under its record.
        (
            None | Some(S::Failed | S::Rejected | S::Withdrawn | S::Expired | S::PendingApproval | S::Active),
            E::CreateAccepted,
        ) => S::Provisioning,
        (Some(S::PendingApproval), E::CreateRejected) => S::Rejected,
        (Some(S::PendingApproval), E::CreateWithdrawn) => S::Withdrawn,
        (Some(S::PendingApproval), E::CreateExpired) => S::Expired,
        (Some(S::Provisioning), E::Provisioned) => S::Active,
        (Some(S::Active), E::TakenBack) => S::Provisioning,
        (Some(S::Provisioning), E::ProvisioningFailed) => S::Failed,
        (Some(S::Active | S::Failed), E::DeleteAccepted) => S::Deleting,
        (Some(S::Deleting), E::DeleteFailed) => S::Active,
        (Some(S::Deleting), E::DeleteCancelled) => S::Active,
        (status, event) => return Err(IllegalTransition { status, event }),
    })
}
