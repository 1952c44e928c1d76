//! Time and bytes on HTTP/2: each request has its own deadlines, and one that is cut costs no other.

use super::callers;
use super::house::{self, limits, until};
use super::wire::*;
use qaqpa::config::settings::Limits;
use qaqpa::proxy::listener::{BodyError, Cut, Drained};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_caller_that_says_nothing_or_half_a_head_is_cut_at_the_heads_deadline() {
    let door = callers::open(&Limits { head_deadline: SHORT, ..limits() }).await;
    let silent = [PREFACE.to_vec(), PREFACE[..10].to_vec(), b"PRI".to_vec()];
    let half_a_head = [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, 0, 1, b"")].concat();
    let half_a_frame = [PREFACE, &frame(SETTINGS, 0, 0, b""), &[0, 0]].concat();
    let mut count = 0;
    for bytes in silent.into_iter().chain([half_a_head, half_a_frame]) {
        let begun = Instant::now();
        let mut peer = Peer::connect(door.address).await;
        peer.say(&bytes).await;
        peer.until(|_| false).await;
        count += 1;
        assert!((SHORT..SHORT * 6).contains(&begun.elapsed()), "{count}: {:?}", begun.elapsed());
        until("counted", || door.figures.cuts(Cut::Head) == count).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_however_much_it_pings() {
    let door = callers::open(&Limits { idle_deadline: SHORT, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&request(1)).await;
    assert!(peer.answer(1).await.is_some());
    let begun = Instant::now();
    for turn in 0.. {
        if turn < 100 {
            peer.say(&frame(PING, 0, 0, &[1; 8])).await;
        }
        let told = peer.until(|said| matches!(said, Said::Ping(_) | Said::GoAway(_))).await;
        if told.last() == Some(&Said::GoAway(NO_ERROR)) {
            break;
        }
        assert!(begun.elapsed() < SHORT * 20, "{told:?}");
    }
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    until("closed", || door.figures.connections.get() == 0).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_refused_and_its_neighbour_answered() {
    let limits = Limits { body_grace: SHORT, body_bytes_per_second_min: 1_000_000, ..limits() };
    let door = callers::open(&limits).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&[headers(1, 0, &head(&[])), frame(DATA, 0, 1, b"slow")].concat()).await;
    peer.say(&request(3)).await;
    let told = peer.until(|said| matches!(said, Said::Reset(1, _))).await;
    assert!(told.contains(&Said::Status(1, "408".to_owned())), "{told:?}");
    assert!(told.contains(&Said::Status(3, "200".to_owned())), "{told:?}");
    assert_eq!(told.last(), Some(&Said::Reset(1, NO_ERROR)), "the answer first: {told:?}");
    assert_eq!(door.figures.bodies_refused(BodyError::TooSlow), 1);
    peer.say(&request(5)).await;
    assert_eq!(peer.answer(5).await.unwrap().0, "200", "the connection lives");
}

#[tokio::test]
async fn a_body_too_large_is_refused_while_it_is_sent_and_the_connection_lives() {
    let door = callers::open(&Limits { body_bytes_max: 10_000, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    let body = frame(DATA, 0, 1, &[b'x'; 8_000]);
    peer.say(&[headers(1, 0, &head(&[])), body.repeat(3)].concat()).await;
    let told = peer.until(|said| matches!(said, Said::Reset(1, _))).await;
    assert!(told.contains(&Said::Status(1, "413".to_owned())), "{told:?}");
    assert_eq!(told.last(), Some(&Said::Reset(1, NO_ERROR)), "{told:?}");
    peer.say(&[body.repeat(3), request(3)].concat()).await;
    assert_eq!(peer.answer(3).await.unwrap().0, "200");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_taken_back_and_its_neighbour_answered() {
    let door = callers::open(&Limits { write_deadline: SHORT, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let large = headers(1, END_STREAM, &head(&[(":path", "/large")]));
    peer.say(&[no_window, large].concat()).await;
    let told = peer.until(|said| matches!(said, Said::Reset(1, _) | Said::GoAway(_))).await;
    assert_eq!(told.last(), Some(&Said::Reset(1, CANCEL)), "{told:?}");
    assert_eq!(door.figures.cuts(Cut::Write), 1);
    peer.say(&[frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]), request(3)].concat()).await;
    assert_eq!(peer.answer(3).await.unwrap().0, "200");
}

#[tokio::test]
async fn an_answer_whose_last_frame_is_never_taken_ends_its_connection() {
    let door = callers::open(&Limits { write_deadline: SHORT, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    // hyper gives its last frame away as soon as the window has room for a byte of it.
    let window_of_one = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]);
    door.echo.go.0.add_permits(1);
    let waits = headers(1, END_STREAM, &head(&[(":path", "/wait")]));
    peer.say(&[window_of_one, waits].concat()).await;
    let begun = Instant::now();
    peer.until(|said| matches!(said, Said::Status(1, _))).await;
    until("given up", || door.figures.connections.get() == 0).await;
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    assert_eq!(door.figures.cuts(Cut::Write), 1);
    assert_eq!(door.figures.unsent_bytes.get(), 0);
    healthy(&door, "a caller that stopped").await;
}

#[tokio::test]
async fn a_caller_that_reads_nothing_at_all_is_cut() {
    let door = callers::open(&Limits { write_deadline: SHORT, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    let windows = [
        frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]),
        frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]),
        headers(1, END_STREAM, &head(&[(":path", "/large")])),
    ];
    peer.say(&windows.concat()).await;
    until("served", || door.echo.finished.load(Ordering::SeqCst) == 1).await;
    until("given up", || door.figures.connections.get() == 0).await;
    assert!(door.figures.cuts(Cut::Write) >= 1);
}

#[tokio::test]
async fn a_request_taken_back_does_not_undo_its_call() {
    let door = callers::open(&limits()).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&headers(1, END_STREAM, &head(&[(":path", "/wait")]))).await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    peer.say(&frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes())).await;
    peer.say(&frame(PING, 0, 0, &[1; 8])).await;
    peer.until(|said| matches!(said, Said::Ping(_))).await;
    door.echo.go.0.add_permits(1);
    until("finished", || door.echo.finished.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn draining_answers_what_began_and_takes_nothing_new() {
    let door = callers::open(&limits()).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&headers(1, END_STREAM, &head(&[(":path", "/wait")]))).await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 1).await;
    door.drain.send(true).unwrap();
    let told = peer.until(|said| matches!(said, Said::GoAway(_))).await;
    assert_eq!(told.last(), Some(&Said::GoAway(NO_ERROR)), "{told:?}");
    door.echo.go.0.add_permits(1);
    assert_eq!(peer.answer(1).await.unwrap().1, b"waited");
    drop(peer);
    let drained = door.served.await.unwrap();
    assert_eq!(drained, Drained { calls_cut: 0, connections_cut: 0 });
}

#[tokio::test]
async fn a_streamed_body_comes_back_frame_by_frame_and_ends_with_its_caller() {
    let door = callers::open(&limits()).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&headers(1, 0, &head(&[(":path", "/stream/echo")]))).await;
    for piece in ["one", "two"] {
        peer.say(&frame(DATA, 0, 1, piece.as_bytes())).await;
        let told = peer.until(|said| matches!(said, Said::Data(..))).await;
        assert_eq!(told.last(), Some(&Said::Data(1, piece.into())), "{told:?}");
    }
    peer.say(&frame(DATA, END_STREAM, 1, b"")).await;
    peer.until(|said| *said == Said::End(1)).await;

    peer.say(&headers(3, 0, &head(&[(":path", "/stream/sink")]))).await;
    until("begun", || door.echo.begun.load(Ordering::SeqCst) == 2).await;
    drop(peer);
    until("told", || *door.echo.last_stream.lock().unwrap() == Some(Err(BodyError::Gone))).await;
}

#[tokio::test]
async fn http2_is_not_spoken_where_it_is_switched_off() {
    let listener = house::listener(qaqpa::config::settings::TlsMode::Off);
    let listener = qaqpa::config::settings::Listener { http2: false, ..listener };
    let door = callers::open_with(&listener, &limits(), None).await;
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&request(1)).await;
    let told = peer.until(|said| *said == Said::Settings).await;
    assert!(!told.contains(&Said::Settings), "{told:?}");
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0);
}
