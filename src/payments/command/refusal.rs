//! Why a command to payments was refused, and the public word of it.

use crate::payments::breaks;
use crate::payments::order::State;

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A text is too long or holds NUL, or there are too many charges.
    Malformed,
    /// Such a number, id or transaction is there already, with other terms.
    Taken,
    NoCharge,
    NoOrder,
    NoBank,
    NoNotice,
    Annulled,
    /// Another order is paying the charge, or has paid it.
    Held(State),
    /// This action cannot be done in this state.
    NotNow(State),
    /// A later attempt has begun, or the row was changed since it was read.
    Stale,
    /// Its time has not come.
    NotDue,
    /// Its deadline has passed.
    Late,
    /// Refunds would exceed what was paid.
    TooMuch,
    /// There is no money of this order to give back.
    NotRefundable,
    /// An operator must say why.
    NoReason,
    /// The payment was the proof for another call.
    Used,
    /// The bank does not have the money, or it pays no charge.
    NotConfirmed(State),
    /// The money went back, or is on its way back.
    Returned,
    /// Another amount, budget code or kind was paid, or another payee.
    OtherTerms,
    /// The payment has no money that pays no charge.
    NoSurplus,
    /// The charge is of another amount than the money.
    OtherAmount,
    /// The charge is another payee's, or of another budget code.
    OtherPayee,
    /// Of a run or a break.
    Reconcile(breaks::Refused),
}

impl Refusal {
    /// The public reason of the fault that this causes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "text_malformed",
            Self::Taken => "already_there",
            Self::NoCharge => "no_such_charge",
            Self::NoOrder => "no_such_payment",
            Self::NoBank => "no_such_bank",
            Self::NoNotice => "no_such_notice",
            Self::Annulled => "charge_annulled",
            Self::Held(_) => "charge_held",
            Self::NotNow(_) => "not_in_this_state",
            Self::Stale => "attempt_outdated",
            Self::NotDue => "not_due",
            Self::Late => "deadline_passed",
            Self::TooMuch => "refunds_exceed_payment",
            Self::NotRefundable => "not_refundable",
            Self::NoReason => "reason_missing",
            Self::Used => "payment_used",
            Self::NotConfirmed(_) => "payment_not_confirmed",
            Self::Returned => "payment_returned",
            Self::OtherTerms => "payment_of_other_terms",
            Self::NoSurplus => "payment_not_in_suspense",
            Self::OtherAmount => "charge_of_other_amount",
            Self::OtherPayee => "charge_of_other_payee",
            Self::Reconcile(refused) => refused.reason(),
        }
    }
}
