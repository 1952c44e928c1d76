//! The state machine of an order, as one table: what we did, against what the bank has said of it.
//!
//! What the bank says is joined, never overwritten: [`Evidence`] only grows, so every order and every
//! repetition of the same events ends in the same state. Silence says nothing: from Unknown only
//! evidence leads on. Evidence that contradicts itself freezes the order until an operator rules.

mod action;

pub use action::{ACTIONS, Action, act, inquiry_pause};
pub use qaqpa_kit::bank::Said;

use serde::{Deserialize, Serialize};

/// What we did last; the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Opened; nothing has left.
    Reserved,
    /// The first attempt is durable; bytes may have left.
    Submitting,
    /// A further attempt is; of an earlier one bytes may have left too.
    Resubmitting,
    /// The attempt was written to the bank's end of the connection.
    Submitted,
    /// The attempt ended without an answer.
    Lost,
    /// Given up by the payer before any attempt.
    Cancelled,
    /// Given up at its deadline before any attempt.
    Expired,
    /// Money that came without a charge to pay, e.g. a second time.
    Surplus,
    /// A bank gave money of a payment back by itself.
    Returned,
    /// An operator led the money of a payment without a charge here.
    Applied,
}

/// How far the bank says that the money has come.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// It has said nothing yet.
    #[default]
    Silence,
    /// It will try (PDNG, ACCP, ACSP).
    Accepted,
    /// The payer's account was debited (ACSC, a biller's `pay`, a row of the register).
    Posted,
    /// The Treasury has it too (register and Treasury's credit matched).
    Settled,
}

/// How an operator ended a contradiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    Posted,
    Rejected,
}

impl Ruling {
    /// Whether what is known now says anew what the ruling denied: another contradiction, of which the
    /// operator did not know.
    #[must_use]
    pub fn is_shaken(self, known_then: Evidence, known_now: Evidence) -> bool {
        let is_denied = match self {
            Self::Posted => known_now.is_rejected && !known_then.is_rejected,
            Self::Rejected => known_now.rank >= Rank::Posted && known_now.rank > known_then.rank,
        };
        is_denied || known_now.is_disputed && !known_then.is_disputed
    }
}

/// All that is known from outside: the join of everything said, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Evidence {
    pub rank: Rank,
    /// The bank said that it will not pay (RJCT, CANC).
    pub is_rejected: bool,
    /// The bank named another amount or document for the same order.
    pub is_disputed: bool,
}

impl Evidence {
    /// What this one word adds to knowing nothing.
    #[must_use]
    pub fn of(said: Said) -> Self {
        let silence = Self::default();
        match said {
            Said::NotFound | Said::Pending => silence,
            Said::Accepted => Self { rank: Rank::Accepted, ..silence },
            // What went back had come.
            Said::Posted | Said::Returned | Said::Credited | Said::Refunded => {
                Self { rank: Rank::Posted, ..silence }
            }
            Said::Settled => Self { rank: Rank::Settled, ..silence },
            Said::Rejected => Self { is_rejected: true, ..silence },
        }
    }

    /// Both together: commutative, associative, idempotent.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            rank: self.rank.max(other.rank),
            is_rejected: self.is_rejected || other.is_rejected,
            is_disputed: self.is_disputed || other.is_disputed,
        }
    }

    /// It cannot all be true: rejected and posted, or two amounts for one order.
    #[must_use]
    pub fn is_contradictory(self) -> bool {
        self.is_disputed || self.is_rejected && self.rank >= Rank::Posted
    }
}

/// The state of an order as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Reserved,
    Submitting,
    Submitted,
    Unknown,
    Accepted,
    Posted,
    Settled,
    Rejected,
    Cancelled,
    Expired,
    /// Evidence contradicts itself: frozen, an operator must rule.
    Conflict,
}

use State::{
    Accepted, Cancelled, Conflict, Expired, Posted, Rejected, Reserved, Settled, Submitted,
    Submitting, Unknown,
};

/// A row of the table: the step, and the states by what is known.
pub type Row = (Step, [State; 6]);

/// The one table. Columns: silence, accepted, posted, settled, rejected, contradictory.
pub const TABLE: [Row; 10] = [
    (Step::Reserved, [Reserved, Accepted, Posted, Settled, Rejected, Conflict]),
    (Step::Submitting, [Submitting, Accepted, Posted, Settled, Rejected, Conflict]),
    (Step::Resubmitting, [Submitting, Accepted, Posted, Settled, Rejected, Conflict]),
    (Step::Submitted, [Submitted, Accepted, Posted, Settled, Rejected, Conflict]),
    (Step::Lost, [Unknown, Accepted, Posted, Settled, Rejected, Conflict]),
    // Late money does not bring it back to life: it lies in suspense.
    (Step::Cancelled, [Cancelled, Cancelled, Cancelled, Cancelled, Cancelled, Conflict]),
    (Step::Expired, [Expired, Expired, Expired, Expired, Expired, Conflict]),
    // Its money was there before the order; only a ruling sends it away.
    (Step::Surplus, [Posted, Posted, Posted, Settled, Rejected, Conflict]),
    // Its money was on its way back before we heard of it; only a ruling says that it was not.
    (Step::Returned, [Posted, Posted, Posted, Settled, Rejected, Conflict]),
    // So was this.
    (Step::Applied, [Posted, Posted, Posted, Settled, Rejected, Conflict]),
];

/// The state of an order that took this step and of which this is known.
#[must_use]
pub fn state(step: Step, evidence: Evidence, ruling: Option<Ruling>) -> State {
    let column = match ruling {
        Some(Ruling::Rejected) => 4,
        Some(Ruling::Posted) if evidence.rank == Rank::Settled => 3,
        Some(Ruling::Posted) => 2,
        None if evidence.is_contradictory() => 5,
        None if evidence.is_rejected => 4,
        None => match evidence.rank {
            Rank::Silence => 0,
            Rank::Accepted => 1,
            Rank::Posted => 2,
            Rank::Settled => 3,
        },
    };
    let row = TABLE.iter().find(|(row, _)| *row == step);
    // Every step has its row; a test holds it.
    row.and_then(|(_, states)| states.get(column)).copied().unwrap_or(Conflict)
}

impl State {
    /// All states.
    pub const ALL: [Self; 11] = [
        Reserved, Submitting, Submitted, Unknown, Accepted, Posted, Settled, Rejected, Cancelled,
        Expired, Conflict,
    ];

    /// Nothing but a contradiction changes it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Settled | Rejected | Cancelled | Expired)
    }

    /// Somebody must ask the bank: the outcome is open and bytes may have left.
    #[must_use]
    pub const fn needs_inquiry(self) -> bool {
        matches!(self, Submitting | Submitted | Unknown | Accepted)
    }

    /// It keeps its charge from being paid by another order, or a refund its share.
    #[must_use]
    pub const fn holds(self) -> bool {
        !matches!(self, Rejected | Cancelled | Expired)
    }

    /// The word in tables, metrics and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Reserved => "reserved",
            Submitting => "submitting",
            Submitted => "submitted",
            Unknown => "unknown",
            Accepted => "accepted",
            Posted => "posted",
            Settled => "settled",
            Rejected => "rejected",
            Cancelled => "cancelled",
            Expired => "expired",
            Conflict => "conflict",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEPS: [Step; 10] = [
        Step::Reserved,
        Step::Submitting,
        Step::Resubmitting,
        Step::Submitted,
        Step::Lost,
        Step::Cancelled,
        Step::Expired,
        Step::Surplus,
        Step::Returned,
        Step::Applied,
    ];
    fn after(step: Step, said: &[Said]) -> State {
        let known =
            said.iter().fold(Evidence::default(), |sum, said| sum.join(Evidence::of(*said)));
        state(step, known, None)
    }

    #[test]
    fn every_step_has_its_row_and_a_contradiction_always_freezes() {
        for step in STEPS {
            let rows: Vec<_> = TABLE.iter().filter(|(row, _)| *row == step).collect();
            assert_eq!(rows.len(), 1, "{step:?}");
            assert_eq!(rows[0].1[5], Conflict, "{step:?}");
        }
        assert_eq!(TABLE.len(), STEPS.len());
    }

    #[test]
    fn what_becomes_of_an_order_is_told_row_by_row() {
        use Said as S;
        let cases: &[(Step, &[Said], State)] = &[
            (Step::Reserved, &[], Reserved),
            (Step::Reserved, &[S::Posted], Posted),
            (Step::Submitting, &[], Submitting),
            (Step::Submitting, &[S::Accepted], Accepted),
            (Step::Resubmitting, &[], Submitting),
            (Step::Submitted, &[S::NotFound], Submitted),
            (Step::Submitted, &[S::Rejected], Rejected),
            (Step::Lost, &[], Unknown),
            (Step::Lost, &[S::NotFound, S::NotFound, S::Pending], Unknown),
            (Step::Lost, &[S::Accepted], Accepted),
            (Step::Lost, &[S::Posted], Posted),
            (Step::Lost, &[S::Rejected], Rejected),
            (Step::Lost, &[S::Settled], Settled),
            // A lower rank changes nothing.
            (Step::Submitted, &[S::Posted, S::Accepted], Posted),
            (Step::Submitted, &[S::Settled, S::Posted], Settled),
            (Step::Submitted, &[S::Accepted, S::Rejected], Rejected),
            // Not found proves nothing against what was found.
            (Step::Lost, &[S::NotFound, S::Posted], Posted),
            // Contradictions.
            (Step::Submitted, &[S::Posted, S::Rejected], Conflict),
            (Step::Submitted, &[S::Rejected, S::Posted], Conflict),
            (Step::Submitted, &[S::Settled, S::Rejected, S::Accepted], Conflict),
            // Late money leaves the order where it was.
            (Step::Cancelled, &[S::Posted], Cancelled),
            (Step::Expired, &[S::Settled], Expired),
            (Step::Expired, &[S::Rejected], Expired),
            (Step::Expired, &[S::Posted, S::Rejected], Conflict),
            (Step::Surplus, &[S::Posted], Posted),
            (Step::Surplus, &[S::Posted, S::Settled], Settled),
            // What went back had come; and it is a return's own life that tells of it.
            (Step::Submitted, &[S::Returned], Posted),
            (Step::Lost, &[S::Refunded, S::Posted], Posted),
            (Step::Submitted, &[S::Rejected, S::Returned], Conflict),
            (Step::Returned, &[S::Returned], Posted),
        ];
        for (step, said, expected) in cases {
            assert_eq!(after(*step, said), *expected, "{step:?} {said:?}");
        }
    }

    #[test]
    fn an_operator_ends_a_contradiction_either_way() {
        let known = Evidence::of(Said::Posted).join(Evidence::of(Said::Rejected));
        assert_eq!(state(Step::Lost, known, None), Conflict);
        assert_eq!(state(Step::Lost, known, Some(Ruling::Posted)), Posted);
        assert_eq!(state(Step::Lost, known, Some(Ruling::Rejected)), Rejected);
        let settled = known.join(Evidence::of(Said::Settled));
        assert_eq!(state(Step::Lost, settled, Some(Ruling::Posted)), Settled);
    }

    fn said() -> impl Strategy<Value = Said> {
        prop::sample::select(vec![
            Said::Accepted,
            Said::Posted,
            Said::Settled,
            Said::Rejected,
            Said::NotFound,
            Said::Pending,
            Said::Returned,
            Said::Credited,
            Said::Refunded,
        ])
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_of_events_ends_in_the_same_state(
            (events, shuffled) in prop::collection::vec(said(), 0..8)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
            again in any::<prop::sample::Index>(),
            step in prop::sample::select(STEPS.to_vec()),
        ) {
            let mut repeated = shuffled.clone();
            if !shuffled.is_empty() {
                repeated.push(shuffled[again.index(shuffled.len())]);
            }
            let expected = after(step, &events);
            prop_assert_eq!(after(step, &shuffled), expected);
            prop_assert_eq!(after(step, &repeated), expected);
        }

        #[test]
        fn a_final_state_changes_by_contradiction_alone(
            events in prop::collection::vec(said(), 0..8),
            step in prop::sample::select(STEPS.to_vec()),
        ) {
            let mut last = after(step, &[]);
            for count in 1..=events.len() {
                let next = after(step, &events[..count]);
                prop_assert!(!last.is_final() || next == last || next == Conflict);
                prop_assert!(last != Conflict || next == Conflict);
                last = next;
            }
        }
    }
}
