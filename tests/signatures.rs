//! Signatures against tools that are not ours, and against everything an attacker can write.
//!
//! xmlsec1, signxml and lxml are the oracles (`make tools` installs them); a missing oracle fails.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

mod signatures {
    pub(crate) mod accepted;
    pub(crate) mod business;
    pub(crate) mod c14n;
    pub(crate) mod cms;
    pub(crate) mod commands;
    pub(crate) mod corpus;
    pub(crate) mod demands;
    pub(crate) mod documents;
    pub(crate) mod examples;
    pub(crate) mod exchange;
    pub(crate) mod explained;
    pub(crate) mod forge;
    pub(crate) mod held;
    pub(crate) mod hostile;
    pub(crate) mod hostile_business;
    pub(crate) mod hostile_info;
    pub(crate) mod hostile_keys;
    pub(crate) mod hostile_parsers;
    pub(crate) mod hostile_wrapping;
    pub(crate) mod key_info;
    pub(crate) mod moved;
    pub(crate) mod oracles;
    pub(crate) mod pki;
    pub(crate) mod rest;
    pub(crate) mod trust;
}
