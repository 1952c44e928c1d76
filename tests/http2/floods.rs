//! A connection that only floods is told to calm down, ended, and counted by what it floods with.

use super::callers;
use super::house::{limits, until};
use super::wire::*;
use qaqpa::config::settings::{Http2, Limits};
use qaqpa::proxy::listener::Cut;
use std::sync::atomic::Ordering;

/// What is said first, what is said again and again, and how the connection's end may be counted: by
/// what it floods with, or by a cap of h2 that was nearer.
type Flood = (&'static str, Vec<u8>, Vec<u8>, &'static [Cut]);

fn floods() -> Vec<Flood> {
    let open = headers(1, 0, &head(&[]));
    let window = |stream| frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1]);
    vec![
        ("pings", vec![], frame(PING, 0, 0, &[0; 8]), &[Cut::PingFlood]),
        ("acknowledged pings", vec![], frame(PING, ACK, 0, &[0; 8]), &[Cut::PingFlood]),
        ("settings", vec![], frame(SETTINGS, 0, 0, b""), &[Cut::SettingsFlood]),
        (
            "changed settings",
            vec![],
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9]),
            &[Cut::SettingsFlood],
        ),
        ("empty bodies", open.clone(), frame(DATA, 0, 1, b""), &[Cut::EmptyDataFlood, Cut::Http2]),
        (
            "padding alone",
            open.clone(),
            frame(DATA, PADDED, 1, &[1, 0]),
            &[Cut::EmptyDataFlood, Cut::Http2, Cut::WindowUpdateFlood],
        ),
        (
            "parts of a head",
            frame(HEADERS, 0, 1, b""),
            frame(CONTINUATION, 0, 1, b""),
            &[Cut::ContinuationFlood, Cut::Http2],
        ),
        ("windows", open, window(1), &[Cut::WindowUpdateFlood]),
        ("windows of the connection", vec![], window(0), &[Cut::WindowUpdateFlood]),
        ("priorities", vec![], frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]), &[Cut::PriorityFlood]),
        ("frames of no kind", vec![], frame(0x77, 0, 0, b"x"), &[Cut::UnknownFrameFlood]),
    ]
}

#[tokio::test]
async fn a_connection_that_only_floods_is_ended_and_counted_by_its_noise() {
    let http2 = Http2 { spare_frames_max: 200, ..limits().http2 };
    let door = callers::open(&Limits { http2, ..limits() }).await;
    for (name, first, again, cuts) in floods() {
        let count = || cuts.iter().map(|cut| door.figures.cuts(*cut)).sum::<u64>();
        let before = count();
        let mut peer = Peer::greeted(door.address).await;
        peer.say(&[first, again.repeat(100)].concat()).await;
        while peer.say(&again.repeat(100)).await && count() == before {
            super::house::settle().await;
        }
        let told = peer.until(|said| matches!(said, Said::GoAway(_))).await;
        assert_eq!(told.last(), Some(&Said::GoAway(ENHANCE_YOUR_CALM)), "{name}: {told:?}");
        until(name, || count() == before + 1).await;
        healthy(&door, name).await;
    }
}

#[tokio::test]
async fn requests_taken_back_at_once_end_the_connection() {
    for (name, mistake) in [
        ("rapid reset", frame(RST_STREAM, 0, 0, &[0, 0, 0, 8])),
        // The caller errs so that the gateway resets: "made you reset".
        ("made to reset", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
    ] {
        let door = callers::open(&limits()).await;
        let mut peer = Peer::greeted(door.address).await;
        let mut stream = 1_u32;
        let ended = || {
            [Cut::Http2, Cut::ResetFlood, Cut::HeadersFlood, Cut::WindowUpdateFlood]
                .iter()
                .map(|cut| door.figures.cuts(*cut))
                .sum::<u64>()
        };
        while ended() == 0 && stream < 20_000 {
            let mut bytes = Vec::new();
            for _ in 0..50 {
                let mut taken_back = mistake.clone();
                taken_back[5..9].copy_from_slice(&stream.to_be_bytes());
                bytes.extend(headers(stream, 0, &head(&[(":path", "/wait")])));
                bytes.extend(taken_back);
                stream += 2;
            }
            if !peer.say(&bytes).await {
                break;
            }
            super::house::settle().await;
        }
        let told = peer.until(|said| matches!(said, Said::GoAway(_))).await;
        assert_eq!(told.last(), Some(&Said::GoAway(ENHANCE_YOUR_CALM)), "{name}: {told:?}");
        until(name, || ended() == 1).await;
        assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0, "{name}: no body was whole");
        healthy(&door, name).await;
    }
}

#[tokio::test]
async fn a_caller_that_asks_much_and_reads_it_all_is_no_flood() {
    let http2 = Http2 { spare_frames_max: 200, ..limits().http2 };
    let door = callers::open(&Limits { http2, ..limits() }).await;
    let mut peer = Peer::greeted(door.address).await;
    for turn in 0..2_000 {
        let stream = 2 * turn + 1;
        let window = [frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 4]), request(stream)].concat();
        peer.say(&window).await;
        assert!(peer.answer(stream).await.is_some(), "{turn}");
    }
}
