//! Nouns that the platform team writes, and that are done when Orbit says so: nobody approves them, and no operation carries them out.

use crate::{
    Orbit, catalog,
    memory::must_see,
    orbit::{NoAnswer, Place, ask, change, nowhere},
    say,
};
use orbit_api::{
    Cluster, Environment, EnvironmentMapping, Membership, Page, Principal, TopicPolicy, Workspace,
    client::{Client, ClientError, PageQuery},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use tfplugin::{Cx, Diagnostic, Diagnostics, Field, Model, Path, View};
use tokio::time::Instant;

/// A plain noun, as the wire has it.
pub(crate) trait Plain: Sized + Send + 'static {
    /// What Orbit answers where it is not there.
    const GONE: &'static str;
    /// Orbit's id of it.
    fn id(&self) -> &str;
    /// Counts up with every change, where it can be changed.
    fn revision(&self) -> Option<i64>;
    /// Asks for one.
    fn get(client: &Client, id: &str) -> impl Future<Output = Result<Self, ClientError>> + Send;
    /// Asks for a page of all that the token sees.
    fn list(client: &Client, page: PageQuery) -> impl Future<Output = Result<Page<Self>, ClientError>> + Send;
}

macro_rules! plain { ($($Noun:ty, $gone:literal, $get:ident, $list:ident $(, $revision:ident)?;)*) => { $(
    impl Plain for $Noun {
        const GONE: &'static str = $gone;
        fn id(&self) -> &str {
            &self.id
        }
        fn revision(&self) -> Option<i64> {
            None $(.or(Some(self.$revision)))?
        }
        async fn get(client: &Client, id: &str) -> Result<Self, ClientError> {
            client.$get(id).await
        }
        async fn list(client: &Client, page: PageQuery) -> Result<Page<Self>, ClientError> {
            client.$list(&page.into()).await
        }
    }
)* } }

plain! {
    Workspace, "workspace.not-found", workspace_get, workspace_list, revision;
    Environment, "environment.not-found", environment_get, environment_list, revision;
    EnvironmentMapping, "mapping.not-found", mapping_get, mapping_list;
    Cluster, "cluster.not-found", cluster_get, cluster_list, revision;
    Principal, "principal.not-found", principal_get, principal_list, revision;
    Membership, "membership.not-found", membership_get, membership_list;
    TopicPolicy, "policy.not-found", topic_policy_get, topic_policy_list, version;
}

/// Which revision of the object the state is of. A write says so, and is refused where somebody changed the object since: what they did would be lost.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    revision: i64,
}

/// The revision that the state is of.
pub(crate) fn revision(cx: &Cx<Orbit>) -> Result<Option<i64>, Diagnostics> {
    Ok(cx.private::<At>()?.map(|at| at.revision))
}

fn note(cx: &Cx<Orbit>, noun: &impl Plain) -> Result<(), Diagnostics> {
    let Some(revision) = noun.revision() else { return Ok(()) };
    // Written only where it is new: else every refresh would be a change of the state.
    if self::revision(cx)? == Some(revision) { Ok(()) } else { cx.set_private(&At { revision }) }
}

/// Who has to see an object for "it is not there" to be believed: Orbit says so too of what a token may not see.
pub(crate) enum SeenBy<'a> {
    /// Everybody with a token.
    Everybody,
    /// Whoever has a role in this workspace.
    Workspace(&'a str),
    /// Platform admins.
    Platform,
}

/// Looks at an object. `None`: it is not there any more. Whoever looks after the first few of its kind gets what one list of all of them showed.
pub(crate) async fn look<N: Plain>(
    cx: &Cx<Orbit>,
    (object, id): (&str, &str),
    seen_by: SeenBy<'_>,
) -> Result<Option<N>, Diagnostics> {
    let client = cx.client.client()?;
    let listed = match cx.client.sheets().of::<N>(Instant::now()) {
        Some(sheet) => sheet.take(id, || Box::pin(all(cx, client))).await,
        None => None,
    };
    let found = match listed {
        Some(noun) => Ok(noun),
        // It may be none that lists show, or be gone: that is not for a list to say.
        None => ask(cx, N::get(client, id)).await,
    };
    match found {
        Ok(noun) => {
            note(cx, &noun)?;
            Ok(Some(noun))
        }
        Err(e) if e.code() == Some(N::GONE) => {
            match seen_by {
                SeenBy::Everybody => {}
                SeenBy::Workspace(workspace) => must_see(cx, workspace, object).await?,
                SeenBy::Platform => must_rule(cx, object).await?,
            }
            Ok(None)
        }
        Err(e) => Err(e.tell(object, &nowhere)),
    }
}

/// All of a kind that the token sees, by id. What keeps the list from being had is told by whoever looks for itself.
async fn all<N: Plain>(cx: &Cx<Orbit>, client: &Client) -> Option<HashMap<String, N>> {
    let all = catalog::all(cx, "objects of a kind", |page| N::list(client, page)).await;
    Some(all.ok()?.into_iter().map(|noun| (noun.id().to_owned(), noun)).collect())
}

/// Only a platform admin is told of every object.
async fn must_rule(cx: &Cx<Orbit>, object: &str) -> Result<(), Diagnostics> {
    let client = cx.client.client()?;
    let rules = cx.client.memory().rules();
    let rules = rules.get_or_try_init(async || -> Result<bool, NoAnswer> {
        let who = ask(cx, client.whoami()).await?;
        Ok(who.memberships.iter().any(|membership| membership.role == orbit_api::Role::PlatformAdmin))
    });
    if *rules.await.map_err(|e| e.tell(object, &nowhere))? {
        return Ok(());
    }
    Err(say::not_ruled(object, client.endpoint()).into())
}

/// Makes an object, or changes one.
pub(crate) async fn write<N: Plain>(
    cx: &Cx<Orbit>,
    object: &str,
    place: Place<'_>,
    call: impl Future<Output = Result<N, ClientError>>,
) -> Result<N, Diagnostics> {
    let noun = change(cx, call).await.map_err(|e| e.tell(object, place))?;
    note(cx, &noun)?;
    Ok(noun)
}

/// Makes an object. One that is there already is none of ours: it has to be imported.
pub(crate) async fn create<N: Plain>(
    cx: &Cx<Orbit>,
    object: &str,
    place: Place<'_>,
    import: &str,
    call: impl Future<Output = Result<N, ClientError>>,
) -> Result<N, Diagnostics> {
    match change(cx, call).await {
        Ok(noun) => {
            note(cx, &noun)?;
            Ok(noun)
        }
        Err(e) if e.code().is_some_and(|code| code.ends_with(".exists")) => {
            Err(Diagnostic::error(format!("The {object} exists already"))
                .detail(format!("It is not under Terraform here. To bring it: terraform import {import}"))
                .into())
        }
        // Nothing tells Orbit that this was seen, as it does of topics: so an equal wish is not known for the same.
        Err(NoAnswer::Stopped { changes: true }) => {
            Err(Diagnostic::error(format!("Stopped before Orbit answered about {object}"))
                .detail(format!(
                    "Whether Orbit received it is not known. If the next apply says that it exists already: terraform import {import}"
                ))
                .into())
        }
        Err(e) => Err(e.tell(object, place)),
    }
}

/// Finds an object for an import.
pub(crate) async fn import<N: Plain>(
    cx: &Cx<Orbit>,
    object: &str,
    call: impl Future<Output = Result<N, ClientError>>,
) -> Result<N, Diagnostics> {
    let noun = ask(cx, call).await.map_err(|e| e.tell(object, &nowhere))?;
    note(cx, &noun)?;
    Ok(noun)
}

/// A part of an identity that an import gives.
pub(crate) fn part<M: Model>(identity: View<'_, M>, field: Field<M, String>) -> Result<String, Diagnostics> {
    identity.get(field).known().ok_or_else(|| format!("the identity lacks {}", field.name()).into())
}

/// Deletes an object. One that is gone already is deleted.
pub(crate) async fn delete<N: Plain>(
    cx: &Cx<Orbit>,
    object: &str,
    call: impl Future<Output = Result<(), ClientError>>,
) -> Result<(), Diagnostics> {
    match change(cx, call).await {
        Ok(()) => Ok(()),
        Err(e) if e.code() == Some(N::GONE) => Ok(()),
        Err(e) => Err(e.tell(object, &nowhere)),
    }
}

/// Where in a model a JSON pointer leads, where attributes are called as on the wire.
pub(crate) fn place<M: Model>(pointer: &str) -> Option<Path> {
    let mut steps = pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = steps.next().filter(|first| M::FIELDS.contains(&first.as_str()))?;
    Some(steps.fold(Path::attribute(first), |path, step| match step.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.attr(step),
    }))
}

/// A word of the wire's: an enum's value, as it is spelled there. The error names the words that there are.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|e| e.to_string())
}

/// What means the same on the wire, in another type.
pub(crate) fn convert<A: Serialize, B: DeserializeOwned>(from: &A) -> Result<B, Diagnostics> {
    serde_json::to_value(from).and_then(serde_json::from_value).map_err(|e| e.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::cluster::ManagedCluster;

    #[test]
    fn pointers_lead_into_the_attributes() {
        let place = |pointer: &str| place::<ManagedCluster>(pointer).map(|path| path.to_string());
        assert_eq!(place("/bootstrap_servers/1").as_deref(), Some("bootstrap_servers[1]"));
        assert_eq!(place("/slug").as_deref(), Some("slug"));
        for nowhere in ["", "/", "/unheard_of", "slug"] {
            assert_eq!(place(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_word_that_is_none_is_told_with_those_that_are() {
        assert_eq!(word::<orbit_api::Role>("platform-admin"), Ok(orbit_api::Role::PlatformAdmin));
        let e = word::<orbit_api::Role>("boss").unwrap_err();
        assert!(e.contains("boss") && e.contains("`viewer`"), "{e}");
    }
}
