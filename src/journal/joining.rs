//! How long a commit waits for the calls that usually share it.

use std::time::{Duration, Instant};

/// How often a writer lets others have its core before a commit, at most.
const YIELDS_MAX: usize = 16;
/// The longest that a commit waits for calls that usually join it.
const WAIT_MAX: Duration = Duration::from_millis(2);
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// How many usually go into one commit, and how long the last one took.
///
/// Calls that a commit lets go come back one after the other, as fast as a core carries them. A commit for
/// the first of them alone costs nearly as much as one for all, and the others wait for it.
pub(crate) struct Joining {
    /// Sixteenths, so that a mean needs no fractions.
    usual_16th: usize,
    took: Duration,
}

impl Joining {
    pub(crate) const fn new() -> Self {
        Self { usual_16th: 0, took: Duration::ZERO }
    }

    /// Waits for as many as usual, but no longer than half of the last commit; `waiting` counts who is
    /// here. First whoever is ready on this core may go on; one alone waits for nobody.
    pub(crate) fn wait(&self, waiting: impl Fn() -> usize) {
        let mut before = None;
        for _ in 0..YIELDS_MAX {
            let now = waiting();
            if before.is_some_and(|before| now <= before) {
                break;
            }
            before = Some(now);
            std::thread::yield_now();
        }
        let ends = Instant::now() + (self.took / 2).min(WAIT_MAX);
        while waiting() < self.usual_16th / 16 && Instant::now() < ends {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Notes what was committed.
    pub(crate) const fn note(&mut self, count: usize, took: Duration) {
        self.usual_16th = (self.usual_16th * 3) / 4 + count * 4;
        self.took = took;
    }
}
