//! What waits for evidence is listed: whoever left it Unknown, and whatever wrote that.

use crate::bench::*;
use qaqpa::journal::entry::{Resolution, SameCall};
use qaqpa_kit::fault::Outcome;
use std::collections::BTreeSet;

pub(crate) async fn every_end_that_needs_evidence_is_listed_however_it_came(bench: &Bench) {
    let hour_us = 3_600_000_000;
    let rule = |expires_at_us| SameCall::until(expires_at_us, false);
    let journal = bench.start_node("node-2").await;
    let begun_us = now_us();
    let swept = call_at(1, begun_us - 2 * hour_us);
    open(&journal, swept.clone(), rule(begun_us - hour_us), "fresh").await;
    let passed = call_at(7, begun_us - 2 * hour_us);
    open(&journal, passed.clone(), SameCall::alone(0, false), "fresh").await;
    let young = call_at(8, begun_us - hour_us / 2);
    open(&journal, young.clone(), SameCall::alone(0, false), "fresh").await;
    journal.drain(soon()).await.unwrap();

    let journal = bench.start().await;
    let lost = open(&journal, call(2), payment(), "fresh").await;
    journal.close(unknown(&lost)).await.unwrap();
    let removed = open(&journal, call(3), rule(begun_us + hour_us / 2), "fresh").await;
    let later = call_at(3, removed.opened_at_us + hour_us);
    let after = open(&journal, later, payment(), "fresh").await;
    let left = open(&journal, call(4), payment(), "fresh").await;
    let asked = open(&journal, call(5), question(), "fresh").await;
    let done = open(&journal, call(6), payment(), "fresh").await;
    journal.close(answered(&done, b"done")).await.unwrap();
    journal.drain(soon()).await.unwrap();

    let journal = bench.start().await;
    let expected: BTreeSet<_> =
        [swept, passed, lost, removed, after, left].iter().map(|one| one.id.to_string()).collect();
    let listed = async || {
        let waiting = journal.unresolved(10).await.unwrap();
        waiting.into_iter().map(|record| record.entry).collect::<BTreeSet<_>>()
    };
    // The first sweep of a life comes by itself.
    eventually(async || listed().await.len() >= expected.len()).await;
    assert_eq!(listed().await, expected);
    assert!(journal.entry(asked.id).await.unwrap().unwrap().closed.is_some());
    assert!(journal.entry(young.id).await.unwrap().unwrap().closed.is_none());
}

pub(crate) async fn what_waited_before_an_upgrade_waits_after_it(bench: &Bench) {
    let journal = bench.start().await;
    let (lost, paid, asked) = (call(1), call(2), call(3));
    for (opened, same) in [(&lost, payment()), (&paid, payment()), (&asked, question())] {
        open(&journal, opened.clone(), same, "fresh").await;
        journal.close(unknown(opened)).await.unwrap();
    }
    assert_eq!(resolve(&journal, paid.id, Outcome::Done).await, Resolution::Written);
    journal.drain(soon()).await.unwrap();
    bench.take_back();
    let undone: &[&str] = if bench.database.is_some() {
        &["DROP FUNCTION note_waiting CASCADE", "DROP FUNCTION note_resolved CASCADE"]
    } else {
        &["DROP TRIGGER entry_resolved_waits_no_more"]
    };
    let old = [
        "DROP TABLE entry_waiting",
        "CREATE INDEX entry_closed_waiting ON entry_closed (id) WHERE outcome = 'Unknown'",
        "DELETE FROM schema_version WHERE version >= 5",
    ];
    for step in undone.iter().chain(&old) {
        bench.sql(step).unwrap();
    }
    assert_eq!(bench.migrate().await, 4);
    let journal = bench.start().await;
    let waiting = journal.unresolved(10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|record| &*record.entry).collect::<Vec<_>>(),
        [lost.id.to_string()]
    );
    assert_eq!(resolve(&journal, lost.id, Outcome::Done).await, Resolution::Written);
    assert!(journal.unresolved(10).await.unwrap().is_empty());
}
