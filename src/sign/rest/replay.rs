//! Signatures of calls seen lately: one that bears no key of its own call counts once.

use super::{LIFETIME_S, SKEW_S};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Signatures remembered at once, 32 bytes each; beyond it no further call without a key is let in.
pub const SEEN_MAX: usize = 200_000;

/// What was seen in this span of time and in the one before, so that none is forgotten while it counts.
///
/// Spans go by the clock that nobody sets: a wall clock that jumps ahead and comes back would have
/// forgotten what counts again.
#[derive(Debug, Default)]
pub struct Replays {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    since: Option<Instant>,
    now: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
}

/// Whether a signature may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    First,
    Again,
    /// Too many to remember another one.
    Full,
}

impl Replays {
    /// Remembers a signature by the digest of what it signs.
    pub fn turn(&self, digest: [u8; 32], now: Instant) -> Turn {
        const SPAN: Duration = Duration::from_secs((LIFETIME_S + 2 * SKEW_S).unsigned_abs());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *seen.since.get_or_insert(now);
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= SPAN {
            let last = std::mem::take(&mut seen.now);
            seen.before = if elapsed < SPAN * 2 { last } else { HashSet::new() };
            seen.since = Some(now);
        }
        if seen.now.contains(&digest) || seen.before.contains(&digest) {
            return Turn::Again;
        }
        if seen.now.len() >= SEEN_MAX {
            return Turn::Full;
        }
        seen.now.insert(digest);
        Turn::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_once_while_it_could_count_at_all() {
        let (replays, begun) = (Replays::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(replays.turn([1; 32], at(0)), Turn::First);
        for later in [0, 1, 300, 360, 420, 800] {
            assert_eq!(replays.turn([1; 32], at(later)), Turn::Again, "{later}");
        }
        assert_eq!(replays.turn([2; 32], at(800)), Turn::First);
        assert_eq!(replays.turn([1; 32], at(2000)), Turn::First, "its time is over by then");
    }

    #[test]
    fn memory_has_an_end_and_then_nobody_new_gets_in() {
        let (replays, now) = (Replays::default(), Instant::now());
        for index in 0..SEEN_MAX {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&index.to_be_bytes());
            assert_eq!(replays.turn(digest, now), Turn::First);
        }
        assert_eq!(replays.turn([9; 32], now), Turn::Full);
    }
}
