//! Retries as data.

use std::time::Duration;

/// How often a step is tried, and how long to wait between: `first`, then `factor` times as long each time, up to [`Retry::LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all.
    pub attempts: u32,
    /// The wait after the first failure.
    pub first: Duration,
    /// How much longer each further wait is.
    pub factor: u32,
}

impl Retry {
    /// No wait is longer.
    pub const LONGEST: Duration = Duration::from_secs(15);

    /// For calls to a cluster.
    pub const CLUSTER: Self = Self { attempts: 8, first: Duration::from_millis(100), factor: 3 };

    /// For a cluster that does not answer: without limit.
    pub const WAITING: Self = Self { attempts: u32::MAX, first: Duration::from_millis(500), factor: 2 };

    /// The wait after `failed` failures, or `None` when it is enough.
    #[must_use]
    pub fn delay(self, failed: u32) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let growth = self.factor.saturating_pow(failed.saturating_sub(1));
        Some(self.first.saturating_mul(growth).min(Self::LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_end() {
        let r = Retry { attempts: 4, first: Duration::from_secs(1), factor: 5 };
        let waits: Vec<_> = (1..=4).map(|n| r.delay(n).map(|d| d.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(5), Some(15), None]);
        assert_eq!(Retry::WAITING.delay(1_000_000), Some(Retry::LONGEST));
    }
}
