//! Three-way reconciliation of a day's budget money: what the gateway booked, the banks took, the Treasury got.
//!
//! Only money that was taken is looked at, and only what all three know of it: id, document, payee, КБК,
//! amount, value date. Each side is read once and checked against its own promises (`walk`), its rows are
//! written down in that common form (`project`) and counted by КБК and budget administrator (`totals`); then
//! the three pairs of sides go through the same matching as a bank's day, with the same proof (I11).

pub mod form;
pub mod project;
pub mod report;
pub mod totals;
pub mod walk;

use super::breaks::{Acts, Category};

/// Whose rows they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Journal,
    Register,
    Treasury,
}

/// All three, in the order in which money moves.
pub const PARTIES: [Party; 3] = [Party::Journal, Party::Register, Party::Treasury];

impl Party {
    /// Its name in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Register => "register",
            Self::Treasury => "treasury",
        }
    }

    /// Where a row is missing or stands twice, in names of categories.
    const fn place(self) -> &'static str {
        match self {
            Self::Journal => "GATEWAY",
            Self::Register => "BANK",
            Self::Treasury => "TREASURY",
        }
    }
}

/// Two sides held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    pub from: Party,
    pub to: Party,
}

/// Each with each: the last tells of a payment that a bank left out, whether the Treasury has it.
pub const LEGS: [Leg; 3] = [
    Leg { from: Party::Journal, to: Party::Register },
    Leg { from: Party::Register, to: Party::Treasury },
    Leg { from: Party::Journal, to: Party::Treasury },
];

impl Leg {
    /// Its name in tables.
    #[must_use]
    pub fn word(self) -> String {
        format!("{}-{}", self.from.word(), self.to.word())
    }

    /// A category between these two sides: where matching says gateway and bank, their own names stand.
    #[must_use]
    pub fn category(self, category: Category) -> String {
        let (from, to) = (self.from.place(), self.to.place());
        match category {
            Category::MissingInBank => format!("MISSING_IN_{to}"),
            Category::MissingInGateway => format!("MISSING_IN_{from}"),
            Category::DuplicateInBank => format!("DUPLICATE_IN_{to}"),
            Category::DuplicateInGateway => format!("DUPLICATE_IN_{from}"),
            other => other.word().to_owned(),
        }
    }

    /// Which of the two must act first.
    #[must_use]
    pub fn acts(self, category: Category) -> &'static str {
        match category.acts() {
            Acts::Bank => self.to.word(),
            Acts::Gateway => self.from.word(),
            Acts::Both => "both",
            Acts::Nobody => "nobody",
        }
    }
}
