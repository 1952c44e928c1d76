//! Residual stages: rows without an id of the payment, found by what else they carry.
//!
//! Only rows that are open after the exact join take part, and two are a pair only where one side of it
//! carries no id, the value they share occurs once on each side, and their texts bear it out. Two rows
//! with different ids are never a pair, whatever else they share.

use crate::reconcile::ingest::frame::Side;
use crate::reconcile::ingest::source::Line;
use serde::Serialize;

/// The rule that found a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The same id of the payment.
    E2eId,
    /// The same receipt of the bank in one operating day.
    Receipt,
    /// The same payer and amount, and value dates at most a day apart.
    PayerAmountDay,
}

/// All rules, in the order in which they are tried.
pub const RULES: [Rule; 3] = [Rule::E2eId, Rule::Receipt, Rule::PayerAmountDay];
/// Days between the value dates of a pair by payer and amount, at most.
const VALUE_DAYS_MAX: u32 = 1;

impl Rule {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::E2eId => "e2e_id",
            Self::Receipt => "receipt",
            Self::PayerAmountDay => "payer_amount_day",
        }
    }
}

/// An open row as a stage sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The hash of the value that the stage looks for.
    pub hash: u64,
    pub side: Side,
    /// Its number among the open rows of its side.
    pub number: u32,
    /// It carries an id of the payment.
    pub is_tied: bool,
}

/// Pairs of entries whose value occurs once on each side, one of them without an id.
pub fn unique(entries: &mut [Entry]) -> impl Iterator<Item = (Entry, Entry)> + '_ {
    entries.sort_unstable();
    entries.chunk_by(|one, other| one.hash == other.hash).filter_map(|group| match group {
        [ours, theirs]
            if ours.side == Side::Journal
                && theirs.side == Side::Register
                && !(ours.is_tied && theirs.is_tied) =>
        {
            Some((*ours, *theirs))
        }
        _ => None,
    })
}

/// Whether the texts bear out what the hashes say.
#[must_use]
pub fn holds(rule: Rule, journal: &Line, register: &Line) -> bool {
    let (ours, theirs) = (journal.row(), register.row());
    let is_one_loose = ours.e2e_id.is_empty() || theirs.e2e_id.is_empty();
    is_one_loose
        && match rule {
            Rule::E2eId => false,
            Rule::Receipt => ours.receipt == theirs.receipt && !ours.receipt.is_empty(),
            Rule::PayerAmountDay => {
                ours.iin == theirs.iin
                    && !ours.iin.is_empty()
                    && ours.amount_tiyn == theirs.amount_tiyn
                    && ours.currency == theirs.currency
                    && journal.value.0.abs_diff(register.value.0) <= VALUE_DAYS_MAX
            }
        }
}
