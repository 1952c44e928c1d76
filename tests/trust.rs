//! Trust against what others made: NIST's PKITS, and responders, lists and time stamps of certomancer.
//!
//! `make tools` installs both; what is missing fails.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

#[allow(dead_code, unreachable_pub, reason = "another test reads the rest of it")]
#[path = "edge/house.rs"]
mod house;

mod trust {
    pub(crate) mod lists;
    pub(crate) mod matrix;
    pub(crate) mod pkits;
    pub(crate) mod responders;
}
