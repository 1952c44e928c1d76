//! Agencies that follow a script, byte by byte.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What a scripted agency saw.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    pub requests: AtomicUsize,
    pub open: AtomicUsize,
    pub open_most: AtomicUsize,
}

impl Seen {
    pub fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

/// An address that refuses connections, and that nobody else gets while the socket is held.
pub fn closed() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// One connection to a scripted agency.
pub struct Visitor {
    pub socket: TcpStream,
    /// Which connection it is, from 1.
    pub number: usize,
    seen: Arc<Seen>,
    unread: Vec<u8>,
}

impl Visitor {
    /// Reads one request with its body; `None` when the other side closed.
    pub async fn request(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.unread[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse::<usize>().unwrap());
                if self.unread.len() >= end + 4 + length {
                    let request: Vec<u8> = self.unread.drain(..end + 4 + length).collect();
                    self.seen.requests.fetch_add(1, Ordering::SeqCst);
                    return Some(String::from_utf8(request).unwrap());
                }
            }
            let mut buffer = [0; 64 * 1024];
            match self.socket.read(&mut buffer).await {
                Ok(bytes @ 1..) => self.unread.extend_from_slice(&buffer[..bytes]),
                _ => return None,
            }
        }
    }

    /// Writes raw bytes; false where the other side has gone.
    pub async fn say(&mut self, bytes: &str) -> bool {
        self.socket.write_all(bytes.as_bytes()).await.is_ok()
    }

    /// A plain 200 with this body.
    pub async fn answer(&mut self, body: &str) {
        let length = body.len();
        self.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    }

    /// Answers every request until the other side closes.
    pub async fn serve(&mut self) {
        while self.request().await.is_some() {
            self.answer("served").await;
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.seen.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Starts an agency; `script` plays each connection.
pub async fn start<F, W>(script: F) -> (SocketAddr, Arc<Seen>)
where
    F: Fn(Visitor) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let counts = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let number = counts.connections.fetch_add(1, Ordering::SeqCst) + 1;
            let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
            counts.open_most.fetch_max(open, Ordering::SeqCst);
            let seen = Arc::clone(&counts);
            tokio::spawn(script(Visitor { socket, number, seen, unread: Vec::new() }));
        }
    });
    (address, seen)
}
