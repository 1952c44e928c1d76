//! Receipts keep their promises: numbers are unique, what is signed and printed is read by strangers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "receipts/numbers.rs"]
mod numbers;
#[path = "receipts/papers.rs"]
mod papers;
