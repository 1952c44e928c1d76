//! What the journal counts about itself: plain atomics that the metrics module reads.

use super::down::Why;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// One number, written by the journal and read by anybody.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// The value now.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }

    pub(super) fn subtract(&self, count: usize) {
        self.0.fetch_sub(count as u64, Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

/// Observations counted by their upper bounds.
#[derive(Debug)]
pub struct Histogram<const BUCKETS: usize> {
    /// Inclusive upper bounds, ascending; what is above the last is only in `count`.
    pub bounds: [u64; BUCKETS],
    /// How many lay at or below the bound of the same place and above the one before.
    pub buckets: [Number; BUCKETS],
    pub count: Number,
    pub sum: Number,
}

impl<const BUCKETS: usize> Histogram<BUCKETS> {
    fn new(bounds: [u64; BUCKETS]) -> Self {
        let buckets = std::array::from_fn(|_| Number::default());
        Self { bounds, buckets, count: Number::default(), sum: Number::default() }
    }

    pub(super) fn observe(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.add(1);
        }
        self.count.add(1);
        self.sum.0.fetch_add(value, Relaxed);
    }
}

/// Everything that the journal counts; totals since the start unless said otherwise.
#[derive(Debug)]
pub struct Stats {
    /// Entries opened (calls let in, and refusals recorded).
    pub opened: Number,
    /// Entries closed.
    pub closed: Number,
    /// Of them, those that wait for evidence.
    pub unknown: Number,
    /// Stored answers given again.
    pub stored_given: Number,
    /// Openings that were committed though their caller had gone; they were closed as Refused.
    pub undone: Number,
    /// Refusals that were not recorded because too many waited.
    pub records_dropped: Number,
    /// Entries of an earlier life closed as interrupted at the start.
    pub interrupted: Number,
    /// Opens now waiting for the writer.
    pub opens_waiting: Number,
    /// Closes and records now waiting for the writer.
    pub closes_waiting: Number,
    /// Bytes of stored answers, as of the last sweep and what was stored since.
    pub answers_bytes: Number,
    /// Entries that wait for evidence now, as of the last look.
    pub unresolved: Number,
    /// Age of the oldest of them in seconds.
    pub unresolved_oldest_s: Number,
    /// When the report of the last month's services is late (Unix seconds); 0: made, or not watched.
    pub report_late_unix_s: Number,
    /// The same of their acts.
    pub act_late_unix_s: Number,
    /// Rows of evidence in one commit.
    pub group_rows: Histogram<11>,
    /// Microseconds of one commit, with everything written in it.
    pub commit_us: Histogram<14>,
    refused: [Number; Why::ALL.len()],
    is_ready: AtomicBool,
}

impl Stats {
    pub(super) fn new() -> Self {
        Self {
            opened: Number::default(),
            closed: Number::default(),
            unknown: Number::default(),
            stored_given: Number::default(),
            undone: Number::default(),
            records_dropped: Number::default(),
            interrupted: Number::default(),
            opens_waiting: Number::default(),
            closes_waiting: Number::default(),
            answers_bytes: Number::default(),
            unresolved: Number::default(),
            unresolved_oldest_s: Number::default(),
            report_late_unix_s: Number::default(),
            act_late_unix_s: Number::default(),
            group_rows: Histogram::new([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]),
            commit_us: Histogram::new([
                100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
                500_000, 1_000_000, 2_000_000,
            ]),
            refused: std::array::from_fn(|_| Number::default()),
            is_ready: AtomicBool::new(false),
        }
    }

    /// Opens refused for this reason.
    #[must_use]
    pub fn refused(&self, why: Why) -> u64 {
        self.refused.get(why as usize).map_or(0, Number::read)
    }

    pub(super) fn refuse(&self, why: Why) {
        if let Some(number) = self.refused.get(why as usize) {
            number.add(1);
        }
    }

    /// Whether the last commit worked and opens are accepted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Relaxed)
    }

    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn an_observation_falls_under_the_first_bound_that_holds_it() {
        let histogram = Histogram::new([1, 2, 4]);
        for value in [1, 2, 3, 4, 5] {
            histogram.observe(value);
        }
        assert_eq!(histogram.buckets.each_ref().map(|bucket| bucket.read()), [1, 1, 2]);
        assert_eq!((histogram.count.read(), histogram.sum.read()), (5, 15));
    }
}
