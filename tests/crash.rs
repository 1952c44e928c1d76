//! What `kill -9`, a full disk or a stopped database may not do: lose a call, or make one twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "crash/books.rs"]
mod books;
#[path = "crash/callers.rs"]
mod callers;
#[path = "crash/chance.rs"]
mod chance;
#[path = "crash/clock.rs"]
mod clock;
#[path = "support/disk.rs"]
mod disk;
#[path = "crash/house.rs"]
mod house;
#[path = "crash/judge.rs"]
mod judge;
#[path = "crash/kills.rs"]
mod kills;
#[path = "crash/order.rs"]
mod order;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "crash/stops.rs"]
mod stops;
#[path = "crash/stores.rs"]
mod stores;
#[path = "support/strace.rs"]
mod strace;
