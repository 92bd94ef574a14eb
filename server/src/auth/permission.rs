//! Who may do what: one table. Every handler passes through an extractor that proves a line of it.

/// What a principal is, on the platform or in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads one workspace, and evaluates.
    Viewer,
    /// Works on one workspace's topics.
    Member,
    /// Rules one workspace.
    Admin,
    /// Rules the platform.
    PlatformAdmin,
}

impl Role {
    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::PlatformAdmin => "platform-admin",
        }
    }
    /// Reads that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Member, Self::Admin, Self::PlatformAdmin].into_iter().find(|r| r.as_str() == text)
    }
}

/// Where a permission has to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// By everybody with a token.
    ByAnyone,
    /// In the workspace that the object belongs to, from this role up; platform admins hold it everywhere.
    InWorkspace(Role),
    /// On the platform.
    OnPlatform,
    /// By everybody with a token; the object's own rule decides (who approves a request, whose token it is).
    ByTheObject,
}

/// A permission as a type: what an extractor proves.
pub trait Permission: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Where it has to be held.
    const HELD: Held;
}

macro_rules! permissions { ($($(#[doc = $doc:literal])* $Name:ident = $held:expr;)*) => {
    $($(#[doc = $doc])* #[derive(Debug, Clone, Copy)] pub struct $Name;
    impl Permission for $Name {
        const NAME: &'static str = stringify!($Name);
        const HELD: Held = $held;
    })*
    /// The whole table.
    pub const TABLE: &[(&str, Held)] = &[$((stringify!($Name), $held)),*];
} }

permissions! {
    /// Sees who it is.
    WhoAmI = Held::ByAnyone;
    /// Sees workspaces.
    WorkspaceRead = Held::InWorkspace(Role::Viewer);
    /// Creates workspaces.
    WorkspaceCreate = Held::OnPlatform;
    /// Changes a workspace.
    WorkspaceUpdate = Held::InWorkspace(Role::Admin);
    /// Deletes workspaces.
    WorkspaceDelete = Held::OnPlatform;
    /// Sees environments.
    EnvironmentRead = Held::ByAnyone;
    /// Creates, changes and deletes environments.
    EnvironmentWrite = Held::OnPlatform;
    /// Sees clusters, without their connections.
    ClusterRead = Held::ByAnyone;
    /// Registers, changes and removes clusters.
    ClusterWrite = Held::OnPlatform;
    /// Sets how much workspaces and clusters may hold.
    LimitsWrite = Held::OnPlatform;
    /// Sees which environment leads where.
    MappingRead = Held::ByAnyone;
    /// Leads environments to clusters.
    MappingWrite = Held::OnPlatform;
    /// Sees the platform's policies and those of its workspaces.
    PolicyRead = Held::ByAnyone;
    /// Writes policies: the platform's on the platform, a workspace's own as its admin.
    PolicyWrite = Held::ByTheObject;
    /// Installs policy packs.
    PolicyPackInstall = Held::OnPlatform;
    /// Sees a workspace's topics.
    TopicRead = Held::InWorkspace(Role::Viewer);
    /// Asks what policy would say.
    TopicEvaluate = Held::InWorkspace(Role::Viewer);
    /// Asks for topics, and for changes of them.
    TopicWrite = Held::InWorkspace(Role::Member);
    /// Sees requests: its workspaces', and those that it may decide.
    RequestRead = Held::ByTheObject;
    /// Decides requests.
    RequestDecide = Held::ByTheObject;
    /// Sees operations of its workspaces.
    OperationRead = Held::InWorkspace(Role::Viewer);
    /// Cancels, pauses, resumes and retries operations of workspaces it rules; cancels what it asked for itself.
    OperationControl = Held::ByTheObject;
    /// Sees principals.
    PrincipalRead = Held::OnPlatform;
    /// Creates and deletes principals.
    PrincipalWrite = Held::OnPlatform;
    /// Sees who one is and what mail one got, and says where one gets it; anybody's on the platform.
    PrincipalUpdate = Held::ByTheObject;
    /// Sees roles: its own, and those in workspaces it rules.
    MembershipRead = Held::ByTheObject;
    /// Gives and takes roles: any on the platform, those of a workspace as its admin.
    MembershipWrite = Held::ByTheObject;
    /// Sees notification channels: all on the platform, those of workspaces it rules.
    ChannelRead = Held::ByTheObject;
    /// Sets notification channels up, and changes them.
    ChannelWrite = Held::ByTheObject;
    /// Mints, sees and revokes tokens: its own, anybody's on the platform.
    TokenWrite = Held::ByTheObject;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_permission_table_is_what_it_is() {
        let mut table = String::new();
        for (name, held) in TABLE {
            let _ = writeln!(table, "{name}: {held:?}");
        }
        let golden = include_str!("permission_table.txt");
        assert_eq!(table, golden, "a change of who may do what: look twice, then copy it to permission_table.txt");
    }
}
