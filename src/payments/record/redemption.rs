//! The row that makes a payment the proof for one call.

use super::Id;
use serde::{Deserialize, Serialize};

/// Which call a payment is the proof for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The order's.
    pub id: Id,
    /// `None`: the call came to nothing, and the payment is free again.
    pub call: Option<String>,
    pub participant: String,
    pub service: String,
    pub redeemed_at_us: i64,
    pub version: i64,
}
