//! What this process remembers from one call to the next. Terraform starts one per phase of a command, and it serves every resource of that phase.

use crate::{
    Orbit,
    orbit::{NoAnswer, ask, nowhere},
    say,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tfplugin::{Cx, Diagnostics};
use tokio::{sync::OnceCell, time::Instant};

/// How long the refreshes of a process may wait for operations, all together.
const PATIENCE: Duration = Duration::from_secs(10);

/// What this process remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Workspaces that Orbit was asked for, and whether the token sees them. Held over the call: a refresh of a thousand objects asks once.
    workspaces: tokio::sync::Mutex<BTreeMap<String, bool>>,
    /// Whether the token is a platform admin's, once somebody wanted to know.
    rules: OnceCell<bool>,
    /// Objects that the state holds, as far as Terraform has shown.
    managed: Mutex<BTreeSet<String>>,
    /// Ids of the objects that this process has made.
    made: Mutex<BTreeSet<String>>,
    /// What refreshes have waited.
    waited: Mutex<Waited>,
}

impl Memory {
    /// Whether the token is a platform admin's: a place for the answer, so that Orbit is asked once.
    pub(crate) fn rules(&self) -> &OnceCell<bool> {
        &self.rules
    }

    /// Takes note that the state holds an object.
    pub(crate) fn holds(&self, object: String) {
        lock(&self.managed).insert(object);
    }

    /// What the state holds is not there any more: it may be made anew.
    pub(crate) fn forgets(&self, object: &str) {
        lock(&self.managed).remove(object);
    }

    /// Whether the state holds an object, as far as this process has seen.
    pub(crate) fn is_held(&self, object: &str) -> bool {
        lock(&self.managed).contains(object)
    }

    /// Takes note that an object was made for a resource block. `false` where another block has got it before.
    pub(crate) fn claim(&self, id: &str) -> bool {
        lock(&self.made).insert(id.to_owned())
    }

    /// Whether an object was made for a resource block of this run, or attached to by one.
    pub(crate) fn is_claimed(&self, id: &str) -> bool {
        lock(&self.made).contains(id)
    }

    /// No block has that object any more.
    pub(crate) fn release(&self, id: &str) {
        lock(&self.made).remove(id);
    }

    /// A wait of a refresh. What waits side by side counts once.
    pub(crate) fn begin_to_wait(&self) -> Wait<'_> {
        Wait { at_most: lock(&self.waited).begin(Instant::now()), waited: &self.waited }
    }
}

/// A wait that ends when this is dropped, as it is where nobody waits for the refresh any more.
#[derive(Debug)]
pub(crate) struct Wait<'m> {
    /// What is left of the time that refreshes may wait.
    pub(crate) at_most: Duration,
    waited: &'m Mutex<Waited>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        lock(self.waited).end(Instant::now());
    }
}

/// Whether "there is no such thing" can be believed: Orbit says so too of what the token may not see, and so does another Orbit. An error where the
/// workspace cannot be seen either.
pub(crate) async fn must_see(cx: &Cx<Orbit>, workspace: &str, object: &str) -> Result<(), Diagnostics> {
    let client = cx.client.client()?;
    let mut known = cx.client.memory().workspaces.lock().await;
    let sees = if let Some(sees) = known.get(workspace) {
        *sees
    } else {
        let sees = match ask(cx, client.workspace_get(workspace)).await {
            Ok(_) => true,
            Err(e) if is_hidden(&e) => false,
            Err(e) => return Err(e.tell(object, &nowhere)),
        };
        known.insert(workspace.to_owned(), sees);
        sees
    };
    if sees { Ok(()) } else { Err(say::invisible(object, workspace, client.endpoint()).into()) }
}

fn is_hidden(answer: &NoAnswer) -> bool {
    answer.code() == Some("workspace.not-found") || answer.status() == Some(403)
}

/// Time during which at least one wait was on.
#[derive(Debug, Default)]
struct Waited {
    before: Duration,
    on: u32,
    since: Option<Instant>,
}

impl Waited {
    fn begin(&mut self, now: Instant) -> Duration {
        let since = *self.since.get_or_insert(now);
        self.on += 1;
        PATIENCE.saturating_sub(self.before + now.duration_since(since))
    }

    fn end(&mut self, now: Instant) {
        self.on = self.on.saturating_sub(1);
        if self.on == 0
            && let Some(since) = self.since.take()
        {
            self.before += now.duration_since(since);
        }
    }
}

/// Nothing panics while one of these is held, so a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_broken_off_has_ended() {
        let memory = Memory::default();
        drop((memory.begin_to_wait(), memory.begin_to_wait()));
        assert_eq!(lock(&memory.waited).on, 0);
    }

    #[test]
    fn waits_side_by_side_count_once_and_end_with_the_patience() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut waited = Waited::default();
        assert_eq!(waited.begin(at(0)), PATIENCE);
        assert_eq!(waited.begin(at(3)), Duration::from_secs(7));
        waited.end(at(4));
        waited.end(at(6));
        assert_eq!(waited.begin(at(100)), Duration::from_secs(4), "what lies between is no wait");
        assert_eq!(waited.begin(at(105)), Duration::ZERO);
    }

    #[test]
    fn an_object_belongs_to_one_block() {
        let memory = Memory::default();
        assert!(memory.claim("top_1") && !memory.claim("top_1"));
        memory.release("top_1");
        assert!(memory.claim("top_1"));
    }
}
