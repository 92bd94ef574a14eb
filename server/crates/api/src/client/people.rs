//! Principals, memberships and tokens.

use super::{Client, ClientError, MembershipQuery, PageQuery, platform::noun};
use crate::{
    Membership, MembershipCreate, Page, Principal, PrincipalCreate, PrincipalPatch, Token, TokenCreate, TokenCreated,
    WhoAmI,
};

noun!("principals", Principal:
    /// Creates a principal.
    create principal_create(PrincipalCreate),
    /// A principal, by name or id.
    get principal_get,
    /// A page of the principals.
    list principal_list,
    /// Changes a principal.
    update principal_update(PrincipalPatch),
    /// Deletes a principal: their tokens end, their roles go.
    delete principal_delete);
noun!("memberships", Membership:
    /// Creates a membership.
    create membership_create(MembershipCreate),
    /// A membership, by id.
    get membership_get,
    /// Deletes a membership.
    delete membership_delete);
noun!("tokens", Token:
    /// A token, by id: never the token itself.
    get token_get,
    /// A page of the tokens that the caller may see.
    list token_list,
    /// Revokes a token.
    delete token_revoke);

impl Client {
    /// A page of the memberships that the caller may see.
    pub async fn membership_list(&self, query: &MembershipQuery) -> Result<Page<Membership>, ClientError> {
        self.get(&["v1", "memberships"]).memberships(query).read().await
    }

    /// Mints a token. The answer is the only one that has the token itself, and no server keeps it to tell it again: so it is asked for once, without
    /// retries, or a lost answer would leave tokens behind that nobody knows.
    pub async fn token_create(&self, new: &TokenCreate) -> Result<TokenCreated, ClientError> {
        self.post(&["v1", "tokens"]).body(new).once().read().await
    }

    /// Who the token speaks for.
    pub async fn whoami(&self) -> Result<WhoAmI, ClientError> {
        self.get(&["v1", "whoami"]).read().await
    }
}
