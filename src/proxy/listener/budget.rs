//! Bytes that a door may hold at one time: of requests until their calls end, of answers until they are taken.

use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A cap on bytes that are held at one time.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_max: usize,
    bytes: AtomicUsize,
    gauge: IntGauge,
}

impl Budget {
    pub(super) fn new(bytes_max: usize, gauge: IntGauge) -> Self {
        Self { bytes_max, bytes: AtomicUsize::new(0), gauge }
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.gauge.sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Whether nothing more is to be taken.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.bytes_max
    }

    pub(super) fn room(self: &Arc<Self>) -> Room {
        Room { budget: Arc::clone(self), bytes: 0 }
    }
}

/// One request's part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Room {
    /// Takes more; `false` where the budget has no more, and nothing is taken.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let after = self.hold(bytes);
        if after > self.budget.bytes_max {
            self.budget.give_back(bytes);
            self.bytes -= bytes;
            return false;
        }
        true
    }

    /// Takes what is there already, also beyond the cap; what all hold then.
    pub(super) fn hold(&mut self, bytes: usize) -> usize {
        let before = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.budget.gauge.add(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.bytes += bytes;
        before.saturating_add(bytes)
    }

    /// Gives all back.
    pub(super) fn clear(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.budget.give_back(bytes);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_all_bodies_together_are_bounded_and_given_back() {
        let gauge = IntGauge::new("bytes", "held").expect("a gauge");
        let budget = Arc::new(Budget::new(10, gauge.clone()));
        let (mut first, mut second) = (budget.room(), budget.room());
        assert!(first.take(6) && second.take(4));
        assert!(!second.take(1), "nothing is taken beyond the cap");
        first.clear();
        assert!(second.take(6), "what was given back can be taken");
        drop((first, second));
        assert_eq!(gauge.get(), 0);
        assert!(budget.room().take(10));
        let mut answer = budget.room();
        answer.hold(10);
        assert!(budget.is_full() && !budget.room().take(1));
        answer.hold(5);
        drop(answer);
        assert!(!budget.is_full() && gauge.get() == 0);
    }
}
