//! Approval is state of the request, decided by a pure transition: who may do what to a request that stands where.

use crate::{
    id::PrincipalId,
    name::Slug,
    policy::{Approver, Layer, Needs},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a request stands. After `approved` the operation's own states tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// A person has to decide.
    Pending,
    /// Accepted, by policy or by everyone whose consent was due.
    Approved,
    /// Refused by a person.
    Rejected,
    /// Taken back by its side.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
    /// A newer request of the same object took its place.
    Superseded,
}

impl RequestState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Approved, Self::Rejected, Self::Withdrawn, Self::Expired, Self::Superseded];

    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Consents.
    Approve,
    /// Refuses.
    Reject,
    /// Takes back.
    Withdraw,
    /// Its time is up.
    Expire,
    /// A newer request takes its place.
    Supersede,
    /// Puts a rejected one back before those who decide.
    Reopen,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 6] =
        [Self::Approve, Self::Reject, Self::Withdraw, Self::Expire, Self::Supersede, Self::Reopen];
}

/// Who does it, as far as the rules care.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts about one person, not states of one thing")]
pub struct Actor {
    /// Who.
    pub principal: PrincipalId,
    /// Their name, by which a policy may ask for them.
    pub name: String,
    /// Workspaces whose admin they are, by which a policy may ask for them.
    pub admin_of: BTreeSet<Slug>,
    /// Whether they filed the request. Compared by principal, never by token: four eyes.
    pub requester: bool,
    /// Whether they are a platform admin.
    pub platform_admin: bool,
    /// Whether they are an admin of the request's workspace.
    pub workspace_admin: bool,
    /// Whether the environment names them as an approver of the platform's.
    pub environment_approver: bool,
    /// Whether it is Orbit itself.
    pub system: bool,
}

/// A consent that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// By whom.
    pub principal: PrincipalId,
    /// For which layer.
    pub layer: Layer,
}

/// A consent that was given, and what its giver may do today: no approval counts of somebody who has lost the right since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// For which layer.
    pub layer: Layer,
    /// By whom.
    pub giver: Actor,
}

/// What comes of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A consent more; others are due still.
    Consented(Consent),
    /// The request stands here now; with the consent that made it so, if one did.
    Now(RequestState, Option<Consent>),
}

/// Why a deed is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was decided before.
    #[error("the request is {} already", .0.as_str())]
    Decided(RequestState),
    /// Four eyes.
    #[error("you filed this request, so somebody else has to approve it")]
    OwnRequest,
    /// The same person twice.
    #[error("you have approved this request already; somebody else has to give the other consent")]
    Twice,
    /// Not theirs to decide.
    #[error("{0}")]
    NotYours(&'static str),
    /// A matter of its requester, and of the admins of the workspace.
    #[error("{0}")]
    OnlyRequester(&'static str),
}

/// Which consents are due still.
#[must_use]
pub fn open_needs<'a>(needs: &'a BTreeSet<Needs>, given: &[Given]) -> Vec<&'a Needs> {
    needs.iter().filter(|n| given.iter().filter(|g| counts(g, n)).count() < usize::from(n.quorum)).collect()
}

/// Whether a consent that was given counts for a need today.
#[must_use]
pub fn counts(given: &Given, need: &Needs) -> bool {
    given.layer == need.layer && may_give(&given.giver, need)
}

/// Whether the actor's consent counts for a need: of whom the policy names; by default, what a platform policy asks for, a platform admin or whom the
/// environment names; what a workspace policy asks for, an admin of the workspace.
#[must_use]
pub fn may_consent(actor: &Actor, need: &Needs) -> bool {
    if need.approvers.is_empty() {
        return match need.layer {
            Layer::Platform | Layer::System => actor.platform_admin || actor.environment_approver,
            Layer::Workspace => actor.workspace_admin,
        };
    }
    need.approvers.iter().any(|approver| match approver {
        Approver::PlatformAdmin => actor.platform_admin,
        Approver::WorkspaceAdmin => actor.workspace_admin,
        Approver::AdminOf(workspace) => actor.admin_of.contains(workspace),
        Approver::Principal(name) => *name == actor.name,
    })
}

/// The same with four eyes.
fn may_give(actor: &Actor, need: &Needs) -> bool {
    may_consent(actor, need) && (!actor.requester || need.self_approval)
}

/// The transition. An illegal one is an error, never a no-op.
pub fn decide(
    state: RequestState,
    needs: &BTreeSet<Needs>,
    given: &[Given],
    deed: Deed,
    actor: &Actor,
) -> Result<Outcome, Refusal> {
    match (deed, state) {
        (Deed::Reopen, RequestState::Pending) => {
            return Err(Refusal::Decided(RequestState::Pending));
        }
        (Deed::Reopen, RequestState::Rejected) | (_, RequestState::Pending) => {}
        (_, decided) => return Err(Refusal::Decided(decided)),
    }
    let is_approver = needs.iter().any(|n| may_consent(actor, n));
    match deed {
        Deed::Approve => approve(needs, given, actor),
        Deed::Reject if is_approver => Ok(Outcome::Now(RequestState::Rejected, None)),
        Deed::Reopen if is_approver => Ok(Outcome::Now(RequestState::Pending, None)),
        Deed::Reject | Deed::Reopen => Err(NOT_AN_APPROVER),
        Deed::Withdraw if actor.requester || actor.workspace_admin => Ok(Outcome::Now(RequestState::Withdrawn, None)),
        Deed::Withdraw => {
            Err(Refusal::OnlyRequester("only its requester or an admin of the workspace can withdraw a request"))
        }
        Deed::Supersede if actor.requester || actor.workspace_admin => Ok(Outcome::Now(RequestState::Superseded, None)),
        Deed::Supersede => Err(Refusal::OnlyRequester(
            "only its requester or an admin of the workspace can put another request in its place",
        )),
        Deed::Expire if actor.system => Ok(Outcome::Now(RequestState::Expired, None)),
        Deed::Expire => Err(Refusal::NotYours("requests expire by themselves")),
    }
}

const NOT_AN_APPROVER: Refusal = Refusal::NotYours("you are not among those who decide this request");

/// One principal gives one consent: where both layers ask, two people are due. Who could give either gives the workspace's, which fewer others can.
fn approve(needs: &BTreeSet<Needs>, given: &[Given], actor: &Actor) -> Result<Outcome, Refusal> {
    // One that does not count any more may be given anew, in the role that its giver has by now.
    let counted = |g: &Given| needs.iter().any(|need| counts(g, need));
    if given.iter().any(|g| g.giver.principal == actor.principal && counted(g)) {
        return Err(Refusal::Twice);
    }
    let open = open_needs(needs, given);
    let theirs: Vec<_> = open.iter().filter(|n| may_consent(actor, n)).collect();
    let Some(layer) = theirs.iter().filter(|n| may_give(actor, n)).map(|n| n.layer).max() else {
        return Err(if theirs.is_empty() { NOT_AN_APPROVER } else { Refusal::OwnRequest });
    };
    let consent = Consent { principal: actor.principal, layer };
    let with_it: Vec<_> = given.iter().cloned().chain([Given { layer, giver: actor.clone() }]).collect();
    let was_the_last = open_needs(needs, &with_it).is_empty();
    Ok(if was_the_last { Outcome::Now(RequestState::Approved, Some(consent)) } else { Outcome::Consented(consent) })
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
