//! Principals, memberships and tokens.

use crate::wire;
use jiff::Timestamp;

wire! {
    /// What a principal is.
    enum PrincipalKind {
        /// A person.
        Person,
        /// A program: a CI pipeline, a script.
        Service,
    }
}

wire! {
    /// A principal to create.
    input struct PrincipalCreate {
        /// Unique: 1 to 200 of letters, digits and `._@-`.
        pub name: String,
        /// What it is. Default `person`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<PrincipalKind>,
        /// Where they get mail of what they decide or asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<String>,
    }
}

wire! {
    /// What to change on a principal, as a merge patch.
    #[derive(Default)]
    input struct PrincipalPatch {
        /// Where they get mail of what they decide or asked for; null: nowhere.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::double_option")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub email: Option<Option<String>>,
    }
}

wire! {
    /// A person or a program. Rights come from its memberships, never from a token alone.
    struct Principal {
        /// Its id.
        pub id: String,
        /// Its name.
        pub name: String,
        /// What it is.
        pub kind: PrincipalKind,
        /// Where they get mail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<String>,
        /// Counts up with every change; also the ETag.
        pub revision: i64,
        /// When it was created.
        pub created_at: Timestamp,
    }
}

wire! {
    /// What a principal may do.
    enum Role {
        /// Everything that the platform team does: clusters, environments, platform policies, approvals.
        PlatformAdmin,
        /// In one workspace: its members and its own policies too.
        Admin,
        /// In one workspace: its topics.
        Member,
        /// In one workspace: reading, and evaluating.
        Viewer,
    }
}

wire! {
    /// A membership to create.
    input struct MembershipCreate {
        /// Name or id of the principal.
        pub principal: String,
        /// What it may do.
        pub role: Role,
        /// Slug or id of the workspace; absent for `platform-admin`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub workspace: Option<String>,
    }
}

wire! {
    /// A principal's role, on the platform or in a workspace.
    struct Membership {
        /// Its id.
        pub id: String,
        /// Name of the principal.
        pub principal: String,
        /// What it may do.
        pub role: Role,
        /// Slug of the workspace; absent for `platform-admin`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub workspace: Option<String>,
        /// When it was created.
        pub created_at: Timestamp,
    }
}

wire! {
    /// A token to mint.
    #[derive(Default)]
    input struct TokenCreate {
        /// Name or id of the principal; the caller where absent. Platform admins mint for others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub principal: Option<String>,
        /// What it is for. 1 to 100 characters.
        pub name: String,
        /// When it ends, in seconds from now; at most 31,536,000 (a year). Default 7,776,000 (90 days).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_in_seconds: Option<u64>,
    }
}

wire! {
    /// A token, without the token.
    struct Token {
        /// Its id.
        pub id: String,
        /// What it is for.
        pub name: String,
        /// Name of the principal that it speaks for.
        pub principal: String,
        /// When it was minted.
        pub created_at: Timestamp,
        /// When it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub expires_at: Option<Timestamp>,
        /// When it was revoked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub revoked_at: Option<Timestamp>,
        /// When it was last used, to the minute.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_used_at: Option<Timestamp>,
    }
}

/// A freshly minted token: the only time that the token itself is told.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// Its id.
    pub id: String,
    /// Name of the principal that it speaks for.
    pub principal: String,
    /// The token itself. Not stored, not told again.
    pub token: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
impl std::fmt::Debug for TokenCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenCreated({}, [hidden])", self.id)
    }
}

wire! {
    /// Who the caller is.
    struct WhoAmI {
        /// Name of the principal.
        pub principal: String,
        /// Where it gets mail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<String>,
        /// What it may do, and where.
        pub memberships: Vec<Membership>,
    }
}
