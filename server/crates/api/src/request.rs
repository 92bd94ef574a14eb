//! Requests: what somebody asked for, with the verdict it got.

use crate::{Action, Difference, Documentation, Problem, wire};
use jiff::Timestamp;
use std::collections::BTreeMap;

wire! {
    /// Where a request stands.
    enum RequestState {
        /// A person has to decide.
        Pending,
        /// Accepted, by policy or by everyone whose consent was due.
        Approved,
        /// Refused by a person.
        Rejected,
        /// Taken back.
        Withdrawn,
        /// Nobody decided in time.
        Expired,
        /// A newer request of the same object took its place.
        Superseded,
    }
}

wire! {
    /// The verdict in one word.
    enum Decision {
        /// Goes ahead.
        Allow,
        /// Goes ahead once those of `needs` have consented.
        NeedsApproval,
        /// Does not go ahead.
        Deny,
    }
}

wire! {
    /// Who made a rule.
    enum Layer {
        /// Kafka or Orbit itself.
        System,
        /// The platform team.
        Platform,
        /// The workspace.
        Workspace,
    }
}

wire! {
    /// What policy says of a change.
    struct Verdict {
        /// In one word.
        pub decision: Decision,
        /// Why not: all of it.
        #[serde(default)]
        pub violations: Vec<Finding>,
        /// Why a person has to consent.
        #[serde(default)]
        pub reasons: Vec<Finding>,
        /// What is worth knowing.
        #[serde(default)]
        pub warnings: Vec<Finding>,
        /// Whose consent is due.
        #[serde(default)]
        pub needs: Vec<Need>,
    }
}

wire! {
    /// One thing that policy found.
    struct Finding {
        /// Stable code, for example `topic.partitions.limit`.
        pub code: String,
        /// Whose rule.
        pub layer: Layer,
        /// The policy's name, or `kafka` or `orbit` where those set the rule.
        pub policy: String,
        /// The policy's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub policy_id: Option<String>,
        /// Version of the policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub policy_version: Option<i64>,
        /// The rule's field in the policy, for example `partition_limits.max`.
        pub rule: String,
        /// JSON pointer of the field it is about; empty for the whole object.
        pub field: String,
        /// The limit, where the rule has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<String>,
        /// The value that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
        /// The policy with the stricter limit of the same kind, where there is one: what keeps that keeps this too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub overruled_by: Option<String>,
        /// A sentence for a person: `Denied: exceeds platform limit of 50 partitions`.
        pub message: String,
        /// What to do.
        pub remedy: String,
    }
}

wire! {
    /// What asking for several changes as one request would be answered.
    struct RequestEvaluation {
        /// What policy says of all of it, with pointers into the body; `allow` where everything is as asked for already.
        pub verdict: Verdict,
        /// The open request that asks for just this: nothing more is asked of anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request: Option<RequestSummary>,
        /// The open requests that it would take the place of.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub supersedes: Vec<RequestSummary>,
    }
}

wire! {
    /// What is decided of several requests.
    enum Decide {
        /// Consents.
        Approve,
        /// Refuses.
        Reject,
    }
}

wire! {
    /// What becomes of a request whose approval meets a denial.
    enum OnDenial {
        /// It stays open.
        Keep,
        /// It is rejected, with the denial as the reason.
        Reject,
    }
}

wire! {
    /// Several requests to decide, each for itself.
    input struct RequestsDecide {
        /// Their ids, 1 to 200.
        pub requests: Vec<String>,
        /// What is decided.
        pub decision: Decide,
        /// What becomes of a request that is approved where policy does not allow it by now. Default `keep`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub on_denial: Option<OnDenial>,
        /// The comment of a consent, or the reason of a refusal, which is due. At most 2,000 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub words: Option<String>,
    }
}

wire! {
    /// What became of each, in the order asked.
    struct RequestsDecided {
        /// One per request.
        pub items: Vec<RequestDecided>,
    }
}

wire! {
    /// A request after its decision, or why it was not taken.
    struct RequestDecided {
        /// The request, decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request: Option<Request>,
        /// Why it was not decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub problem: Option<Problem>,
    }
}

fn one() -> u8 {
    1
}

wire! {
    /// A consent that is due.
    struct Need {
        /// Whose rule asks for it.
        pub layer: Layer,
        /// Who can give it, in words: `a platform admin`, `an admin of workspace payments`, `2 of: kim or lee or sam`.
        pub approvers: String,
        /// How many people have to give it.
        #[serde(default = "one")]
        pub quorum: u8,
        /// Whether the requester may give it.
        pub self_approval: bool,
        /// Who gave it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub given_by: Vec<String>,
    }
}

wire! {
    /// A request in short, as other objects carry it.
    struct RequestSummary {
        /// Its id.
        pub id: String,
        /// Where it stands.
        pub state: RequestState,
        /// What it asks for.
        pub action: Action,
        /// Where it can be seen and decided.
        pub url: String,
        /// Who filed it.
        pub requester: String,
        /// The Terraform or CI run that filed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub run_id: Option<String>,
        /// Who can decide it, in words.
        pub approvers: String,
        /// Why a person has to decide, in words.
        pub because: String,
        /// Who decided it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub decided_by: Option<String>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
        /// When it expires, if nobody decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_at: Option<Timestamp>,
    }
}

wire! {
    /// A request, with all that a decision needs.
    struct Request {
        /// Its id.
        pub id: String,
        /// Where it stands.
        pub state: RequestState,
        /// Slug of the workspace it belongs to.
        pub workspace: String,
        /// Who filed it.
        pub requester: String,
        /// What it says for itself, in their words.
        #[serde(flatten)]
        pub documentation: Documentation,
        /// The Terraform or CI run it came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub run_id: Option<String>,
        /// Where that run can be seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub run_url: Option<String>,
        /// What it asks for.
        pub items: Vec<RequestItem>,
        /// What policy said when it was filed.
        pub verdict: Verdict,
        /// Whose consent is due, and who gave theirs.
        pub needs: Vec<Need>,
        /// Who decided it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub decided_by: Option<String>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub decided_at: Option<Timestamp>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
        /// The operation that carries it out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operation_id: Option<String>,
        /// The request that took its place: the requester asked for something else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub superseded_by: Option<String>,
        /// Where it can be seen and decided.
        pub url: String,
        /// What else the requester has open in the workspace, at most 20; not in lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub requester_open: Option<Vec<OpenRequest>>,
        /// The call that approves it, ready to run with a token of an approver's in `ORBIT_TOKEN`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub approve_with: Option<String>,
        /// When it was filed.
        pub created_at: Timestamp,
        /// When it expires, if nobody decides.
        pub expires_at: Timestamp,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
    }
}

wire! {
    /// A pending request, as little of it as a link needs.
    struct OpenRequest {
        /// Its id.
        pub id: String,
        /// Where it can be seen and decided.
        pub url: String,
        /// Keys of its objects: `workspace/environment/name`.
        pub objects: Vec<String>,
    }
}

wire! {
    /// A kind of object that requests can be about.
    enum Noun {
        /// A Kafka topic.
        Topic,
    }
}

wire! {
    /// What waits for somebody.
    struct Inbox {
        /// How many requests.
        pub total: u64,
        /// Since when the oldest of them waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub oldest_at: Option<Timestamp>,
        /// How many by slug of the workspace.
        pub workspaces: BTreeMap<String, u64>,
        /// How many by slug of the environment.
        pub environments: BTreeMap<String, u64>,
        /// How many by kind of object.
        pub nouns: BTreeMap<String, u64>,
        /// False where so many requests are pending (10,000) that not all were looked at.
        pub complete: bool,
        /// Those that wait longest, as many as were asked for.
        pub items: Vec<Request>,
    }
}

wire! {
    /// One object of a request.
    struct RequestItem {
        /// The object's kind: `topic`.
        pub noun: String,
        /// What is to happen.
        pub action: Action,
        /// The object's id.
        pub object_id: String,
        /// The object's natural key: `workspace/environment/name`.
        pub object_key: String,
        /// The cluster it is on, or is to be.
        pub cluster: String,
        /// The object's name there.
        pub physical_name: String,
        /// What changes, field by field.
        pub differences: Vec<Difference>,
        /// What happened to the object before: newest first, at most 20.
        pub history: Vec<HistoryEntry>,
    }
}

wire! {
    /// A line of an object's history.
    struct HistoryEntry {
        /// When.
        pub at: Timestamp,
        /// Who.
        pub actor: String,
        /// What, for example `request.approved`.
        pub action: String,
        /// The request it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_id: Option<String>,
        /// More of it, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub detail: Option<String>,
    }
}

wire! {
    /// A consent.
    #[derive(Default)]
    input struct Approve {
        /// At most 2,000 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub comment: Option<String>,
        /// What becomes of the request where policy does not allow it by now: `keep` (the default) or `reject`. The answer is the denial, either way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub on_denial: Option<OnDenial>,
    }
}

wire! {
    /// A refusal.
    input struct Reject {
        /// Why: the requester sees it, in Terraform too. 1 to 2,000 characters.
        pub reason: String,
    }
}
