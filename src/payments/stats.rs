//! What the writer of payments counts, for metrics and readiness.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The figures of one node.
#[derive(Debug, Default)]
pub struct Stats {
    commits: AtomicU64,
    requests: AtomicU64,
    failures: AtomicU64,
    is_down: AtomicBool,
}

impl Stats {
    /// A group was committed.
    pub(super) fn committed(&self, requests: usize) {
        self.commits.fetch_add(1, Relaxed);
        self.requests.fetch_add(u64::try_from(requests).unwrap_or(u64::MAX), Relaxed);
        self.is_down.store(false, Relaxed);
    }

    /// The store did not take a group.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
        self.is_down.store(true, Relaxed);
    }

    /// Groups committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    /// Requests in those groups.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Groups that the store did not take.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Whether the last group was taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_down.load(Relaxed)
    }
}
