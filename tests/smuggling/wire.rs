//! Real sockets: what is ambiguous gets one answer and a close, what is plain gets all of its answers.

use super::accepted::{self, Accepted};
use super::door::{self, Answers, LARGE_BYTES, Opened, exchange};
use super::house::{settle, until};
use super::refused::{self, Refused};
use qaqpa::proxy::guard::{PIPELINED_MAX, Reason};
use qaqpa_kit::fault::{Code, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One answer of the 400 class, a close, and nobody behind the door who heard of it.
fn assert_refused(door: &Opened, case: &Refused, answers: &Answers, how: &str) {
    let name = format!("{} ({how})", case.name);
    let [answer] = answers.0.as_slice() else { panic!("{name}: {answers:?}") };
    assert_eq!(answer.status, case.status(), "{name}: {}", answer.head);
    assert!(answer.head.contains("\r\nconnection: close\r\n"), "{name}: {}", answer.head);
    assert_eq!(door.notes.take_requests(), [], "{name} reached the house");
    let refusals = door.notes.take_refusals();
    let [fault] = refusals.as_slice() else { panic!("{name}: {refusals:?}") };
    assert_eq!((fault.reason, fault.phase), (case.reason, Phase::Receive), "{name}");
    let is_too_large = fault.code == Code::CallerTooLarge;
    assert!(is_too_large || fault.code == Code::CallerMalformed, "{name}: {fault}");
    assert_eq!(is_too_large, case.status() != 400, "{name}: {fault}");
    assert!(fault.cause.as_deref().unwrap().starts_with("from 127.0.0.1:"), "{name}: {fault}");
}

fn assert_served(door: &Opened, case: &Accepted, answers: &Answers, how: &str) {
    let name = format!("{} ({how})", case.name);
    assert_eq!(door.notes.take_refusals(), [], "{name}");
    let requests = door.notes.take_requests();
    let seen: Vec<_> = requests.iter().map(|(target, body)| (path(target), &**body)).collect();
    let expected = case.requests.iter().map(|(target, body)| (*target, body.as_bytes()));
    assert_eq!(seen, expected.clone().collect::<Vec<_>>(), "{name}");
    let bodies: Vec<_> = answers.0.iter().map(|answer| (answer.status, &*answer.body)).collect();
    assert_eq!(bodies, expected.map(|(_, body)| (200, body)).collect::<Vec<_>>(), "{name}");
}

/// Path and query of a target, which hyper gives in absolute form where the caller wrote that.
fn path(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else { return target };
    rest.find(['/', '?']).map_or("/", |at| &rest[at..])
}

#[tokio::test]
async fn what_is_ambiguous_is_refused_with_one_answer_and_reaches_nobody() {
    let door = door::open(None).await;
    let cases = refused::cases();
    for case in &cases {
        let whole = exchange(door.address, [&*case.bytes], false).await;
        assert_refused(&door, case, &whole, "whole");
    }
    let text = door.metrics.text().unwrap();
    for word in Reason::WORDS {
        let count = cases.iter().filter(|case| case.reason == *word).count();
        let line = format!("qaqpa_http_refused_total{{reason=\"{word}\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
        assert!(count > 0 || ["pipelined", "library"].contains(word), "no case for {word}");
    }
}

#[tokio::test]
async fn what_is_ambiguous_is_refused_byte_by_byte_and_cut_anywhere() {
    let door = door::open(None).await;
    for case in refused::cases().iter().filter(|case| case.bytes.len() < 1000) {
        let bytewise = exchange(door.address, case.bytes.chunks(1), false).await;
        assert_refused(&door, case, &bytewise, "byte by byte");
        for at in 1..case.bytes.len() {
            let (first, second) = case.bytes.split_at(at);
            let cut = exchange(door.address, [first, second], false).await;
            assert_refused(&door, case, &cut, &format!("cut at {at}"));
        }
    }
}

#[tokio::test]
async fn what_is_plain_is_served_whole_byte_by_byte_and_cut_anywhere() {
    let door = door::open(None).await;
    for case in &accepted::cases() {
        let whole = exchange(door.address, [&*case.bytes], true).await;
        assert_served(&door, case, &whole, "whole");
        if case.bytes.len() > 1000 || case.name.starts_with("what follows") {
            continue;
        }
        let bytewise = exchange(door.address, case.bytes.chunks(1), true).await;
        assert_served(&door, case, &bytewise, "byte by byte");
        for at in 1..case.bytes.len() {
            let (first, second) = case.bytes.split_at(at);
            let cut = exchange(door.address, [first, second], true).await;
            assert_served(&door, case, &cut, &format!("cut at {at}"));
        }
    }
}

#[tokio::test]
async fn an_ambiguous_request_behind_plain_ones_is_refused_after_their_answers() {
    let door = door::open(None).await;
    let plain = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    for case in refused::cases().iter().filter(|case| !case.bytes.starts_with(b"\r\n")) {
        let bytes = [plain.as_slice(), plain, &case.bytes].concat();
        let answers = exchange(door.address, [&*bytes], false).await;
        let statuses: Vec<_> = answers.0.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200, 200, case.status()], "{}", case.name);
        assert_eq!(door.notes.take_requests().len(), 2, "{}", case.name);
        assert_eq!(door.notes.take_refusals()[0].reason, case.reason, "{}", case.name);
    }
}

#[tokio::test]
async fn a_refusal_arrives_also_while_the_caller_goes_on_sending() {
    let door = door::open(None).await;
    let mut bytes = b"POST / HTTP/1.1\nHost: a\r\nContent-Length: 900000\r\n\r\n".to_vec();
    bytes.resize(900_000, b'x');
    let answers = exchange(door.address, [&*bytes], false).await;
    assert_eq!(answers.0.iter().map(|answer| answer.status).collect::<Vec<_>>(), [400]);
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_not_served() {
    let door = door::open(None).await;
    let get = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(get.as_bytes()).await.unwrap();
    until("the first is in", || door.notes.requests.lock().unwrap().len() == 1).await;
    socket.write_all(get.repeat(PIPELINED_MAX + 2).as_bytes()).await.unwrap();
    settle().await;
    door.notes.go.add_permits(100);
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 ").count(), 1 + PIPELINED_MAX, "{text}");
    assert_eq!(text.matches("HTTP/1.1 400 ").count(), 1, "{text}");
    assert_eq!(door.notes.take_refusals()[0].reason, "pipelined");
}

#[tokio::test]
async fn after_an_answer_to_http_1_0_the_connection_is_closed_whatever_was_asked() {
    let door = door::open(None).await;
    let bytes = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let answers = exchange(door.address, [bytes.as_slice()], false).await;
    let [answer] = answers.0.as_slice() else { panic!("{answers:?}") };
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
}

#[tokio::test]
async fn an_offence_in_a_body_is_answered_once_also_after_the_word_to_go_on() {
    let door = door::open(None).await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    let waiting = format!("{head}Expect: 100-continue\r\n\r\n");
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(waiting.as_bytes()).await.unwrap();
    let mut text = vec![0; 25];
    socket.read_exact(&mut text).await.unwrap();
    assert_eq!(text, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"3\r\nabc\r\n3;x=y\r\n").await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    assert_eq!(door.notes.take_requests(), []);
}

#[tokio::test]
async fn a_request_that_was_answered_already_is_not_refused_as_well() {
    let door = door::open(None).await;
    let large = "x".repeat(300_000);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bytes = format!("{head}{:x}\r\n{large}\r\nnonsense\r\n", large.len());
    let answers = exchange(door.address, [bytes.as_bytes()], false).await;
    assert_eq!(answers.0.iter().map(|answer| answer.status).collect::<Vec<_>>(), [413]);
}

#[tokio::test]
async fn a_refusal_waits_for_the_answer_before_it_however_slowly_that_is_read() {
    let door = door::open(None).await;
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let bytes = "GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\nHost: a\n\n";
    socket.write_all(bytes.as_bytes()).await.unwrap();
    until("the first is answered", || door.notes.requests.lock().unwrap().len() == 1).await;
    for _ in 0..20 {
        // The door has time to make its mistake, if it makes one.
        settle().await;
    }
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.len() > LARGE_BYTES, "{}", text.len());
    assert_eq!(text.matches("HTTP/1.1 400 Bad Request").count(), 1);
}
