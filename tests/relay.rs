//! Requests relayed while their bodies stream: what passes, what ends how, and what the journal says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "flows/caller.rs"]
#[allow(dead_code, reason = "shared")]
mod caller;
#[path = "relay/failures.rs"]
mod failures;
#[path = "relay/heads.rs"]
mod heads;
#[path = "relay/large.rs"]
mod large;
#[path = "relay/line.rs"]
mod line;
#[path = "relay/office.rs"]
mod office;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "relay/reuse.rs"]
mod reuse;
#[path = "flows/served.rs"]
#[allow(dead_code, reason = "shared")]
mod served;
#[path = "flows/support.rs"]
#[allow(dead_code, reason = "shared")]
mod support;
#[path = "relay/wire.rs"]
mod wire;
