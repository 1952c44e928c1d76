//! A door with a simple house behind it, and callers that write raw bytes.

use super::house;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::http::request::Parts;
use qaqpa::config::settings::{Limits, Listener};
use qaqpa::ops::metrics::{DoorFigures, Metrics};
use qaqpa::proxy::listener::{
    AnswerBody, Arriving, BodyError, Door, Drained, Handler, Intake, Peer, Received,
};
use qaqpa::proxy::tls::ServerTls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// Echoes; `/wait` waits for a permit, `/panic` panics, `/large` answers more than a socket holds.
#[derive(Default)]
pub struct Echo {
    pub begun: AtomicUsize,
    pub finished: AtomicUsize,
    pub go: Arc<WaitGate>,
    pub is_swamped: AtomicBool,
    pub last_peer: std::sync::Mutex<Option<Vec<u8>>>,
    /// How the last streamed body ended: its bytes, or why it did not come whole.
    pub last_stream: std::sync::Mutex<Option<Result<usize, BodyError>>>,
}

pub struct WaitGate(pub Semaphore);

impl Default for WaitGate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Handler for Echo {
    fn intake(&self, head: &Parts) -> Intake {
        if head.uri.path().starts_with("/stream") { Intake::Stream } else { Intake::Whole }
    }

    async fn relay(&self, mut arriving: Arriving) -> Response<AnswerBody> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match arriving.uri.path() {
            "/stream/echo" => Response::new(AnswerBody::stream(arriving.body)),
            "/stream/early" => Response::new(Bytes::from_static(b"early").into()),
            _ => {
                let (mut bytes, mut error) = (0, None);
                while let Some(frame) = arriving.body.frame().await {
                    match frame {
                        Ok(frame) => bytes += frame.into_data().map_or(0, |data| data.len()),
                        Err(cause) => error = Some(cause),
                    }
                }
                *self.last_stream.lock().unwrap() = Some(error.map_or(Ok(bytes), Err));
                self.finished.fetch_add(1, Ordering::SeqCst);
                Response::new(bytes.to_string().into())
            }
        }
    }

    fn is_swamped(&self) -> bool {
        self.is_swamped.load(Ordering::SeqCst)
    }

    fn owner(&self, _: &Peer, _: i64) -> Option<Arc<str>> {
        Some("owner".into())
    }

    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let peer = received.peer.as_ref().map(|peer| peer.certificate.to_vec());
        *self.last_peer.lock().unwrap() = peer;
        let body = match received.uri.path() {
            "/wait" => {
                self.go.0.acquire().await.unwrap().forget();
                Bytes::from_static(b"waited")
            }
            "/panic" => panic!("a bug"),
            "/large" => Bytes::from(vec![b'x'; 32 * 1024 * 1024]),
            _ => received.body,
        };
        self.finished.fetch_add(1, Ordering::SeqCst);
        Response::new(AnswerBody::from(body))
    }
}

/// An open door.
pub struct Opened {
    pub address: SocketAddr,
    pub echo: Arc<Echo>,
    pub figures: DoorFigures,
    pub drain: watch::Sender<bool>,
    pub served: JoinHandle<Drained>,
}

pub async fn open(limits: &Limits) -> Opened {
    open_with(&house::listener(qaqpa::config::settings::TlsMode::Off), limits, None).await
}

pub async fn open_with(
    listener: &Listener,
    limits: &Limits,
    tls: Option<Arc<ServerTls>>,
) -> Opened {
    let settings = house::settings(
        house::agency("http://127.0.0.1:1"),
        house::participant(house::quota(1, 1, 1)),
    );
    let figures = Metrics::new(&settings, &[]).unwrap().callers;
    let door = Door::bind(listener, limits, tls, figures.clone()).await.unwrap();
    let (drain, draining) = watch::channel(false);
    let (address, echo) = (door.address(), Arc::new(Echo::default()));
    let served = tokio::spawn(door.serve(Arc::clone(&echo), draining));
    Opened { address, echo, figures, drain, served }
}

/// A caller that writes what it is told.
pub struct Caller<S = TcpStream> {
    pub socket: S,
    unread: Vec<u8>,
}

impl Caller {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    pub fn over(socket: S) -> Self {
        Self { socket, unread: Vec::new() }
    }

    pub async fn say(&mut self, bytes: &str) {
        self.socket.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// `POST path` with a body.
    pub async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
        self.say(&(head + body)).await;
    }

    /// One answer: status line with headers, and body; `None` when the connection was closed first.
    pub async fn answer(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.unread[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse::<usize>().unwrap());
                if self.unread.len() >= end + 4 + length {
                    let all: Vec<u8> = self.unread.drain(..end + 4 + length).collect();
                    return Some((head, String::from_utf8(all[end + 4..].to_vec()).unwrap()));
                }
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// Whether the other side closes, without a byte more, before the test's patience ends.
    pub async fn is_closed(&mut self) -> bool {
        !self.read().await && self.unread.is_empty()
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.socket.read(&mut buffer).await {
            Ok(bytes @ 1..) => {
                self.unread.extend_from_slice(&buffer[..bytes]);
                true
            }
            _ => false,
        }
    }
}
