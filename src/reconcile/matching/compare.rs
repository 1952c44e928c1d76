//! What two rows of one payment disagree in, and which break that is.
//!
//! Where several things differ the first of this order names the break, and all are listed: amount and
//! currency, status, requisites, operating day. Receipt, rail and the time within an operating day are
//! each side's own and are not compared.

use super::super::breaks::Category;
use crate::reconcile::ingest::source::Line;

/// One field in which two rows differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Amount,
    Currency,
    Status,
    Iin,
    PayeeBin,
    Kbk,
    Knp,
    ValueDate,
    OperatingDay,
}

impl Field {
    /// The name of the column; `operating_day` stands for `posted_at` on two sides of a cut-off, and for
    /// a row that an earlier day left open.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Amount => "amount_tiyn",
            Self::Currency => "ccy",
            Self::Status => "status",
            Self::Iin => "iin",
            Self::PayeeBin => "payee_bin",
            Self::Kbk => "kbk",
            Self::Knp => "knp",
            Self::ValueDate => "value_date",
            Self::OperatingDay => "operating_day",
        }
    }
}

/// The journal's states of an order that is over without money: what comes after them is late.
const OVER: [&[u8]; 3] = [b"EXPIRED", b"CANCELLED", b"CANCELED"];
/// A bank's states of money that was taken.
const TAKEN: [&[u8]; 7] = [b"POSTED", b"SETTLED", b"PAID", b"ACSC", b"ACCC", b"BOOK", b"BOOKED"];
/// The journal's states of money that came for a charge paid already.
const SURPLUS: [&[u8]; 2] = [b"SURPLUS", b"DOUBLE_PAID"];
/// States of money that goes back.
const RETURNS: [&[u8]; 8] = [
    b"RETURNED",
    b"RETURN",
    b"RETURN_REQUESTED",
    b"RECALLED",
    b"REFUND",
    b"REFUNDED",
    b"REVERSED",
    b"REVERSAL",
];

/// Whether a bank's status says that it has taken the money.
#[must_use]
pub fn is_taken(status: &[u8]) -> bool {
    TAKEN.contains(&status)
}

/// Whether a row's status says that money goes back.
#[must_use]
pub fn is_return(line: &Line) -> bool {
    RETURNS.contains(&line.row().status)
}

/// All fields that differ, in the order that names the break.
#[must_use]
pub fn differences(journal: &Line, register: &Line) -> Vec<Field> {
    let (ours, theirs) = (journal.row(), register.row());
    // An empty requisite of a statement whose format need not carry it says nothing.
    let differs =
        |ours: &[u8], theirs: &[u8]| ours != theirs && !(register.is_partial && theirs.is_empty());
    let checks = [
        (Field::Amount, ours.amount_tiyn != theirs.amount_tiyn),
        (Field::Currency, ours.currency != theirs.currency),
        (Field::Status, ours.status != theirs.status),
        (Field::Iin, differs(ours.iin, theirs.iin)),
        (Field::PayeeBin, differs(ours.payee_bin, theirs.payee_bin)),
        (Field::Kbk, differs(ours.kbk, theirs.kbk)),
        (Field::Knp, differs(ours.knp, theirs.knp)),
        (Field::ValueDate, journal.value != register.value),
        (Field::OperatingDay, journal.posted != register.posted || journal.since != register.since),
    ];
    checks.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

/// The break that a pair is; `None` where the two agree.
#[must_use]
pub fn category(journal: &Line, register: &Line) -> Option<Category> {
    let (ours, theirs) = (journal.row().status, register.row().status);
    let first = differences(journal, register).first().copied();
    let is_taken = is_taken(theirs);
    match first {
        Some(Field::Amount | Field::Currency) => Some(Category::AmountMismatch),
        Some(Field::Status) if is_taken && OVER.contains(&ours) => Some(Category::LateCredit),
        Some(Field::Status) if is_taken && SURPLUS.contains(&ours) => {
            Some(Category::DoublePaidCharge)
        }
        Some(Field::Status) => Some(Category::StatusMismatch),
        Some(Field::Iin | Field::PayeeBin | Field::Kbk | Field::Knp) => {
            Some(Category::RequisiteMismatch)
        }
        Some(Field::ValueDate | Field::OperatingDay) => Some(Category::LateCutoff),
        None => None,
    }
}
