//! The clerk of payments against a bank that fails by a seed: no money lost, none moved twice, whatever dies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "clerk/chaos.rs"]
mod chaos;
#[path = "clerk/closed.rs"]
mod closed;
#[path = "support/disk.rs"]
mod disk;
#[path = "clerk/gate.rs"]
mod gate;
#[path = "clerk/house.rs"]
mod house;
#[path = "clerk/judge.rs"]
mod judge;
#[path = "clerk/kills.rs"]
mod kills;
#[path = "clerk/office.rs"]
mod office;
#[path = "clerk/order.rs"]
mod order;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "clerk/quiet.rs"]
mod quiet;
#[path = "clerk/stops.rs"]
mod stops;
#[path = "support/strace.rs"]
mod strace;
#[path = "clerk/words.rs"]
mod words;
