//! Banks at the gateway's door: what they ask, what they are told, and what foreign judges say of our messages.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod banks {
    pub(crate) mod iso20022;
}
