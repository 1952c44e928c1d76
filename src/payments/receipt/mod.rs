//! Receipts: what proves to a payer, and to whoever is shown it, that a payment was made.
//!
//! A receipt has no table: its number is its order's id, its content are the rows of order and charge.
//! Pure; signing and asking the store are others' work.

mod document;
mod form;
mod number;
mod page;

pub use document::{Facts, Receipt};
pub use form::{form, form_policy};
pub use number::{NotANumber, Number};
pub use page::{page, printed_qr};

use super::ledger::Claim;
use super::order::State;
use super::record::{Charge, Order};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::hex;
use serde::{Deserialize, Serialize};

/// `typ` of a signed receipt (RFC 7515 §4.1.9).
pub const KIND: &str = "qaqpa-receipt+jws";

/// What a payment is worth as a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The bank has the money, and it pays the charge.
    Paid,
    /// A part of it went back, or is on its way back.
    PartlyReturned,
    /// All of it did.
    Returned,
    /// The bank has the money, but it pays no charge: late, double, another amount.
    Unassigned,
    /// What the bank says contradicts itself; an operator must rule.
    Contested,
    /// There is no money, or not yet: no receipt.
    NotFound,
}

impl Standing {
    /// What an order is worth now.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        let has_arrived = matches!(order.state, State::Posted | State::Settled);
        match (order.state, order.claim) {
            _ if order.reverses.is_some() => Self::NotFound,
            (State::Conflict, _) => Self::Contested,
            (_, Some(Claim::Suspense)) => Self::Unassigned,
            (_, Some(Claim::Payable)) if has_arrived => match order.returned_tiyn {
                0 => Self::Paid,
                returned if returned < order.amount_tiyn => Self::PartlyReturned,
                _ => Self::Returned,
            },
            _ => Self::NotFound,
        }
    }

    /// Whether a receipt proves a payment now.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::Paid | Self::PartlyReturned)
    }

    /// Whether a receipt is written of it: the money is at the bank.
    #[must_use]
    pub const fn has_receipt(self) -> bool {
        !matches!(self, Self::Contested | Self::NotFound)
    }

    /// The word in answers and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PartlyReturned => "partly_returned",
            Self::Returned => "returned",
            Self::Unassigned => "unassigned",
            Self::Contested => "contested",
            Self::NotFound => "not_found",
        }
    }
}

/// What anybody may learn of a receipt who knows its number and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub number: String,
    pub valid: bool,
    pub state: Standing,
}

/// Answers a look-up; a payment that is not there and a digest of somebody else look the same.
#[must_use]
pub fn look_up(number: &Number, found: Option<(&Order, Option<&Charge>)>, digest: &str) -> Verdict {
    let is_theirs = |party: &str| {
        let expected = digest_of(number, party);
        verify_slices_are_equal(expected.as_bytes(), digest.to_ascii_lowercase().as_bytes()).is_ok()
    };
    let state = match found {
        Some((order, charge)) => {
            let of_payer = is_theirs(order.payer.digits());
            let of_debtor = charge.is_some_and(|charge| is_theirs(charge.payer.digits()));
            if of_payer | of_debtor { Standing::of(order) } else { Standing::NotFound }
        }
        None => Standing::NotFound,
    };
    Verdict { number: number.text().to_owned(), valid: state.is_valid(), state }
}

/// SHA-256 of `number:IIN` in 64 small hex digits: what a look-up brings instead of the IIN or BIN.
#[must_use]
pub fn digest_of(number: &Number, digits: &str) -> String {
    let sum = digest(&SHA256, format!("{number}:{digits}").as_bytes());
    hex::lower(sum.as_ref())
}
