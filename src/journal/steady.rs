//! The time by which what is remembered is forgotten: never ahead of how long this process has lived.

use super::now_us;
use tokio::time::Instant;

const DAY_US: i64 = 86_400_000_000;

/// The wall clock, but no further on than the clock that nobody sets. What a clock that jumped ahead
/// would have made us forget is asked for again once the clock is right again.
#[derive(Debug)]
pub(super) struct Steady {
    begun_us: i64,
    begun: Instant,
}

impl Steady {
    pub(super) fn start() -> Self {
        Self { begun_us: now_us(), begun: Instant::now() }
    }

    /// Unix microseconds.
    pub(super) fn now_us(&self) -> i64 {
        self.no_later_than(now_us())
    }

    /// Days since 1970, UTC.
    pub(super) fn day(&self) -> i32 {
        i32::try_from(self.now_us() / DAY_US).unwrap_or(0)
    }

    fn no_later_than(&self, wall_us: i64) -> i64 {
        let lived_us = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        wall_us.min(self.begun_us.saturating_add(lived_us))
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_US, Steady};
    use tokio::time::Instant;

    #[test]
    fn a_clock_that_jumps_ahead_forgets_nothing_and_one_that_goes_back_is_believed() {
        let steady = Steady { begun_us: 100 * DAY_US, begun: Instant::now() };
        let ahead_us = steady.no_later_than(101 * DAY_US);
        assert!((100 * DAY_US..100 * DAY_US + 60_000_000).contains(&ahead_us), "{ahead_us}");
        assert_eq!(steady.no_later_than(99 * DAY_US), 99 * DAY_US);
    }
}
