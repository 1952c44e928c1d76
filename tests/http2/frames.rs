//! Frames, stream states, settings, windows, padding and HPACK that break a rule, one row a case.

use super::wire::*;

const GO: Expected = Expected::GoAway(&[PROTOCOL_ERROR]);
const SIZE: Expected = Expected::GoAway(&[FRAME_SIZE_ERROR]);
const CLOSED: Expected = Expected::GoAway(&[STREAM_CLOSED, PROTOCOL_ERROR]);

fn setting(id: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[id.to_be_bytes().as_slice(), &value.to_be_bytes()].concat())
}

fn window(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

/// A request whose body has still to come.
fn open() -> Vec<u8> {
    headers(1, 0, &head(&[]))
}

fn after(first: Vec<u8>, second: Vec<u8>) -> Vec<u8> {
    [first, second].concat()
}

#[tokio::test]
async fn a_frame_that_has_no_place_ends_the_connection() {
    hold(vec![
        ("HEADERS on stream 0", headers(0, END_STREAM, &head(&[])), GO),
        ("DATA on stream 0", frame(DATA, 0, 0, b"x"), GO),
        ("an even stream", request(2), GO),
        ("an older stream", after(after(open(), request(5)), request(3)), CLOSED),
        ("DATA on an idle stream", frame(DATA, 0, 1, b"x"), GO),
        ("RST_STREAM on an idle stream", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), GO),
        ("RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, &[0, 0, 0, 8]), GO),
        ("WINDOW_UPDATE on an idle stream", window(1, 1), GO),
        ("PUSH_PROMISE of a caller", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]), GO),
        ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, b""), GO),
        (
            "DATA amid a head",
            after(frame(HEADERS, 0, 1, &head(&[])), frame(DATA, END_STREAM, 1, b"x")),
            GO,
        ),
        (
            "CONTINUATION of another stream",
            after(frame(HEADERS, 0, 1, &head(&[])), frame(CONTINUATION, END_HEADERS, 3, b"")),
            GO,
        ),
        ("SETTINGS on a stream", frame(SETTINGS, 0, 1, b""), GO),
        ("PING on a stream", frame(PING, 0, 1, &[0; 8]), GO),
        ("GOAWAY on a stream", frame(GOAWAY, 0, 1, &[0; 8]), GO),
        ("PRIORITY on stream 0", frame(PRIORITY, 0, 0, &[0, 0, 0, 3, 0]), GO),
    ])
    .await;
}

#[tokio::test]
async fn a_frame_of_a_wrong_size_ends_the_connection() {
    let lying = |kind, stream| vec![0, 0x40, 1, kind, 0, 0, 0, 0, stream];
    hold(vec![
        ("DATA larger than allowed", after(open(), lying(DATA, 1)), SIZE),
        ("HEADERS larger than allowed", lying(HEADERS, 1), SIZE),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5]), SIZE),
        ("SETTINGS acknowledged with a payload", frame(SETTINGS, ACK, 0, &[0; 6]), SIZE),
        ("PING of 7 bytes", frame(PING, 0, 0, &[0; 7]), SIZE),
        ("WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3]), SIZE),
        ("RST_STREAM of 3 bytes", after(open(), frame(RST_STREAM, 0, 1, &[0; 3])), SIZE),
        (
            "PRIORITY of 4 bytes",
            frame(PRIORITY, 0, 1, &[0; 4]),
            Expected::Reset(&[FRAME_SIZE_ERROR]),
        ),
        ("GOAWAY of 4 bytes", frame(GOAWAY, 0, 0, &[0; 4]), SIZE),
        ("HEADERS with more padding than bytes", frame(HEADERS, PADDED | 5, 1, &[200, 0]), GO),
        (
            "DATA with more padding than bytes",
            after(open(), frame(DATA, PADDED, 1, &[3, 0, 0])),
            GO,
        ),
    ])
    .await;
}

#[tokio::test]
async fn settings_and_windows_beyond_their_bounds_are_refused() {
    const FLOW: Expected = Expected::GoAway(&[FLOW_CONTROL_ERROR, PROTOCOL_ERROR]);
    hold(vec![
        ("ENABLE_PUSH = 2", setting(2, 2), GO),
        ("INITIAL_WINDOW_SIZE = 2^31", setting(4, 1 << 31), FLOW),
        ("MAX_FRAME_SIZE = 1", setting(5, 1), GO),
        ("MAX_FRAME_SIZE = 2^24", setting(5, 1 << 24), GO),
        ("a window of the connection that grows by 0", window(0, 0), GO),
        (
            "a window of a stream that grows by 0",
            after(open(), window(1, 0)),
            Expected::Reset(&[PROTOCOL_ERROR]),
        ),
        ("a window of the connection beyond 2^31 - 1", window(0, 0x7fff_ffff), FLOW),
        (
            "a window of a stream beyond 2^31 - 1",
            after(open(), window(1, 0x7fff_ffff)),
            Expected::Reset(&[FLOW_CONTROL_ERROR]),
        ),
        (
            "a window changed by settings beyond 2^31 - 1",
            after(after(open(), window(1, 0x7fff_0000)), setting(4, 0x7fff_ffff)),
            Expected::Reset(&[FLOW_CONTROL_ERROR]),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_frame_for_a_stream_that_is_over_is_refused() {
    const OVER: Expected = Expected::Reset(&[STREAM_CLOSED, PROTOCOL_ERROR]);
    // The path `/wait` keeps the answer away, so that only the mistake is answered.
    let waiting = || headers(1, END_STREAM, &head(&[(":path", "/wait")]));
    let door = super::callers::open(&super::house::limits()).await;
    for (name, more) in [
        ("DATA after the end", frame(DATA, END_STREAM, 1, b"x")),
        ("HEADERS after the end", request(1)),
    ] {
        let mut peer = Peer::greeted(door.address).await;
        peer.say(&after(waiting(), more)).await;
        let told = peer.until(|said| matches!(said, Said::Reset(1, _) | Said::GoAway(_))).await;
        let Some(Said::Reset(1, code) | Said::GoAway(code)) = told.last() else {
            panic!("{name}: {told:?}")
        };
        let Expected::Reset(codes) = OVER else { panic!("a reset") };
        assert!(codes.contains(code), "{name}: {told:?}");
        healthy(&door, name).await;
    }
}

#[tokio::test]
async fn a_head_that_hpack_cannot_read_ends_the_connection() {
    // h2 names the general code where RFC 9113 §4.3 has one of its own.
    const HPACK: Expected = Expected::GoAway(&[COMPRESSION_ERROR, PROTOCOL_ERROR]);
    let raw = |bytes: &[u8]| headers(1, END_STREAM, bytes);
    hold(vec![
        ("index 0", raw(&[0x80]), HPACK),
        ("an index beyond both tables", raw(&[0xff, 0x80, 0x01]), HPACK),
        ("an index without end", raw(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), HPACK),
        ("a name longer than the block", raw(&[0, 0x7f, 0x20, b'a']), HPACK),
        ("a value longer than the block", raw(&[0, 1, b'a', 9, b'b']), HPACK),
        ("Huffman padding of zeros", raw(&[0, 0x81, 0x00, 1, b'b']), HPACK),
        ("Huffman with the end mark", raw(&[0, 0x84, 0xff, 0xff, 0xff, 0xff, 1, b'b']), HPACK),
        ("a table larger than allowed", raw(&[0x3f, 0xff, 0xff, 0x03]), HPACK),
        (
            "a block that breaks off, then another head",
            after(raw(&[0x40, 5, b'x']), request(3)),
            HPACK,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_odd_but_legal_is_answered() {
    const OK: Expected = Expected::Status("200");
    let half = head(&[]).len() / 2;
    let split = |at: usize| {
        let (first, last) = (head(&[])[..at].to_vec(), head(&[])[at..].to_vec());
        after(frame(HEADERS, END_STREAM, 1, &first), frame(CONTINUATION, END_HEADERS, 1, &last))
    };
    hold(vec![
        ("a frame of an unknown kind", after(frame(0x77, 0xff, 0, b"grease"), request(1)), OK),
        ("an unknown setting", after(setting(0x3a3a, 7), request(1)), OK),
        ("PRIORITY of an idle stream", after(frame(PRIORITY, 0, 1, &[0; 5]), request(1)), OK),
        ("a head in two frames", split(half), OK),
        ("a head cut amid its first byte's string", split(1), OK),
        (
            "a table made smaller at the head's start",
            headers(1, END_STREAM, &after(vec![0x20], head(&[]))),
            OK,
        ),
        ("padding", after(open(), frame(DATA, PADDED | 1, 1, &[2, b'x', 0, 0])), OK),
        (
            "a head with padding and priority",
            headers(
                1,
                END_STREAM | PADDED | 0x20,
                &after(after(vec![1, 0, 0, 0, 0, 15], head(&[])), vec![0]),
            ),
            OK,
        ),
        (
            "an empty DATA before the last",
            after(open(), after(frame(DATA, 0, 1, b""), frame(DATA, 1, 1, b""))),
            OK,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_does_not_begin_with_settings_is_not_http2() {
    let door = super::callers::open(&super::house::limits()).await;
    let mut peer = Peer::connect(door.address).await;
    peer.say(&[PREFACE, &request(1)].concat()).await;
    let told = peer.until(|said| matches!(said, Said::GoAway(_))).await;
    assert_eq!(told.last(), Some(&Said::GoAway(PROTOCOL_ERROR)), "{told:?}");
    let mut peer = Peer::connect(door.address).await;
    peer.say(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    let told = peer.until(|said| *said == Said::Settings).await;
    assert!(!told.contains(&Said::Settings), "{told:?}");
    healthy(&door, "both").await;
}
