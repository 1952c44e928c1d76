//! How long this process has known that an attempt is without an answer, by its steady clock.
//!
//! The moment of an attempt in its row is some node's wall clock. By one that was behind, or was set ahead
//! since, a quiet time would be over at once, and an order sent again while its first attempt may still be on
//! its way.

use super::order::State;
use super::record::Order;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Orders that are remembered; what is more than these waits until some of them have ended.
const ORDERS_MAX: usize = 100_000;
/// An order that was not looked at for so long has ended, where there is no place for others.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

/// The attempts that this process watches.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<HashMap<String, Seen>>);

#[derive(Debug)]
struct Seen {
    attempt: u32,
    since: Instant,
    looked_at: Instant,
}

impl Watched {
    /// Since when the last attempt of an order was known here to be without an answer: zero at first.
    pub(super) fn look(&self, order: &Order, now: Instant) -> Duration {
        if order.state != State::Unknown {
            return Duration::ZERO;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ORDERS_MAX && !all.contains_key(order.id.text()) {
            all.retain(|_, seen| now.saturating_duration_since(seen.looked_at) < FORGOTTEN);
            if all.len() >= ORDERS_MAX {
                return Duration::ZERO;
            }
        }
        let fresh = || Seen { attempt: order.attempt, since: now, looked_at: now };
        let seen = all.entry(order.id.text().to_owned()).or_insert_with(fresh);
        if seen.attempt != order.attempt {
            *seen = fresh();
        }
        seen.looked_at = now;
        now.saturating_duration_since(seen.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::record::{Id, Party};

    fn unknown(number: i64, attempt: u32) -> Order {
        let party = Party::parse("900101300017").expect("an IIN");
        let order = crate::payments::decide::blank(&Id::at(number), 100, "bank", &party);
        Order { state: State::Unknown, attempt, ..order }
    }

    #[test]
    fn each_attempt_is_watched_from_its_first_look() {
        let (watched, begun) = (Watched::default(), Instant::now());
        let after = |seconds, order: &Order| {
            watched.look(order, begun + Duration::from_secs(seconds)).as_secs()
        };
        let (first, other) = (unknown(1_000_000, 1), unknown(2_000_000, 1));
        assert_eq!((after(5, &first), after(65, &first), after(65, &other)), (0, 60, 0));
        let again = Order { attempt: 2, ..first.clone() };
        assert_eq!((after(70, &again), after(71, &again)), (0, 1), "a new attempt, anew");
        let posted = Order { state: State::Posted, ..first };
        assert_eq!(after(99, &posted), 0);
    }

    #[test]
    fn where_there_is_no_place_nobody_is_sent_again_and_the_forgotten_make_way() {
        let (watched, begun) = (Watched::default(), Instant::now());
        for number in 0..i64::try_from(ORDERS_MAX).unwrap() {
            watched.look(&unknown(number * 1_000, 1), begun);
        }
        let more = unknown(1_795_582_800_000_000, 1);
        let hour = Duration::from_secs(3_600);
        assert_eq!(watched.look(&more, begun), Duration::ZERO);
        assert_eq!(watched.look(&more, begun + hour), Duration::ZERO, "there was no place");
        watched.look(&more, begun + FORGOTTEN);
        assert_eq!(watched.look(&more, begun + FORGOTTEN + hour), hour);
    }
}
