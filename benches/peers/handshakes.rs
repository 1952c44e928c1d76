//! Callers that keep no connection: a full handshake with mutual TLS for each request.

use super::Fallible;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Callers at work at the same time.
const CALLERS: usize = 8;

/// Makes `count` connections, each for one GET; anything but 200 ends the run.
pub(super) async fn shake(tls: &TlsConnector, address: SocketAddr, count: usize) -> Fallible<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..CALLERS {
        let (next, tls) = (Arc::clone(&next), tls.clone());
        tasks.push(tokio::spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < count {
                one(&tls, address).await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn one(tls: &TlsConnector, address: SocketAddr) -> Fallible<()> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/office/files/a")
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    body.collect().await?;
    if head.status != StatusCode::OK {
        return Err(format!("a handshake, then {}", head.status).into());
    }
    Ok(())
}
