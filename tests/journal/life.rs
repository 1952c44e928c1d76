//! An entry's life: durable, closed once, listed until evidence comes; and what else the journal keeps.

use crate::bench::*;
use bytes::Bytes;
use qaqpa::config::settings::{BodyPolicy, Store};
use qaqpa::journal::entry::{Closed, EntryId, Opened, Opening, Resolution, SameCall, Streamed};
use qaqpa::journal::{Body, Journal, JournalDown, JournalError, Part, Why};
use qaqpa_kit::fault::{Code, Outcome, Phase};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

pub(crate) use crate::crash::what_was_fresh_survives_a_kill;

pub(crate) async fn an_entry_shows_all_its_rows(bench: &Bench) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    let record = journal.entry(paid.id).await.unwrap().unwrap();
    assert!(record.closed.is_none() && record.resolved.is_none());
    journal.close(unknown(&paid)).await.unwrap();
    assert_eq!(resolve(&journal, paid.id, Outcome::Done).await, Resolution::Written);

    let record = journal.entry(paid.id).await.unwrap().unwrap();
    assert_eq!((record.entry, record.node.as_str()), (paid.id.to_string(), "node-1"));
    assert_eq!((record.opened_at_us, record.request_bytes), (paid.opened_at_us, 7));
    assert_eq!((record.message_id.as_str(), record.sender_id.as_str()), ("message-1", "EGOV"));
    assert_eq!(record.request_digest, Some("02".repeat(32)));
    let closed = record.closed.unwrap();
    assert_eq!((closed.outcome.as_str(), closed.evidence.as_str()), ("Unknown", "fault"));
    assert_eq!(closed.fault_code.as_deref(), Some("agency.timeout"));
    assert_eq!(closed.fault_phase.as_deref(), Some("send"));
    assert_eq!((closed.http_status, closed.answer_bytes), (Some(500), 5));
    assert_eq!(closed.agency_certificate, None, "no certificate is no row of zeros");
    assert!(
        closed.phases.starts_with("receive=1 identify=2") && closed.phases.ends_with("decode=9")
    );
    let resolved = record.resolved.unwrap();
    assert_eq!((resolved.outcome.as_str(), resolved.evidence.as_str()), ("Done", "register"));
    assert!(journal.entry(EntryId::at(1)).await.unwrap().is_none());
}

pub(crate) async fn what_was_closed_without_waiting_is_written_when_the_journal_drains(
    bench: &Bench,
) {
    let journal = bench.start().await;
    for number in 0..50 {
        let asked = open(&journal, call(number), question(), "fresh").await;
        let closed = Closed { is_durable_first: false, ..answered(&asked, b"yes") };
        journal.close(closed).await.unwrap();
    }
    journal.drain(soon()).await.unwrap();
    assert_eq!(bench.count("entry_closed"), 50);
    assert_eq!((bench.count("call_key"), bench.count("entry_under_way")), (50, 0));
}

pub(crate) async fn what_only_passed_leaves_no_key_to_be_repeated(bench: &Bench) {
    let journal = bench.start().await;
    let streamed = Some(Streamed { request_digest: [5; 32], request_bytes: 7, answer_bytes: 9 });
    let passed = open(&journal, own_call(), SameCall::alone(0, true), "fresh").await;
    journal.close(Closed { streamed, ..answered(&passed, b"") }).await.unwrap();
    let lost = open(&journal, own_call(), SameCall::alone(0, false), "fresh").await;
    journal.close(Closed { streamed, ..unknown(&lost) }).await.unwrap();
    assert_eq!(bench.count("call_key"), 0);
    assert_eq!(resolve(&journal, lost.id, Outcome::Done).await, Resolution::Written);
}

pub(crate) async fn a_journal_that_is_only_dropped_still_writes_what_has_ended(bench: &Bench) {
    let journal = bench.start().await;
    for number in 0..50 {
        let asked = open(&journal, call(number), question(), "fresh").await;
        let closed = Closed { is_durable_first: false, ..answered(&asked, b"yes") };
        journal.close(closed).await.unwrap();
    }
    drop(journal);
    let is_written = async || bench.count("entry_closed WHERE outcome = 'Done'") == 50;
    eventually(is_written).await;
}

pub(crate) async fn a_crash_leaves_one_interrupted_row_and_frees_what_is_idempotent(bench: &Bench) {
    let first_life = bench.start().await;
    let paid = open(&first_life, call(1), payment(), "fresh").await;
    let asked = open(&first_life, call(2), question(), "fresh").await;
    let ended = open(&first_life, call(3), question(), "fresh").await;
    first_life.close(answered(&ended, b"done")).await.unwrap();
    first_life.drain(soon()).await.unwrap();

    let journal = bench.start().await;
    assert_eq!(journal.stats().interrupted.read(), 2);
    for (id, needs_evidence) in [(paid.id, true), (asked.id, false)] {
        let closed = journal.entry(id).await.unwrap().unwrap().closed.unwrap();
        assert_eq!((closed.outcome.as_str(), closed.evidence.as_str()), ("Unknown", "interrupted"));
        assert_eq!(closed.needs_evidence, needs_evidence);
    }
    open(&journal, call(1), payment(), "left unknown").await;
    open(&journal, call(2), question(), "fresh").await;
    open(&journal, call(3), question(), "stored").await;
    let waiting = journal.unresolved(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].entry, paid.id.to_string());
    journal.drain(soon()).await.unwrap();

    let third_life = bench.start().await;
    assert_eq!(third_life.stats().interrupted.read(), 1, "only what the second life left open");
    assert_eq!(bench.count("entry_closed WHERE evidence = 'interrupted'"), 3);
}

pub(crate) async fn an_open_that_nobody_waits_for_is_undone(bench: &Bench) {
    let journal = bench.start().await;
    open(&journal, call(9), payment(), "fresh").await;
    let mut left = Vec::new();
    let until = soon();
    // Whether the writer was quicker than the caller is luck: try until it was.
    while journal.stats().undone.read() < 3 {
        assert!(Instant::now() < until, "no opening outlived its caller");
        let opened = call(1);
        let once = tokio::time::timeout(Duration::ZERO, journal.open(opened.clone(), payment()));
        match once.await {
            Err(_) => left.push(opened.id),
            Ok(Ok(Opening::Fresh)) => journal.close(answered(&opened, b"")).await.unwrap(),
            Ok(other) => assert_eq!(word(&other.unwrap()), "in flight"),
        }
        tokio::task::yield_now().await;
    }
    // Whatever became of them, the key is free in the end.
    let carried = loop {
        let opened = call(1);
        match journal.open(opened.clone(), payment()).await.unwrap() {
            Opening::Fresh => break opened,
            Opening::InFlight { .. } => assert!(journal.wait(opened.key, until).await),
            other => panic!("{other:?}"),
        }
    };
    journal.close(answered(&carried, b"done")).await.unwrap();
    for id in left {
        let Some(record) = journal.entry(id).await.unwrap() else { continue };
        let closed = record.closed.unwrap();
        assert_eq!(closed.outcome, "Refused");
        assert_eq!(closed.fault_code.as_deref(), Some("gateway.journal_down"));
    }
}

pub(crate) async fn evidence_ends_an_unknown_entry_once(bench: &Bench) {
    let journal = bench.start().await;
    let (lost, paid, done) = (call(1), call(2), call(3));
    for opened in [&lost, &paid] {
        open(&journal, opened.clone(), payment(), "fresh").await;
        journal.close(unknown(opened)).await.unwrap();
    }
    open(&journal, done.clone(), payment(), "fresh").await;
    assert_eq!(resolve(&journal, done.id, Outcome::Done).await, Resolution::NotWaiting);
    journal.close(answered(&done, b"done")).await.unwrap();
    assert_eq!(resolve(&journal, done.id, Outcome::Refused).await, Resolution::NotWaiting);
    assert_eq!(resolve(&journal, lost.id, Outcome::Unknown).await, Resolution::NotWaiting);
    assert_eq!(journal.unresolved(10).await.unwrap().len(), 2);
    assert_eq!(journal.unresolved(1).await.unwrap().len(), 1);

    assert_eq!(resolve(&journal, lost.id, Outcome::Refused).await, Resolution::Written);
    assert_eq!(resolve(&journal, paid.id, Outcome::Done).await, Resolution::Written);
    assert_eq!(resolve(&journal, paid.id, Outcome::Refused).await, Resolution::NotWaiting);
    assert!(journal.unresolved(10).await.unwrap().is_empty());
    assert_eq!(bench.count("entry_waiting"), 0, "what was found out is looked for no more");
    open(&journal, call(1), payment(), "fresh").await;
    open(&journal, call(2), payment(), "left unknown").await;
}

pub(crate) async fn a_refusal_is_recorded_without_a_key_or_a_body(bench: &Bench) {
    let journal = bench.start().await;
    let refused = call(1);
    let fault = Some((Code::CallerBadSignature, Phase::Verify));
    let closed = Closed { outcome: Outcome::Refused, fault, ..answered(&refused, b"fault") };
    journal.record(refused.clone(), closed);
    // A duplicate's fault is Unknown, but it is the first entry that waits for evidence.
    let duplicate = call(2);
    journal.record(duplicate.clone(), unknown(&duplicate));
    open(&journal, call(1), payment(), "fresh").await;
    journal.drain(soon()).await.unwrap();

    let journal = bench.start().await;
    let record = journal.entry(refused.id).await.unwrap().unwrap();
    assert_eq!(record.closed.unwrap().fault_code.as_deref(), Some("caller.bad_signature"));
    assert_eq!(journal.body(refused.id, Part::Request).await.unwrap(), Body::Absent);
    assert!(journal.entry(duplicate.id).await.unwrap().is_some());
    let waiting = journal.unresolved(10).await.unwrap();
    assert!(waiting.iter().all(|record| record.entry != duplicate.id.to_string()));
}

pub(crate) async fn bodies_are_sealed_and_erased_with_their_days_key(bench: &Bench) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(answered(&paid, b"a very private answer")).await.unwrap();
    let kept = |text: &'static str| Body::Kept(Bytes::from_static(text.as_bytes()));
    let request = journal.body(paid.id, Part::Request).await.unwrap();
    assert_eq!(request, kept("a very private request"));
    let answer = journal.body(paid.id, Part::Answer).await.unwrap();
    assert_eq!(answer, kept("a very private answer"));
    match &bench.settings.store {
        Store::Embedded { .. } => {
            for file in std::fs::read_dir(bench.folder.path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                assert!(!bytes.windows(12).any(|window| window == b"very private"));
            }
        }
        Store::Postgres { .. } => {
            assert_eq!(bench.count("entry_body WHERE position('private' IN sealed) = 0"), 2);
            assert_eq!(bench.count("call_key WHERE answer IS NOT NULL"), 0);
        }
    }
    journal.drain(soon()).await.unwrap();

    bench.sql("DELETE FROM day_key").unwrap();
    let journal = bench.start().await;
    for part in [Part::Request, Part::Answer] {
        assert_eq!(journal.body(paid.id, part).await.unwrap(), Body::Erased);
    }
    open(&journal, call(1), payment(), "left unknown").await;
    let record = journal.entry(paid.id).await.unwrap().unwrap();
    assert_eq!(record.closed.unwrap().answer_digest, Some("04".repeat(32)), "the proof stays");
}

pub(crate) async fn under_the_digest_policy_no_body_is_kept(bench: &Bench) {
    let mut settings = bench.settings.clone();
    settings.body_policy = BodyPolicy::Digest;
    let journal = Journal::start(&settings, "node-1").await.unwrap();
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(answered(&paid, b"done")).await.unwrap();
    open(&journal, call(1), payment(), "stored").await;
    assert_eq!(bench.count("entry_body"), 0);
    assert_eq!(journal.body(paid.id, Part::Answer).await.unwrap(), Body::Absent);
}

pub(crate) async fn another_master_key_is_refused_at_the_start(bench: &Bench) {
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    journal.drain(soon()).await.unwrap();
    let other = bench.folder.path().join("other");
    std::fs::write(&other, [9; 32]).unwrap();
    let mut settings = bench.settings.clone();
    settings.master_key_file = Some(other.clone());
    match Journal::start(&settings, "node-1").await.err() {
        Some(JournalError::MasterKeyWrong(file)) => assert_eq!(file, other),
        started => panic!("{started:?}"),
    }
}

pub(crate) async fn rows_of_evidence_cannot_be_changed(bench: &Bench) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(unknown(&paid)).await.unwrap();
    resolve(&journal, paid.id, Outcome::Done).await;
    for (table, column) in [
        ("entry_opened", "message_id"),
        ("entry_closed", "outcome"),
        ("entry_resolved", "note"),
        ("entry_body", "part"),
    ] {
        let rows = bench.count(table);
        for change in [format!("UPDATE {table} SET {column} = 'x'"), format!("DELETE FROM {table}")]
        {
            let refused = bench.sql(&change).unwrap_err();
            assert!(refused.contains("append only"), "{change}: {refused}");
        }
        assert!(rows > 0 && bench.count(table) == rows, "{table}");
    }
}

pub(crate) async fn many_calls_share_a_commit(bench: &Bench) {
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    let before = journal.stats().group_rows.count.read();
    let mut opens = JoinSet::new();
    for _ in 0..500 {
        let journal = journal.clone();
        opens.spawn(async move { journal.open(own_call(), payment()).await.unwrap() });
    }
    let openings = opens.join_all().await;
    assert!(openings.iter().all(|opening| word(opening) == "fresh"));
    let groups = journal.stats().group_rows.count.read() - before;
    assert!(groups <= 100, "500 calls took {groups} commits");
    assert_eq!(bench.count("entry_opened"), 501);
}

pub(crate) async fn more_opens_than_the_queue_holds_are_refused_at_once(bench: &Bench) {
    let mut settings = bench.settings.clone();
    settings.group_max = 1;
    let journal = Journal::start(&settings, "node-1").await.unwrap();
    open(&journal, call(1), payment(), "fresh").await;
    let mut opens = JoinSet::new();
    for _ in 0..5_000 {
        let journal = journal.clone();
        opens.spawn(async move {
            let begun = Instant::now();
            let result = journal.open(own_call(), payment()).await;
            (begun.elapsed(), result)
        });
    }
    let mut refused = 0;
    for (took, result) in opens.join_all().await {
        match result {
            Ok(opening) => assert_eq!(word(&opening), "fresh"),
            Err(JournalDown { why: Why::QueueFull, .. }) => refused += 1,
            Err(JournalDown { why: Why::Slow, .. }) => {}
            Err(down) => panic!("{down}"),
        }
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
    assert!(refused > 0);
    assert_eq!(journal.stats().refused(Why::QueueFull), refused);
    open(&journal, call(2), payment(), "fresh").await;
}

pub(crate) async fn hostile_texts_hurt_nobody_else(bench: &Bench) {
    let journal = bench.start().await;
    let hostile = Opened {
        message_id: "nul \0 and '); DROP TABLE entry_opened; --".to_owned(),
        sender_id: "\u{202e}".repeat(100_000),
        correlation_id: "\0".to_owned(),
        request_bytes: u64::MAX,
        ..call(1)
    };
    let (first, second) =
        tokio::join!(journal.open(hostile.clone(), payment()), journal.open(call(2), payment()));
    assert_eq!((word(&first.unwrap()), word(&second.unwrap())), ("fresh", "fresh"));
    let record = journal.entry(hostile.id).await.unwrap().unwrap();
    assert!(record.message_id.starts_with("nul \u{fffd} and '); DROP"));
    assert_eq!(record.request_bytes, i64::MAX);
}

pub(crate) async fn a_drained_journal_opens_nothing(bench: &Bench) {
    let journal = bench.start().await;
    assert!(journal.is_ready());
    journal.drain(soon()).await.unwrap();
    journal.drain(soon()).await.unwrap();
    assert!(!journal.is_ready());
    let down = journal.open(call(1), payment()).await.unwrap_err();
    assert_eq!(down.why, Why::Stopped);
    assert!(journal.close(answered(&call(1), b"")).await.is_err(), "said, not lost silently");
}
