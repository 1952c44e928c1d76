//! So many a second: a quota that a refused call does not touch, and that a changed share does not refill.
//!
//! governor gives nothing back, but it lets its state be kept by us: one number, the theoretical
//! arrival time of GCRA, which a token moves forward by one interval and a refund moves back. Moves
//! commute, so the refund is exact whatever happens in between.

use crate::config::settings::Quota;
use crate::upstream::whole_seconds;
use arc_swap::ArcSwap;
use governor::RateLimiter;
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use qaqpa_kit::fault::Budget;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND_NS: f64 = 1e9;

/// One quota of this node: all of it, or the share that the cluster leaves to this node.
pub(super) struct Bucket<C: Clock> {
    quota: Quota,
    rate: ArcSwap<Rate<C>>,
    /// Tokens asked for, also in vain.
    asked: AtomicU64,
}

impl<C: Clock + Clone> Bucket<C> {
    /// A quota of which as many tokens are spent as of the one `before`; the same quota is that one.
    pub(super) fn renewed(quota: Quota, clock: &C, before: Option<&Arc<Self>>) -> Arc<Self> {
        match before {
            Some(before) if before.is_of(quota) => Arc::clone(before),
            before => {
                let known = before.map(|before| before.rate.load());
                let (spent, part) = known.map_or((0, 1.0), |rate| (rate.spent(), rate.part));
                let rate = Rate::new(quota, part, clock).spent_already(spent);
                let asked = before.map_or(0, |before| before.asked());
                Arc::new(Self {
                    quota,
                    rate: ArcSwap::from_pointee(rate),
                    asked: AtomicU64::new(asked),
                })
            }
        }
    }

    fn is_of(&self, quota: Quota) -> bool {
        (self.quota.per_second, self.quota.burst) == (quota.per_second, quota.burst)
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.rate.load().take()
    }

    /// Undoes one `take` that gave a token.
    pub(super) fn refund(&self) {
        self.rate.load().refund();
    }

    /// Tokens asked for so far, also in vain.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether nothing is spent that a new one would have.
    pub(super) fn is_full(&self) -> bool {
        self.rate.load().owed_ns() == 0
    }

    /// Calls a second that all nodes together may make.
    pub(super) fn per_second(&self) -> u32 {
        self.quota.per_second
    }

    /// Goes on with this part of the quota, 0 … 1; what is spent stays spent.
    pub(super) fn share(&self, part: f64) {
        let before = self.rate.load();
        if (before.part - part).abs() > 0.005 {
            let rate = Rate::new(self.quota, part, &before.clock).spent_already(before.spent());
            self.rate.store(Arc::new(rate));
        }
    }

    /// What is left, for people and headers; `wait`: until the next token, where none is there.
    pub(super) fn budget(&self, contract: String, wait: Option<Duration>) -> Budget {
        let rate = self.rate.load();
        let left = u64::from(rate.burst).saturating_sub(rate.spent());
        let until_full = Duration::from_nanos(rate.owed_ns());
        Budget {
            contract,
            per_second: self.quota.per_second,
            burst: self.quota.burst,
            remaining: if wait.is_some() { 0 } else { u32::try_from(left).unwrap_or(u32::MAX) },
            reset_s: match wait {
                Some(wait) => whole_seconds(wait),
                None if until_full.is_zero() => 0,
                None => whole_seconds(until_full),
            },
        }
    }
}

/// A limiter, and what it needs to be asked and followed by another.
struct Rate<C: Clock> {
    limiter: RateLimiter<NotKeyed, Arrival, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    /// What the limiter counts from.
    begun: C::Instant,
    arrival: Arrival,
    /// Nanoseconds that one token is worth.
    interval: u64,
    burst: u32,
    /// Of the quota, 0 … 1.
    part: f64,
}

impl<C: Clock + Clone> Rate<C> {
    /// A part of a quota; never less than one token in an hour.
    fn new(quota: Quota, part: f64, clock: &C) -> Self {
        let per_second = (f64::from(quota.per_second) * part).max(1.0 / 3600.0);
        let interval = Duration::from_secs_f64((SECOND_NS / per_second).max(1.0) / SECOND_NS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 … burst")]
        let burst = (f64::from(quota.burst) * part).ceil().max(1.0) as u32;
        // The configuration refuses zero; one is the least that governor knows.
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let paced = governor::Quota::with_period(interval.max(Duration::from_nanos(1)));
        let paced =
            paced.unwrap_or(governor::Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let arrival = Arrival::default();
        let begun = clock.now();
        Self {
            limiter: RateLimiter::new(paced, arrival.clone(), clock.clone()),
            clock: clock.clone(),
            begun,
            arrival,
            interval: Nanos::from(paced.replenish_interval()).as_u64().max(1),
            burst: burst.get(),
            part,
        }
    }

    /// The same with so many tokens gone, as far as it has them.
    fn spent_already(self, tokens: u64) -> Self {
        let owed = self.interval.saturating_mul(tokens.min(u64::from(self.burst)));
        let since = self.clock.now().duration_since(self.begun).as_u64();
        if owed > 0 {
            self.arrival.0.store(owed.saturating_add(since), Ordering::Relaxed);
        }
        self
    }

    fn owed_ns(&self) -> u64 {
        let now = self.clock.now().duration_since(self.begun).as_u64();
        self.arrival.0.load(Ordering::Relaxed).saturating_sub(now)
    }

    /// Tokens that are not there now, rounded up.
    fn spent(&self) -> u64 {
        self.owed_ns().div_ceil(self.interval)
    }

    fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    fn refund(&self) {
        let back = |at: u64| Some(at.saturating_sub(self.interval));
        // Always Some, so it always succeeds.
        self.arrival.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back).ok();
    }
}

/// The state of one limiter (theoretical arrival time of GCRA, nanoseconds; 0: unused), kept here so
/// that a refund can reach it.
#[derive(Clone, Default)]
struct Arrival(Arc<AtomicU64>);

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let known = if before == 0 { None } else { Some(Nanos::from(before)) };
            let (decision, after) = decide(known)?;
            let swapped = self.0.compare_exchange_weak(
                before,
                after.as_u64(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(decision),
                Err(now) => before = now,
            }
        }
    }
}
