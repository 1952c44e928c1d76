//! What the clerk does next with an order that is due: by its row and the clocks, and nothing else.
//!
//! Pure. Silence is never an answer: an attempt of which nothing was heard is lost, and from there on
//! the bank is asked, until it says something, or has said `not found` often and long enough.

use super::decide::after;
use super::order::State;
use super::record::Order;
use std::time::Duration;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Nothing now.
    Rest,
    /// Its deadline has passed, and nothing was ever sent.
    Expire,
    /// The first attempt.
    Submit,
    /// Nothing was heard of an attempt in time, or nothing that says what becomes of it.
    Lose,
    /// The bank is asked what became of it.
    Inquire,
    /// A further attempt, with the same end-to-end id.
    Resubmit,
}

/// When to go on.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Answers `not found` in a row before a further attempt.
    pub not_found_min: u32,
    /// Silence since the last attempt before a further one.
    pub quiet: Duration,
    /// The bank takes orders from us.
    pub takes_orders: bool,
}

/// What to do with an order that is due; `watched`: how long this process has known its last attempt to be
/// without an answer, by its steady clock.
#[must_use]
pub fn plan(order: &Order, now_us: i64, watched: Duration, patience: Patience) -> Step {
    match order.state {
        State::Reserved if now_us >= order.deadline_us => Step::Expire,
        State::Reserved if patience.takes_orders => Step::Submit,
        State::Submitting => Step::Lose,
        State::Submitted if patience.takes_orders && is_forgotten(order, now_us, patience) => {
            Step::Lose
        }
        State::Unknown
            if patience.takes_orders && may_resubmit(order, (now_us, watched), patience) =>
        {
            Step::Resubmit
        }
        State::Submitted | State::Unknown | State::Accepted if patience.takes_orders => {
            Step::Inquire
        }
        _ => Step::Rest,
    }
}

/// The bank has it and does not know it, or has said nothing of it all its time: nobody knows.
fn is_forgotten(order: &Order, now_us: i64, patience: Patience) -> bool {
    order.not_found >= patience.not_found_min || now_us >= order.deadline_us
}

/// By both clocks: the one of the row is shared by all nodes, the other one cannot be set.
fn may_resubmit(order: &Order, (now_us, watched): (i64, Duration), patience: Patience) -> bool {
    let attempted_at_us = order.attempted_at_us.unwrap_or(order.opened_at_us);
    let is_quiet = watched >= patience.quiet && now_us >= after(attempted_at_us, patience.quiet);
    is_quiet && order.not_found >= patience.not_found_min
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::order::Step as Done;
    use crate::payments::record::{Id, Party};

    const NOW_US: i64 = 1_795_582_800_000_000;
    const SECOND_US: i64 = 1_000_000;
    const QUIET: Duration = Duration::from_secs(60);
    const PATIENCE: Patience = Patience { not_found_min: 3, quiet: QUIET, takes_orders: true };

    fn order(state: State) -> Order {
        let party = Party::parse("900101300017").expect("an IIN");
        let mut order = crate::payments::decide::blank(&Id::at(NOW_US), 100, "bank", &party);
        (order.state, order.step) = (state, Done::Submitted);
        (order.opened_at_us, order.deadline_us) = (NOW_US, NOW_US + 100 * SECOND_US);
        order.attempted_at_us = Some(NOW_US);
        order
    }

    #[test]
    fn what_is_done_with_an_order_is_told_state_by_state() {
        let expected = |state| match state {
            State::Reserved => Step::Submit,
            State::Submitting => Step::Lose,
            State::Submitted | State::Unknown | State::Accepted => Step::Inquire,
            _ => Step::Rest,
        };
        for state in State::ALL {
            assert_eq!(plan(&order(state), NOW_US, QUIET, PATIENCE), expected(state), "{state:?}");
        }
        // A bank that takes no orders is told nothing and asked nothing.
        let alone = Patience { takes_orders: false, ..PATIENCE };
        for state in [State::Reserved, State::Submitted, State::Unknown, State::Accepted] {
            assert_eq!(plan(&order(state), NOW_US, QUIET, alone), Step::Rest, "{state:?}");
        }
        let late_us = NOW_US + 100 * SECOND_US;
        assert_eq!(plan(&order(State::Submitted), late_us, QUIET, PATIENCE), Step::Lose);
        assert_eq!(plan(&order(State::Accepted), late_us, QUIET, PATIENCE), Step::Inquire);
        let denied = Order { not_found: 3, ..order(State::Submitted) };
        assert_eq!(plan(&denied, NOW_US, QUIET, PATIENCE), Step::Lose);
        for patience in [PATIENCE, alone] {
            assert_eq!(plan(&order(State::Reserved), late_us, QUIET, patience), Step::Expire);
        }
    }

    #[test]
    fn an_unknown_order_is_sent_again_only_after_not_found_and_a_quiet_time() {
        let after_s = |not_found, seconds| {
            let order = Order { not_found, ..order(State::Unknown) };
            plan(&order, NOW_US + seconds * SECOND_US, QUIET, PATIENCE)
        };
        assert_eq!(after_s(2, 3_600), Step::Inquire, "not often enough");
        assert_eq!(after_s(3, 59), Step::Inquire, "not long enough");
        assert_eq!(after_s(3, 60), Step::Resubmit);
        let denied = Order { not_found: 3, ..order(State::Unknown) };
        let (hour_us, short) = (NOW_US + 3_600 * SECOND_US, QUIET - Duration::from_millis(1));
        assert_eq!(
            plan(&denied, hour_us, short, PATIENCE),
            Step::Inquire,
            "by a clock that was set"
        );
        let accepted = Order { not_found: 9, ..order(State::Accepted) };
        assert_eq!(plan(&accepted, NOW_US + 3_600 * SECOND_US, QUIET, PATIENCE), Step::Inquire);
    }
}
