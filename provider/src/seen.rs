//! What is known of an object that is in no attribute. Kept in the private state.

use crate::Orbit;
use serde::{Deserialize, Serialize};
use tfplugin::{Cx, Diagnostics};

/// What the last refresh saw, and the last apply did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The cluster shows something else than Orbit wants. If the configuration says what the cluster shows, only this tells that an apply is due.
    pub(crate) drifted: bool,
    /// The request that this resource filed and that waited for a person. Only that one may be taken back unasked: another is somebody's own wish,
    /// even if the same token filed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filed: Option<String>,
    /// The revision that was seen last. A change says so: what somebody did between the plan and its apply is not written over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<i64>,
}

impl Seen {
    pub(crate) fn of(cx: &Cx<Orbit>) -> Result<Self, Diagnostics> {
        Ok(cx.private::<Self>()?.unwrap_or_default())
    }

    /// Writes only what is new: else every refresh would be a change of the state.
    pub(crate) fn note(self, cx: &Cx<Orbit>) -> Result<(), Diagnostics> {
        if Self::of(cx)? == self { Ok(()) } else { cx.set_private(&self) }
    }

    /// Takes note of the revision that an answer showed.
    pub(crate) fn at(cx: &Cx<Orbit>, revision: i64) -> Result<(), Diagnostics> {
        Self { revision: Some(revision), ..Self::of(cx)? }.note(cx)
    }

    /// Takes note of a request that was filed.
    pub(crate) fn filed(cx: &Cx<Orbit>, request: &str) -> Result<(), Diagnostics> {
        Self { filed: Some(request.to_owned()), ..Self::of(cx)? }.note(cx)
    }
}
