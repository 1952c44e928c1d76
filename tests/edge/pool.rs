//! Connections to an agency and its breaker: reused when clean, replaced when stale, never too many.

use super::agency::{self, Visitor};
use super::house::{self, AGENCY};
use super::upstream::{SHORT, says, way, way_to};
use qaqpa::config::settings::Agency;
use qaqpa::upstream::UpstreamRequest;
use qaqpa_kit::fault::{Code, Outcome};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// More bytes than the sockets between two peers hold.
const MUCH: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn calls_in_turn_share_one_connection_whatever_the_framing() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 302 Found\r\nlocation: http://evil/\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        ] {
            visitor.request().await.unwrap();
            visitor.say(answer).await;
        }
        assert!(visitor.request().await.is_none());
    })
    .await;
    let way = way(address);
    let mut got = Vec::new();
    for _ in 0..4 {
        let answer = way.send("<a/>").await.unwrap();
        got.push((answer.status, String::from_utf8(answer.body.to_vec()).unwrap()));
    }
    let told: Vec<_> = got.iter().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(told, [(200, ""), (200, "abcde"), (302, "no"), (200, "x")]);
    assert_eq!(seen.counts(), (1, 4), "redirects are answers, 1xx are skipped");
}

#[tokio::test]
async fn a_connection_that_died_idle_is_replaced_before_a_byte_leaves() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.answer("bye").await;
        // Dropped: closed without having said `connection: close`.
    })
    .await;
    let way = way(address);
    for turn in 1..=5 {
        assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"bye");
        house::until("closed", || seen.open.load(Ordering::SeqCst) == 0).await;
        house::settle().await;
        assert_eq!(seen.counts(), (turn, turn), "sent once each");
    }
}

#[tokio::test]
async fn an_early_answer_is_taken_and_its_connection_is_not_used_again() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        if visitor.number == 1 {
            visitor.socket.read_exact(&mut [0; 16]).await.unwrap();
            visitor.answer("too much for me").await;
            std::future::pending::<()>().await;
        }
        visitor.serve().await;
    })
    .await;
    let way = way(address);
    assert_eq!(way.send(vec![b'x'; MUCH]).await.unwrap().body.as_ref(), b"too much for me");
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"served");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_whose_answer_began_early_is_not_used_again_even_if_all_was_read() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        if visitor.number == 1 {
            visitor.socket.read_exact(&mut [0; 16]).await.unwrap();
            visitor.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
            let mut left = MUCH;
            let mut buffer = vec![0; 1024 * 1024];
            while left > 0 {
                left = left.saturating_sub(visitor.socket.read(&mut buffer).await.unwrap());
            }
            visitor.say("early").await;
        }
        visitor.serve().await;
    })
    .await;
    let way = way(address);
    assert_eq!(way.send(vec![b'x'; MUCH]).await.unwrap().body.as_ref(), b"early");
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"served");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn bytes_after_an_answer_close_the_connection() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n").await;
        visitor.request().await;
    })
    .await;
    let way = way(address);
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"ok");
    assert_eq!(way.send("<b/>").await.unwrap().body.as_ref(), b"ok");
    assert_eq!(seen.counts(), (2, 2), "nobody's answer is read as another's");
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_answers_no_later_question() {
    let (taken, said) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_taken, is_said) = (Arc::clone(&taken), Arc::clone(&said));
    let (address, seen) = agency::start(move |mut visitor: Visitor| {
        let (is_taken, is_said) = (Arc::clone(&is_taken), Arc::clone(&is_said));
        async move {
            visitor.request().await.unwrap();
            visitor.answer("served").await;
            if visitor.number == 1 {
                is_taken.notified().await;
                visitor.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
                is_said.notify_one();
            }
            visitor.request().await;
        }
    })
    .await;
    let way = way(address);
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"served");
    taken.notify_one();
    said.notified().await;
    house::settle().await;
    assert_eq!(way.send("<b/>").await.unwrap().body.as_ref(), b"served");
    assert_eq!(seen.counts(), (2, 2));
}

#[tokio::test]
async fn a_call_given_up_takes_its_connection_along() {
    let asked = Arc::new(Notify::new());
    let told = Arc::clone(&asked);
    let (address, seen) = agency::start(move |mut visitor: Visitor| {
        let told = Arc::clone(&told);
        async move {
            visitor.request().await.unwrap();
            if visitor.number == 1 {
                told.notify_one();
                assert!(visitor.request().await.is_none());
                return;
            }
            visitor.answer("new").await;
            visitor.serve().await;
        }
    })
    .await;
    let way = way(address);
    tokio::select! {
        _ = way.send("<a/>") => panic!("nobody answers"),
        () = asked.notified() => {}
    }
    assert_eq!(way.send("<b/>").await.unwrap().body.as_ref(), b"new");
    house::until("closed", || seen.open.load(Ordering::SeqCst) == 1).await;
    assert_eq!(seen.counts(), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_never_sees_more_connections_than_allowed() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.serve().await;
    })
    .await;
    let endpoint = format!("http://{address}");
    let way = Arc::new(way_to(|| Agency { connections_max: 3, ..house::agency(&endpoint) }));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let way = Arc::clone(&way);
            tokio::spawn(async move { way.send("<a/>").await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body.as_ref(), b"served");
    }
    assert!(seen.open_most.load(Ordering::SeqCst) <= 3);
    assert_eq!(seen.requests.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_costs_no_call_while_another_serves() {
    let (_held, gone) = agency::closed();
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.serve().await;
    })
    .await;
    let way = way_to(|| Agency {
        more_endpoints: vec![format!("http://{address}")],
        breaker: house::breaker(3, Duration::from_secs(60)),
        ..house::agency(&format!("http://{gone}"))
    });
    for _ in 0..20 {
        assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"served");
    }
    assert_eq!(seen.counts(), (1, 20), "asked once each, and the breaker never opened");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_where_that_changes_nothing_and_the_budget_allows() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        for _ in 0..10 {
            visitor.request().await;
            visitor.answer("served").await;
        }
        // The eleventh of each connection is read, and lost.
        visitor.request().await;
    })
    .await;
    let way = way_to(|| house::agency(&format!("http://{address}")));
    let send = async |may_repeat: bool| {
        let request = UpstreamRequest { may_repeat, ..UpstreamRequest::soap("<a/>".into()) };
        way.upstreams.send(&way.agency, request, Instant::now() + Duration::from_secs(20)).await
    };
    for _ in 0..10 {
        send(true).await.unwrap();
    }
    assert_eq!(send(true).await.unwrap().body.as_ref(), b"served", "paid for by ten calls");
    assert_eq!(seen.counts(), (2, 12));
    for _ in 0..9 {
        send(false).await.unwrap();
    }
    let lost = send(false).await.expect_err("not to be repeated").fault;
    assert_eq!(says(&lost), (Code::AgencyBrokenAnswer, "closed_without_answer", Outcome::Unknown));
    assert_eq!(seen.counts(), (2, 22));
}

#[tokio::test]
async fn a_request_that_left_stays_unknown_though_not_a_byte_of_its_repetition_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let agency = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (mut unread, mut buffer) = (Vec::new(), [0; 1024]);
        for is_last in [false; 10].into_iter().chain([true]) {
            while !unread.ends_with(b"<a/>") {
                let bytes = socket.read(&mut buffer).await.unwrap();
                unread.extend_from_slice(&buffer[..bytes]);
            }
            unread.clear();
            if !is_last {
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }
        }
        // Nobody is let in any more when the answer is lost.
        drop(listener);
        socket.shutdown().await.unwrap();
        socket
    });
    let way = way(address);
    let send = async || {
        let request = UpstreamRequest::soap("<a/>".into());
        let request = UpstreamRequest { may_repeat: true, ..request };
        way.upstreams.send(&way.agency, request, Instant::now() + Duration::from_secs(20)).await
    };
    for _ in 0..10 {
        send().await.unwrap();
    }
    let lost = send().await.expect_err("nobody is there").fault;
    assert_eq!(says(&lost), (Code::AgencyBrokenAnswer, "closed_without_answer", Outcome::Unknown));
    drop(agency.await.unwrap());
}

#[tokio::test]
async fn who_finds_no_free_connection_in_time_has_sent_nothing() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await;
        visitor.request().await;
    })
    .await;
    let way =
        way_to(|| Agency { connections_max: 1, ..house::agency(&format!("http://{address}")) });
    let holder = way.send_within("<a/>", SHORT * 4);
    let late = async {
        house::until("the first is sent", || seen.counts().1 == 1).await;
        way.send_within("<b/>", SHORT).await
    };
    let (_, late) = tokio::join!(holder, late);
    let fault = late.expect_err("no connection");
    assert_eq!(says(&fault), (Code::AgencyUnreachable, "connections_busy", Outcome::Refused));
    assert_eq!(seen.counts(), (1, 1));
}

#[tokio::test]
async fn a_failing_agency_is_left_alone_until_one_probe_succeeds() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        if visitor.number > 3 {
            visitor.answer("well again").await;
            visitor.serve().await;
        }
    })
    .await;
    let open_for = Duration::from_millis(300);
    let way = way_to(|| Agency {
        breaker: house::breaker(3, open_for),
        ..house::agency(&format!("http://{address}"))
    });
    for _ in 0..3 {
        assert_eq!(way.send("<a/>").await.expect_err("fails").code, Code::AgencyBrokenAnswer);
    }
    let fault = way.send("<a/>").await.expect_err("open");
    assert_eq!(says(&fault), (Code::AgencyBreakerOpen, "breaker_open", Outcome::Refused));
    assert_eq!(fault.retry_after_s, Some(1));
    assert_eq!(seen.counts(), (3, 3), "an open breaker asks nobody");
    let gauge = || way.metrics.agency(AGENCY).unwrap().breaker_open.get();
    assert_eq!(gauge(), 1);

    let opened = Instant::now();
    house::until("the open time is over", || opened.elapsed() > open_for).await;
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"well again");
    assert_eq!(gauge(), 0);
    assert_eq!(way.send("<a/>").await.unwrap().body.as_ref(), b"served");
}

#[tokio::test]
async fn connections_that_rest_too_long_are_closed() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.serve().await;
    })
    .await;
    let way = way(address);
    way.send("<a/>").await.unwrap();
    let upstream = way.upstreams.agency(AGENCY).unwrap();
    upstream.sweep(Instant::now());
    assert_eq!(seen.open.load(Ordering::SeqCst), 1);
    upstream.sweep(Instant::now() + Duration::from_secs(5));
    house::until("closed", || seen.open.load(Ordering::SeqCst) == 0).await;
}
