//! The origin behind the proxies, which answers 2 KiB to everybody.

use super::Fallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of every answer, and of every body that is sent here.
pub(super) const BODY_BYTES: usize = 2048;

/// Starts the origin on this runtime.
pub(super) async fn start() -> Fallible<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let body = "x".repeat(BODY_BYTES);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY_BYTES}\r\n\r\n{body}");
    let mut unread = Vec::new();
    loop {
        while let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            // Every POST of the callers has a body of this one size.
            let length = if unread.starts_with(b"POST") { BODY_BYTES } else { 0 };
            if unread.len() < end + 4 + length {
                break;
            }
            unread.drain(..end + 4 + length);
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
        if stream.read_buf(&mut unread).await.ok()? == 0 {
            return None;
        }
    }
}
