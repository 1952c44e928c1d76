//! How often each address may come: whoever comes faster waits its turn, and only who would wait too long is refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses remembered at most, 40 bytes or so each. An address is forgotten as soon as its allowance
/// is whole again; where even so more are known, all of them are, and begin anew.
const ADDRESSES_MAX: usize = 65_536;

/// One rate for each address: so many a second, and so many at once after a rest.
///
/// Of each address one moment is kept: until when what it used is paid for (GCRA, ITU-T I.371 A.1).
#[derive(Debug)]
pub(in crate::proxy) struct Arrivals {
    every: Duration,
    at_once: Duration,
    wait_max: Duration,
    paid_until: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    moments: HashMap<IpAddr, Instant>,
    /// More than this many are looked through for those to be forgotten.
    crowded_at: usize,
}

impl Arrivals {
    /// Nobody is made to wait longer than `wait_max`.
    pub(in crate::proxy) fn new(per_second: u32, burst: u32, wait_max: Duration) -> Self {
        let every = Duration::from_secs(1) / per_second.max(1);
        Self { every, at_once: every * burst.max(1), wait_max, paid_until: Mutex::default() }
    }

    /// One arrival of `address`: how long it must wait; `None`, and uncounted, where that is too long.
    pub(in crate::proxy) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let mut known = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let paid_until = known.of(address, now) + self.every;
        let wait = paid_until.saturating_duration_since(now).saturating_sub(self.at_once);
        if wait > self.wait_max {
            return None;
        }
        known.moments.insert(address, paid_until);
        Some(wait)
    }

    /// Charges an address as if it had come so often. What it owes is bounded: whatever it did, it
    /// waits no longer than a whole burst takes to come back.
    pub(super) fn charge(&self, address: IpAddr, count: u32, now: Instant) {
        let mut known = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let paid_until = known.of(address, now) + self.every * count;
        known.moments.insert(address, paid_until.min(now + self.at_once * 2));
    }
}

impl Known {
    fn of(&mut self, address: IpAddr, now: Instant) -> Instant {
        if self.moments.len() > self.crowded_at {
            self.moments.retain(|_, paid_until| *paid_until > now);
            if self.moments.len() >= ADDRESSES_MAX {
                self.moments.clear();
            }
            self.crowded_at = (self.moments.len() * 2).clamp(1024, ADDRESSES_MAX);
        }
        self.moments.get(&address).map_or(now, |paid_until| now.max(*paid_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_storm_is_let_in_at_once_then_at_the_rate_and_refused_only_beyond_the_longest_wait() {
        let (arrivals, now) = (Arrivals::new(10, 5, SECOND), Instant::now());
        let waits: Vec<_> = (0..17).map(|_| arrivals.wait(address(1), now)).collect();
        assert!(waits[..5].iter().all(|wait| *wait == Some(Duration::ZERO)), "{waits:?}");
        assert_eq!(waits[5], Some(SECOND / 10));
        assert_eq!(waits[14], Some(SECOND));
        assert_eq!(waits[15..], [None, None], "those refused pay nothing");
        assert_eq!(arrivals.wait(address(1), now + SECOND / 10), Some(SECOND));
        assert_eq!(arrivals.wait(address(2), now), Some(Duration::ZERO), "somebody else");
        assert_eq!(arrivals.wait(address(1), now + SECOND * 9), Some(Duration::ZERO), "it rested");
    }

    #[test]
    fn a_fine_keeps_an_address_out_for_a_bounded_time() {
        let (arrivals, now) = (Arrivals::new(10, 5, SECOND / 10), Instant::now());
        arrivals.charge(address(1), 1_000_000, now);
        assert_eq!(arrivals.wait(address(1), now), None);
        let burst = SECOND / 2;
        assert_eq!(arrivals.wait(address(1), now + burst), Some(SECOND / 10));
        assert_eq!(arrivals.wait(address(1), now + burst * 2 + SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn addresses_that_owe_nothing_are_forgotten_and_no_more_than_the_most_are_known() {
        let (arrivals, now) = (Arrivals::new(1, 1, SECOND), Instant::now());
        let known = || arrivals.paid_until.lock().expect("unpoisoned").moments.len();
        for number in 0..3_000 {
            arrivals.wait(address(number), now + SECOND * number);
        }
        assert!(known() <= 1025, "{}", known());
        for number in 0..200_000 {
            arrivals.charge(address(number), 9, now + SECOND * 3_000);
        }
        assert!(known() <= ADDRESSES_MAX, "{}", known());
    }
}
