//! How much goes into one commit: all that is allowed, or less while the store is too slow for it.

/// Bodies gathered into one commit at most; one bigger body still makes a group of its own.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// A group is halved so often at most: a store that does not write 128 KiB in time is no slow one.
const HALVINGS_MAX: u32 = 6;
/// Groups written in a row before a store that was slow is given bigger ones again.
const WRITTEN_MIN: u32 = 8;

/// How much goes into one group: all that is allowed, or less while the store is too slow for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    jobs_max: usize,
    /// How often it was halved.
    halvings: u32,
    /// Groups of this measure written in a row.
    written: u32,
}

impl Measure {
    pub(super) fn new(jobs_max: usize) -> Self {
        Self { jobs_max, halvings: 0, written: 0 }
    }

    /// A group was not written in time: the next one is half as big, since the same again would be too slow
    /// again.
    pub(super) fn halve(&mut self) {
        self.written = 0;
        self.halvings = (self.halvings + 1).min(HALVINGS_MAX);
    }

    /// A group was written; after some of them the next ones are twice as big.
    pub(super) fn written(&mut self) {
        self.written += 1;
        if self.written >= WRITTEN_MIN {
            self.written = 0;
            self.halvings = self.halvings.saturating_sub(1);
        }
    }

    pub(super) fn jobs(self) -> usize {
        (self.jobs_max >> self.halvings).max(1)
    }

    pub(super) fn bytes(self) -> usize {
        GROUP_BYTES_MAX >> self.halvings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_halved_so_far_and_grows_back_by_what_was_written() {
        let mut measure = Measure::new(128);
        assert_eq!((measure.jobs(), measure.bytes()), (128, 8 << 20));
        for _ in 0..100 {
            measure.halve();
        }
        assert_eq!((measure.jobs(), measure.bytes()), (2, 128 << 10));
        for _ in 1..WRITTEN_MIN {
            measure.written();
        }
        assert_eq!(measure.jobs(), 2);
        measure.written();
        assert_eq!(measure.jobs(), 4);
        for _ in 0..100 * WRITTEN_MIN {
            measure.written();
        }
        assert_eq!((measure.jobs(), measure.bytes()), (128, 8 << 20));
    }
}
