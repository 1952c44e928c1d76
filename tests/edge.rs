//! The gateway's edge on loopback: doors in and out against peers that misbehave in every way known.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "edge/admit.rs"]
mod admit;
#[path = "edge/agency.rs"]
mod agency;
#[path = "edge/arrivals.rs"]
mod arrivals;
#[path = "edge/callers.rs"]
mod callers;
#[path = "edge/caps.rs"]
mod caps;
#[path = "edge/gates.rs"]
mod gates;
#[path = "edge/house.rs"]
mod house;
#[path = "edge/late.rs"]
mod late;
#[path = "edge/listener.rs"]
mod listener;
#[path = "edge/ops.rs"]
mod ops;
#[path = "edge/pool.rs"]
mod pool;
#[path = "edge/tls.rs"]
mod tls;
#[path = "edge/upstream.rs"]
mod upstream;
