//! What one caller may take of the door: connections, memory, disk and time, each with its own end.

use super::callers::{self, Caller};
use super::house::{self, limits, until};
use qaqpa::config::settings::Limits;
use qaqpa::proxy::listener::{BodyError, Cut};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn one_address_holds_no_more_connections_than_allowed() {
    let door = callers::open(&Limits { connections_per_address_max: 2, ..limits() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut caller = Caller::connect(door.address).await;
        caller.post("/", "in").await;
        assert_eq!(caller.answer().await.unwrap().1, "in");
        held.push(caller);
    }
    let mut third = Caller::connect(door.address).await;
    assert!(third.is_closed().await);
    assert_eq!(door.figures.cuts(Cut::Address), 1);
    drop(held.pop());
    until("one left", || door.figures.connections.get() == 1).await;
    let mut fourth = Caller::connect(door.address).await;
    fourth.post("/", "in again").await;
    assert_eq!(fourth.answer().await.unwrap().1, "in again");
}

#[tokio::test]
async fn a_body_that_trickles_is_refused_although_its_deadline_is_far() {
    let limits = Limits { body_grace: SHORT, body_bytes_per_second_min: 1_000_000, ..limits() };
    let door = callers::open(&limits).await;
    let begun = Instant::now();
    let mut caller = Caller::connect(door.address).await;
    caller.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\na").await;
    house::settle().await;
    caller.say("b").await;
    let (head, text) = caller.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 408") && text.contains("body_too_slow"), "{head} {text}");
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    assert_eq!(door.figures.bodies_refused(BodyError::TooSlow), 1);
}

#[tokio::test]
async fn a_large_body_waits_on_disk_and_arrives_byte_for_byte() {
    let limits = Limits { body_memory_bytes_max: 1_000, ..limits() };
    let door = callers::open(&limits).await;
    let body: String = (0..20_000).map(|at| format!("{at} ")).collect();
    let mut caller = Caller::connect(door.address).await;
    let (first, last) = body.split_at(body.len() / 2);
    let length = body.len();
    caller.say(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")).await;
    caller.say(first).await;
    until("half of it waits on disk", || door.figures.spool_bytes.get() > 40_000).await;
    assert!(door.figures.in_flight_bytes.get() < 40_000, "{}", door.figures.in_flight_bytes.get());
    caller.say(last).await;
    assert!(caller.answer().await.unwrap().1 == body, "byte for byte");
    until("given back", || door.figures.spool_bytes.get() == 0).await;
    until("given back", || door.figures.in_flight_bytes.get() == 0).await;
}

#[tokio::test]
async fn while_callers_do_not_take_their_answers_no_more_calls_are_begun_and_no_answer_is_lost() {
    let limits = Limits { in_flight_bytes_max: 1 << 20, ..limits() };
    let door = callers::open(&limits).await;
    let mut slow = Caller::connect(door.address).await;
    slow.post("/large", "").await;
    until("its answer waits", || door.figures.unsent_bytes.get() > 1 << 20).await;
    for http_method in ["GET", "POST"] {
        let mut other = Caller::connect(door.address).await;
        let head = format!("{http_method} / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
        other.say(&head).await;
        let (head, text) = other.answer().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 503") && text.contains("unsent_bytes"), "{head} {text}");
        assert!(head.contains("retry-after: 1"), "{head}");
    }
    assert_eq!(door.echo.begun.load(std::sync::atomic::Ordering::SeqCst), 1, "nothing was begun");
    assert_eq!(slow.answer().await.unwrap().1.len(), 32 << 20, "late, and whole");
    until("given back", || door.figures.unsent_bytes.get() == 0).await;
    let mut next = Caller::connect(door.address).await;
    next.post("/", "again").await;
    assert_eq!(next.answer().await.unwrap().1, "again");
}

#[tokio::test]
async fn a_full_spool_refuses_the_body_that_does_not_fit_and_no_other() {
    let limits = Limits { body_memory_bytes_max: 1_000, spool_bytes_max: 50_000, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/", &"x".repeat(100_000)).await;
    let (head, text) = caller.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 503") && text.contains("spool_bytes"), "{head} {text}");
    assert_eq!(door.figures.bodies_refused(BodyError::SpoolFull), 1);
    let mut next = Caller::connect(door.address).await;
    next.post("/", &"x".repeat(40_000)).await;
    assert_eq!(next.answer().await.unwrap().1.len(), 40_000);
}

#[tokio::test]
async fn one_holder_fills_its_part_of_the_spool_and_no_more() {
    let limits = Limits {
        body_memory_bytes_max: 1_000,
        spool_bytes_per_participant_max: 50_000,
        ..limits()
    };
    let door = callers::open(&limits).await;
    let mut first = Caller::connect(door.address).await;
    first.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 45000\r\n\r\n").await;
    first.say(&"x".repeat(40_000)).await;
    until("it waits on disk", || door.figures.spool_bytes.get() > 30_000).await;
    let mut second = Caller::connect(door.address).await;
    second.post("/", &"x".repeat(40_000)).await;
    let (head, text) = second.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(text.contains("spool_bytes_per_participant"), "{text}");
    assert_eq!(door.figures.bodies_refused(BodyError::SpoolShare), 1);
    first.say(&"x".repeat(5_000)).await;
    assert_eq!(first.answer().await.unwrap().1.len(), 45_000);
    let mut third = Caller::connect(door.address).await;
    third.post("/", &"x".repeat(40_000)).await;
    assert_eq!(third.answer().await.unwrap().1.len(), 40_000, "what was given back can be taken");
}

#[tokio::test]
async fn a_streamed_body_is_handed_over_while_it_arrives() {
    let door = callers::open(&Limits { body_bytes_max: 10, ..limits() }).await;
    let mut caller = Caller::connect(door.address).await;
    caller.say("POST /stream/sink HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n").await;
    until("begun before the body", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    caller.say(&"x".repeat(300_000)).await;
    assert_eq!(caller.answer().await.unwrap().1, "300000", "longer than a whole one may be");
    assert_eq!(*door.echo.last_stream.lock().unwrap(), Some(Ok(300_000)));
    caller.post("/", "kept").await;
    assert_eq!(caller.answer().await.unwrap().1, "kept", "the connection is kept");
}

#[tokio::test]
async fn a_streamed_body_ends_with_an_error_where_it_does_not_come_whole() {
    let limits = Limits {
        body_grace: SHORT,
        body_bytes_per_second_min: 1_000_000,
        stream_bytes_max: 1_000,
        ..limits()
    };
    let door = callers::open(&limits).await;
    let echo = &door.echo;
    let ended = async |expected| {
        until("ended", || *echo.last_stream.lock().unwrap() == Some(Err(expected))).await;
    };
    let head = |length| {
        format!("POST /stream/sink HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")
    };
    let mut slow = Caller::connect(door.address).await;
    slow.say(&head(10)).await;
    ended(BodyError::TooSlow).await;
    let mut large = Caller::connect(door.address).await;
    large.say(&(head(1_001) + "x")).await;
    ended(BodyError::TooLarge).await;
    let mut gone = Caller::connect(door.address).await;
    gone.say(&(head(10) + "half")).await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 3).await;
    drop(gone);
    ended(BodyError::Gone).await;
    until("all came to their end", || door.echo.finished.load(Ordering::SeqCst) == 3).await;
    for error in [BodyError::TooSlow, BodyError::TooLarge, BodyError::Gone] {
        assert_eq!(door.figures.bodies_refused(error), 1, "{error}");
    }
}

#[tokio::test]
async fn an_answer_given_before_the_bodys_end_arrives_and_ends_the_connection() {
    let door = callers::open(&limits()).await;
    let mut caller = Caller::connect(door.address).await;
    caller.say("POST /stream/early HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n").await;
    caller.say(&"x".repeat(500_000)).await;
    let (head, body) = caller.answer().await.unwrap();
    assert_eq!(body, "early");
    assert!(head.contains("connection: close"), "{head}");
}
