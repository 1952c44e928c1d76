//! What we do with an order of our own accord, and from which state: everything else is evidence.

use super::State::{self, Reserved, Submitted, Submitting, Unknown};
use super::Step;
use std::time::Duration;

/// What we do of our own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An attempt begins.
    Submit,
    /// It was written whole.
    Sent,
    /// It ended without an answer, or its process died.
    Lose,
    /// A first attempt ended before a byte of it left: as if it had never begun.
    Withdraw,
    /// A further attempt, after the bank has said `not found` often enough.
    Resubmit,
    Cancel,
    Expire,
}

/// The only actions there are: by which one, from which state, to which step. [`Action::Withdraw`] leads
/// on from [`Step::Submitting`] alone: of an order that is sent again, earlier bytes have left.
pub const ACTIONS: [(Action, State, Step); 8] = [
    (Action::Submit, Reserved, Step::Submitting),
    (Action::Sent, Submitting, Step::Submitted),
    (Action::Lose, Submitting, Step::Lost),
    (Action::Lose, Submitted, Step::Lost),
    (Action::Withdraw, Submitting, Step::Reserved),
    (Action::Resubmit, Unknown, Step::Resubmitting),
    (Action::Cancel, Reserved, Step::Cancelled),
    (Action::Expire, Reserved, Step::Expired),
];

/// The step that an action leads to; `None` where it may not be done.
#[must_use]
pub fn act(action: Action, state: State) -> Option<Step> {
    let is_it = |row: &&(Action, State, Step)| row.0 == action && row.1 == state;
    ACTIONS.iter().find(is_it).map(|row| row.2)
}

/// Who may ask again when: 1, 2, 4 … seconds, never more than `max`.
#[must_use]
pub fn inquiry_pause(inquiries: u32, max: Duration) -> Duration {
    let seconds = 1_u64.checked_shl(inquiries).filter(|seconds| *seconds > 0);
    Duration::from_secs(seconds.unwrap_or(u64::MAX)).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::order::State::Conflict;

    const ACTS: [Action; 7] = [
        Action::Submit,
        Action::Sent,
        Action::Lose,
        Action::Withdraw,
        Action::Resubmit,
        Action::Cancel,
        Action::Expire,
    ];

    #[test]
    fn from_unknown_no_action_of_ours_leads_on_but_a_resubmission() {
        let allowed: Vec<_> = ACTS.iter().filter(|act_| act(**act_, Unknown).is_some()).collect();
        assert_eq!(allowed, [&Action::Resubmit]);
    }

    #[test]
    fn after_an_attempt_nothing_can_be_cancelled_or_expire() {
        for state in State::ALL {
            for action in [Action::Cancel, Action::Expire] {
                assert_eq!(act(action, state).is_some(), state == Reserved, "{action:?} {state:?}");
            }
        }
    }

    #[test]
    fn no_action_leaves_a_final_state_or_a_conflict() {
        for state in State::ALL.into_iter().filter(|s| s.is_final() || *s == Conflict) {
            assert!(ACTS.iter().all(|action| act(*action, state).is_none()), "{state:?}");
        }
    }

    #[test]
    fn inquiries_slow_down_to_the_longest_pause() {
        let max = Duration::from_secs(300);
        let pauses: Vec<u64> = (0..11).map(|n| inquiry_pause(n, max).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(inquiry_pause(u32::MAX, max), max);
    }
}
