//! Looking at topics. Terraform refreshes each by itself, and thousands of them one by one would take minutes: so whoever comes after the first few gets
//! what one list of the environment showed, which Orbit makes of one look at each cluster.

use crate::{
    Orbit, catalog,
    orbit::{NoAnswer, ask},
    sheet::Sheet,
};
use orbit_api::{
    Topic,
    client::{Client, TopicQuery, TopicRead},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tfplugin::Cx;
use tokio::time::Instant;

/// So many topics of an environment are looked at one by one: `-target` stays cheap.
const FEW: u32 = 4;
/// So many of all environments together: whoever refreshes more has many places with a few topics each, and a list of few is no dearer than a look.
const FEW_IN_ALL: u32 = 16;
/// How many topics are told to be seen in one call.
const SEEN_AT_ONCE: usize = 500;

/// Lists of environments, and which topics Orbit is to be told that we have seen.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    places: Mutex<BTreeMap<(String, String), Place>>,
    seen: Mutex<Vec<String>>,
    /// Topics whose plan will want to know more of them than the state holds, as they were seen just before it.
    kept: Mutex<HashMap<String, Topic>>,
}

/// One environment of a workspace.
#[derive(Debug, Default)]
struct Place {
    /// How many of its topics were looked at one by one.
    looks: u32,
    list: Option<Arc<Sheet<Topic>>>,
}

impl Refresh {
    /// The list that a look at a place may use, if there are enough of them.
    fn list_for(&self, workspace: &str, environment: &str, now: Instant) -> Option<Arc<Sheet<Topic>>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let in_all: u32 = places.values().map(|place| place.looks).sum();
        let place = places.entry((workspace.to_owned(), environment.to_owned())).or_default();
        if place.looks < FEW && in_all < FEW_IN_ALL {
            place.looks += 1;
            return None;
        }
        let current = place.list.take().filter(|list| list.is_fresh(now));
        let list = current.unwrap_or_else(|| Arc::new(Sheet::new(now)));
        place.list = Some(Arc::clone(&list));
        Some(list)
    }

    /// Something of ours changed in a place: what its list showed is not so any more.
    pub(crate) fn changed(&self, workspace: &str, environment: &str) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(&(workspace.to_owned(), environment.to_owned())) {
            place.list = None;
        }
    }

    /// Keeps what was seen of a topic for its plan, which follows at once.
    pub(crate) fn keep(&self, topic: &Topic) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.id.clone(), topic.clone());
    }

    /// What was seen of a topic just now, for one plan.
    pub(crate) fn kept(&self, id: &str) -> Option<Topic> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Takes note that a topic was seen; gives what is to be told now.
    fn note_seen(&self, id: String) -> Option<Vec<String>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(id);
        (seen.len() >= SEEN_AT_ONCE).then(|| std::mem::take(&mut *seen))
    }

    /// Tells Orbit what was seen, before the process ends. Whatever fails here only leaves an equal wish a lost reply.
    pub(crate) async fn tell_seen(&self, client: &Client) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        if !seen.is_empty() {
            tell(client, seen).await;
        }
    }
}

async fn tell(client: &Client, seen: Vec<String>) {
    let topics = seen.len();
    match client.topic_acknowledge(seen).await {
        Ok(()) => tracing::debug!(topics, "told as seen"),
        Err(e) => tracing::warn!(topics, error = %e, "could not be told as seen"),
    }
}

/// A topic as its cluster shows it now. Orbit is told that it was seen.
pub(crate) async fn topic(
    cx: &Cx<Orbit>,
    client: &Client,
    id: &str,
    place: Option<(&str, &str)>,
) -> Result<Topic, NoAnswer> {
    let refresh = cx.client.refresh();
    let list = place.and_then(|(workspace, environment)| {
        let list = refresh.list_for(workspace, environment, Instant::now())?;
        Some((list, workspace, environment))
    });
    if let Some((list, workspace, environment)) = list
        && let Some(topic) = list.take(id, || Box::pin(listed(cx, workspace, environment))).await
    {
        if !topic.acknowledged
            && let Some(seen) = refresh.note_seen(topic.id.clone())
        {
            // Whoever wants to stop need not wait for it: what is not told only leaves an equal wish a lost reply.
            tokio::select! {
                () = tell(client, seen) => {}
                () = cx.stopping() => {}
            }
        }
        return Ok(topic);
    }
    ask(cx, client.topic_get(id, TopicRead { fresh: true, acknowledge: true })).await
}

/// The topics of an environment, by id. What keeps the list from being had is told by whoever looks for itself.
async fn listed(cx: &Cx<Orbit>, workspace: &str, environment: &str) -> Option<HashMap<String, Topic>> {
    let which = TopicQuery {
        workspace: Some(workspace.to_owned()),
        environment: Some(environment.to_owned()),
        fresh: true,
        ..TopicQuery::default()
    };
    let begun = Instant::now();
    match catalog::topics(cx, which).await {
        Ok(topics) => {
            tracing::debug!(workspace, environment, topics = topics.len(), took = ?begun.elapsed(), "listed");
            Some(topics.into_iter().map(|topic| (topic.id.clone(), topic)).collect())
        }
        Err(e) => {
            tracing::debug!(workspace, environment, error = ?e, "could not be listed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_few_look_for_themselves_and_the_rest_share_a_list_while_it_is_fresh() {
        let (refresh, begun) = (Refresh::default(), Instant::now());
        let list = |place: &str, seconds| refresh.list_for(place, "dev", begun + Duration::from_secs(seconds));
        assert!((0..FEW).all(|_| list("payments", 0).is_none()));
        let first = list("payments", 0).unwrap();
        assert!(Arc::ptr_eq(&first, &list("payments", 59).unwrap()));
        assert!(!Arc::ptr_eq(&first, &list("payments", 60).unwrap()), "too old");
        assert!(list("search", 0).is_none(), "another place");

        let before = list("payments", 61).unwrap();
        refresh.changed("payments", "dev");
        assert!(!Arc::ptr_eq(&before, &list("payments", 61).unwrap()), "something was written");
    }

    #[test]
    fn what_was_seen_is_told_in_heaps() {
        let refresh = Refresh::default();
        for n in 1..SEEN_AT_ONCE {
            assert_eq!(refresh.note_seen(n.to_string()), None);
        }
        assert_eq!(refresh.note_seen("last".to_owned()).unwrap().len(), SEEN_AT_ONCE);
        assert_eq!(refresh.note_seen("next".to_owned()), None);
    }
}
