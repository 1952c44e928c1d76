//! HTTP/2 at the door, frame by frame: what breaks the protocol is refused as RFC 9113 says, and only that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    dead_code,
    unreachable_pub,
    reason = "a test fails by panicking; the house is shared with tests/edge"
)]

#[path = "edge/callers.rs"]
mod callers;
#[path = "http2/deadlines.rs"]
mod deadlines;
#[path = "http2/floods.rs"]
mod floods;
#[path = "http2/frames.rs"]
mod frames;
#[path = "edge/house.rs"]
mod house;
#[path = "http2/requests.rs"]
mod requests;
#[path = "http2/wire.rs"]
mod wire;
