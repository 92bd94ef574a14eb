//! Approval is state of the request, decided by a pure transition: who may do what to a request that stands where.

use crate::{
    id::PrincipalId,
    policy::{Layer, Needs},
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
}

/// Who does it, as far as the rules care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts about one person, not states of one thing")]
pub struct Actor {
    /// Who.
    pub principal: PrincipalId,
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
}

/// Which consents are due still.
#[must_use]
pub fn open_layers(needs: &BTreeSet<Needs>, given: &[Consent]) -> Vec<Needs> {
    needs.iter().filter(|n| !given.iter().any(|c| c.layer == n.layer)).copied().collect()
}

/// Whether the actor's consent counts for a layer: what a platform policy asks for, a platform admin or whom the environment names; what a workspace
/// policy asks for, an admin of the workspace.
#[must_use]
pub fn may_consent(actor: &Actor, layer: Layer) -> bool {
    match layer {
        Layer::Platform | Layer::System => actor.platform_admin || actor.environment_approver,
        Layer::Workspace => actor.workspace_admin,
    }
}

/// The transition. An illegal one is an error, never a no-op.
pub fn decide(
    state: RequestState,
    needs: &BTreeSet<Needs>,
    given: &[Consent],
    deed: Deed,
    actor: &Actor,
) -> Result<Outcome, Refusal> {
    if state != RequestState::Pending {
        return Err(Refusal::Decided(state));
    }
    match deed {
        Deed::Approve => approve(needs, given, actor),
        Deed::Reject if needs.iter().any(|n| may_consent(actor, n.layer)) => {
            Ok(Outcome::Now(RequestState::Rejected, None))
        }
        Deed::Reject => Err(NOT_AN_APPROVER),
        Deed::Withdraw if actor.requester || actor.workspace_admin => Ok(Outcome::Now(RequestState::Withdrawn, None)),
        Deed::Withdraw => {
            Err(Refusal::NotYours("only its requester or an admin of the workspace can withdraw a request"))
        }
        Deed::Supersede if actor.requester || actor.workspace_admin => Ok(Outcome::Now(RequestState::Superseded, None)),
        Deed::Supersede => Err(Refusal::NotYours(
            "only its requester or an admin of the workspace can put another request in its place",
        )),
        Deed::Expire if actor.system => Ok(Outcome::Now(RequestState::Expired, None)),
        Deed::Expire => Err(Refusal::NotYours("requests expire by themselves")),
    }
}

const NOT_AN_APPROVER: Refusal = Refusal::NotYours("you are not among those who decide this request");

/// One principal gives one consent: where both layers ask, two people are due.
fn approve(needs: &BTreeSet<Needs>, given: &[Consent], actor: &Actor) -> Result<Outcome, Refusal> {
    if given.iter().any(|c| c.principal == actor.principal) {
        return Err(Refusal::Twice);
    }
    let open = open_layers(needs, given);
    let theirs: Vec<_> = open.iter().filter(|n| may_consent(actor, n.layer)).collect();
    let allowed = theirs.iter().filter(|n| !actor.requester || n.self_approval);
    // Who may speak for both speaks for the workspace: fewer others can.
    let Some(need) = allowed.max_by_key(|n| n.layer == Layer::Workspace) else {
        return Err(if theirs.is_empty() { NOT_AN_APPROVER } else { Refusal::OwnRequest });
    };
    let consent = Consent { principal: actor.principal, layer: need.layer };
    Ok(if open.len() == 1 { Outcome::Now(RequestState::Approved, Some(consent)) } else { Outcome::Consented(consent) })
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
