//! Waiting for news of one object, without holding a database connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

type Table = Arc<Mutex<HashMap<Uuid, (usize, Arc<Notify>)>>>;

/// Who waits for what.
#[derive(Debug, Clone, Default)]
pub struct Watchers(Table);

impl Watchers {
    /// Begins to wait. Take it before reading the object, or news between the two is missed.
    #[must_use]
    pub fn watch(&self, id: Uuid) -> Watch {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, news) = table.entry(id).or_default();
        *count += 1;
        Watch { id, news: news.clone(), table: self.0.clone() }
    }

    /// Wakes those who wait.
    pub fn tell(&self, id: Uuid) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, news)) = table.get(&id) {
            news.notify_waiters();
            // For who took its watch and has not come to wait yet.
            news.notify_one();
        }
    }
}

/// Somebody who waits for news of one object.
#[derive(Debug)]
pub struct Watch {
    id: Uuid,
    news: Arc<Notify>,
    table: Table,
}

impl Watch {
    /// Ends with news, or after `longest`: another replica's news come by looking again.
    pub async fn news(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.news.notified()).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = table.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_between_watch_and_wait_is_not_missed() {
        let watchers = Watchers::default();
        let id = Uuid::from_u128(1);
        let watch = watchers.watch(id);
        watchers.tell(id);
        tokio::time::timeout(Duration::from_secs(5), watch.news(Duration::from_mins(1))).await.unwrap();
        drop(watch);
        assert!(watchers.0.lock().unwrap().is_empty());
    }
}
