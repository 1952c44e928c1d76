//! The same call twice: every way in which opening can end.

use crate::bench::*;
use qaqpa::config::settings::BodyPolicy;
use qaqpa::journal::Journal;
use qaqpa::journal::entry::{Closed, Opened, Opening, Resolution, SameCall};
use qaqpa_kit::fault::{Code, Outcome, Phase};
use std::time::{Duration, Instant};

pub(crate) async fn a_new_call_is_fresh_and_the_same_call_finds_it_in_flight(bench: &Bench) {
    let journal = bench.start().await;
    let first = open(&journal, call(1), payment(), "fresh").await;
    match journal.open(call(1), payment()).await.unwrap() {
        Opening::InFlight { entry } => assert_eq!(entry, first.id),
        other => panic!("{other:?}"),
    }
    open(&journal, call(2), payment(), "fresh").await;
    assert_eq!(bench.count("entry_opened"), 2, "what was not opened has no row");
}

pub(crate) async fn an_answer_is_given_again_byte_for_byte(bench: &Bench) {
    let mut settings = bench.settings.clone();
    let (noise, small) = (noise(200_000), &b"<soap:Envelope/>"[..]);
    let answers =
        [(small, Outcome::Done), (&noise, Outcome::Refused), (&[b'x'; 100_000], Outcome::Done)];
    let mut number = 0;
    for policy in [BodyPolicy::Full, BodyPolicy::Digest] {
        settings.body_policy = policy;
        let journal = Journal::start(&settings, "node-1").await.unwrap();
        for (answer, outcome) in answers {
            number += 1;
            let first = open(&journal, call(number), payment(), "fresh").await;
            let closed = Closed { outcome, http_status: 202, ..answered(&first, answer) };
            journal.close(closed).await.unwrap();
            match journal.open(call(number), payment()).await.unwrap() {
                Opening::Stored { entry, outcome: told, http_status, answer: again } => {
                    assert_eq!((entry, told, http_status), (first.id, outcome, 202));
                    assert!(again == answer, "answer {number} came back changed");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(journal.stats().stored_given.read(), 3);
        journal.drain(soon()).await.unwrap();
    }
    let kept = ("call_key WHERE answer IS NOT NULL", "entry_body WHERE part = 'answer'");
    assert_eq!((bench.count(kept.0), bench.count(kept.1)), (3, 3), "each answer is kept once");
}

pub(crate) async fn an_answer_outlives_a_change_of_the_policy(bench: &Bench) {
    let mut settings = bench.settings.clone();
    for (number, policy) in [(1, BodyPolicy::Full), (2, BodyPolicy::Digest), (3, BodyPolicy::Full)]
    {
        settings.body_policy = policy;
        let journal = Journal::start(&settings, "node-1").await.unwrap();
        for earlier in 1..number {
            open(&journal, call(earlier), payment(), "stored").await;
        }
        let first = open(&journal, call(number), payment(), "fresh").await;
        journal.close(answered(&first, b"done")).await.unwrap();
        journal.drain(soon()).await.unwrap();
    }
}

pub(crate) async fn a_fault_frees_the_key(bench: &Bench) {
    let journal = bench.start().await;
    let certain = |code, phase| Some((code, phase));
    for (outcome, fault, answer) in [
        (Outcome::Refused, certain(Code::CallerMalformed, Phase::Encode), &b""[..]),
        (Outcome::Refused, certain(Code::CallerMalformed, Phase::Encode), b"a fault's text"),
        (Outcome::Refused, certain(Code::AgencyUnreachable, Phase::Send), b"a fault's text"),
        (Outcome::Done, None, b""),
    ] {
        let first = open(&journal, call(1), payment(), "fresh").await;
        let closed = Closed { outcome, fault, ..answered(&first, answer) };
        journal.close(closed).await.unwrap();
    }
    let refusal = open(&journal, call(1), payment(), "fresh").await;
    let closed = Closed { outcome: Outcome::Refused, ..answered(&refusal, b"no such person") };
    journal.close(closed).await.unwrap();
    open(&journal, call(1), payment(), "stored").await;
}

pub(crate) async fn a_call_left_unknown_is_sent_again_only_if_it_is_idempotent(bench: &Bench) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(unknown(&paid)).await.unwrap();
    match journal.open(call(1), payment()).await.unwrap() {
        Opening::LeftUnknown { entry } => assert_eq!(entry, paid.id),
        other => panic!("{other:?}"),
    }
    let asked = open(&journal, call(2), question(), "fresh").await;
    journal.close(unknown(&asked)).await.unwrap();
    let again = open(&journal, call(2), question(), "fresh").await;
    open(&journal, call(2), question(), "in flight").await;
    journal.close(answered(&again, b"now")).await.unwrap();
    open(&journal, call(2), question(), "stored").await;

    let waiting = journal.unresolved(10).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|record| record.entry.clone()).collect();
    assert_eq!(waiting, [paid.id.to_string()], "a question needs no evidence");
}

pub(crate) async fn another_content_under_a_unique_message_id_is_a_twin(bench: &Bench) {
    let journal = bench.start().await;
    let unique = SameCall { unique_message_id: true, ..payment() };
    let other = |number| Opened { message_key: [1; 32], ..call(number) };
    let first = open(&journal, call(1), unique, "fresh").await;
    match journal.open(other(2), unique).await.unwrap() {
        Opening::Twin { entry } => assert_eq!(entry, first.id),
        other => panic!("{other:?}"),
    }
    open(&journal, call(1), unique, "in flight").await;
    journal.close(answered(&first, b"done")).await.unwrap();
    open(&journal, other(2), unique, "twin").await;
    open(&journal, call(1), unique, "stored").await;
    open(&journal, other(3), payment(), "fresh").await;
    let month_us = 31 * 86_400_000_000;
    let later = Opened { message_key: [1; 32], ..call_at(4, now_us() + month_us) };
    open(&journal, later, unique, "fresh").await;
}

pub(crate) async fn a_remembered_call_expires_but_one_in_flight_does_not(bench: &Bench) {
    let journal = bench.start().await;
    let later_us = now_us() + 660_000_000;
    let after = SameCall { expires_at_us: later_us + 600_000_000, ..question() };
    let first = open(&journal, call(1), question(), "fresh").await;
    journal.close(answered(&first, b"old")).await.unwrap();
    open(&journal, call_at(1, later_us - 70_000_000), after, "stored").await;
    let second = open(&journal, call_at(1, later_us), after, "fresh").await;
    journal.close(answered(&second, b"new")).await.unwrap();
    match journal.open(call_at(1, later_us), after).await.unwrap() {
        Opening::Stored { answer, .. } => assert_eq!(answer, "new"),
        other => panic!("{other:?}"),
    }
    let lost = open(&journal, call(2), SameCall { idempotent: false, ..question() }, "fresh").await;
    journal.close(unknown(&lost)).await.unwrap();
    open(&journal, call_at(2, later_us), after, "fresh").await;
    open(&journal, call(3), question(), "fresh").await;
    open(&journal, call_at(3, later_us), after, "in flight").await;
}

pub(crate) async fn a_clock_that_jumps_ahead_has_nothing_sent_again(bench: &Bench) {
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    journal.close(answered(&paid, b"paid")).await.unwrap();
    open(&journal, call(2), question(), "fresh").await;
    let ahead_us = now_us() + 100 * 86_400_000_000;
    let steady = |rule| SameCall { judged_by_us: journal.steady_us(), ..rule };
    open(&journal, call_at(1, ahead_us), steady(payment()), "stored").await;
    open(&journal, call_at(2, ahead_us), steady(question()), "in flight").await;
    open(&journal, call_at(1, ahead_us), payment(), "fresh").await;
}

pub(crate) async fn a_call_in_flight_for_an_hour_beyond_its_window_is_given_up_as_interrupted(
    bench: &Bench,
) {
    let journal = bench.start().await;
    let hour_us = 3_600_000_000;
    let rule = SameCall { idempotent: false, ..question() };
    let lost = open(&journal, call_at(1, now_us()), rule, "fresh").await;
    let after = SameCall { expires_at_us: now_us() + 2 * hour_us, ..rule };
    open(&journal, call_at(1, lost.opened_at_us + hour_us - 1), after, "in flight").await;
    open(&journal, call_at(1, lost.opened_at_us + hour_us), after, "fresh").await;
    let record = journal.entry(lost.id).await.unwrap().unwrap();
    let closed = record.closed.unwrap();
    assert_eq!((closed.outcome.as_str(), closed.evidence.as_str()), ("Unknown", "interrupted"));
    assert!(closed.needs_evidence);
}

pub(crate) async fn what_no_other_call_can_be_the_same_as_leaves_no_key(bench: &Bench) {
    let mut settings = bench.settings.clone();
    for policy in [BodyPolicy::Full, BodyPolicy::Digest] {
        settings.body_policy = policy;
        let journal = Journal::start(&settings, "node-1").await.unwrap();
        let first = open(&journal, own_call(), SameCall::alone(0, false), "fresh").await;
        let second = open(&journal, own_call(), SameCall::alone(0, true), "fresh").await;
        assert_eq!((bench.count("entry_under_way"), bench.count("call_key")), (2, 0));
        open(&journal, second.clone(), SameCall::alone(0, true), "in flight").await;
        journal.close(answered(&second, b"done")).await.unwrap();
        open(&journal, second, SameCall::alone(0, true), "in flight").await;
        journal.close(unknown(&first)).await.unwrap();
        assert_eq!((bench.count("entry_under_way"), bench.count("call_key")), (0, 0));
        assert_eq!(resolve(&journal, first.id, Outcome::Done).await, Resolution::Written);
        let left = open(&journal, own_call(), SameCall::alone(0, false), "fresh").await;
        journal.drain(soon()).await.unwrap();

        let journal = Journal::start(&settings, "node-1").await.unwrap();
        let closed = journal.entry(left.id).await.unwrap().unwrap().closed.unwrap();
        assert_eq!((closed.evidence.as_str(), closed.needs_evidence), ("interrupted", true));
        assert_eq!(bench.count("entry_under_way"), 0);
        journal.drain(soon()).await.unwrap();
    }
}

pub(crate) async fn what_has_expired_is_swept_unless_it_is_under_way(bench: &Bench) {
    let journal = bench.start().await;
    let past = SameCall { expires_at_us: now_us() - 1, ..payment() };
    open(&journal, call(1), past, "fresh").await;
    let ended = open(&journal, call(2), past, "fresh").await;
    journal.close(answered(&ended, b"done")).await.unwrap();
    journal.drain(soon()).await.unwrap();
    let journal = bench.start_node("node-2").await;
    eventually(async || bench.count("call_key") < 2).await;
    open(&journal, call(1), payment(), "in flight").await;
    open(&journal, call(2), payment(), "fresh").await;
}

pub(crate) async fn what_was_remembered_before_an_upgrade_is_remembered_after_it(bench: &Bench) {
    let mut settings = bench.settings.clone();
    let unique = SameCall { unique_message_id: true, ..payment() };
    for (number, policy) in [(1, BodyPolicy::Full), (2, BodyPolicy::Digest)] {
        settings.body_policy = policy;
        let journal = Journal::start(&settings, "node-1").await.unwrap();
        let first = open(&journal, call(number), unique, "fresh").await;
        journal.close(answered(&first, b"done")).await.unwrap();
        journal.drain(soon()).await.unwrap();
    }
    let journal = bench.start().await;
    let lost = open(&journal, call(3), payment(), "fresh").await;
    journal.close(unknown(&lost)).await.unwrap();
    open(&journal, call(4), payment(), "fresh").await;
    open(&journal, call(5), question(), "fresh").await;
    journal.drain(soon()).await.unwrap();

    bench.take_back();
    assert_eq!(bench.migrate().await, 6);
    let journal = bench.start_node("node-2").await;
    for number in [1, 2] {
        open(&journal, call(number), unique, "stored").await;
        open(&journal, Opened { key: call(9).key, ..call(number) }, unique, "twin").await;
    }
    open(&journal, call(3), payment(), "left unknown").await;
    open(&journal, call(4), payment(), "in flight").await;
    open(&journal, call(5), question(), "in flight").await;
    journal.drain(soon()).await.unwrap();
    let journal = bench.start().await;
    assert_eq!(journal.stats().interrupted.read(), 2);
    open(&journal, call(4), payment(), "left unknown").await;
    open(&journal, call(5), question(), "fresh").await;
}

/// Opens, and where it has to wait, waits and opens again: what `proxy/dedupe` does.
async fn carry(journal: Journal, opened: Opened) -> (bool, Vec<u8>) {
    loop {
        match journal.open(opened.clone(), payment()).await.unwrap() {
            Opening::Fresh => {
                let answer = opened.id.to_string().into_bytes();
                journal.close(answered(&opened, &answer)).await.unwrap();
                return (true, answer);
            }
            Opening::Stored { answer, .. } => return (false, answer.to_vec()),
            Opening::InFlight { .. } => assert!(journal.wait(opened.key, soon()).await),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn of_a_hundred_same_calls_one_is_fresh_and_all_get_its_answer(bench: &Bench) {
    let journal = bench.start().await;
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(carry(journal.clone(), call(1)))).collect();
    let mut ends = Vec::new();
    for call in calls {
        ends.push(call.await.unwrap());
    }
    assert_eq!(ends.iter().filter(|(is_fresh, _)| *is_fresh).count(), 1);
    let (_, answer) = &ends[0];
    assert!(ends.iter().all(|(_, other)| other == answer));
    assert_eq!(bench.count("entry_opened"), 1);
}

pub(crate) async fn a_wait_ends_with_the_call_or_at_its_deadline(bench: &Bench) {
    let journal = bench.start().await;
    let first = open(&journal, call(1), payment(), "fresh").await;
    assert!(!journal.wait(first.key, Instant::now() + Duration::from_millis(20)).await);
    let waiting = journal.clone();
    let waiter = tokio::spawn(async move { waiting.wait(first.key, soon()).await });
    journal.close(answered(&first, b"done")).await.unwrap();
    assert!(waiter.await.unwrap());
    assert!(journal.wait(first.key, soon()).await, "a call that has ended is not waited for");
}

pub(crate) async fn answers_are_dropped_beyond_the_cap_those_of_questions_first_and_no_payment_is_forgotten(
    bench: &Bench,
) {
    let mut settings = bench.settings.clone();
    settings.answers_bytes_max = 100_000;
    settings.body_policy = BodyPolicy::Digest;
    let journal = Journal::start(&settings, "node-1").await.unwrap();
    // Noise does not shrink; each answer is 40 kB.
    let noise = noise(40_000);
    let old_us = now_us() - 60_000_000;
    for (number, rule) in [(1, payment()), (2, payment()), (3, payment()), (4, question())] {
        let at_us = old_us + i64::from(number) * 1_000_000;
        let opened = open(&journal, call_at(number, at_us), rule, "fresh").await;
        journal.close(answered(&opened, &noise)).await.unwrap();
    }
    let is_swept = async || loop {
        // Each commit sweeps what is beyond the cap.
        let other = open(&journal, call(9), question(), "fresh").await;
        journal
            .close(Closed { answer: bytes::Bytes::new(), ..answered(&other, b"") })
            .await
            .unwrap();
        if journal.stats().answers_bytes.read() <= 100_000 {
            break;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_swept()).await.unwrap();
    assert_eq!(bench.count("call_key WHERE answer_bytes > 0"), 2);
    open(&journal, call(3), payment(), "stored").await;
    open(&journal, call(2), payment(), "stored").await;
    open(&journal, call(1), payment(), "left unknown").await;
    open(&journal, call(4), question(), "fresh").await;
}
