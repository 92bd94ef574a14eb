//! A list as a look at each of what is in it. Terraform refreshes every object by itself, and thousands of them one by one would take minutes.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::OnceCell, time::Instant};

/// How long a list is as good as a look. A refresh of five thousand topics takes a quarter of that.
const FRESH: Duration = Duration::from_mins(1);
/// So many objects of a kind are looked at one by one: `-target` stays cheap.
const FEW: u32 = 8;

/// A list that somebody asked for first, and that all who come meanwhile wait for. Each of what it showed serves for one look.
pub(crate) struct Sheet<N> {
    asked_at: Instant,
    /// None where it could not be had: then each looks for itself.
    found: OnceCell<Option<Mutex<HashMap<String, N>>>>,
}

impl<N> fmt::Debug for Sheet<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("asked_at", &self.asked_at).finish_non_exhaustive()
    }
}

impl<N> Sheet<N> {
    /// One that nobody has asked for yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { asked_at: now, found: OnceCell::new() }
    }

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.asked_at) < FRESH
    }

    /// What the list shows of an object, by id, unless somebody has had it before.
    pub(crate) async fn take<F>(&self, id: &str, list: impl FnOnce() -> F) -> Option<N>
    where
        F: Future<Output = Option<HashMap<String, N>>>,
    {
        let found = self.found.get_or_init(async || list().await.map(Mutex::new)).await;
        found.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

/// The lists of plain nouns, one of each kind.
#[derive(Debug, Default)]
pub(crate) struct Sheets(Mutex<HashMap<TypeId, Kind>>);

#[derive(Debug, Default)]
struct Kind {
    /// How many were looked at one by one.
    looks: u32,
    sheet: Option<Arc<dyn Any + Send + Sync>>,
}

impl Sheets {
    /// The list that a look at a noun may use, if there are enough of its kind.
    pub(crate) fn of<N: Send + 'static>(&self, now: Instant) -> Option<Arc<Sheet<N>>> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kinds.entry(TypeId::of::<N>()).or_default();
        if kind.looks < FEW {
            kind.looks += 1;
            return None;
        }
        let current = kind.sheet.take().and_then(|sheet| sheet.downcast::<Sheet<N>>().ok());
        let sheet = current.filter(|sheet| sheet.is_fresh(now)).unwrap_or_else(|| Arc::new(Sheet::new(now)));
        kind.sheet = Some(Arc::clone(&sheet) as Arc<dyn Any + Send + Sync>);
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_list_shows_serves_each_once_and_the_list_is_asked_for_once() {
        let sheet = Sheet::new(Instant::now());
        let list = async || Some([("a".to_owned(), 1), ("b".to_owned(), 2)].into());
        assert_eq!(sheet.take("a", list).await, Some(1));
        assert_eq!(sheet.take("a", async || panic!("it is there")).await, None);
        assert_eq!(sheet.take("b", list).await, Some(2));
        let none = Sheet::<u8>::new(Instant::now());
        assert_eq!(none.take("a", async || None).await, None);
    }

    #[test]
    fn a_few_of_a_kind_look_for_themselves_and_the_rest_share_a_list_while_it_is_fresh() {
        let (sheets, begun) = (Sheets::default(), Instant::now());
        assert!((0..FEW).all(|_| sheets.of::<u8>(begun).is_none()));
        let first = sheets.of::<u8>(begun).unwrap();
        assert!(Arc::ptr_eq(&first, &sheets.of::<u8>(begun).unwrap()));
        assert!(sheets.of::<u16>(begun).is_none(), "another kind");
        assert!(!Arc::ptr_eq(&first, &sheets.of::<u8>(begun + FRESH).unwrap()), "too old");
    }
}
