//! An operating day out of the store: held against its register by the command, on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

#[path = "days/flow.rs"]
mod flow;
#[path = "days/house.rs"]
mod house;
#[path = "days/intake.rs"]
mod intake;
#[path = "days/kills.rs"]
mod kills;
#[path = "days/persons.rs"]
mod persons;
#[path = "support/postgres.rs"]
mod postgres;
