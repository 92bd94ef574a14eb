//! What the platform team keeps: workspaces, environments, clusters, mappings and policies. And the server's own health.

use super::{Client, ClientError, PageQuery};
use crate::{
    Cluster, ClusterCreate, ClusterPatch, Environment, EnvironmentCreate, EnvironmentMapping, EnvironmentMappingCreate,
    EnvironmentPatch, Page, TopicPolicy, TopicPolicyCreate, TopicPolicyReplace, Workspace, WorkspaceCreate,
    WorkspacePatch,
};
use http::Method;

/// The calls that every such noun has.
macro_rules! noun {
    ($path:literal, $Noun:ty: $(#[$create_doc:meta])* $create:ident($Create:ty), $(#[$get_doc:meta])* $get:ident,
        $(#[$list_doc:meta])* $list:ident, $(#[$delete_doc:meta])* $delete:ident) => {
        impl Client {
            $(#[$create_doc])*
            pub async fn $create(&self, new: &$Create) -> Result<$Noun, ClientError> {
                self.post(&["v1", $path]).body(new).read().await
            }
            $(#[$get_doc])*
            pub async fn $get(&self, id: &str) -> Result<$Noun, ClientError> {
                self.get(&["v1", $path, id]).read().await
            }
            $(#[$list_doc])*
            pub async fn $list(&self, page: &PageQuery) -> Result<Page<$Noun>, ClientError> {
                self.get(&["v1", $path]).page(page).read().await
            }
            $(#[$delete_doc])*
            pub async fn $delete(&self, id: &str) -> Result<(), ClientError> {
                self.delete(&["v1", $path, id]).done().await
            }
        }
    };
}
pub(super) use noun;

noun!("workspaces", Workspace:
    /// Creates a workspace.
    workspace_create(WorkspaceCreate),
    /// A workspace, by slug or id.
    workspace_get,
    /// A page of the workspaces that the caller may see.
    workspace_list,
    /// Deletes a workspace that owns nothing.
    workspace_delete);
noun!("environments", Environment:
    /// Creates an environment.
    environment_create(EnvironmentCreate),
    /// An environment, by slug or id.
    environment_get,
    /// A page of the environments.
    environment_list,
    /// Deletes an environment that nothing is in.
    environment_delete);
noun!("clusters", Cluster:
    /// Registers a cluster. Its connection is tried first.
    cluster_create(ClusterCreate),
    /// A cluster, by slug or id.
    cluster_get,
    /// A page of the clusters.
    cluster_list,
    /// Removes a cluster that no topic is on from Orbit. The cluster itself stays as it is.
    cluster_delete);
noun!("environment-mappings", EnvironmentMapping:
    /// Creates a mapping.
    environment_mapping_create(EnvironmentMappingCreate),
    /// A mapping, by id.
    environment_mapping_get,
    /// A page of the mappings.
    environment_mapping_list,
    /// Deletes a mapping. Topics that it led to a cluster stay there.
    environment_mapping_delete);
noun!("topic-policies", TopicPolicy:
    /// Creates a topic policy.
    topic_policy_create(TopicPolicyCreate),
    /// A topic policy, by name or id.
    topic_policy_get,
    /// A page of the topic policies.
    topic_policy_list,
    /// Deletes a topic policy.
    topic_policy_delete);

impl Client {
    /// Changes a workspace.
    pub async fn workspace_update(&self, id: &str, patch: &WorkspacePatch) -> Result<Workspace, ClientError> {
        self.patch(&["v1", "workspaces", id], patch).read().await
    }

    /// Changes an environment.
    pub async fn environment_update(&self, id: &str, patch: &EnvironmentPatch) -> Result<Environment, ClientError> {
        self.patch(&["v1", "environments", id], patch).read().await
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

    /// Changes a cluster. A new connection is tried first.
    pub async fn cluster_update(&self, id: &str, patch: &ClusterPatch) -> Result<Cluster, ClientError> {
        self.patch(&["v1", "clusters", id], patch).read().await
    }

    /// Replaces what a topic policy says.
    pub async fn topic_policy_replace(&self, id: &str, rules: &TopicPolicyReplace) -> Result<TopicPolicy, ClientError> {
        self.call(Method::PUT, &["v1", "topic-policies", id]).body(rules).read().await
    }

    /// Whether the server's process lives.
    pub async fn healthz(&self) -> Result<(), ClientError> {
        self.get(&["healthz"]).done().await
    }

    /// Whether the server can work.
    pub async fn readyz(&self) -> Result<(), ClientError> {
        self.get(&["readyz"]).done().await
    }
}
