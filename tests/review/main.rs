//! What an attacker and a stranger found: each test is a finding that must not come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    dead_code,
    reason = "a test fails by panicking; the house is shared with the flows"
)]

mod blame;
mod cost;
mod limits;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../flows/standin.rs"]
mod standin;
#[path = "../flows/support.rs"]
mod support;
mod told;
