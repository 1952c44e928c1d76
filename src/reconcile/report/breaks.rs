//! One break as every report shows it.

use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::{Age, Category, Finding};

/// A break with everything that follows from the run's day.
pub struct Entry<'a> {
    /// The same at every run.
    pub id: String,
    pub category: Category,
    /// The window in which it was first found.
    pub since: OperatingDay,
    pub age: Age,
    /// Amount × age: the higher, the sooner.
    pub priority: i64,
    pub finding: &'a Finding,
}

/// Breaks and the money in question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub breaks: u64,
    pub sum_tiyn: i128,
}
