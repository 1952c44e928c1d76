//! Whole flows on loopback: real sockets, TLS, signatures and journal, with agencies that behave and misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod deviations;
mod hand;
mod support;
