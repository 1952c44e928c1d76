//! Whose failure it is when a caller breaks off or pauses after the agency's answer has begun.

use crate::caller::until;
use crate::line::{answer, line};
use crate::office::{Office, Visitor};
use crate::support::{Installation, PATIENCE, Plan, entry_in};
use crate::wire::header;
use std::time::{Duration, Instant};
use tokio::time::{interval, timeout};

const HEAD: &str = "POST /office/files/a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n";
const ANSWERED: &str = "qaqpa_upstream_seconds_count{agency=\"office\"} ";
const BROKEN: &str =
    "qaqpa_upstream_faults_total{agency=\"office\",code=\"agency.broken_answer\"} ";
const LATE: &str = "qaqpa_upstream_faults_total{agency=\"office\",code=\"agency.timeout\"} ";
/// Of a whole exchange, where a test makes it short.
const STREAM_DEADLINE: Duration = Duration::from_millis(500);

/// Begins to answer at the head, and goes on when the body has come.
async fn early(mut visitor: Visitor) {
    let Some(head) = visitor.head().await else { return };
    visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await;
    if visitor.wire.body(&head, false).await.is_whole {
        visitor.wire.say("ok").await;
    }
}

async fn installation(office: &Office, more: &str) -> Installation {
    Installation::with(Plan { services: office.services(more), ..Plan::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_breaks_off_after_the_answer_began_is_not_the_agencys_failure() {
    let office = Office::open(early).await;
    let installation = installation(&office, "").await;
    let mut line = line(&installation, "portal").await;
    line.say([HEAD.as_bytes(), b"4\r\nhalf\r\n"].concat()).await;
    while installation.metric(ANSWERED).await < 1.0 {}
    drop(line);
    let id = header(office.heads().last().unwrap(), "qaqpa-entry").unwrap().to_owned();
    let entry = entry_in(&installation.inner.running.gate.journal, &id).await;
    assert_eq!(entry.line(), "Unknown caller.malformed send");
    assert!(entry.closed.needs_evidence);
    assert_eq!(installation.metric(BROKEN).await, 0.0, "the breaker must not count it");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_before_its_request_is_whole_has_not_got_it_done() {
    let office = Office::open(|mut visitor| async move {
        let Some(_) = visitor.head().await else { return };
        visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
        visitor.wire.say(vec![b'x'; 70_000]).await;
        while visitor.wire.more().await.is_some() {}
    })
    .await;
    let installation = installation(&office, "").await;
    let mut line = line(&installation, "portal").await;
    line.say([HEAD.as_bytes(), b"4\r\nhalf\r\n"].concat()).await;
    let head = line.head().await.expect("the answer begins before the request has ended");
    let id = header(&head, "qaqpa-entry").unwrap().to_owned();
    drop(line);
    let entry = entry_in(&installation.inner.running.gate.journal, &id).await;
    assert_eq!(entry.line(), "Unknown caller.malformed send");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_pause_after_the_answer_began_at_no_cost_to_the_agency() {
    let office = Office::open(early).await;
    let installation = installation(&office, "deadline_ms = 150\n").await;
    let mut line = line(&installation, "portal").await;
    line.say([HEAD.as_bytes(), b"4\r\nhalf\r\n"].concat()).await;
    let told = timeout(PATIENCE / 40, line.head()).await;
    assert!(told.is_err(), "given up while only the caller was waited for: {told:?}");
    line.say("0\r\n\r\n").await;
    let answer = answer(&mut line, false).await;
    assert_eq!((answer.status, answer.body.first.as_slice()), (200, b"ok".as_slice()));
    installation.stop().await;
}

async fn hurried(office: &Office) -> Installation {
    let plan = Plan { services: office.services(""), ..Plan::default() };
    Installation::changed(plan, |settings| settings.limits.stream_deadline = STREAM_DEADLINE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_slow_for_its_deadline_is_the_callers_failure() {
    for script in ["silent", "early"] {
        let office = Office::open(move |mut visitor| async move {
            if script == "early" {
                return early(visitor).await;
            }
            while visitor.head().await.is_some() {}
        })
        .await;
        let installation = hurried(&office).await;
        let mut line = line(&installation, "portal").await;
        line.say([HEAD.as_bytes(), b"4\r\nhalf\r\n"].concat()).await;
        let answer = answer(&mut line, false).await;
        assert_eq!((answer.status, answer.fault()), (400, Some("caller.malformed")), "{script}");
        let entry = installation.entry_of(answer.entry()).await;
        assert_eq!(entry.line(), "Unknown caller.malformed send", "{script}");
        assert_eq!(installation.metric(LATE).await, 0.0, "{script}: the breaker must not count it");
        drop(line);
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_taken_before_its_deadline_is_cut() {
    let office = Office::open(|mut visitor| async move {
        let Some(_) = visitor.head().await else { return };
        visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n").await;
        visitor.wire.say(vec![b'x'; 1 << 26]).await;
    })
    .await;
    let installation = hurried(&office).await;
    let mut line = line(&installation, "portal").await;
    let begun = Instant::now();
    line.say("GET /office/files/a HTTP/1.1\r\nhost: g\r\n\r\n").await;
    let head = line.head().await.expect("an answer");
    let mut looks = interval(Duration::from_millis(50));
    while begun.elapsed() < STREAM_DEADLINE * 2 {
        looks.tick().await;
    }
    let body = line.body(&head, false).await;
    assert!(!body.is_whole, "{} bytes", body.bytes);
    let id = header(&head, "qaqpa-entry").unwrap();
    let entry = entry_in(&installation.inner.running.gate.journal, id).await;
    assert_eq!(entry.line(), "Unknown caller.malformed send");
    assert_eq!(installation.metric(LATE).await, 0.0, "the breaker must not count it");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_happened_is_never_told_to_come_again_after_a_while() {
    let office =
        Office::open(|mut visitor| async move { while visitor.head().await.is_some() {} }).await;
    let plan = Plan { services: office.services(""), ..Plan::default() };
    let small = |settings: &mut qaqpa::config::settings::Settings| {
        settings.limits.in_flight_bytes_max = 1000;
    };
    let installation = Installation::changed(plan, small).await;
    let mut line = line(&installation, "portal").await;
    line.say([HEAD.as_bytes(), b"4\r\nhalf\r\n"].concat()).await;
    until("the agency was asked", || !office.heads().is_empty()).await;
    line.say([b"2000\r\n".as_slice(), &[b'x'; 0x2000], b"\r\n"].concat()).await;
    let answer = answer(&mut line, false).await;
    assert_eq!((answer.status, answer.fault()), (503, Some("gateway.overloaded")));
    let told = String::from_utf8_lossy(&answer.body.first).into_owned();
    assert!(told.contains("\"resend\":\"ask_first\""), "{told}");
    assert_eq!((answer.header("retry-after"), told.contains("retry_after")), (None, false));
    let entry = installation.entry_of(answer.entry()).await;
    assert_eq!(entry.line(), "Unknown gateway.overloaded send");
    drop(line);
    installation.stop().await;
}
