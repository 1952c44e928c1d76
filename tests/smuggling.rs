//! HTTP/1 that two readers could read differently never gets past the door; what is plain always does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "smuggling/accepted.rs"]
mod accepted;
#[path = "smuggling/backends.rs"]
mod backends;
#[path = "smuggling/door.rs"]
mod door;
#[path = "edge/house.rs"]
#[allow(dead_code, reason = "shared with the edge's tests, which use more of it")]
mod house;
#[path = "smuggling/library.rs"]
mod library;
#[path = "smuggling/machine.rs"]
mod machine;
#[path = "smuggling/refused.rs"]
mod refused;
#[path = "smuggling/relayed.rs"]
mod relayed;
#[path = "smuggling/wire.rs"]
mod wire;
