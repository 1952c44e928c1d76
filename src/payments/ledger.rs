//! Double entry: where an order's money lies, and the transfers that bring it from there to here.
//!
//! A transfer debits one account and credits another by the same amount, so the sum over all accounts
//! is zero by construction. Where money lies is a function of the order's table alone
//! ([`position`]); so what the bank says may come in any order and the balances are the same.

use super::order::{Evidence, Rank, Ruling, Step};
use qaqpa_kit::redact;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whom money is owed to: budget money is told apart by payee and budget code, not by account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payee {
    /// Twelve digits.
    pub bin: String,
    /// Six digits.
    pub kbk: String,
}

impl fmt::Debug for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payee({}:{})", redact::ids(&self.bin), self.kbk)
    }
}

/// An account of the ledger. Those of banks and the Treasury grow by debits, the others by credits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// What a bank may be about to take: its exposure.
    Pending(String),
    /// What a bank has taken and not yet passed on.
    Receivable(String),
    /// What the Treasury has.
    Treasury,
    /// What a payee may get.
    Expected(Payee),
    /// What a payee is owed or has got.
    Payable(Payee),
    /// Money at a bank that belongs to no charge: late, double, contested.
    Suspense(String),
    /// What is on its way back to a payer.
    Returning(String),
}

impl fmt::Display for Account {
    /// The name in the store; a payee's full BIN stands in it, so it is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending(bank) => write!(f, "pending:{bank}"),
            Self::Receivable(bank) => write!(f, "receivable:{bank}"),
            Self::Treasury => f.write_str("treasury"),
            Self::Expected(payee) => write!(f, "expected:{}:{}", payee.bin, payee.kbk),
            Self::Payable(payee) => write!(f, "payable:{}:{}", payee.bin, payee.kbk),
            Self::Suspense(bank) => write!(f, "suspense:{bank}"),
            Self::Returning(bank) => write!(f, "returning:{bank}"),
        }
    }
}

/// The side of what we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    Pending,
    Receivable,
    Treasury,
}

/// The side of whom it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    Expected,
    Payable,
    Suspense,
}

/// Where an order's money lies; `None`: nowhere.
pub type Position = Option<(Asset, Claim)>;

/// Where the money of a payment lies.
#[must_use]
pub fn position(step: Step, evidence: Evidence, ruling: Option<Ruling>) -> Position {
    let asset = match evidence.rank {
        _ if ruling == Some(Ruling::Rejected) => None,
        Rank::Settled => Some(Asset::Treasury),
        Rank::Posted => Some(Asset::Receivable),
        _ if ruling == Some(Ruling::Posted) => Some(Asset::Receivable),
        Rank::Silence | Rank::Accepted => None,
    };
    let is_contested = ruling.is_none() && evidence.is_contradictory();
    match (asset, step) {
        (Some(asset), Step::Cancelled | Step::Expired | Step::Surplus) => {
            Some((asset, Claim::Suspense))
        }
        (Some(asset), _) if is_contested => Some((asset, Claim::Suspense)),
        (Some(asset), _) => Some((asset, Claim::Payable)),
        (
            None,
            Step::Reserved | Step::Submitting | Step::Resubmitting | Step::Submitted | Step::Lost,
        ) => {
            let is_over = evidence.is_rejected || ruling == Some(Ruling::Rejected);
            (!is_over).then_some((Asset::Pending, Claim::Expected))
        }
        (None, _) => None,
    }
}

/// Debit and credit of one transfer.
pub type Entry<A> = (A, A);

/// The transfers from one position to another, debit first; at most two, none from an account to itself.
///
/// Generic over the accounts of a side, because a refund's sides are others than a payment's.
pub fn moves<A: PartialEq + Clone>(from: Option<(A, A)>, to: Option<(A, A)>) -> Vec<Entry<A>> {
    let moves = match (from, to) {
        (None, None) => [None, None],
        (None, Some((asset, claim))) => [Some((asset, claim)), None],
        (Some((asset, claim)), None) => [Some((claim, asset)), None],
        (Some((asset_from, claim_from)), Some((asset_to, claim_to))) => {
            [Some((asset_to, asset_from)), Some((claim_from, claim_to))]
        }
    };
    moves.into_iter().flatten().filter(|(debit, credit)| debit != credit).collect()
}

/// The accounts of a payment's position at its bank, for its payee.
#[must_use]
pub fn accounts(position: Position, bank: &str, payee: &Payee) -> Option<(Account, Account)> {
    let (asset, claim) = position?;
    let asset = match asset {
        Asset::Pending => Account::Pending(bank.to_owned()),
        Asset::Receivable => Account::Receivable(bank.to_owned()),
        Asset::Treasury => Account::Treasury,
    };
    let claim = match claim {
        Claim::Expected => Account::Expected(payee.clone()),
        Claim::Payable => Account::Payable(payee.clone()),
        Claim::Suspense => Account::Suspense(bank.to_owned()),
    };
    Some((asset, claim))
}

/// What a refund gives back: what the bank, or once settled the Treasury, has. It takes from what the
/// payment's money is owed to.
#[must_use]
pub fn refund_account(asset: Asset, bank: &str) -> Account {
    match asset {
        Asset::Pending => Account::Returning(bank.to_owned()),
        Asset::Receivable => Account::Receivable(bank.to_owned()),
        Asset::Treasury => Account::Treasury,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::order::{Said, State, state};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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

    fn payee() -> Payee {
        Payee { bin: "990140000017".to_owned(), kbk: "108125".to_owned() }
    }

    #[test]
    fn where_the_money_lies_is_told_row_by_row() {
        use {Asset as A, Claim as C, Said as S};
        let cases: &[(Step, &[Said], Position)] = &[
            (Step::Reserved, &[], Some((A::Pending, C::Expected))),
            (Step::Lost, &[S::NotFound], Some((A::Pending, C::Expected))),
            (Step::Submitted, &[S::Accepted], Some((A::Pending, C::Expected))),
            (Step::Submitted, &[S::Rejected], None),
            (Step::Submitted, &[S::Posted], Some((A::Receivable, C::Payable))),
            (Step::Submitted, &[S::Settled], Some((A::Treasury, C::Payable))),
            (Step::Cancelled, &[], None),
            (Step::Cancelled, &[S::Posted], Some((A::Receivable, C::Suspense))),
            (Step::Expired, &[S::Settled], Some((A::Treasury, C::Suspense))),
            (Step::Surplus, &[S::Posted], Some((A::Receivable, C::Suspense))),
            (Step::Lost, &[S::Rejected, S::Posted], Some((A::Receivable, C::Suspense))),
            (Step::Lost, &[S::Settled, S::Rejected], Some((A::Treasury, C::Suspense))),
        ];
        for (step, said, expected) in cases {
            let known = said.iter().fold(Evidence::default(), |sum, s| sum.join(Evidence::of(*s)));
            assert_eq!(position(*step, known, None), *expected, "{step:?} {said:?}");
        }
    }

    #[test]
    fn an_account_has_one_name() {
        let named = |account: Account| account.to_string();
        assert_eq!(named(Account::Payable(payee())), "payable:990140000017:108125");
        assert_eq!(named(Account::Suspense("demo_bank".to_owned())), "suspense:demo_bank");
        assert_eq!(named(Account::Treasury), "treasury");
    }

    fn evidence() -> impl Strategy<Value = Evidence> {
        let ranks = vec![Rank::Silence, Rank::Accepted, Rank::Posted, Rank::Settled];
        (prop::sample::select(ranks), any::<bool>(), any::<bool>()).prop_map(
            |(rank, is_rejected, is_disputed)| Evidence { rank, is_rejected, is_disputed },
        )
    }

    proptest! {
        #[test]
        fn however_money_came_here_the_balances_are_those_of_its_position(
            path in prop::collection::vec((prop::sample::select(STEPS.to_vec()), evidence()), 1..8),
        ) {
            let mut balances: BTreeMap<String, i64> = BTreeMap::new();
            let mut here = None;
            for (step, known) in path {
                let there = accounts(position(step, known, None), "bank", &payee());
                for (debit, credit) in moves(here, there.clone()) {
                    *balances.entry(debit.to_string()).or_default() += 100;
                    *balances.entry(credit.to_string()).or_default() -= 100;
                }
                here = there;
            }
            balances.retain(|_, balance| *balance != 0);
            let expected: BTreeMap<String, i64> = here.into_iter()
                .flat_map(|(asset, claim)| [(asset.to_string(), 100), (claim.to_string(), -100)])
                .collect();
            prop_assert_eq!(balances, expected);
        }

        #[test]
        fn a_payee_is_owed_exactly_what_is_posted_or_settled(
            // A return is no money that comes, and what an operator leads elsewhere has come.
            step in prop::sample::select(STEPS[..8].to_vec()), known in evidence(),
        ) {
            let owed = position(step, known, None).is_some_and(|(_, claim)| claim == Claim::Payable);
            let seen = state(step, known, None);
            let is_paid = matches!(seen, State::Posted | State::Settled) && step != Step::Surplus;
            prop_assert_eq!(owed, is_paid);
        }
    }
}
