//! An agency that fails in fourteen ways, one a connection, in turn.

use super::Fallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Longer than anybody waits here.
const LONG: Duration = Duration::from_secs(30);

/// Starts it on this runtime.
pub(super) async fn start() -> Fallible<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let mut number = 0_u32;
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(fail(stream, number % 14));
            number += 1;
        }
    });
    Ok(address)
}

async fn fail(mut stream: TcpStream, way: u32) -> Option<()> {
    if way == 0 {
        // Nothing is read, nothing said.
        sleep(LONG).await;
    }
    if way == 1 {
        return None;
    }
    let mut buffer = [0; 4096];
    if stream.read(&mut buffer).await.ok()? == 0 {
        return None;
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    match way {
        2 => sleep(LONG).await,
        3 => {}
        4 => stream.set_zero_linger().ok()?,
        5 => stream.write_all(b"\x00\x01\xff nonsense\r\n\r\n").await.ok()?,
        6 => stream.write_all(b"HTTP/1.1 200 O").await.ok()?,
        7 => {
            stream.write_all(head.as_bytes()).await.ok()?;
            sleep(LONG).await;
        }
        8 => stream.write_all(format!("{head}half").as_bytes()).await.ok()?,
        9 => {
            stream.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..10 {
                sleep(Duration::from_secs(1)).await;
                stream.write_all(b"x").await.ok()?;
            }
        }
        10 => stream.write_all(format!("{head}more than ten bytes").as_bytes()).await.ok()?,
        11 => loop {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.ok()?;
            sleep(Duration::from_millis(10)).await;
        },
        12 => {
            let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.ok()?;
        }
        _ => {
            let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
            stream.write_all(long.as_bytes()).await.ok()?;
        }
    }
    Some(())
}
