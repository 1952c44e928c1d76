//! The door out: a request leaves once or not at all, and the fault says which.

use super::agency::{self, Visitor};
use super::house;
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use qaqpa::config::settings::Agency;
use qaqpa::ops::metrics::Metrics;
use qaqpa::upstream::{UpstreamAnswer, UpstreamRequest, Upstreams};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Code, Fault, Outcome};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

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

pub fn way(address: SocketAddr) -> Way {
    way_to(|| house::agency(&format!("http://{address}/ws")))
}

impl Way {
    pub async fn send(&self, body: impl Into<Bytes>) -> Result<UpstreamAnswer, Fault> {
        self.send_within(body, Duration::from_secs(20)).await
    }

    pub async fn send_within(
        &self,
        body: impl Into<Bytes>,
        within: Duration,
    ) -> Result<UpstreamAnswer, Fault> {
        let request = UpstreamRequest::soap(body.into());
        Ok(self.upstreams.send(&self.agency, request, Instant::now() + within).await?)
    }
}

pub fn says(fault: &Fault) -> (Code, &'static str, Outcome) {
    (fault.code, fault.reason, fault.outcome())
}

pub const SHORT: Duration = Duration::from_millis(100);

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
    let request =
        UpstreamRequest { method: hyper::Method::POST, path, headers, body, may_repeat: false };
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
    let (_held, closed) = agency::closed();
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
async fn a_reset_in_the_middle_of_an_answer_leaves_the_outcome_unknown() {
    for part in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345"] {
        let (address, seen) = agency::start(move |mut visitor: Visitor| async move {
            visitor.request().await.unwrap();
            visitor.say(part).await;
            visitor.socket.set_zero_linger().unwrap();
        })
        .await;
        let fault = way(address).send("<a/>").await.expect_err(part);
        assert_eq!((fault.code, fault.outcome()), (Code::AgencyBrokenAnswer, Outcome::Unknown));
        assert_eq!(seen.counts(), (1, 1), "{part}");
    }
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_at_the_deadline() {
    let (address, _) = agency::start(|mut visitor: Visitor| async move {
        visitor.request().await.unwrap();
        visitor.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
        while visitor.say("x").await {
            house::settle().await;
        }
    })
    .await;
    let fault = way(address).send_within("<a/>", SHORT).await.expect_err("too slow");
    assert_eq!(says(&fault), (Code::AgencyTimeout, "deadline", Outcome::Unknown));
}
