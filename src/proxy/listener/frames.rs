//! Follows HTTP/2 frames on their way (RFC 9113 §4.1) and tells work from noise: what only floods is named.
//!
//! h2 keeps its own state and its own caps; this sees the same bytes from outside, keeps nine of them,
//! and neither allocates nor decides what a frame means.

use super::cut::Cut;
use std::time::{Duration, Instant};

/// What a caller says first, before any frame (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEAD_BYTES: usize = 9;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
/// Of a padded frame: a byte that says how long the padding is, and as much of it (RFC 9113 §6.1).
const PADDING_BYTES_MAX: usize = 256;

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
const PRIORITY: u8 = 0x2;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const WINDOW_UPDATE: u8 = 0x8;
const CONTINUATION: u8 = 0x9;

/// The nine bytes before each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl FrameHead {
    fn read(bytes: [u8; HEAD_BYTES]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        let length = usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        Self { length, kind, flags, stream }
    }

    /// What h2 does not judge, or judges by another name: the first frame (§3.4) and sizes (§4.2, §6).
    pub(super) fn offence(self, is_first: bool, bytes_max: u32) -> Option<ErrorCode> {
        let is_ack = self.flags & ACK != 0;
        if is_first && (self.kind != SETTINGS || is_ack) {
            return Some(ErrorCode::Protocol);
        }
        let is_sized = match self.kind {
            PRIORITY => self.length == 5,
            RST_STREAM | WINDOW_UPDATE => self.length == 4,
            SETTINGS => self.length.is_multiple_of(6) && !(is_ack && self.length > 0),
            PING => self.length == 8,
            GOAWAY => self.length >= 8,
            _ => true,
        };
        let is_sized = is_sized && self.length <= bytes_max as usize;
        (!is_sized).then_some(ErrorCode::FrameSize)
    }
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    /// Bytes of the payload, or of the preface, that are still to come.
    left_bytes: usize,
    /// A header block began and did not end: only CONTINUATION may follow.
    is_block_open: bool,
    /// What is under way, if anything is.
    kind: Option<u8>,
}

impl Frames {
    /// `preface_bytes` are let pass before the first frame.
    pub(super) fn new(preface_bytes: usize) -> Self {
        Self {
            head: [0; HEAD_BYTES],
            head_bytes: 0,
            left_bytes: preface_bytes,
            is_block_open: false,
            kind: (preface_bytes > 0).then_some(SETTINGS),
        }
    }

    /// Follows the next bytes and tells of each frame whose head they complete.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut seen: impl FnMut(FrameHead)) {
        while !bytes.is_empty() {
            if self.left_bytes > 0 {
                let passed = self.left_bytes.min(bytes.len());
                self.left_bytes -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
            } else {
                let wanted = (HEAD_BYTES - self.head_bytes).min(bytes.len());
                let (now, later) = bytes.split_at(wanted);
                if let Some(place) = self.head.get_mut(self.head_bytes..self.head_bytes + wanted) {
                    place.copy_from_slice(now);
                }
                (self.head_bytes, bytes) = (self.head_bytes + wanted, later);
                self.kind.get_or_insert(SETTINGS);
                if self.head_bytes == HEAD_BYTES {
                    let head = FrameHead::read(self.head);
                    self.head_bytes = 0;
                    self.left_bytes = head.length;
                    self.kind = Some(head.kind);
                    if matches!(head.kind, HEADERS | CONTINUATION) {
                        self.is_block_open = head.flags & END_HEADERS == 0;
                    }
                    seen(head);
                }
            }
            if self.left_bytes == 0 && self.head_bytes == 0 {
                self.kind = None;
            }
        }
    }

    /// Nothing is half said.
    pub(super) fn is_at_rest(&self) -> bool {
        self.kind.is_none() && !self.is_block_open
    }

    /// A header block began and did not end.
    pub(super) fn is_block_open(&self) -> bool {
        self.is_block_open
    }

    /// Something other than a body is half said: who says it must end it in time.
    pub(super) fn is_amid_head(&self) -> bool {
        self.is_block_open || self.kind.is_some_and(|kind| kind != DATA)
    }
}

/// How many frames without work a caller may still send.
///
/// Each costs one; answers earn some back, because whoever is answered must acknowledge windows, and
/// so does time, because a living connection pings.
#[derive(Debug)]
pub(super) struct Spare {
    left: u32,
    max: u32,
    refilled_at: Instant,
}

/// What each frame of an answer earns: a `WINDOW_UPDATE` for the stream and one for the connection.
const EARNED_PER_FRAME: u32 = 2;
/// The whole allowance comes back in this time.
const REFILL: Duration = Duration::from_secs(100);

impl Spare {
    pub(super) fn new(max: u32) -> Self {
        Self { left: max, max, refilled_at: Instant::now() }
    }

    /// A frame was sent to the caller.
    pub(super) fn earn(&mut self, head: FrameHead) {
        if matches!(head.kind, DATA | HEADERS) {
            self.left = self.left.saturating_add(EARNED_PER_FRAME).min(self.max);
        }
    }

    /// A frame came from the caller; says what it floods with where nothing is left.
    pub(super) fn charge(&mut self, head: FrameHead) -> Option<Cut> {
        let cut = match head.kind {
            // What is not longer than padding may be is taken for padding alone.
            DATA if head.length > PADDING_BYTES_MAX => return None,
            DATA if head.length > 0 && head.flags & PADDED == 0 => return None,
            DATA => Cut::EmptyDataFlood,
            HEADERS => Cut::HeadersFlood,
            PRIORITY => Cut::PriorityFlood,
            RST_STREAM => Cut::ResetFlood,
            SETTINGS => Cut::SettingsFlood,
            PING => Cut::PingFlood,
            WINDOW_UPDATE => Cut::WindowUpdateFlood,
            CONTINUATION => Cut::ContinuationFlood,
            _ => Cut::UnknownFrameFlood,
        };
        if self.left == 0 {
            let share = self.refilled_at.elapsed().as_secs_f64() / REFILL.as_secs_f64();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the allowance, at most all of it"
            )]
            let refill = (f64::from(self.max) * share.min(1.0)) as u32;
            if refill == 0 {
                return Some(cut);
            }
            (self.left, self.refilled_at) = (refill, Instant::now());
        }
        self.left -= 1;
        None
    }
}

/// Why a connection ends (RFC 9113 §7), as one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ErrorCode {
    Protocol = 0x1,
    FrameSize = 0x6,
    EnhanceYourCalm = 0xb,
}

/// `GOAWAY` (RFC 9113 §6.8): what came after `last_stream` was not looked at.
pub(super) fn go_away(last_stream: u32, code: ErrorCode) -> [u8; 17] {
    let [a, b, c, d] = last_stream.to_be_bytes();
    [0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, a, b, c, d, 0, 0, 0, code as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("a short payload");
        let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
        bytes.extend_from_slice(payload);
        bytes
    }

    fn kinds(bytes: &[u8], step: usize) -> Vec<(u8, usize)> {
        let mut frames = Frames::new(PREFACE.len());
        let mut seen = Vec::new();
        for piece in bytes.chunks(step) {
            frames.follow(piece, |head| seen.push((head.kind, head.length)));
        }
        assert!(frames.is_at_rest());
        seen
    }

    #[test]
    fn frames_are_told_alike_however_their_bytes_are_cut() {
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, b""));
        bytes.extend(frame(HEADERS, END_HEADERS, 1, b"block"));
        bytes.extend(frame(DATA, 1, 1, b"body of it"));
        let expected = [(SETTINGS, 0), (HEADERS, 5), (DATA, 10)];
        for step in 1..=bytes.len() {
            assert_eq!(kinds(&bytes, step), expected, "{step}");
        }
    }

    #[test]
    fn a_head_is_under_way_until_its_last_continuation() {
        let mut frames = Frames::new(0);
        for (bytes, is_amid) in [
            (frame(HEADERS, 0, 1, b"part"), true),
            (frame(CONTINUATION, 0, 1, b"more"), true),
            (frame(CONTINUATION, END_HEADERS, 1, b"last"), false),
            (vec![0, 0], true),
            (vec![9, DATA, 0, 0, 0, 0, 1, b'h', b'a'], false),
            (b"lf left".to_vec(), false),
        ] {
            frames.follow(&bytes, |_| {});
            assert_eq!(frames.is_amid_head(), is_amid, "{bytes:?}");
        }
        assert!(frames.is_at_rest());
    }

    #[test]
    fn noise_is_allowed_for_a_while_and_answers_earn_more() {
        let head = |kind, length| FrameHead { length, kind, flags: 0, stream: 1 };
        let mut spare = Spare::new(3);
        for _ in 0..3 {
            assert_eq!(spare.charge(head(PING, 8)), None);
        }
        assert_eq!(spare.charge(head(PING, 8)), Some(Cut::PingFlood));
        assert_eq!(spare.charge(head(DATA, 5)), None, "a body is no noise");
        spare.earn(head(HEADERS, 20));
        assert_eq!(spare.charge(head(WINDOW_UPDATE, 4)), None);
        assert_eq!(spare.charge(head(WINDOW_UPDATE, 4)), None);
        assert_eq!(spare.charge(head(DATA, 0)), Some(Cut::EmptyDataFlood));
        let padded = |length| FrameHead { flags: PADDED, ..head(DATA, length) };
        assert_eq!(spare.charge(padded(257)), None);
        assert_eq!(spare.charge(padded(256)), Some(Cut::EmptyDataFlood));
    }
}
