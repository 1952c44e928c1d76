//! What of a head passes, what ends at the gateway, and what it adds.

use crate::line::{answer, ask, line};
use crate::office::Office;
use crate::support::{Installation, Plan};
use crate::wire::{header, sha256};

async fn installation(office: &Office) -> Installation {
    Installation::with(Plan { services: office.services(""), ..Plan::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_both_ends_passes_and_what_belongs_to_one_hop_does_not() {
    let office = Office::open(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            visitor.wire.body(&head, false).await;
            let sent = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
                 HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\nx-hop: 1\r\n\
                 connection: keep-alive, X-Hop\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\
                 content-encoding: gzip\r\nqaqpa-fault: gateway.bug\r\nqaqpa-entry: forged\r\n\
                 alt-svc: h2=\"other:443\"\r\nstrict-transport-security: max-age=9\r\n\
                 clear-site-data: \"*\"\r\nvia: 1.1 inside\r\n\r\n5\r\nhello\r\n0\r\nx-end: 1\r\n\r\n";
            visitor.wire.say(sent).await;
        }
    })
    .await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    let headers = "connection: close, x-secret-hop\r\nx-secret-hop: 1\r\nte: trailers\r\n\
        keep-alive: 5\r\nproxy-authorization: Basic x\r\nproxy-connection: x\r\n\
        cookie: c=1\r\nauthorization: Bearer t\r\naccept-encoding: gzip\r\nvia: 1.0 outside\r\n\
        forwarded: for=1.2.3.4\r\nx-forwarded-for: 1.2.3.4\r\nx-real-ip: 1.2.3.4\r\n\
        qaqpa-entry: forged\r\nqaqpa_participant: forged\r\nx-own: kept\r\n";
    let answer = ask(&mut line, "GET /office/files/a?b=c", headers, b"").await;
    let [head] = &office.heads()[..] else { panic!("one request") };
    assert!(head.starts_with("GET /api/files/a?b=c HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("host", office.address.to_string().as_str()),
        ("cookie", "c=1"),
        ("authorization", "Bearer t"),
        ("accept-encoding", "gzip"),
        ("x-own", "kept"),
        ("via", "1.0 outside"),
        ("forwarded", "for=_portal;by=_demo;proto=https"),
        ("qaqpa-participant", "portal"),
        ("qaqpa-entry", answer.entry()),
    ] {
        assert_eq!(header(head, name), Some(value), "{head}");
    }
    assert!(head.contains("via: 1.1 demo"), "{head}");
    for name in [
        "connection",
        "x-secret-hop",
        "te",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "x-forwarded-for",
        "x-real-ip",
        "qaqpa_participant",
        "content-length",
        "transfer-encoding",
    ] {
        assert_eq!(header(head, name), None, "{head}");
    }
    assert_eq!((answer.status, &*answer.body.first), (200, b"hello".as_slice()));
    for name in [
        "x-hop",
        "trailer",
        "link",
        "qaqpa-fault",
        "alt-svc",
        "strict-transport-security",
        "clear-site-data",
    ] {
        assert_eq!(answer.header(name), None, "{}", answer.head);
    }
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    for cookie in ["set-cookie: a=1; Path=/office/\r\n", "set-cookie: b=2; Path=/office/\r\n"] {
        assert!(answer.head.contains(cookie), "{}", answer.head);
    }
    assert!(answer.head.contains("via: 1.1 inside\r\nvia: 1.1 demo"), "{}", answer.head);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_keeps_the_digests_of_head_and_bodies_and_names_the_operation() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    let sent =
        ask(&mut line, "POST /office/files/a", "authorization: Bearer t\r\n", b"{\"a\":1}").await;
    let entry = installation.entry_of(sent.entry()).await;
    assert_eq!(entry.line(), "Done");
    let record = &entry.record;
    assert_eq!(
        (&*record.agency, &*record.service, &*record.route_id),
        ("office", "files", "write")
    );
    assert_eq!((&*record.participant, &*record.sender_id), ("portal", "egov_portal"));
    assert!(record.caller_certificate.is_some());
    let head = "POST /office/files/a\nhost: gateway\ncontent-length: 7\n";
    assert_eq!(record.request_digest, Some(sha256(head.as_bytes())), "the head without secrets");
    let closed = &entry.closed;
    assert_eq!((closed.body_bytes, closed.answer_bytes), (Some(7), 8));
    assert_eq!(closed.body_digest, Some(sha256(b"{\"a\":1}")));
    assert_eq!(closed.agency_digest, Some(sha256(b"\"served\"")));
    assert_eq!(closed.answer_digest, closed.agency_digest);
    assert_eq!(closed.http_status, Some(200));
    let phases = [
        "receive", "identify", "route", "admit", "verify", "open", "encode", "send", "decode",
        "close",
    ];
    for phase in phases {
        assert!(closed.phases.contains(&format!("{phase}=")), "{}", closed.phases);
    }
    let read = ask(&mut line, "GET /office/files/a", "", b"").await;
    let entry = installation.entry_of(read.entry()).await;
    assert_eq!((entry.closed.body_bytes, entry.closed.body_digest), (Some(0), None));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_idempotent_is_closed_on_disk_before_the_caller_has_the_head() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    for _ in 0..20 {
        let answer = ask(&mut line, "POST /office/files/a", "", b"{}").await;
        let id = answer.entry().parse().unwrap();
        let record = installation.inner.running.gate.journal.entry(id).await.unwrap();
        assert!(record.unwrap().closed.is_some());
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_means_what_the_service_says_and_passes_whatever_it_means() {
    let office = Office::open(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            visitor.wire.body(&head, false).await;
            let status = header(&head, "x-status").unwrap().to_owned();
            let body = if status == "204" { "" } else { "content-length: 2\r\n" };
            let end = if status == "204" { "" } else { "{}" };
            visitor.wire.say(format!("HTTP/1.1 {status} X\r\n{body}\r\n{end}")).await;
        }
    })
    .await;
    let installation = installation(&office).await;
    let mut line = line(&installation, "portal").await;
    let unlisted = "Unknown agency.unlisted_code decode";
    for (status, expected) in [
        (200, "Done"),
        (201, "Done"),
        (204, "Done"),
        (404, "Refused"),
        (413, "Refused"),
        (400, unlisted),
        (302, unlisted),
        (500, unlisted),
        (503, unlisted),
    ] {
        let headers = format!("x-status: {status}\r\n");
        let answer = ask(&mut line, "PUT /office/files/a", &headers, b"{}").await;
        assert_eq!((answer.status, answer.fault()), (status, None), "{}", answer.head);
        let entry = installation.entry_of(answer.entry()).await;
        assert_eq!(entry.line(), expected, "{status}");
        assert_eq!(entry.closed.needs_evidence, expected == unlisted, "{status}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_where_none_has_a_meaning_is_refused() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    for method in ["GET", "HEAD"] {
        let mut line = line(&installation, "portal").await;
        let answer = ask(&mut line, &format!("{method} /office/files/a"), "", b"{}").await;
        assert_eq!(answer.status, 400, "{}", answer.head);
    }
    assert_eq!(office.heads().len(), 0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_asks_first_is_told_to_go_on_only_when_it_may() {
    let office = Office::serving().await;
    let installation = installation(&office).await;
    let expect = "HTTP/1.1\r\nhost: gateway\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    let mut refused = line(&installation, "portal").await;
    refused.say(format!("POST /office/nothing {expect}")).await;
    assert_eq!(answer(&mut refused, false).await.status, 404, "and not 100");
    drop(refused);
    let mut line = line(&installation, "portal").await;
    line.say(format!("POST /office/files/a {expect}")).await;
    assert_eq!(line.head().await.as_deref(), Some("HTTP/1.1 100 Continue"));
    line.say("{}").await;
    assert_eq!(answer(&mut line, false).await.status, 200);
    assert_eq!(header(&office.heads()[0], "expect"), None);
    installation.stop().await;
}
