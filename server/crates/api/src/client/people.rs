//! Principals, memberships and tokens.

use super::{Client, ClientError, PageQuery, platform::noun};
use crate::{Membership, MembershipCreate, Page, Principal, PrincipalCreate, Token, TokenCreate, TokenCreated, WhoAmI};

noun!("principals", Principal:
    /// Creates a principal.
    principal_create(PrincipalCreate),
    /// A principal, by name or id.
    principal_get,
    /// A page of the principals.
    principal_list,
    /// Deletes a principal, its memberships and its tokens.
    principal_delete);
noun!("memberships", Membership:
    /// Creates a membership.
    membership_create(MembershipCreate),
    /// A membership, by id.
    membership_get,
    /// A page of the memberships that the caller may see.
    membership_list,
    /// Deletes a membership.
    membership_delete);

impl Client {
    /// Mints a token. The answer is the only one that has the token itself.
    pub async fn token_create(&self, new: &TokenCreate) -> Result<TokenCreated, ClientError> {
        self.post(&["v1", "tokens"]).body(new).read().await
    }

    /// A token, without the token, by id.
    pub async fn token_get(&self, id: &str) -> Result<Token, ClientError> {
        self.get(&["v1", "tokens", id]).read().await
    }

    /// A page of the tokens that the caller may see.
    pub async fn token_list(&self, page: &PageQuery) -> Result<Page<Token>, ClientError> {
        self.get(&["v1", "tokens"]).page(page).read().await
    }

    /// Revokes a token.
    pub async fn token_delete(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&["v1", "tokens", id]).done().await
    }

    /// Who the token speaks for.
    pub async fn whoami(&self) -> Result<WhoAmI, ClientError> {
        self.get(&["v1", "whoami"]).read().await
    }
}
