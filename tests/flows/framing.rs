//! A request refused for its framing leaves what every refusal leaves: an answer, an entry, a count and a line.

#[path = "../smuggling/refused.rs"]
mod refused;

use crate::support::{Installation, Plan};
use crate::told::Lines;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qaqpa::config::settings::{Listener, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A house that also listens without TLS, and where.
async fn plain() -> (Installation, String) {
    let house = Installation::changed(Plan::default(), |settings| {
        let plain = Listener { tls: TlsMode::Off, ..settings.listeners[0].clone() };
        settings.listeners.push(plain);
    })
    .await;
    let address = house.inner.running.callers[1].trim_start_matches("http://").to_owned();
    (house, address)
}

/// The access line of an entry.
fn line_of(log: &str, entry: &str) -> String {
    let is_its = |line: &&str| line.contains("qaqpa::access") && line.contains(entry);
    log.lines().find(is_its).unwrap_or_else(|| panic!("no line of {entry}: {log}")).to_owned()
}

#[tokio::test]
async fn what_is_refused_for_its_framing_has_an_entry_a_count_and_a_line_of_the_log() {
    let lines = Lines::logged();
    let (house, address) = plain().await;
    let cases = refused::cases();
    for case in &cases {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(&case.bytes).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let code = if case.status() == 400 { "caller.malformed" } else { "caller.too_large" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {} ", case.status())), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains(&format!("\r\nqaqpa-fault: {code}\r\n")), "{answer}");
        let public = format!("{code}: {} (phase receive, byte ", case.reason);
        assert!(answer.contains(&public), "{}: {answer}", case.name);

        let entry = answer.split("\r\nqaqpa-entry: ").nth(1).and_then(|rest| rest.lines().next());
        let entry = entry.expect("the answer names its entry");
        let kept = house.entry_of(entry).await;
        assert_eq!(kept.line(), format!("Refused {code} receive"), "{}", case.name);
        assert_eq!(kept.closed.http_status, Some(i64::from(case.status())), "{}", case.name);
        let line = line_of(&lines.text(), entry);
        assert!(line.contains(&public) && line.contains("from 127.0.0.1:"), "{line}");
    }
    let mut reasons: Vec<_> = cases.iter().map(|case| case.reason).collect();
    reasons.sort_unstable();
    for group in reasons.chunk_by(|a, b| a == b) {
        let sample = format!("qaqpa_http_refused_total{{reason=\"{}\"}} ", group[0]);
        assert_eq!(house.metric(&sample).await, group.len() as f64, "{sample}");
    }
    assert_eq!(house.requests(), 0, "none reached an agency");
    house.stop().await;
}

#[tokio::test]
async fn a_framing_refusal_below_the_rest_face_is_a_problem_and_elsewhere_a_soap_fault() {
    let (house, address) = plain().await;
    for (target, http_status, media_type) in [
        // Services are never read with GET, whatever comes with it.
        ("/api/v1/services/x", 405, "application/problem+json"),
        ("http://a/api/v1/openapi.json", 400, "application/problem+json"),
        ("/bip-sync-wss-gost/", 400, "text/xml; charset=utf-8"),
        ("/api/v1/\u{1}", 400, "text/xml; charset=utf-8"),
        ("/api/v2/services/x", 404, "application/problem+json"),
    ] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{{}}");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {http_status} ")), "{target}: {answer}");
        let line = format!("\r\ncontent-type: {media_type}\r\n");
        assert!(answer.contains(&line), "{target}: {answer}");
    }
    for (target, media_type) in [
        ("/api/v1/services/x", "application/problem+json"),
        ("/bip-sync-wss-gost/", "text/xml; charset=utf-8"),
    ] {
        for pieces in [vec!["2\r\n{}\r\nbroken\r\n"], vec!["", "2\r\n{}\r\n", "broken\r\n"]] {
            let mut socket = TcpStream::connect(&address).await.unwrap();
            let head =
                format!("POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
            let (first, rest) = pieces.split_first().unwrap();
            socket.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
            for piece in rest {
                socket.flush().await.unwrap();
                tokio::task::yield_now().await;
                socket.write_all(piece.as_bytes()).await.unwrap();
            }
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
            let line = format!("\r\ncontent-type: {media_type}\r\n");
            assert!(answer.contains(&line), "a bad chunk behind {target}: {answer}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_method_that_leads_elsewhere_is_not_allowed_over_http2() {
    let (house, address) = plain().await;
    let socket = TokioIo::new(TcpStream::connect(&address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = |method: &str, uri: &str, host: &str| {
        let request = Request::builder().method(method).uri(uri).header("host", host);
        request.body(Empty::<Bytes>::new()).unwrap()
    };
    for (request, status, allow) in [
        (request("CONNECT", "a:443", "a:443"), 405, Some("GET, POST")),
        (request("PUT", "http://a/bip-sync-wss-gost/", "b"), 405, Some("GET, POST")),
        (request("POST", "http://a/bip-sync-wss-gost/", "b"), 400, None),
    ] {
        let told = format!("{} {}", request.method(), request.uri());
        let answer = sender.send_request(request).await.unwrap();
        let allowed = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!((answer.status().as_u16(), allowed), (status, allow), "{told}");
    }
    connection.abort();
    house.stop().await;
}
