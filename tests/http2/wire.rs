//! Raw HTTP/2: frames written by hand, so that each rule can be broken, and a reader for what comes back.

use super::callers::{self, Opened};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const FRAME_SIZE_ERROR: u32 = 6;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const COMPRESSION_ERROR: u32 = 9;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// One frame; the length is what it says, so that it can be made to lie.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// An HPACK string, not compressed (RFC 7541 §5.2).
pub fn string(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if text.len() < 127 {
        bytes.push(text.len() as u8);
    } else {
        bytes.push(127);
        let mut left = text.len() - 127;
        while left >= 128 {
            bytes.push((left % 128) as u8 | 128);
            left /= 128;
        }
        bytes.push(left as u8);
    }
    bytes.extend(text);
    bytes
}

/// A field without indexing (RFC 7541 §6.2.2).
pub fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    [vec![0], string(name), string(value)].concat()
}

pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name.as_bytes(), value.as_bytes())).collect()
}

/// The head of a request that nothing is wrong with.
pub const GOOD: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/")];

/// The good head, with fields replaced (or left out where the value is `-`) and others appended.
pub fn head(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut fields: Vec<(&str, &str)> = GOOD.to_vec();
    for (name, value) in changes {
        match fields
            .iter()
            .position(|(known, _)| known == name && GOOD.contains(&(known, fields_of(known))))
        {
            Some(at) if *value == "-" => drop(fields.remove(at)),
            Some(at) => fields[at].1 = value,
            None => fields.push((name, value)),
        }
    }
    block(&fields)
}

fn fields_of(name: &str) -> &'static str {
    GOOD.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

/// HEADERS that end the head; `flags` may end the stream too.
pub fn headers(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags | END_HEADERS, stream, block)
}

/// A whole good request without a body.
pub fn request(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM, &head(&[]))
}

/// What a peer said, as far as tests care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Status(u32, String),
    Data(u32, Vec<u8>),
    End(u32),
    Reset(u32, u32),
    GoAway(u32),
    Ping(Vec<u8>),
    Settings,
    Window,
    /// An answer of HTTP/1.1.
    Http1(String),
    Closed,
}

/// A peer that writes what it is told.
pub struct Peer<S = TcpStream> {
    pub socket: S,
    unread: Vec<u8>,
    is_begun: bool,
    told: std::collections::VecDeque<Said>,
}

impl Peer {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connected, with preface and empty settings sent.
    pub async fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        peer.say(&[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).await;
        peer
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn over(socket: S) -> Self {
        Self { socket, unread: Vec::new(), is_begun: false, told: [].into() }
    }

    /// Writes; that the other side closed meanwhile shows when it is read.
    pub async fn say(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).await.is_ok()
    }

    pub async fn hear(&mut self) -> Said {
        loop {
            if let Some(said) = self.told.pop_front() {
                return said;
            }
            if !self.is_begun && self.unread.starts_with(b"HTTP/1.1 ") {
                let status = String::from_utf8_lossy(&self.unread[9..12]).into_owned();
                self.unread.clear();
                return Said::Http1(status);
            }
            if self.unread.len() >= 9 {
                let length =
                    u32::from_be_bytes([0, self.unread[0], self.unread[1], self.unread[2]]);
                if self.unread.len() >= 9 + length as usize {
                    let bytes: Vec<u8> = self.unread.drain(..9 + length as usize).collect();
                    self.is_begun = true;
                    self.read(&bytes);
                    continue;
                }
            }
            let mut buffer = [0; 64 * 1024];
            match self.socket.read(&mut buffer).await {
                Ok(bytes @ 1..) => self.unread.extend_from_slice(&buffer[..bytes]),
                _ => return Said::Closed,
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let stream = u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]);
        let payload = &bytes[9..];
        let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        self.told.extend(match bytes[3] {
            DATA => Some(Said::Data(stream, payload.to_vec())),
            HEADERS => Some(Said::Status(stream, status(payload))),
            RST_STREAM => Some(Said::Reset(stream, number(0))),
            SETTINGS => Some(Said::Settings),
            PING => Some(Said::Ping(payload.to_vec())),
            GOAWAY => Some(Said::GoAway(number(4))),
            WINDOW_UPDATE => Some(Said::Window),
            _ => None,
        });
        if matches!(bytes[3], DATA | HEADERS) && bytes[4] & END_STREAM != 0 {
            self.told.push_back(Said::End(stream));
        }
    }

    /// Everything up to what `is_last` knows, or to the close.
    pub async fn until(&mut self, is_last: impl Fn(&Said) -> bool) -> Vec<Said> {
        let mut all = Vec::new();
        loop {
            let said = self.hear().await;
            let is_over = said == Said::Closed || is_last(&said);
            all.push(said);
            if is_over {
                return all;
            }
        }
    }

    /// The status and body of the answer on `stream`; none where it was reset or closed first.
    pub async fn answer(&mut self, stream: u32) -> Option<(String, Vec<u8>)> {
        let all = self
            .until(|said| matches!(said, Said::End(of) | Said::Reset(of, _) if *of == stream))
            .await;
        let status = all.iter().find_map(|said| match said {
            Said::Status(of, status) if *of == stream => Some(status.clone()),
            _ => None,
        })?;
        let body = all.iter().filter_map(|said| match said {
            Said::Data(of, bytes) if *of == stream => Some(bytes.as_slice()),
            _ => None,
        });
        all.contains(&Said::End(stream)).then(|| (status, body.collect::<Vec<_>>().concat()))
    }
}

/// The status at the head of an answer's block: indexed, or a literal, plain or Huffman (RFC 7541).
fn status(block: &[u8]) -> String {
    let at = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap();
    match block[at] {
        byte @ 0x88..=0x8e => {
            ["200", "204", "206", "304", "400", "404", "500"][usize::from(byte - 0x88)].to_owned()
        }
        _ => {
            let length = usize::from(block[at + 1] & 0x7f);
            let text = &block[at + 2..at + 2 + length];
            if block[at + 1] & 0x80 == 0 {
                return String::from_utf8_lossy(text).into_owned();
            }
            let bits: String = text.iter().map(|byte| format!("{byte:08b}")).collect();
            let (mut digits, mut rest) = (String::new(), bits.as_str());
            while digits.len() < 3 {
                let digit = (0..10_u8).find(|digit| rest.starts_with(&huffman(*digit))).unwrap();
                rest = rest.split_at(huffman(digit).len()).1;
                digits.push(char::from(b'0' + digit));
            }
            digits
        }
    }
}

/// The code of a digit (RFC 7541, appendix B).
fn huffman(digit: u8) -> String {
    if digit < 3 { format!("{digit:05b}") } else { format!("{:06b}", 0x19 + digit - 3) }
}

/// What must come of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The connection ends with one of these codes.
    GoAway(&'static [u32]),
    /// The first request's stream is reset with one of these codes, or the connection ends so.
    Reset(&'static [u32]),
    /// The first request is answered so.
    Status(&'static str),
    /// The answer is one of HTTP/1.1.
    Http1(&'static str),
}

/// A name that says what is wrong, what is said after the preface and the settings, and what follows.
pub type Case = (&'static str, Vec<u8>, Expected);

/// Sends each case on a connection of its own; after each, a healthy request must be answered.
pub async fn hold(cases: Vec<Case>) {
    let door = callers::open(&super::house::limits()).await;
    let mut wrong = Vec::new();
    for (name, bytes, expected) in &cases {
        let before = door.echo.begun.load(Ordering::SeqCst);
        let mut peer = Peer::greeted(door.address).await;
        peer.say(bytes).await;
        let told = peer
            .until(|said| {
                matches!(said, Said::GoAway(_) | Said::Reset(1, _) | Said::End(1) | Said::Http1(_))
            })
            .await;
        let is_as_expected = match expected {
            Expected::GoAway(codes) => {
                matches!(told.last(), Some(Said::GoAway(code)) if codes.contains(code))
            }
            Expected::Reset(codes) => matches!(
                told.last(),
                Some(Said::Reset(1, code) | Said::GoAway(code)) if codes.contains(code)
            ),
            Expected::Status(status) => {
                told.contains(&Said::Status(1, (*status).to_owned()))
                    && told.last() == Some(&Said::End(1))
            }
            Expected::Http1(status) => told.last() == Some(&Said::Http1((*status).to_owned())),
        };
        let reached = door.echo.begun.load(Ordering::SeqCst) - before;
        let may_reach = usize::from(*expected == Expected::Status("200"));
        if !is_as_expected || reached != may_reach {
            wrong.push(format!("{name}: {expected:?}, but {told:?}; reached {reached}"));
        }
        healthy(&door, name).await;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A fresh connection is served as if nothing had happened.
pub async fn healthy(door: &Opened, after: &str) {
    let mut peer = Peer::greeted(door.address).await;
    peer.say(&[headers(1, 0, &head(&[])), frame(DATA, END_STREAM, 1, b"well")].concat()).await;
    assert_eq!(peer.answer(1).await, Some(("200".to_owned(), b"well".to_vec())), "after {after}");
}
