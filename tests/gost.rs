//! The country's signatures against openssl's GOST engine and against whatever must not verify; Wycheproof for the rest.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

mod gost {
    pub(crate) mod engine;
    pub(crate) mod envelopes;
    pub(crate) mod messages;
    pub(crate) mod pki;
    pub(crate) mod secrets;
    pub(crate) mod wycheproof;
}
