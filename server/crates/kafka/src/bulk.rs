//! How a bulk call is cut into requests.

use std::collections::HashMap;

/// The largest number of topics in one request that reads. An answer holds some 40 settings a topic, so this is a few megabytes.
pub(crate) const READ: usize = 250;
/// The largest number of topics in one request that changes something: one such request is one batch of the controller's.
pub(crate) const WRITE: usize = 250;

/// A list of topics to describe that is longer is asked for as it is, beside the lane.
pub(crate) const GATHERED: usize = 20;

/// Cuts items into batches of at most `limit`, none of which has a name twice: librdkafka refuses those. An item whose name came before lands in
/// a later batch, so the result is as if items were asked one after the other.
pub(crate) fn batches<'a>(names: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<Vec<usize>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let before = seen.entry(name).or_default();
        if rounds.len() == *before {
            rounds.push(Vec::new());
        }
        rounds[*before].push(at);
        *before += 1;
    }
    rounds.iter().flat_map(|round| round.chunks(limit.max(1))).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_item_is_asked_once_in_order_of_its_name(names in prop::collection::vec("[a-d]", 0..40), limit in 1_usize..8) {
            let batches = batches(names.iter().map(String::as_str), limit);

            let mut last: HashMap<&str, usize> = HashMap::new();
            for batch in &batches {
                prop_assert!(!batch.is_empty() && batch.len() <= limit);
                let distinct: BTreeSet<&str> = batch.iter().map(|at| names[*at].as_str()).collect();
                prop_assert_eq!(distinct.len(), batch.len());
                for at in batch {
                    if let Some(before) = last.insert(names[*at].as_str(), *at) { prop_assert!(before < *at); }
                }
            }
            let mut all: Vec<usize> = batches.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..names.len()).collect::<Vec<_>>());
        }
    }
}
