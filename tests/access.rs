//! Who may call what: every participant × service × operation of a configuration, and every way round.
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
#[path = "access/corpus.rs"]
mod corpus;
#[path = "relay/line.rs"]
#[allow(dead_code, reason = "shared")]
mod line;
#[path = "access/matrix.rs"]
mod matrix;
#[path = "relay/office.rs"]
#[allow(dead_code, reason = "shared")]
mod office;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "flows/support.rs"]
#[allow(dead_code, reason = "shared")]
mod support;
#[path = "relay/wire.rs"]
#[allow(dead_code, reason = "shared")]
mod wire;
