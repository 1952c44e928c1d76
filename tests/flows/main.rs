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

mod agencies;
mod binding;
mod blame;
mod business;
mod bytes;
mod caller;
mod canaries;
mod charges;
mod clients;
mod cluster;
mod deviations;
mod faults;
mod footing;
mod forged;
mod framing;
mod gost;
mod hand;
mod journal_down;
mod json;
mod lifecycle;
mod limits;
mod load;
mod panics;
mod payments;
#[path = "../support/postgres.rs"]
mod postgres;
mod reborn;
mod receipts;
mod refusal;
mod reload;
mod rest;
mod revocation;
mod same_call;
mod secrets;
mod served;
mod standin;
mod support;
mod told;
