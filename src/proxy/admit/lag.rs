//! How late the node is: a timer that rings when it should rings late while there is more to do than time.
//!
//! It is the one sign of a busy processor that needs no counting of what calls cost. One late ring is
//! chance; the lag is the least of the last few.

use crate::config::settings::Class;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looks that must all be late.
const LOOKS: usize = 5;
/// Payments are refused only at so many times the lag at which others are.
const PAYMENTS_BEAR: u32 = 5;
/// A node begins to be late at this part of the lag at which it refuses everybody but payments.
const LATE_PART: u32 = 4;

/// What was seen of late, in microseconds.
#[derive(Debug, Default)]
pub struct Lag {
    looks: Mutex<(usize, [u64; LOOKS])>,
    least_us: AtomicU64,
    last_us: AtomicU64,
}

impl Lag {
    /// Looks until the task is ended.
    pub async fn watch(&self) {
        loop {
            let due = Instant::now() + LOOK_EVERY;
            sleep_until(due.into()).await;
            self.saw(Instant::now().saturating_duration_since(due));
        }
    }

    /// Notes how late a ring was.
    pub fn saw(&self, late: Duration) {
        let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, seen) = &mut *looks;
        if let Some(place) = seen.get_mut(*at % LOOKS) {
            *place = late_us;
        }
        *at = at.wrapping_add(1);
        self.last_us.store(late_us, Ordering::Relaxed);
        self.least_us.store(seen.iter().copied().min().unwrap_or_default(), Ordering::Relaxed);
    }

    /// How late it is.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.least_us.load(Ordering::Relaxed))
    }

    /// Whether the last ring was late, where `max` is what the node bears; it may have been chance.
    pub(super) fn is_felt(&self, max: Duration) -> bool {
        Duration::from_micros(self.last_us.load(Ordering::Relaxed)) >= max / LATE_PART
    }

    /// Whether one more of this class would only wait: batches from half of `max` on, citizens from
    /// `max`, payments from five times as much.
    ///
    /// # Errors
    /// `gateway.overloaded` (`lag_node`).
    pub(super) fn check(&self, class: Class, max: Duration) -> Result<(), Fault> {
        let bearable = match class {
            Class::Payment => max * PAYMENTS_BEAR,
            Class::Citizen => max,
            Class::Batch => max / 2,
        };
        if self.now() < bearable {
            return Ok(());
        }
        Err(Fault::new(Code::GatewayOverloaded, Phase::Admit, "lag_node").retry_after_s(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_ring_is_chance_and_many_are_a_busy_node_where_payments_go_on() {
        let (lag, max) = (Lag::default(), Duration::from_millis(100));
        let is_in = |class| lag.check(class, max).is_ok();
        lag.saw(Duration::from_secs(3));
        assert!(is_in(Class::Batch));
        (0..LOOKS).for_each(|_| lag.saw(Duration::from_millis(60)));
        assert!(is_in(Class::Citizen) && !is_in(Class::Batch));
        (0..LOOKS).for_each(|_| lag.saw(Duration::from_millis(150)));
        assert!(is_in(Class::Payment) && !is_in(Class::Citizen));
        lag.saw(Duration::ZERO);
        assert!(is_in(Class::Batch), "and it is over at once");
    }

    #[test]
    fn the_last_ring_alone_is_enough_to_doubt_what_was_read_then() {
        let (lag, max) = (Lag::default(), Duration::from_millis(100));
        assert!(!lag.is_felt(max));
        lag.saw(max / LATE_PART);
        assert!(lag.is_felt(max) && lag.now().is_zero());
        lag.saw(Duration::ZERO);
        assert!(!lag.is_felt(max));
    }
}
