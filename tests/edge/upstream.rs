//! The door out: a request leaves once or not at all, and the fault says which.

use super::agency::{self, Visitor};
use super::house::{self, AGENCY};
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use qaqpa::config::settings::{Agency, Breaker};
use qaqpa::ops::metrics::Metrics;
use qaqpa::upstream::{UpstreamAnswer, UpstreamRequest, Upstreams};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Code, Fault, Outcome};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub struct Way {
    pub upstreams: Upstreams,
    pub metrics: Metrics,
    pub agency: Agency,
}

pub fn way_to(agency: impl Fn() -> Agency) -> Way {
    let settings = house::settings(agency(), house::participant(house::quota(1, 1, 1)));
    let metrics = Metrics::new(&settings, &[]).unwrap();
    let upstreams = Upstreams::new(&settings, &metrics).unwrap();
    Way { upstreams, metrics, agency: agency() }
}

fn way(address: SocketAddr) -> Way {
    way_to(|| house::agency(&format!("http://{address}/ws")))
}

impl Way {
    pub async fn send(&self, body: impl Into<Bytes>) -> Result<UpstreamAnswer, Fault> {
        self.send_within(body, Duration::from_secs(20)).await
    }

    async fn send_within(
        &self,
        body: impl Into<Bytes>,
        within: Duration,
    ) -> Result<UpstreamAnswer, Fault> {
        let request = UpstreamRequest::soap(body.into());
        Ok(self.upstreams.send(&self.agency, request, Instant::now() + within).await?)
    }
}

fn says(fault: &Fault) -> (Code, &'static str, Outcome) {
    (fault.code, fault.reason, fault.outcome())
}

const SHORT: Duration = Duration::from_millis(100);

/// More bytes than the sockets between two peers hold.
const MUCH: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn a_request_leaves_whole_with_its_own_head_and_the_answer_comes_back() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        let request = visitor.request().await.unwrap();
        assert!(request.starts_with("POST /ws/v1?a=b HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n<body/>"), "{request}");
        assert!(request.contains("content-length: 7\r\n"), "{request}");
        assert!(!request.contains("x-hop") && !request.contains("chunked"), "{request}");
        visitor.say("HTTP/1.1 418 Teapot\r\nContent-Type: Text/XML; charset=utf-8\r\n").await;
        visitor.say("connection: x-mine\r\nx-mine: 1\r\ncontent-length: 4\r\n\r\nwell").await;
        assert!(visitor.request().await.is_none());
    })
    .await;
    let way = way(address);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("host", "evil"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let path = "/v1?a=b".to_owned();
    let body = Bytes::from_static(b"<body/>");
    let request = UpstreamRequest { method: hyper::Method::POST, path, headers, body };
    let deadline = Instant::now() + Duration::from_secs(20);
    let answer = way.upstreams.send(&way.agency, request, deadline).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (418, b"well".as_slice()));
    assert_eq!(answer.content_type.as_deref(), Some("text/xml"));
    assert!(!answer.headers.contains_key("x-mine"));
    let marks = answer.marks;
    assert!(Some(marks.started) <= marks.connected && marks.connected <= marks.sent);
    assert!(marks.sent <= marks.first_byte && marks.first_byte <= marks.done);
    assert_eq!(seen.counts(), (1, 1));
}

#[tokio::test]
async fn an_adapters_request_goes_below_the_endpoint() {
    let (address, _) = agency::start(|mut visitor: Visitor| async move {
        let request = visitor.request().await.unwrap();
        assert!(request.starts_with("GET /ws/persons/1 HTTP/1.1\r\n"), "{request}");
        assert!(!request.contains("content-length"), "{request}");
        visitor.answer("{}").await;
    })
    .await;
    let way = way(address);
    let outgoing = HttpOutgoing {
        method: "GET",
        path: "/persons/1".to_owned(),
        content_type: None,
        body: Vec::new(),
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    let answer = way.upstreams.send(&way.agency, UpstreamRequest::http(outgoing), deadline).await;
    assert_eq!(answer.unwrap().body.as_ref(), b"{}");
}

#[tokio::test]
async fn a_path_that_would_bend_the_request_never_leaves() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.serve().await;
    })
    .await;
    let way = way(address);
    for path in ["/a b", "/a\r\nx: y", "/a#b", "@elsewhere"] {
        let mut request = UpstreamRequest::soap(Bytes::new());
        request.path = path.to_owned();
        let deadline = Instant::now() + Duration::from_secs(20);
        let result = way.upstreams.send(&way.agency, request, deadline).await;
        let fault = Fault::from(result.expect_err(path));
        assert_eq!(says(&fault), (Code::GatewayBug, "upstream_path", Outcome::Refused), "{path}");
    }
    assert_eq!(seen.counts(), (0, 0));
}

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
async fn a_request_that_left_is_never_sent_again() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.answer("first").await;
        visitor.request().await.unwrap();
        // It may have been carried out; nobody knows.
    })
    .await;
    let way = way(address);
    way.send("<a/>").await.unwrap();
    let fault = way.send("<b/>").await.expect_err("no answer");
    assert_eq!(says(&fault), (Code::AgencyBrokenAnswer, "closed_without_answer", Outcome::Unknown));
    assert_eq!(seen.counts(), (1, 2));
}

#[tokio::test]
async fn an_agency_that_refuses_connections_is_unreachable_and_nothing_happened() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let way = way(closed);
    let fault = way.send("<a/>").await.expect_err("nobody listens");
    assert_eq!(says(&fault), (Code::AgencyUnreachable, "connection_refused", Outcome::Refused));
    let text = way.metrics.text().unwrap();
    let line = r#"qaqpa_upstream_faults_total{agency="echo",code="agency.unreachable"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn an_agency_that_hangs_leaves_the_outcome_unknown_at_the_deadline() {
    let (address, seen) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.request().await;
    })
    .await;
    let way = way(address);
    let before = Instant::now();
    let fault = way.send_within("<a/>", SHORT).await.expect_err("no answer");
    assert_eq!(says(&fault), (Code::AgencyTimeout, "deadline", Outcome::Unknown));
    assert!(before.elapsed() < SHORT + Duration::from_millis(100), "{:?}", before.elapsed());
    house::until("its connection is closed", || seen.open.load(Ordering::SeqCst) == 0).await;
    way.send_within("<a/>", SHORT).await.expect_err("no answer");
    assert_eq!(seen.counts(), (2, 2), "a connection with an open question is not used again");
}

#[tokio::test]
async fn what_is_no_whole_answer_leaves_the_outcome_unknown() {
    let cases = [
        ("SSH-2.0-OpenSSH_9.2\r\n", "not_http"),
        ("HTTP/1.1 2OO OK\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "closed_without_answer"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", "half_answer"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n", "half_answer"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "half_answer"),
        (
            "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            "switching_protocols",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
            "content_encoding",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n1", "answer_too_large"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n1", "not_http"),
    ];
    for (answer, reason) in cases {
        let (address, seen) = agency::start(move |mut visitor: Visitor| async move {
            visitor.request().await.unwrap();
            visitor.say(answer).await;
        })
        .await;
        let fault = way(address).send("<a/>").await.expect_err(answer);
        let expected = (Code::AgencyBrokenAnswer, reason, Outcome::Unknown);
        assert_eq!(says(&fault), expected, "{answer}: {fault}");
        assert_eq!(seen.counts(), (1, 1), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_its_cap_or_at_the_deadline() {
    let (address, _) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
        for _ in 0..65 {
            visitor.say(&chunk).await;
        }
        visitor.request().await;
    })
    .await;
    let fault = way(address).send("<a/>").await.expect_err("too large");
    assert_eq!(says(&fault), (Code::AgencyBrokenAnswer, "answer_too_large", Outcome::Unknown));

    let (address, _) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        while visitor.say("HTTP/1.1 102 Processing\r\n\r\n").await {}
    })
    .await;
    let fault = way(address).send_within("<a/>", SHORT).await.expect_err("a storm of 1xx");
    assert_eq!(says(&fault), (Code::AgencyTimeout, "deadline", Outcome::Unknown));
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
        breaker: Breaker { failures: 3, open_for },
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
