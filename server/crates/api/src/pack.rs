//! Policy packs: rules that come with Orbit.

use crate::{Difference, wire};
use std::collections::BTreeMap;

wire! {
    /// Which environments are which, by slug.
    #[derive(Default)]
    input struct PackEnvironments {
        /// Where others depend on what is there: staging and production.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub production: Option<Vec<String>>,
        /// Where developers try things, on one broker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub development: Option<Vec<String>>,
    }
}

wire! {
    /// A policy pack of this build.
    struct PolicyPack {
        /// Its name.
        pub name: String,
        /// Its version.
        pub version: i64,
        /// What it is.
        pub title: String,
        /// What it says.
        pub description: String,
        /// What is installed of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub installed: Option<PackInstallation>,
    }
}

wire! {
    /// What is installed of a policy pack.
    struct PackInstallation {
        /// In which version; `version` of the pack is the one that this build would install.
        pub version: i64,
        /// Which environments are which.
        pub environments: PackEnvironments,
        /// Its policies.
        pub policies: Vec<String>,
        /// Those that somebody changed since the pack wrote them.
        pub changed_by_hand: Vec<String>,
    }
}

wire! {
    /// How to install a policy pack.
    #[derive(Default)]
    input struct PackInstall {
        /// Which environments are which; a group that is not given stays as installed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub environments: Option<PackEnvironments>,
        /// Only tell what would be done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub dry_run: Option<bool>,
        /// Also where a policy was changed by hand: what was changed is lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub overwrite: Option<bool>,
    }
}

wire! {
    /// What an installation does to a policy.
    enum PackAction {
        /// It is new.
        Create,
        /// It changes.
        Update,
        /// It says the same already.
        Keep,
        /// The pack does not have it any more, or no environment needs it.
        Delete,
    }
}

wire! {
    /// What an installation does to a policy, in full.
    struct PackStep {
        /// Name of the policy.
        pub policy: String,
        /// What is done.
        pub action: PackAction,
        /// Whether somebody changed it since the pack wrote it.
        pub changed_by_hand: bool,
        /// What changes in it, field by field; values as JSON.
        pub differences: Vec<Difference>,
    }
}

wire! {
    /// What an installation did, or would do.
    struct PackInstalled {
        /// The pack.
        pub name: String,
        /// The version that is installed by it.
        pub version: i64,
        /// The version that was there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub before: Option<i64>,
        /// Whether it only tells.
        pub dry_run: bool,
        /// Policy by policy.
        pub policies: Vec<PackStep>,
        /// Environments in which no topic at all could be created any more, and why.
        pub locks_out: BTreeMap<String, Vec<String>>,
    }
}
