//! Whether a wall clock can be trusted with a quiet time: one that jumps ahead would end it too soon.
//!
//! An order would then be sent again while its first attempt may still be on its way.

use super::entry::now_us;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A wall clock that gains more than this on the steady one was set, or the machine slept.
const GAIN_US_MAX: i64 = 1_000_000;

/// Watches the wall clock beside the steady one.
pub(super) struct Watch {
    quiet: Duration,
    begun: Instant,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The wall clock less the steady one, at the least since then.
    lead_us: i64,
    /// Since when the wall clock has not jumped ahead.
    since: Instant,
}

impl Watch {
    /// Begins to watch; what the clock did before, nobody knows.
    pub(super) fn start(quiet: Duration) -> Self {
        Self::at(quiet, (now_us(), Instant::now()))
    }

    fn at(quiet: Duration, (wall_us, now): (i64, Instant)) -> Self {
        let seen = Mutex::new(Seen { lead_us: wall_us, since: now });
        Self { quiet, begun: now, seen }
    }

    /// Whether the wall clock has not jumped ahead for the quiet time, as far as it was looked at.
    pub(super) fn is_calm(&self) -> bool {
        self.look(now_us(), Instant::now())
    }

    fn look(&self, wall_us: i64, now: Instant) -> bool {
        let lived = now.saturating_duration_since(self.begun).as_micros();
        let lead_us = wall_us.saturating_sub(i64::try_from(lived).unwrap_or(i64::MAX));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if lead_us.saturating_sub(seen.lead_us) > GAIN_US_MAX {
            *seen = Seen { lead_us, since: now };
        }
        seen.lead_us = seen.lead_us.min(lead_us);
        now.saturating_duration_since(seen.since) >= self.quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(600);
    const NOON_US: i64 = 1_795_593_600_000_000;

    /// What it says after so many seconds of the steady clock, with the wall clock so far ahead of it.
    fn says(looks: &[(u64, i64)]) -> Vec<bool> {
        let begun = Instant::now();
        let watch = Watch::at(QUIET, (NOON_US, begun));
        let look = |(after_s, ahead_s): &(u64, i64)| {
            let lived_s = i64::try_from(*after_s).unwrap_or(i64::MAX);
            let wall_us = NOON_US + (lived_s + ahead_s) * 1_000_000;
            watch.look(wall_us, begun + Duration::from_secs(*after_s))
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_quiet_time_must_pass_after_the_start() {
        assert_eq!(says(&[(0, 0), (599, 0), (600, 0), (9_000, 1)]), [false, false, true, true]);
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_trusted_again_after_a_quiet_time() {
        let looks = [(900, 0), (901, 3_600), (1_500, 3_600), (1_501, 3_600)];
        assert_eq!(says(&looks), [true, false, false, true]);
    }

    #[test]
    fn a_clock_that_goes_back_is_trusted_but_not_when_it_comes_forward_again() {
        let looks = [(900, 0), (901, -3_600), (902, 0), (1_501, 0), (1_502, 0)];
        assert_eq!(says(&looks), [true, true, false, false, true]);
    }
}
