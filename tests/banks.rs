//! Banks at the gateway's door: what they ask, what they are told, and what foreign judges say of our messages.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test that cannot go on must fail"
)]

#[path = "flows/caller.rs"]
#[allow(dead_code, reason = "shared")]
mod caller;
#[path = "banks/dialects.rs"]
mod dialects;
#[path = "banks/hostile.rs"]
mod hostile;
#[path = "banks/house.rs"]
mod house;
#[path = "banks/iso20022.rs"]
mod iso20022;
#[path = "banks/notices.rs"]
mod notices;
#[path = "banks/payments.rs"]
mod payments;
#[path = "banks/planted.rs"]
mod planted;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "banks/races.rs"]
mod races;
#[path = "banks/returns.rs"]
mod returns;
#[path = "flows/served.rs"]
#[allow(dead_code, reason = "shared")]
mod served;
#[path = "flows/support.rs"]
#[allow(dead_code, reason = "shared")]
mod support;
