//! Chance with a seed that is printed, so that a run that failed can be run again.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose moments.
pub struct Chance(u64);

impl Chance {
    /// From `QAQPA_CRASH_SEED`, else from the clock.
    pub fn new() -> (Self, u64) {
        let given =
            std::env::var("QAQPA_CRASH_SEED").ok().map(|seed| seed.parse().expect("a seed"));
        let seed = given.unwrap_or_else(|| {
            u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos())
        });
        (Self(seed), seed)
    }

    /// Another one, for a task of its own.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
