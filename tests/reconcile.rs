//! Two files held against each other: every seeded difference is found, none is invented, and nothing is half written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

#[path = "reconcile/act.rs"]
mod act;
#[path = "reconcile/counts.rs"]
mod counts;
#[path = "reconcile/day.rs"]
#[allow(dead_code, reason = "the bench makes its days of it too")]
mod day;
#[path = "reconcile/files.rs"]
mod files;
#[path = "reconcile/formats.rs"]
mod formats;
#[path = "reconcile/guesses.rs"]
mod guesses;
#[path = "reconcile/oracle.rs"]
mod oracle;
#[path = "reconcile/papers.rs"]
mod papers;
#[path = "reconcile/promises.rs"]
mod promises;
#[path = "reconcile/sheets.rs"]
mod sheets;
#[path = "reconcile/treasury.rs"]
mod treasury;
#[path = "reconcile/writers.rs"]
mod writers;
