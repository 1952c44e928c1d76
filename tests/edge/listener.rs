//! The door in: bounded against every caller, and no call that was handed over is lost.

use super::callers::{self, Caller};
use super::house::{self, limits, until};
use qaqpa::config::settings::{Limits, Listener, TlsMode};
use qaqpa::proxy::listener::{BindError, Door, Drained};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(150);

fn status(answer: Option<(String, String)>) -> String {
    let (head, _) = answer.expect("an answer");
    head.split(' ').nth(1).expect("a status").to_owned()
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let door = callers::open(&limits()).await;
    let mut caller = Caller::connect(door.address).await;
    for body in ["one", "", "three"] {
        caller.post("/", body).await;
        let (head, echoed) = caller.answer().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(echoed, body);
    }
    caller.say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    caller.say("2\r\nab\r\n").await;
    house::settle().await;
    caller.say("3\r\ncde\r\n0\r\n\r\n").await;
    assert_eq!(caller.answer().await.unwrap().1, "abcde");
}

#[tokio::test]
async fn a_caller_that_only_closes_its_side_still_gets_its_answer() {
    let door = callers::open(&limits()).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/wait", "").await;
    caller.socket.shutdown().await.unwrap();
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    door.echo.go.0.add_permits(1);
    assert_eq!(caller.answer().await.unwrap().1, "waited");
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_at_its_deadline() {
    let limits = Limits { head_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut silent = Caller::connect(door.address).await;
    let mut slow = Caller::connect(door.address).await;
    let mut later = Caller::connect(door.address).await;
    later.post("/", "first").await;
    later.answer().await.unwrap();
    let begun = Instant::now();
    slow.say("POST / HTTP/1.1\r\nhos").await;
    later.say("P").await;
    assert!(silent.is_closed().await && slow.is_closed().await && later.is_closed().await);
    assert!(begun.elapsed() < SHORT * 6, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_heads_deadline_and_ends_at_its_own() {
    let limits = Limits { head_deadline: SHORT / 3, idle_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    let begun = Instant::now();
    caller.post("/", "").await;
    caller.answer().await.unwrap();
    assert!(caller.is_closed().await);
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < SHORT * 6, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_call_may_take_longer_than_any_deadline_of_the_edge() {
    let limits =
        Limits { head_deadline: SHORT, idle_deadline: SHORT, body_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/wait", "").await;
    let begun = Instant::now();
    until("longer than any deadline", || begun.elapsed() > SHORT * 2).await;
    door.echo.go.0.add_permits(1);
    assert_eq!(caller.answer().await.unwrap().1, "waited");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_an_answer_that_arrives() {
    let limits = Limits { body_bytes_max: 4_000_000, linger_bytes_max: 16_000_000, ..limits() };
    let door = callers::open(&limits).await;
    // More than the sockets hold.
    let body = "x".repeat(12_000_000);
    for framing in
        ["content-length: 12000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\nb71b00\r\n"]
    {
        let mut caller = Caller::connect(door.address).await;
        // The whole body is written before anything is read, as simple clients do.
        caller.say(&format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}{body}")).await;
        let (head, text) = caller.answer().await.expect("an answer");
        assert!(head.starts_with("HTTP/1.1 413"), "{head}");
        assert!(head.contains("qaqpa-fault: caller.too_large"), "{head}");
        assert!(head.contains("connection: close"), "{head}");
        assert!(text.contains("body_bytes"), "{text}");
        assert!(caller.is_closed().await);
    }
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_asks_before_sending_is_told_to_go_on_or_refused_at_once() {
    let limits = Limits { body_bytes_max: 100, ..limits() };
    let door = callers::open(&limits).await;
    let head = |length| {
        format!(
            "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut caller = Caller::connect(door.address).await;
    caller.say(&head(2)).await;
    assert_eq!(status(caller.answer().await), "100");
    caller.say("ok").await;
    assert_eq!(caller.answer().await.unwrap().1, "ok");
    caller.say(&head(101)).await;
    assert_eq!(status(caller.answer().await), "413");
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_at_its_deadline() {
    let limits = Limits { body_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    let (head, text) = caller.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 408") && text.contains("body_deadline"), "{head} {text}");
}

#[tokio::test]
async fn the_bodies_of_all_callers_together_are_bounded() {
    let limits = Limits { in_flight_bytes_max: 2000, ..limits() };
    let door = callers::open(&limits).await;
    let body = "x".repeat(900);
    let mut holders = Vec::new();
    for _ in 0..2 {
        let mut caller = Caller::connect(door.address).await;
        caller.post("/wait", &body).await;
        holders.push(caller);
    }
    until("both are held", || door.echo.begun.load(Ordering::SeqCst) == 2).await;
    let mut third = Caller::connect(door.address).await;
    third.post("/", &body).await;
    let (head, text) = third.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 503") && text.contains("body_bytes_in_flight"), "{head}");
    assert!(head.contains("retry-after: 1"), "{head}");
    door.echo.go.0.add_permits(2);
    for holder in &mut holders {
        assert_eq!(holder.answer().await.unwrap().1, "waited");
    }
    let mut fourth = Caller::connect(door.address).await;
    fourth.post("/", &body).await;
    assert_eq!(status(fourth.answer().await), "200");
}

#[tokio::test]
async fn a_caller_that_does_not_take_its_answer_is_cut() {
    let limits = Limits { write_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/large", "").await;
    until("served", || door.echo.finished.load(Ordering::SeqCst) == 1).await;
    until("the connection is given up", || door.figures.connections.get() == 0).await;
    assert!(caller.answer().await.is_none());
}

#[tokio::test]
async fn the_kernel_holds_little_for_a_caller_that_does_not_take_its_answer() {
    let limits = Limits { write_deadline: SHORT, unsent_bytes_max: 65_536, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/large", "").await;
    until("the connection is given up", || {
        door.echo.finished.load(Ordering::SeqCst) == 1 && door.figures.connections.get() == 0
    })
    .await;
    let mut held = Vec::new();
    caller.socket.read_to_end(&mut held).await.ok();
    assert!((1..1 << 20).contains(&held.len()), "{} bytes", held.len());
}

#[tokio::test]
async fn heads_that_are_ambiguous_or_too_large_are_refused() {
    let door = callers::open(&limits()).await;
    let long = "x".repeat(20_000);
    let many = (0..70).map(|i| format!("x-{i}: 1\r\n")).collect::<String>();
    for (head, expected) in [
        ("POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(), "400"),
        ("POST / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"
                .to_owned(),
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            "400",
        ),
        (format!("POST / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"), "431"),
        (format!("POST / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), "431"),
    ] {
        let mut caller = Caller::connect(door.address).await;
        caller.say(&head).await;
        assert_eq!(status(caller.answer().await), expected, "{head}");
        assert!(caller.is_closed().await, "{head}");
    }
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn callers_beyond_the_cap_wait_until_one_leaves() {
    let limits = Limits { connections_max: 1, ..limits() };
    let door = callers::open(&limits).await;
    let mut first = Caller::connect(door.address).await;
    first.post("/", "one").await;
    first.answer().await.unwrap();
    let mut second = Caller::connect(door.address).await;
    second.post("/", "two").await;
    house::settle().await;
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 1);
    assert_eq!(door.figures.connections.get(), 1);
    drop(first);
    assert_eq!(second.answer().await.unwrap().1, "two");
}

#[tokio::test]
async fn a_panic_costs_one_call() {
    let door = callers::open(&limits()).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/panic", "").await;
    let (head, _) = caller.answer().await.unwrap();
    assert!(
        head.starts_with("HTTP/1.1 500") && head.contains("qaqpa-fault: gateway.bug"),
        "{head}"
    );
    caller.post("/", "still here").await;
    assert_eq!(caller.answer().await.unwrap().1, "still here");
    assert_eq!(door.figures.panics.get(), 1);
    assert_eq!(door.figures.in_flight.get(), 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_undo_its_call() {
    let door = callers::open(&limits()).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/wait", "").await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    drop(caller);
    house::settle().await;
    door.echo.go.0.add_permits(1);
    until("finished", || door.echo.finished.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn draining_answers_all_that_was_sent_and_lets_nobody_new_in() {
    let door = callers::open(&limits()).await;
    let mut busy = Caller::connect(door.address).await;
    busy.post("/wait", "").await;
    let mut idle = Caller::connect(door.address).await;
    idle.post("/", "warm").await;
    idle.answer().await.unwrap();
    let mut partial = Caller::connect(door.address).await;
    partial.say("POST / HTTP/1.1\r\nhost: a\r\n").await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 2).await;
    until("all are in", || door.figures.connections.get() == 3).await;

    // Sent, but not seen by the door, when the drain begins: on an idle and on a new connection.
    let mut fresh = Caller::connect(door.address).await;
    fresh.post("/", "fresh").await;
    idle.post("/", "on its way").await;
    door.drain.send(true).unwrap();

    assert_eq!(idle.answer().await.unwrap().1, "on its way");
    assert_eq!(fresh.answer().await.unwrap().1, "fresh");
    partial.say("content-length: 2\r\n\r\nok").await;
    let (head, body) = partial.answer().await.unwrap();
    assert_eq!(body, "ok");
    assert!(head.contains("connection: close"), "{head}");
    until("nobody is let in", || std::net::TcpStream::connect(door.address).is_err()).await;
    assert!(!door.served.is_finished());
    door.echo.go.0.add_permits(1);
    assert_eq!(busy.answer().await.unwrap().1, "waited");
    let drained = door.served.await.unwrap();
    assert_eq!(drained, Drained { calls_cut: 0, connections_cut: 0 });
    assert!(idle.is_closed().await && busy.is_closed().await);
}

#[tokio::test]
async fn draining_answers_every_caller_that_waits_at_the_socket_however_many() {
    const CALLERS: usize = 400;
    let limits = Limits {
        connections_max: 2 * CALLERS,
        connections_per_address_max: 2 * CALLERS,
        in_flight_max: 2 * CALLERS,
        ..limits()
    };
    let door = callers::open(&limits).await;
    // This thread is the door's too: nobody is let in before the drain has been told.
    let waiting: Vec<_> = (0..CALLERS)
        .map(|_| {
            let mut socket = std::net::TcpStream::connect(door.address).unwrap();
            let request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
            socket.write_all(request).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        })
        .collect();
    door.drain.send(true).unwrap();
    for (at, socket) in waiting.into_iter().enumerate() {
        let mut caller = Caller::over(TcpStream::from_std(socket).unwrap());
        let told = caller.answer().await;
        assert_eq!(told.map(|told| told.1).as_deref(), Some("hi"), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_under_load_loses_no_call_that_began() {
    let door = callers::open(&limits()).await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let address = door.address;
            tokio::spawn(async move {
                let mut caller = Caller::connect(address).await;
                let mut answered = 0;
                loop {
                    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
                    if caller.socket.write_all(head.as_bytes()).await.is_err() {
                        return answered;
                    }
                    match caller.answer().await {
                        Some((head, _)) => {
                            answered += 1;
                            if head.contains("connection: close") {
                                return answered;
                            }
                        }
                        None => return answered,
                    }
                }
            })
        })
        .collect();
    until("under load", || door.echo.finished.load(Ordering::SeqCst) > 500).await;
    door.drain.send(true).unwrap();
    let drained = door.served.await.unwrap();
    assert_eq!(drained, Drained { calls_cut: 0, connections_cut: 0 });
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert_eq!(answered, door.echo.begun.load(Ordering::SeqCst));
}

#[tokio::test]
async fn draining_ends_at_its_deadline_and_tells_what_was_cut() {
    let limits = Limits { drain_deadline: SHORT, ..limits() };
    let door = callers::open(&limits).await;
    let mut caller = Caller::connect(door.address).await;
    caller.post("/wait", "").await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    door.drain.send(true).unwrap();
    let drained = door.served.await.unwrap();
    assert_eq!(drained, Drained { calls_cut: 1, connections_cut: 1 });
    assert!(caller.answer().await.is_none());
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_address_and_the_cure() {
    let door = callers::open(&limits()).await;
    let listener = Listener { address: door.address, ..house::listener(TlsMode::Off) };
    let second = Door::bind(&listener, &limits(), None, door.figures.clone()).await;
    let Err(error @ BindError::InUse { .. }) = second else { panic!("bound twice") };
    let text = error.to_string();
    assert!(text.contains(&door.address.to_string()) && text.contains("ss -ltnp"), "{text}");
}
