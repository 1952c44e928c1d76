//! The endpoints of one agency: the least busy that is well, and those that fail left out for a while.
//!
//! Pure but for the connections that each endpoint keeps. An endpoint that failed so often in a row is
//! left out, longer each time; where all are, the one that is back soonest is tried all the same:
//! whether to ask the agency at all is the breaker's to say.

use super::pool::Pool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Failures in a row after which an endpoint is left out.
const FAILURES_MAX: u32 = 3;
/// For how long at first; twice as long each time, up to so many times.
const OUT_FOR: Duration = Duration::from_secs(5);
const OUT_DOUBLED_MAX: u32 = 5;

/// One endpoint.
pub(super) struct Place {
    pub(super) pool: Pool,
    in_use: AtomicUsize,
    failures: AtomicU32,
    times_out: AtomicU32,
    born: Instant,
    /// Microseconds since `born` until which it is left out.
    out_until_us: AtomicU64,
}

/// An endpoint while it is asked.
pub(super) struct Using(Arc<Place>);

impl std::ops::Deref for Using {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Place {
    pub(super) fn new(pool: Pool) -> Arc<Self> {
        Arc::new(Self {
            pool,
            in_use: AtomicUsize::new(0),
            failures: AtomicU32::new(0),
            times_out: AtomicU32::new(0),
            born: Instant::now(),
            out_until_us: AtomicU64::new(0),
        })
    }

    /// It answered, whatever it said.
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.times_out.store(0, Ordering::Relaxed);
        }
    }

    /// It could not be reached, or did not answer.
    pub(super) fn failed(&self, now: Instant) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 < FAILURES_MAX {
            return;
        }
        let doubled = self.times_out.fetch_add(1, Ordering::Relaxed).min(OUT_DOUBLED_MAX);
        let until = self.us(now).saturating_add(us(OUT_FOR * 2_u32.pow(doubled)));
        self.out_until_us.store(until, Ordering::Relaxed);
        // The next failure, after its time out, is enough.
        self.failures.store(FAILURES_MAX - 1, Ordering::Relaxed);
    }

    fn us(&self, now: Instant) -> u64 {
        us(now.saturating_duration_since(self.born))
    }

    /// How long it is left out still.
    fn out_for(&self, now: Instant) -> u64 {
        self.out_until_us.load(Ordering::Relaxed).saturating_sub(self.us(now))
    }
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// All endpoints of one agency, and the right to use a connection to any of them.
pub(super) struct Places {
    all: Vec<Arc<Place>>,
    connections_max: usize,
    /// One permit for each connection in use; idle ones need none, because a call opens a new one only
    /// when none is idle.
    permits: Arc<Semaphore>,
    turn: AtomicUsize,
}

impl Places {
    /// Those of these pools; what is known `before` of the same endpoints stays known.
    pub(super) fn renewed(pools: Vec<Pool>, connections_max: usize, before: Option<&Self>) -> Self {
        let all = pools.into_iter().map(|pool| match Self::known(before, &pool) {
            Some(place) => Arc::clone(place),
            None => Place::new(pool),
        });
        let kept = before.filter(|before| before.connections_max == connections_max);
        let permits = kept.map_or_else(
            || Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS))),
            |before| Arc::clone(&before.permits),
        );
        Self { all: all.collect(), connections_max, permits, turn: AtomicUsize::new(0) }
    }

    fn known<'b>(before: Option<&'b Self>, pool: &Pool) -> Option<&'b Arc<Place>> {
        before?.all.iter().find(|one| one.pool.is_same(pool))
    }

    /// Waits for the right to use a connection; give it back after it is kept, not before.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// The endpoint to ask now, other than those tried already.
    pub(super) fn choose(&self, now: Instant, tried: &[Using]) -> Option<Using> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.all.len().max(1);
        let in_turn = self.all.iter().cycle().skip(turn % count).take(self.all.len());
        let is_tried = |place: &Arc<Place>| tried.iter().any(|one| Arc::ptr_eq(&one.0, place));
        // Equals keep their turn: the first of them is taken.
        let chosen = in_turn
            .filter(|place| !is_tried(place))
            .min_by_key(|place| (place.out_for(now), place.in_use.load(Ordering::Relaxed)))?;
        chosen.in_use.fetch_add(1, Ordering::Relaxed);
        Some(Using(Arc::clone(chosen)))
    }

    /// Whether an endpoint is left that was not tried.
    pub(super) fn has_other(&self, tried: &[Using]) -> bool {
        self.all.iter().any(|place| !tried.iter().any(|one| Arc::ptr_eq(&one.0, place)))
    }

    /// Closes connections that rested too long.
    pub(super) fn sweep(&self, now: Instant) {
        self.all.iter().for_each(|place| place.pool.sweep(now));
    }
}

/// How often failed exchanges may be repeated: each call pays a part of one repetition.
pub(super) struct Retries {
    /// Hundredths of a repetition.
    saved: AtomicU64,
    percent: u32,
}

/// Repetitions saved up at most.
const SAVED_MAX: u64 = 10;

impl Retries {
    pub(super) fn new(percent: u32) -> Self {
        Self { saved: AtomicU64::new(0), percent }
    }

    /// A call is made.
    pub(super) fn pay(&self) {
        let paid = |saved: u64| Some((saved + u64::from(self.percent)).min(SAVED_MAX * 100));
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).ok();
    }

    /// Whether one may be repeated.
    pub(super) fn take(&self) -> bool {
        let less = |saved: u64| saved.checked_sub(100);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::pool::Origin;

    fn places(count: usize) -> Places {
        let pool = |at: usize| {
            let origin = Origin::parse(&format!("http://127.0.0.1:{at}")).expect("a URL");
            Pool::new(origin, None).expect("a pool")
        };
        Places::renewed((1..=count).map(pool).collect(), 8, None)
    }

    fn port(using: &Using) -> u16 {
        using.pool.origin().port
    }

    #[test]
    fn calls_are_parted_evenly_and_the_least_busy_is_next() {
        let (places, now) = (places(3), Instant::now());
        let held: Vec<_> = (0..9).filter_map(|_| places.choose(now, &[])).collect();
        for at in 1..=3 {
            assert_eq!(held.iter().filter(|using| port(using) == at).count(), 3);
        }
        let free = held.into_iter().filter(|using| port(using) != 2).collect::<Vec<_>>();
        let next = places.choose(now, &[]).expect("one");
        assert_eq!(port(&next), 2);
        drop(free);
    }

    #[test]
    fn one_that_keeps_failing_is_left_out_and_comes_back_for_a_trial() {
        let (places, now) = (places(2), Instant::now());
        let bad = places.choose(now, &[]).expect("one");
        (0..FAILURES_MAX).for_each(|_| bad.failed(now));
        let bad_port = port(&bad);
        drop(bad);
        for _ in 0..10 {
            assert_ne!(port(&places.choose(now, &[]).expect("the other")), bad_port);
        }
        let later = now + OUT_FOR;
        let both: Vec<_> = (0..2).filter_map(|_| places.choose(later, &[])).collect();
        let trial = both.iter().find(|using| port(using) == bad_port).expect("a trial");
        trial.failed(later);
        drop(both);
        let still = later + OUT_FOR;
        assert_ne!(port(&places.choose(still, &[]).expect("the other")), bad_port, "twice as long");
    }

    #[test]
    fn where_all_are_out_one_is_tried_all_the_same() {
        let (places, now) = (places(1), Instant::now());
        let only = places.choose(now, &[]).expect("one");
        (0..9).for_each(|_| only.failed(now));
        assert!(places.choose(now, &[]).is_some());
        assert!(places.choose(now, &[only]).is_none(), "but not twice in one call");
    }

    #[test]
    fn a_repetition_is_paid_for_by_ten_calls() {
        let retries = Retries::new(10);
        (0..9).for_each(|_| retries.pay());
        assert!(!retries.take());
        retries.pay();
        assert!(retries.take() && !retries.take());
        (0..10_000).for_each(|_| retries.pay());
        assert_eq!((0..100).filter(|_| retries.take()).count(), 10, "no more is saved up");
    }
}
