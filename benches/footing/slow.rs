//! An agency that works on so many calls at once, each for so long; all others wait their turn there.

use super::Fallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Starts it on this runtime.
pub(super) async fn start(workers: usize, work: Duration) -> Fallible<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let workers = Arc::new(Semaphore::new(workers));
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&workers), work));
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, workers: Arc<Semaphore>, work: Duration) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut unread = Vec::new();
    loop {
        // Only GETs come here.
        while let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            unread.drain(..end + 4);
            let _worker = workers.acquire().await.ok()?;
            tokio::time::sleep(work).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.ok()?;
        }
        if stream.read_buf(&mut unread).await.ok()? == 0 {
            return None;
        }
    }
}
