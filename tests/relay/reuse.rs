//! When a connection to an agency is used again: only after two whole messages, never in doubt.

use crate::caller::until;
use crate::line::{Line, answer, ask, line};
use crate::office::Office;
use crate::support::{Installation, Plan};
use crate::wire::header;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn installation(office: &Office) -> Installation {
    Installation::with(Plan { services: office.services(""), ..Plan::default() }).await
}

/// The connection that served the request sent last.
fn last_connection(office: &Office) -> usize {
    office.seen().last().unwrap().0
}

async fn get(line: &mut Line) {
    assert_eq!(ask(line, "GET /office/files/ok", "", b"").await.status, 200);
}

/// Answers as the header `x-answer` says; without it, whole and well.
async fn scripted() -> Office {
    Office::open(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            let is_early = header(&head, "x-early").is_some();
            if !is_early && !visitor.wire.body(&head, false).await.is_whole {
                return;
            }
            let sent = match header(&head, "x-answer") {
                Some(escaped) => escaped.replace("\\r", "\r").replace("\\n", "\n"),
                None => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
            };
            visitor.wire.say(sent).await;
            if is_early {
                while visitor.wire.more().await.is_some() {}
                return;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_messages_leave_a_connection_that_is_used_again() {
    let office = scripted().await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    get(&mut line).await;
    let first = last_connection(&office);
    let large = vec![b'x'; 300 * 1024];
    for (name, request, headers, body) in [
        ("a read", "GET /office/files/a", "", &b""[..]),
        (
            "a head",
            "HEAD /office/files/a",
            "x-answer: HTTP/1.1 200 OK\\r\\ncontent-length: 9\\r\\n\\r\\n\r\n",
            b"",
        ),
        ("a write", "POST /office/files/a", "", b"{}"),
        ("an empty write", "POST /office/files/a", "content-length: 0\r\n", b""),
        ("a large write", "POST /office/files/a", "", &large),
        (
            "nothing to say",
            "PUT /office/files/a",
            "x-answer: HTTP/1.1 204 No\\r\\n\\r\\n\r\n",
            b"{}",
        ),
        (
            "not modified",
            "GET /office/files/a",
            "x-answer: HTTP/1.1 304 No\\r\\netag: 1\\r\\n\\r\\n\r\n",
            b"",
        ),
        (
            "chunks",
            "GET /office/files/a",
            "x-answer: HTTP/1.1 200 OK\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n2\\r\\nok\\r\\n0\\r\\n\\r\\n\r\n",
            b"",
        ),
        (
            "a refusal",
            "PUT /office/files/a",
            "x-answer: HTTP/1.1 404 No\\r\\ncontent-length: 0\\r\\n\\r\\n\r\n",
            b"{}",
        ),
    ] {
        let answered = ask(&mut line, request, headers, body).await;
        assert!(
            answered.fault().is_none() && answered.body.is_whole | answered.body.first.is_empty(),
            "{name}: {}",
            answered.head
        );
        get(&mut line).await;
        assert_eq!(last_connection(&office), first, "{name}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_anything_else_a_connection_is_never_used_again() {
    let office = scripted().await;
    let installation = installation(&office).await;
    for (name, answer) in [
        ("close", "HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: 2\\r\\n\\r\\nok"),
        ("HTTP/1.0", "HTTP/1.0 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok"),
        (
            "bytes after the end",
            "HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nokHTTP/1.1 200 OK\\r\\ncontent-length: 6\\r\\n\\r\\nforged",
        ),
        (
            "two lengths",
            "HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\ncontent-length: 3\\r\\n\\r\\nokk",
        ),
        (
            "switching",
            "HTTP/1.1 101 Switching\\r\\nupgrade: x\\r\\nconnection: upgrade\\r\\n\\r\\n",
        ),
        ("garbage", "220 mail ready\\r\\n\\r\\n"),
    ] {
        let mut line = line(&installation, "portal").await;
        let headers = format!("x-answer: {answer}\r\n");
        let before = ask(&mut line, "GET /office/files/a", &headers, b"").await;
        let used = last_connection(&office);
        let mut line = self::line(&installation, "portal").await;
        let after = ask(&mut line, "GET /office/files/b", "", b"").await;
        assert_eq!(&*after.body.first, b"ok", "{name}: {}", before.head);
        assert_ne!(last_connection(&office), used, "{name}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_passes_at_once_and_costs_both_connections() {
    let office = scripted().await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    let head = "POST /office/files/a HTTP/1.1\r\nhost: gateway\r\ncontent-length: 10000000\r\n\
        x-early: 1\r\nx-answer: HTTP/1.1 413 Too Large\\r\\ncontent-length: 4\\r\\n\\r\\nless\r\n\r\n";
    line.say([head.as_bytes(), &[b'x'; 100_000]].concat()).await;
    let early = answer(&mut line, false).await;
    assert_eq!((early.status, &*early.body.first), (413, b"less".as_slice()));
    let entry = installation.entry_of(early.entry()).await;
    assert_eq!(entry.line(), "Refused");
    let sent = entry.closed.body_bytes.unwrap();
    assert!(sent <= 100_000, "only what was sent is told of: {sent}");
    drop(line);
    let used = last_connection(&office);
    let mut line = self::line(&installation, "portal").await;
    get(&mut line).await;
    assert_ne!(last_connection(&office), used);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_overlapped_cost_the_connection_even_where_both_ended_well() {
    let office = Office::open(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            if !head.starts_with("POST") {
                visitor.answer("ok").await;
                continue;
            }
            visitor.wire.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
            visitor.wire.say(vec![b'x'; 50_000]).await;
            assert!(visitor.wire.body(&head, false).await.is_whole);
            visitor.wire.say(vec![b'x'; 50_000]).await;
        }
    })
    .await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    line.say("POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: 200000\r\n\r\n").await;
    let head = line.head().await.expect("the answer begins before the request has ended");
    line.say(vec![b'x'; 200_000]).await;
    let body = line.body(&head, false).await;
    assert_eq!((body.bytes, body.is_whole), (100_000, true));
    let entry = installation.entry_of(header(&head, "qaqpa-entry").unwrap()).await;
    assert_eq!((entry.line().as_str(), entry.closed.body_bytes), ("Done", Some(200_000)));
    let used = last_connection(&office);
    drop(line);
    let mut line = self::line(&installation, "portal").await;
    get(&mut line).await;
    assert_ne!(last_connection(&office), used);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_at_rest_is_replaced_before_a_byte_left() {
    let closed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&closed);
    let office = Office::open(move |mut visitor| {
        let counted = Arc::clone(&counted);
        async move {
            // One request a connection, whatever the answer promised.
            let Some(head) = visitor.head().await else { return };
            visitor.wire.body(&head, false).await;
            visitor.answer("ok").await;
            drop(visitor);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    for asked in 1..=5 {
        let answered = ask(&mut line, "POST /office/files/a", "", b"{}").await;
        assert_eq!(answered.status, 200, "{}", answered.head);
        assert_eq!(last_connection(&office), asked, "each call found its connection dead");
        until("the agency closed", || closed.load(Ordering::SeqCst) == asked).await;
    }
    installation.stop().await;
}
