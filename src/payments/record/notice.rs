//! Changes of orders, who is told of them, and what is counted of both.

use super::Id;
use crate::payments::ledger::Claim;
use crate::payments::order::{State, Step};
use serde::{Deserialize, Serialize};

/// A change of an order's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `order/version`.
    pub id: String,
    pub order_id: Id,
    pub version: i64,
    pub state: State,
    /// `None` of a change that is older than this column.
    pub step: Option<Step>,
    /// What brought it here: an action, or who said it.
    pub cause: String,
    pub changed_at_us: i64,
}

/// What one participant is to be told of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `order/order version/recipient`: who hears it twice knows it by the first two.
    pub id: String,
    pub order_id: Id,
    pub order_version: i64,
    /// A participant.
    pub recipient: String,
    pub state: State,
    /// Whom the money belonged to then; `None`: there was none.
    pub claim: Option<Claim>,
    /// What brought it here, as in its [`Change`].
    pub cause: String,
    /// By the clock of the node that heard of it: also where the change is dated after a closing.
    pub changed_at_us: i64,
    /// Grows with every attempt to tell it.
    pub version: i64,
    pub attempts: u32,
    /// One that waits for an earlier one of the same order is due at no time: `i64::MAX`.
    pub next_try_at_us: i64,
    pub told_at_us: Option<i64>,
    /// Since when it is a dead letter; those of the same order after it wait.
    pub dead_at_us: Option<i64>,
}

impl Notice {
    /// By which its recipient knows it again: `order/order version`.
    #[must_use]
    pub fn event_id(&self) -> String {
        format!("{}/{}", self.order_id, self.order_version)
    }
}

/// Orders of a bank that nobody knows the outcome of, or that wait for a ruling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCount {
    pub bank: String,
    /// Unknown or Conflict.
    pub state: State,
    pub orders: i64,
    /// Since when the oldest of them is so.
    pub oldest_us: i64,
}

/// What a participant was not told yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeCount {
    pub recipient: String,
    pub waiting: i64,
    pub dead: i64,
    /// When the oldest of them came to be.
    pub oldest_us: i64,
}
