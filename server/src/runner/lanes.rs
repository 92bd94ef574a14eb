//! How much of each cluster's work this replica has claimed and not ended.

use orbit_core::id::ClusterId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

#[derive(Default)]
pub(super) struct Lanes(Mutex<HashMap<ClusterId, u32>>);

impl Lanes {
    pub(super) fn took(&self, lane: ClusterId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(lane).or_default() += 1;
    }

    /// One of them has ended: how many are left.
    pub(super) fn left(&self, lane: ClusterId) -> u32 {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = lanes.get(&lane).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            lanes.remove(&lane);
        } else {
            lanes.insert(lane, left);
        }
        left
    }
}
