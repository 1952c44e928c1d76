//! How often one address may come, and ask in vain: it waits before it is refused, and nobody waits for another.

use super::callers::{self, Caller, Opened};
use super::house::{limits, until};
use qaqpa::config::settings::Limits;
use qaqpa::proxy::listener::Cut;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

const TENTH: Duration = Duration::from_millis(100);

/// A caller from another address than the rest.
async fn neighbour(door: SocketAddr) -> Caller {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    Caller::over(socket.connect(door).await.unwrap())
}

async fn is_served(mut caller: Caller) -> bool {
    caller.post("/", "in").await;
    caller.answer().await.is_some_and(|(_, body)| body == "in")
}

/// Asks in vain: the answer, and how long it took.
async fn refused(door: &Opened) -> (String, Duration) {
    let begun = Instant::now();
    let mut caller = Caller::connect(door.address).await;
    caller.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 999999999\r\n\r\n").await;
    (caller.answer().await.unwrap().0, begun.elapsed())
}

#[tokio::test]
async fn while_nobody_would_be_let_in_new_callers_stay_in_the_kernels_queue_and_the_others_are_answered()
 {
    let door = callers::open(&limits()).await;
    let mut before = Caller::connect(door.address).await;
    before.post("/", "first").await;
    assert_eq!(before.answer().await.unwrap().1, "first");
    door.echo.is_swamped.store(true, Ordering::SeqCst);
    // The door may be waiting at the socket already: it takes this one, and looks before the next.
    assert!(is_served(Caller::connect(door.address).await).await);
    let mut new = Caller::connect(door.address).await;
    new.post("/", "in").await;
    let begun = Instant::now();
    until("others would have been served", || begun.elapsed() > TENTH * 2).await;
    assert_eq!(door.figures.connections.get(), 1, "nobody reads it");
    before.post("/", "second").await;
    assert_eq!(before.answer().await.unwrap().1, "second");
    door.echo.is_swamped.store(false, Ordering::SeqCst);
    assert_eq!(new.answer().await.unwrap().1, "in", "and nothing of it was lost");
}

#[tokio::test]
async fn who_connects_faster_than_allowed_waits_its_turn_and_is_served() {
    let limits = Limits {
        connections_per_address_per_second: 10,
        connections_per_address_burst: 2,
        ..limits()
    };
    let door = callers::open(&limits).await;
    let begun = Instant::now();
    for _ in 0..2 {
        assert!(is_served(Caller::connect(door.address).await).await);
    }
    assert_eq!(door.figures.delayed.get(), 0, "a burst is let in at once");
    assert!(is_served(Caller::connect(door.address).await).await);
    assert!(is_served(Caller::connect(door.address).await).await);
    assert!(begun.elapsed() >= TENTH, "{:?}", begun.elapsed());
    assert!(door.figures.delayed.get() > 0);
    assert_eq!(door.figures.cuts(Cut::Arrivals), 0);
}

#[tokio::test]
async fn who_would_wait_too_long_is_closed_and_other_addresses_are_served() {
    let limits = Limits {
        connections_per_address_per_second: 1,
        connections_per_address_burst: 1,
        handshake_deadline: TENTH,
        ..limits()
    };
    let door = callers::open(&limits).await;
    assert!(is_served(Caller::connect(door.address).await).await);
    assert!(Caller::connect(door.address).await.is_closed().await);
    assert_eq!(door.figures.cuts(Cut::Arrivals), 1);
    assert!(is_served(neighbour(door.address).await).await);
}

#[tokio::test]
async fn a_flood_is_paid_for_by_its_address_and_by_no_other() {
    let limits = Limits { flood_price_connections: 100_000, handshake_deadline: TENTH, ..limits() };
    let limits = Limits {
        connections_per_address_per_second: 10,
        connections_per_address_burst: 10,
        ..limits
    };
    let door = callers::open(&limits).await;
    let mut flooder = Caller::connect(door.address).await;
    flooder.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    flooder.say(&"\0\0\0\x04\0\0\0\0\0".repeat(2_000)).await;
    until("cut", || door.figures.cuts(Cut::SettingsFlood) == 1).await;
    assert!(Caller::connect(door.address).await.is_closed().await);
    assert_eq!(door.figures.cuts(Cut::Arrivals), 1);
    assert!(is_served(neighbour(door.address).await).await);
}

#[tokio::test]
async fn who_asks_in_vain_too_often_waits_for_the_refusals_and_for_nothing_else() {
    let limits =
        Limits { refusals_per_address_per_second: 10, refusals_per_address_burst: 1, ..limits() };
    let door = callers::open(&limits).await;
    assert!(refused(&door).await.0.contains("caller.too_large"));
    assert_eq!(door.figures.held.get(), 0, "the first is answered at once");
    let (head, took) = refused(&door).await;
    assert!(head.contains("caller.too_large") && took < limits.linger_deadline, "{took:?}");
    assert!(door.figures.held.get() == 1, "the second is held back");
    assert!(is_served(Caller::connect(door.address).await).await);
    assert_eq!(door.figures.held.get(), 1, "who asks well is not");
}

#[tokio::test]
async fn who_asks_in_vain_without_end_is_answered_late_and_pays_as_for_a_flood() {
    let limits = Limits {
        refusals_per_address_per_second: 1,
        refusals_per_address_burst: 1,
        linger_deadline: TENTH,
        connections_per_address_per_second: 1,
        connections_per_address_burst: 3,
        flood_price_connections: 100,
        handshake_deadline: TENTH,
        ..limits()
    };
    let door = callers::open(&limits).await;
    refused(&door).await;
    let (head, took) = refused(&door).await;
    assert!(head.contains("connection: close") && took >= TENTH, "{head} {took:?}");
    assert_eq!(door.figures.cuts(Cut::Refusals), 1);
    assert!(Caller::connect(door.address).await.is_closed().await);
    assert!(is_served(neighbour(door.address).await).await);
}
