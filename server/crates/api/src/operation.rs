//! Operations: durable runs that carry accepted requests out.

use crate::wire;
use jiff::Timestamp;

wire! {
    /// Where an operation stands.
    enum OperationState {
        /// Accepted, not begun.
        Pending,
        /// Its steps are being taken.
        Running,
        /// Waits for a cluster, or for the next try.
        Waiting,
        /// Rests until a person resumes it.
        Paused,
        /// Everything was done.
        Succeeded,
        /// A step failed for good, or a person cancelled it; what was done is being taken back.
        RollingBack,
        /// Nothing of it is left.
        RolledBack,
        /// Taking back failed for good: a person has to look.
        Stuck,
        /// A person cancelled it, and nothing of it is left.
        Cancelled,
    }
}

impl OperationState {
    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Stuck | Self::Cancelled)
    }
}

wire! {
    /// An operation in short, as other objects carry it.
    struct OperationSummary {
        /// Its id.
        pub id: String,
        /// Where it stands.
        pub state: OperationState,
        /// Why it failed, or what it waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<OperationError>,
    }
}

wire! {
    /// Why an operation failed, or what it waits for.
    struct OperationError {
        /// Stable code; the error reference has a section for each.
        pub code: String,
        /// What happened, for a person.
        pub message: String,
    }
}

wire! {
    /// An operation, with its steps.
    struct Operation {
        /// Its id.
        pub id: String,
        /// What it does: `TopicProvisioning`, `TopicUpdate`, `TopicDeletion`; `Bundle` where it carries out a request of several objects.
        pub kind: String,
        /// Where it stands.
        pub state: OperationState,
        /// Slug of the workspace it belongs to.
        pub workspace: String,
        /// Slug of the cluster it works on.
        pub cluster: String,
        /// The request that it carries out.
        pub request_id: String,
        /// It begins then, not before; until it does it can be taken back. Absent once it has begun, or was taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub not_before: Option<Timestamp>,
        /// A person cancelled it: what was done is taken back after the step that is under way.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub cancel_requested: bool,
        /// A person paused it: it rests after the step that is under way.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub pause_requested: bool,
        /// Its steps, in order.
        pub steps: Vec<OperationStep>,
        /// Why it failed, or what it waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<OperationError>,
        /// Of one that is stuck: the steps that are not taken back yet, in the order in which they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub undo_left: Vec<String>,
        /// When it was accepted.
        pub created_at: Timestamp,
        /// When it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub finished_at: Option<Timestamp>,
    }
}

wire! {
    /// How far a step is.
    enum StepState {
        /// Not begun.
        Pending,
        /// Begun, not ended.
        Running,
        /// Done.
        Done,
        /// Failed for good.
        Failed,
        /// Taken back.
        Undone,
        /// Never begun, and the operation is over.
        Skipped,
    }
}

wire! {
    /// A step of an operation.
    struct OperationStep {
        /// What it does: `create`, `change-configs`, …
        pub name: String,
        /// The name on the cluster of what it works on, where the operation carries out a request of several objects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub physical_name: Option<String>,
        /// How far it is.
        pub state: StepState,
        /// Tries that failed.
        pub attempts: u32,
        /// Times it had to wait for its cluster; costs no attempt.
        pub waits: u32,
        /// When it was first tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub started_at: Option<Timestamp>,
        /// When it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub finished_at: Option<Timestamp>,
        /// What the last try said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_error: Option<String>,
        /// What was behind it, as Kafka's client has it; told to platform admins alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_cause: Option<String>,
    }
}
