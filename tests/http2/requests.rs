//! Requests that are malformed in the sense of RFC 9113 §8.1.1 never reach the house, and their like do.

use super::callers;
use super::house::{self, limits, until};
use super::wire::*;
use qaqpa::config::settings::{Http2, Limits};
use std::sync::atomic::Ordering;

/// The stream is reset, or the request refused; which of both is h2's choice for these.
const MALFORMED: Expected = Expected::Reset(&[PROTOCOL_ERROR]);
const REFUSED: Expected = Expected::Status("400");

fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    headers(1, END_STREAM, &head(changes))
}

fn raw(name: &[u8], value: &[u8]) -> Vec<u8> {
    headers(1, END_STREAM, &[head(&[]), field(name, value)].concat())
}

fn with_body(changes: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    [headers(1, 0, &head(changes)), frame(DATA, END_STREAM, 1, body)].concat()
}

#[tokio::test]
async fn pseudo_headers_are_there_once_and_first() {
    let late = [block(&[("x-first", "1")]), head(&[])].concat();
    let twice = [block(&[(":path", "/b")]), head(&[])].concat();
    hold(vec![
        ("no method", with(&[(":method", "-")]), MALFORMED),
        ("no scheme", with(&[(":scheme", "-")]), MALFORMED),
        ("no path", with(&[(":path", "-")]), MALFORMED),
        ("no authority and no host", with(&[(":authority", "-")]), REFUSED),
        ("two paths", headers(1, END_STREAM, &twice), MALFORMED),
        ("pseudo-headers after a header", headers(1, END_STREAM, &late), MALFORMED),
        ("an unknown pseudo-header", with(&[(":x", "1")]), MALFORMED),
        ("the status of an answer", with(&[(":status", "200")]), MALFORMED),
        ("an empty path", with(&[(":path", "")]), MALFORMED),
        ("a path without a slash", with(&[(":path", "index")]), MALFORMED),
        ("a path with a space", with(&[(":path", "/a b")]), MALFORMED),
        ("an authority with a user", with(&[(":authority", "user@a")]), REFUSED),
        ("an authority with a space", with(&[(":authority", "a b")]), MALFORMED),
        ("CONNECT with a path", with(&[(":method", "CONNECT")]), MALFORMED),
        ("CONNECT", with(&[(":method", "CONNECT"), (":path", "-"), (":scheme", "-")]), REFUSED),
        (
            "trailers that do not end the request",
            [headers(1, 0, &head(&[])), headers(1, 0, &block(&[("x", "1")]))].concat(),
            MALFORMED,
        ),
    ])
    .await;
}

/// h2 hands these on; what is odd in them reaches nobody: a fragment is cut from the path before the
/// house sees it, and trailers are dropped.
#[tokio::test]
async fn what_h2_lets_pass_carries_nothing_into_the_house() {
    let trailers = block(&[(":path", "/"), ("x", "1")]);
    hold(vec![
        ("a path with a fragment", with(&[(":path", "/#a")]), Expected::Status("200")),
        (
            "trailers with a pseudo-header",
            [headers(1, 0, &head(&[])), headers(1, END_STREAM, &trailers)].concat(),
            Expected::Status("200"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn headers_of_the_connection_and_bytes_of_no_header_are_refused() {
    hold(vec![
        ("connection", with(&[("connection", "close")]), MALFORMED),
        ("keep-alive", with(&[("keep-alive", "timeout=5")]), MALFORMED),
        ("proxy-connection", with(&[("proxy-connection", "close")]), MALFORMED),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")]), MALFORMED),
        ("upgrade", with(&[("upgrade", "h2c")]), MALFORMED),
        ("te other than trailers", with(&[("te", "gzip")]), MALFORMED),
        ("te: trailers", with(&[("te", "trailers")]), Expected::Status("200")),
        ("an uppercase name", raw(b"X-Name", b"1"), MALFORMED),
        ("an empty name", raw(b"", b"1"), Expected::Reset(&[PROTOCOL_ERROR, COMPRESSION_ERROR])),
        ("a name with a space", raw(b"x name", b"1"), MALFORMED),
        ("a name with a colon", raw(b"x:name", b"1"), MALFORMED),
        ("a name with CR LF", raw(b"x\r\ny", b"1"), MALFORMED),
        ("CR in a value", raw(b"x", b"1\rhost: b"), MALFORMED),
        ("LF in a value", raw(b"x", b"1\nhost: b"), MALFORMED),
        ("NUL in a value", raw(b"x", b"1\0"), MALFORMED),
        (
            "two cookies, which are one",
            with(&[("cookie", "a=1"), ("cookie", "b=2")]),
            Expected::Status("200"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_request_has_one_host_and_one_length() {
    hold(vec![
        ("a host equal to the authority", with(&[("host", "a")]), Expected::Status("200")),
        ("a host instead", with(&[(":authority", "-"), ("host", "a")]), Expected::Status("200")),
        ("another host", with(&[("host", "b")]), REFUSED),
        ("another port", with(&[("host", "a:80")]), REFUSED),
        ("two hosts", with(&[("host", "a"), ("host", "a")]), REFUSED),
        (
            "the length that comes",
            with_body(&[("content-length", "3")], b"abc"),
            Expected::Status("200"),
        ),
        ("less than the length", with_body(&[("content-length", "4")], b"abc"), MALFORMED),
        ("more than the length", with_body(&[("content-length", "2")], b"abc"), MALFORMED),
        ("a length and no body", with(&[("content-length", "3")]), MALFORMED),
        ("no number", with_body(&[("content-length", "three")], b"abc"), MALFORMED),
        ("a sign", with_body(&[("content-length", "+3")], b"abc"), MALFORMED),
        (
            "two lengths",
            with_body(&[("content-length", "3"), ("content-length", "3")], b"abc"),
            REFUSED,
        ),
        ("what may be read as a length", with(&[("content_length", "3")]), REFUSED),
        ("an expectation nobody knows", with(&[("expect", "miracle")]), REFUSED),
    ])
    .await;
}

#[tokio::test]
async fn heads_beyond_their_caps_are_refused() {
    let long = "x".repeat(20_000);
    let names: Vec<String> = (0..70).map(|at| format!("x-{at}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let list = head(&[("x", &long)]);
    let (first, last) = list.split_at(16_000);
    // One entry of 3900 bytes in the table of HPACK, then named 200 times: 800 KB out of 200 bytes.
    let entry = [vec![0x40], string(b"bomb"), string(&[b'x'; 3900])].concat();
    let bomb = [head(&[]), entry, vec![0xbe; 200]].concat();
    hold(vec![
        ("70 headers", headers(1, END_STREAM, &head(&many)), Expected::Status("431")),
        (
            "a list of 20 000 bytes",
            [frame(HEADERS, END_STREAM, 1, first), frame(CONTINUATION, END_HEADERS, 1, last)]
                .concat(),
            Expected::Status("431"),
        ),
        ("an HPACK bomb", headers(1, END_STREAM, &bomb), Expected::GoAway(&[ENHANCE_YOUR_CALM])),
    ])
    .await;
}

#[tokio::test]
async fn a_body_that_was_taken_back_is_never_taken_for_whole() {
    let door = callers::open(&limits()).await;
    for code in [NO_ERROR, CANCEL] {
        let mut peer = Peer::greeted(door.address).await;
        let reset = frame(RST_STREAM, 0, 1, &code.to_be_bytes());
        let ping = frame(PING, 0, 0, &[7; 8]);
        peer.say(&[headers(1, 0, &head(&[])), frame(DATA, 0, 1, b"half")].concat()).await;
        house::settle().await;
        peer.say(&[reset, ping].concat()).await;
        peer.until(|said| matches!(said, Said::Ping(_))).await;
        healthy(&door, "a reset").await;
    }
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 2, "the healthy ones alone");
}

#[tokio::test]
async fn requests_beyond_the_cap_of_streams_are_refused_and_the_others_answered() {
    let http2 = Http2 { streams_max: 3, ..limits().http2 };
    let door = callers::open(&Limits { http2, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    // Ours are known before: a caller that has read the settings is held to them.
    peer.until(|said| *said == Said::Settings).await;
    peer.say(&frame(SETTINGS, ACK, 0, b"")).await;
    let waiting = |stream| headers(stream, END_STREAM, &head(&[(":path", "/wait")]));
    peer.say(&[waiting(1), waiting(3), waiting(5), waiting(7)].concat()).await;
    let told = peer.until(|said| matches!(said, Said::Reset(..) | Said::GoAway(_))).await;
    assert_eq!(told.last(), Some(&Said::Reset(7, REFUSED_STREAM)), "{told:?}");
    until("three are held", || door.echo.begun.load(Ordering::SeqCst) == 3).await;
    door.echo.go.0.add_permits(3);
    for stream in [1, 3, 5] {
        let told = peer.until(|said| matches!(said, Said::End(_))).await;
        assert!(matches!(told.last(), Some(Said::End(_))), "{stream}: {told:?}");
    }
}
