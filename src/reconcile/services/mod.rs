//! The monthly comparison of services given: agencies and the service centres, by number and by quality.
//!
//! Rows of a month come from both sides as files of counts (`form`), are held against each other key by key
//! (`compare`), and become one act for each agency and branch and a central act for each agency, which is
//! the exact sum of its branches' (`acts`). When these papers are due is the journal's to watch.

pub mod acts;
pub mod compare;
pub mod form;
pub mod report;

use std::collections::BTreeMap;

/// What is counted: one service of an agency, given by a branch in a territorial unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub agency: String,
    pub service: String,
    pub branch: String,
    pub unit: String,
}

/// How many: given and refused by number, in time and late by quality. A case that ended was given or
/// refused, and was in time or late: `given + refused = in_time + late`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub given: u64,
    pub refused: u64,
    pub in_time: u64,
    pub late: u64,
}

impl Numbers {
    /// In the order of the form.
    #[must_use]
    pub const fn all(self) -> [u64; 4] {
        [self.given, self.refused, self.in_time, self.late]
    }

    /// From the order of the form.
    #[must_use]
    pub const fn of([given, refused, in_time, late]: [u64; 4]) -> Self {
        Self { given, refused, in_time, late }
    }

    /// Cases that ended.
    #[must_use]
    pub const fn cases(self) -> u64 {
        self.given.saturating_add(self.refused)
    }

    /// Both together; `None` beyond 64 bits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = |one: u64, other: u64| one.checked_add(other);
        Some(Self {
            given: sum(self.given, other.given)?,
            refused: sum(self.refused, other.refused)?,
            in_time: sum(self.in_time, other.in_time)?,
            late: sum(self.late, other.late)?,
        })
    }
}

/// A month's counts of one side.
pub type Counts = BTreeMap<Key, Numbers>;
