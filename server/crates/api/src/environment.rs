//! Workspaces, environments, and the mappings that lead an environment to a cluster.

use crate::wire;
use jiff::Timestamp;

wire! {
    /// A workspace to create: a team.
    input struct WorkspaceCreate {
        /// `[a-z][a-z0-9-]{0,38}`, unique, immutable.
        pub slug: String,
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub display_name: Option<String>,
    }
}

wire! {
    /// What to change on a workspace.
    #[derive(Default)]
    input struct WorkspacePatch {
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
        pub display_name: Option<String>,
    }
}

wire! {
    /// A workspace: a team. Every topic belongs to one.
    struct Workspace {
        /// Its id.
        pub id: String,
        /// Its slug.
        pub slug: String,
        /// What people call it.
        pub display_name: String,
        /// Slug of the tenant it belongs to.
        pub tenant: String,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was created.
        pub created_at: Timestamp,
    }
}

wire! {
    /// An environment to create.
    input struct EnvironmentCreate {
        /// `[a-z][a-z0-9-]{0,38}`, unique, immutable.
        pub slug: String,
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub display_name: Option<String>,
        /// How physical topic names are made, over `{tenant} {workspace} {environment} {application} {name}`. Default `{environment}.{workspace}.{name}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub naming_template: Option<String>,
        /// Names of principals who may give the platform's consent here beside platform admins. At most 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default_approvers: Option<Vec<String>>,
    }
}

wire! {
    /// What to change on an environment. Its naming template is fixed: topics bear the names it made.
    #[derive(Default)]
    input struct EnvironmentPatch {
        /// What people call it. At most 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
        pub display_name: Option<String>,
        /// Names of principals who may give the platform's consent here beside platform admins. At most 50.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::kept::deserialize")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, required = false))]
        pub default_approvers: Option<Vec<String>>,
    }
}

wire! {
    /// An environment: what developers name instead of a cluster.
    struct Environment {
        /// Its id.
        pub id: String,
        /// Its slug.
        pub slug: String,
        /// What people call it.
        pub display_name: String,
        /// How physical topic names are made.
        pub naming_template: String,
        /// Names of principals who may give the platform's consent here beside platform admins.
        pub default_approvers: Vec<String>,
        /// Slugs of the clusters that topics here can come to live on.
        pub clusters: Vec<String>,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was created.
        pub created_at: Timestamp,
    }
}

wire! {
    /// A rule that leads an environment to a cluster.
    input struct EnvironmentMappingCreate {
        /// Slug or id of the environment.
        pub environment: String,
        /// Slug or id of the cluster.
        pub cluster: String,
        /// Where several mappings fit, the highest wins. Default 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub priority: Option<i32>,
        /// Where priorities are equal, the default wins. Default: true for an environment's first mapping, else false.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is_default: Option<bool>,
    }
}

wire! {
    /// A rule that leads an environment to a cluster. New topics go where it leads; those that are there stay.
    struct EnvironmentMapping {
        /// Its id.
        pub id: String,
        /// Slug of the environment.
        pub environment: String,
        /// Slug of the cluster.
        pub cluster: String,
        /// Where several mappings fit, the highest wins.
        pub priority: i32,
        /// Where priorities are equal, the default wins.
        pub is_default: bool,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was created.
        pub created_at: Timestamp,
    }
}
