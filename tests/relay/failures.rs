//! Agencies and callers that break off at every point: what the caller hears, what the journal says.

use crate::caller::until;
use crate::line::{answer, ask, line};
use crate::office::{Office, services};
use crate::support::{Installation, Plan, entry_in};
use crate::wire::{header, sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

async fn installation(services: String) -> Installation {
    Installation::with(Plan { services, ..Plan::default() }).await
}

/// The entry of the request that the agency saw last.
fn entry_of(office: &Office) -> String {
    header(office.heads().last().unwrap(), "qaqpa-entry").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_breaks_off_leaves_a_write_unknown_and_never_a_wrong_answer() {
    let broken = "Unknown agency.broken_answer send";
    for (name, said, expected) in [
        ("closed without a word", "", broken),
        ("half a head", "HTTP/1.1 200 OK\r\ncontent-le", broken),
        ("garbage", "220 mail ready\r\n\r\n", broken),
        ("half a body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", broken),
        ("half a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf", broken),
        (
            "a chunk that is none",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            broken,
        ),
        (
            "no last chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
            broken,
        ),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
            broken,
        ),
        ("another protocol", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", broken),
        (
            "more than may come",
            "HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n",
            "Unknown agency.broken_answer decode",
        ),
    ] {
        let office = Office::open(move |mut visitor| async move {
            let Some(head) = visitor.head().await else { return };
            visitor.wire.body(&head, false).await;
            visitor.wire.say(said).await;
        })
        .await;
        let installation = installation(office.services("")).await;
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, "POST /office/files/a", "", b"{}").await;
        assert_eq!(answer.fault(), Some("agency.broken_answer"), "{name}: {}", answer.head);
        let entry = installation.entry_of(answer.entry()).await;
        assert_eq!(
            (entry.line().as_str(), entry.closed.needs_evidence),
            (expected, true),
            "{name}"
        );
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_that_breaks_off_is_cut_for_the_caller_too() {
    let office = Office::open(|mut visitor| async move {
        let Some(head) = visitor.head().await else { return };
        visitor.wire.body(&head, false).await;
        visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n").await;
        visitor.wire.say(vec![b'x'; 3_000_000]).await;
    })
    .await;
    let installation = installation(office.services("")).await;
    for request in ["GET /office/files/a", "POST /office/files/a"] {
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, request, "", b"").await;
        assert_eq!((answer.status, answer.body.is_whole), (200, false), "{request}");
        assert!(answer.body.bytes <= 3_000_000, "{request}");
        let entry = installation.entry_of(answer.entry()).await;
        assert_eq!(entry.line(), "Unknown agency.broken_answer send", "{request}");
        assert_eq!(entry.closed.agency_digest, None, "it was not whole");
        assert_eq!(entry.closed.needs_evidence, request.starts_with("POST"));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_opens_after_a_head_is_shown_open() {
    let office = Office::open(|mut visitor| async move {
        let Some(_) = visitor.head().await else { return };
        visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n").await;
        visitor.wire.say(vec![b'x'; 3_000_000]).await;
    })
    .await;
    let services = office.services("");
    let strict =
        services.replace("failures = 1000, open_ms = 1000", "failures = 1, open_ms = 60000");
    assert_ne!(strict, services);
    let installation = installation(strict).await;
    let mut line = line(&installation, "portal").await;
    let answer = ask(&mut line, "GET /office/files/a", "", b"").await;
    assert!(!answer.body.is_whole);
    assert_eq!(installation.metric("qaqpa_breaker_open{agency=\"office\"} ").await, 1.0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_not_a_byte_left_nothing_happened() {
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let free = closed.local_addr().unwrap();
    let installation = installation(services(free, "")).await;
    let mut line = line(&installation, "portal").await;
    let answer = ask(&mut line, "POST /office/files/a", "", b"{}").await;
    assert_eq!(answer.fault(), Some("agency.unreachable"), "{}", answer.head);
    let entry = installation.entry_of(answer.entry()).await;
    assert_eq!(entry.line(), "Refused agency.unreachable send");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_agency_is_given_up_when_its_pause_is_too_long() {
    let office = Office::open(|mut visitor| async move {
        let Some(head) = visitor.head().await else { return };
        visitor.wire.body(&head, false).await;
        if head.contains("/files/begun") {
            visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\nbegun").await;
        }
        while visitor.wire.more().await.is_some() {}
    })
    .await;
    let installation = installation(office.services("deadline_ms = 150\n")).await;
    let mut line = line(&installation, "portal").await;
    let silent = ask(&mut line, "POST /office/files/a", "", b"{}").await;
    assert_eq!((silent.status, silent.fault()), (504, Some("agency.timeout")));
    assert_eq!(installation.entry_of(silent.entry()).await.line(), "Unknown agency.timeout send");
    let begun = ask(&mut line, "GET /office/files/begun", "", b"").await;
    assert_eq!((begun.status, begun.body.is_whole), (200, false));
    assert_eq!(installation.entry_of(begun.entry()).await.line(), "Unknown agency.timeout send");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_request_that_breaks_off_never_reaches_the_agency() {
    let office = Office::serving().await;
    let installation = installation(office.services("")).await;
    let mut line = line(&installation, "portal").await;
    line.say("POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: 1000\r\n\r\nhalf").await;
    drop(line);
    let refused = "qaqpa_faults_total{code=\"caller.malformed\"} ";
    while installation.metric(refused).await < 1.0 {}
    assert_eq!(office.heads().len(), 0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_that_breaks_off_is_unknown_and_the_agency_sees_no_end() {
    let office = Office::open(|mut visitor| async move {
        let Some(head) = visitor.head().await else { return };
        let read = visitor.wire.body(&head, false).await;
        assert!(!read.is_whole, "the end was made up");
    })
    .await;
    let installation = installation(office.services("")).await;
    for framing in ["content-length: 9000000", "transfer-encoding: chunked"] {
        let mut line = line(&installation, "portal").await;
        let before = office.heads().len();
        line.say(format!("POST /office/files/a HTTP/1.1\r\nhost: g\r\n{framing}\r\n\r\n")).await;
        line.say([b"10000\r\n".as_slice(), &[b'x'; 65536], b"\r\n"].concat()).await;
        until("the agency was asked", || office.heads().len() > before).await;
        let id = entry_of(&office);
        drop(line);
        let entry = installation.entry_of(&id).await;
        assert_eq!(entry.line(), "Unknown caller.malformed send", "{framing}");
        assert!(entry.closed.needs_evidence, "{framing}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_its_limit_is_refused_before_it_and_cut_at_it() {
    let office = Office::open(|mut visitor| async move {
        let Some(head) = visitor.head().await else { return };
        assert!(!visitor.wire.body(&head, false).await.is_whole);
    })
    .await;
    let installation = installation(office.services("body_bytes_max = 200000\n")).await;
    let mut told = line(&installation, "portal").await;
    told.say("POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: 200001\r\n\r\n").await;
    let refused = answer(&mut told, false).await;
    assert_eq!((refused.status, refused.fault()), (413, Some("caller.too_large")));
    assert_eq!(office.heads().len(), 0);
    drop(told);
    let mut line = line(&installation, "portal").await;
    line.say("POST /office/files/a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..4 {
        line.say([b"10000\r\n".as_slice(), &[b'x'; 65536], b"\r\n"].concat()).await;
    }
    let cut = answer(&mut line, false).await;
    assert_eq!((cut.status, cut.fault()), (413, Some("caller.too_large")));
    let told = String::from_utf8_lossy(&cut.body.first).into_owned();
    assert!(told.contains("\"resend\":\"ask_first\""), "{told}");
    let entry = installation.entry_of(cut.entry()).await;
    drop(line);
    assert_eq!(entry.line(), "Unknown caller.too_large send");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_while_it_waits_changes_nothing() {
    let go = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&go);
    let office = Office::open(move |mut visitor| {
        let held = Arc::clone(&held);
        async move {
            let Some(head) = visitor.head().await else { return };
            visitor.wire.body(&head, false).await;
            held.acquire().await.unwrap().forget();
            visitor.answer("done").await;
            visitor.serve().await;
        }
    })
    .await;
    let installation = installation(office.services("")).await;
    let mut line = line(&installation, "portal").await;
    line.say("POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\n\r\n{}").await;
    until("the agency was asked", || !office.heads().is_empty()).await;
    drop(line);
    go.add_permits(1);
    let entry = installation.entry_of(&entry_of(&office)).await;
    assert_eq!(entry.line(), "Done");
    assert_eq!(entry.closed.agency_digest, Some(sha256(b"done")));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_reads_slowly_holds_the_agency_back_and_one_that_leaves_is_told_of() {
    const WHOLE_BYTES: u64 = 256 << 20;
    let given = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&given);
    let office = Office::open(move |mut visitor| {
        let given = Arc::clone(&counted);
        async move {
            let Some(head) = visitor.head().await else { return };
            visitor.wire.body(&head, false).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE_BYTES}\r\n\r\n");
            visitor.wire.say(head).await;
            let piece = vec![b'x'; 1 << 16];
            while given.load(Ordering::SeqCst) < WHOLE_BYTES && visitor.wire.say(&piece).await {
                given.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
        }
    })
    .await;
    let installation = installation(office.services("")).await;
    let mut line = line(&installation, "portal").await;
    line.say("GET /office/files/a HTTP/1.1\r\nhost: g\r\n\r\n").await;
    let head = line.head().await.unwrap();
    // Stalled: for half a second nobody could give a byte more.
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    let (mut before, mut same) = (0, 0);
    while same < 10 {
        looks.tick().await;
        let now = given.load(Ordering::SeqCst);
        same = if now == before && now > 0 { same + 1 } else { 0 };
        before = now;
    }
    assert!(before < WHOLE_BYTES / 4, "{before} bytes were taken from the agency");
    drop(line);
    let id = header(&head, "qaqpa-entry").unwrap();
    let entry = entry_in(&installation.inner.running.gate.journal, id).await;
    assert_eq!((entry.line().as_str(), entry.closed.agency_digest), ("Done", None));
    let told = u64::try_from(entry.closed.answer_bytes).unwrap();
    assert!(told < WHOLE_BYTES / 4, "{told} bytes were given");
    installation.stop().await;
}
