//! How many calls a second the journal carries, each opened and closed durably. A measurement:
//! `cargo test --release --test journal rate -- --ignored --nocapture --test-threads 1`

use crate::bench::*;
use bytes::Bytes;
use qaqpa::config::settings::BodyPolicy;
use qaqpa::journal::Journal;
use qaqpa::journal::entry::Opened;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const SECONDS: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn rate_on_sqlite() {
    for (callers, policy) in cases() {
        measure("SQLite", Bench::embedded(), callers, policy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn rate_on_postgres() {
    for (callers, policy) in cases() {
        measure("PostgreSQL", Bench::postgres().await, callers, policy).await;
    }
}

fn cases() -> [(usize, BodyPolicy); 5] {
    let digest = |callers| (callers, BodyPolicy::Digest);
    [digest(1), digest(16), digest(64), digest(256), (64, BodyPolicy::Full)]
}

async fn measure(store: &str, mut bench: Bench, callers: usize, policy: BodyPolicy) {
    bench.settings.body_policy = policy;
    let journal = bench.start().await;
    open(&journal, own_call(), payment(), "fresh").await;
    let until = Instant::now() + Duration::from_secs(SECONDS);
    let mut running = JoinSet::new();
    for _ in 0..callers {
        running.spawn(call_until(journal.clone(), until));
    }
    let mut opens: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    opens.sort();
    let stats = journal.stats();
    let (groups, rows) = (stats.group_rows.count.read(), stats.group_rows.sum.read());
    println!(
        "{store:10} {policy:?} {callers:3} callers: {:6} calls/s, {:4.1} rows a commit, \
         open p50 {:?}, p99 {:?}",
        opens.len() as u64 / SECONDS,
        rows as f64 / groups as f64,
        opens[opens.len() / 2],
        opens[opens.len() * 99 / 100],
    );
    journal.drain(soon()).await.unwrap();
}

/// Opens and closes payments with 2 kB each way; how long each opening took.
async fn call_until(journal: Journal, until: Instant) -> Vec<Duration> {
    // Half noise, half text, as signed XML is.
    let body = [noise(1_000), b"<data>text</data>".repeat(60)].concat();
    let mut opens = Vec::new();
    while Instant::now() < until {
        let call = Opened { request: Bytes::from(body.clone()), ..own_call() };
        let begun = Instant::now();
        open(&journal, call.clone(), payment(), "fresh").await;
        opens.push(begun.elapsed());
        journal.close(answered(&call, &body)).await.unwrap();
    }
    opens
}
