//! What the platform team keeps: workspaces, environments, clusters, mappings and policies. And the server's own health.

use super::{Client, ClientError, PageQuery};
use crate::{
    Cluster, ClusterCreate, ClusterPatch, Environment, EnvironmentCreate, EnvironmentMapping, EnvironmentMappingCreate,
    EnvironmentPatch, Page, TopicPolicy, TopicPolicyCreate, TopicPolicyReplace, TopicPolicyRestore, TopicPolicyVersion,
    Workspace, WorkspaceCreate, WorkspacePatch,
};

/// The calls that nouns share.
macro_rules! noun {
    ($path:literal, $Noun:ty: $($(#[$doc:meta])* $call:ident $name:ident $(($Body:ty))?),* $(,)?) => {
        impl Client {
            $(noun!(@$call $path, $Noun, [$(#[$doc])*], $name $(, $Body)?);)*
        }
    };
    (@create $path:literal, $Noun:ty, [$($doc:tt)*], $name:ident, $Body:ty) => {
        $($doc)*
        pub async fn $name(&self, new: &$Body) -> Result<$Noun, ClientError> {
            self.post(&["v1", $path]).body(new).read().await
        }
    };
    (@get $path:literal, $Noun:ty, [$($doc:tt)*], $name:ident) => {
        $($doc)*
        pub async fn $name(&self, id: &str) -> Result<$Noun, ClientError> {
            self.get(&["v1", $path, id]).read().await
        }
    };
    (@list $path:literal, $Noun:ty, [$($doc:tt)*], $name:ident) => {
        $($doc)*
        pub async fn $name(&self, page: &PageQuery) -> Result<Page<$Noun>, ClientError> {
            self.get(&["v1", $path]).page(page).read().await
        }
    };
    (@update $path:literal, $Noun:ty, [$($doc:tt)*], $name:ident, $Body:ty) => {
        $($doc)*
        ///
        /// With a revision, only if it is at that one still.
        pub async fn $name(&self, id: &str, patch: &$Body, at: Option<i64>) -> Result<$Noun, ClientError> {
            self.patch(&["v1", $path, id], patch).at(at).read().await
        }
    };
    (@delete $path:literal, $Noun:ty, [$($doc:tt)*], $name:ident) => {
        $($doc)*
        pub async fn $name(&self, id: &str) -> Result<(), ClientError> {
            self.delete(&["v1", $path, id]).done().await
        }
    };
}
pub(super) use noun;

noun!("workspaces", Workspace:
    /// Creates a workspace.
    create workspace_create(WorkspaceCreate),
    /// A workspace, by slug or id.
    get workspace_get,
    /// A page of the workspaces that the caller may see.
    list workspace_list,
    /// Changes a workspace.
    update workspace_update(WorkspacePatch),
    /// Deletes a workspace that owns nothing.
    delete workspace_delete);
noun!("environments", Environment:
    /// Creates an environment.
    create environment_create(EnvironmentCreate),
    /// An environment, by slug or id.
    get environment_get,
    /// A page of the environments.
    list environment_list,
    /// Changes an environment.
    update environment_update(EnvironmentPatch),
    /// Deletes an environment that nothing is in.
    delete environment_delete);
noun!("clusters", Cluster:
    /// Registers a cluster. Its connection is tried first.
    create cluster_create(ClusterCreate),
    /// A cluster, by slug or id.
    get cluster_get,
    /// A page of the clusters.
    list cluster_list,
    /// Changes a cluster. A new connection is tried first.
    update cluster_update(ClusterPatch),
    /// Removes a cluster that no topic is on from Orbit. The cluster itself stays as it is.
    delete cluster_delete);
noun!("environment-mappings", EnvironmentMapping:
    /// Creates a mapping.
    create mapping_create(EnvironmentMappingCreate),
    /// A mapping, by id.
    get mapping_get,
    /// A page of the mappings.
    list mapping_list,
    /// Deletes a mapping. Topics that it led to a cluster stay there.
    delete mapping_delete);
noun!("topic-policies", TopicPolicy:
    /// Creates a topic policy.
    create topic_policy_create(TopicPolicyCreate),
    /// A topic policy, by name or id.
    get topic_policy_get,
    /// A page of the topic policies.
    list topic_policy_list,
    /// Deletes a topic policy.
    delete topic_policy_delete);

impl Client {
    /// Replaces what a topic policy says. With a version, only if it is at that one still.
    pub async fn topic_policy_replace(
        &self,
        id: &str,
        rules: &TopicPolicyReplace,
        at: Option<i64>,
    ) -> Result<TopicPolicy, ClientError> {
        self.replace(&["v1", "topic-policies", id], rules).at(at).read().await
    }

    /// A page of a topic policy's versions, newest first.
    pub async fn topic_policy_versions(
        &self,
        id: &str,
        page: &PageQuery,
    ) -> Result<Page<TopicPolicyVersion>, ClientError> {
        self.get(&["v1", "topic-policies", id, "versions"]).page(page).read().await
    }

    /// Makes a topic policy say again what it said in a version.
    pub async fn topic_policy_restore(&self, id: &str, to: &TopicPolicyRestore) -> Result<TopicPolicy, ClientError> {
        self.post(&["v1", "topic-policies", id, "restore"]).body(to).read().await
    }

    /// Every environment, page after page.
    pub async fn environment_all(&self) -> Result<Vec<Environment>, ClientError> {
        let mut all = Vec::new();
        let mut page = PageQuery::default();
        loop {
            let Page { items, next_cursor } = self.environment_list(&page).await?;
            all.extend(items);
            // A server that leads in a circle must not keep us for ever.
            if next_cursor.is_none() || next_cursor == page.cursor {
                return Ok(all);
            }
            page.cursor = next_cursor;
        }
    }

    /// Whether the server's process lives. Asked once, without retries.
    pub async fn healthz(&self) -> Result<(), ClientError> {
        self.get(&["healthz"]).once().done().await
    }

    /// Whether the server can work. Asked once, without retries.
    pub async fn readyz(&self) -> Result<(), ClientError> {
        self.get(&["readyz"]).once().done().await
    }
}
