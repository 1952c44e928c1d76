//! Whose failure it is when a caller breaks off or pauses after the agency's answer has begun.

use crate::line::{answer, line};
use crate::office::{Office, Visitor};
use crate::support::{Installation, PATIENCE, Plan, entry_in};
use crate::wire::header;
use tokio::time::timeout;

const HEAD: &str = "POST /office/files/a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n";
const ANSWERED: &str = "qaqpa_upstream_seconds_count{agency=\"office\"} ";
const BROKEN: &str =
    "qaqpa_upstream_faults_total{agency=\"office\",code=\"agency.broken_answer\"} ";

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
