//! The origin behind the proxies, which answers 2 KiB to everybody, and the callers before them.

use super::Fallible;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use qaqpa::command::demo::scratch::Scratch;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

const BODY_BYTES: usize = 2048;

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

/// The callers' side of TLS.
pub(super) fn tls(scratch: &Scratch) -> Fallible<TlsConnector> {
    let pair = &scratch.member("portal")?.pair;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&scratch.trust_pem)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&pair.cert_pem)?],
            PrivateKeyDer::from_pem_file(&pair.key_pem)?,
        )?;
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connections that are open and wait for their next call.
pub(super) struct Callers {
    host: String,
    connections: Vec<SendRequest<Full<Bytes>>>,
}

impl Callers {
    pub(super) async fn connect(
        tls: Option<&TlsConnector>,
        address: SocketAddr,
        count: usize,
    ) -> Fallible<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let Some(tls) = tls else {
                let (sender, connection) = handshake(TokioIo::new(socket)).await?;
                tokio::spawn(connection);
                connections.push(sender);
                continue;
            };
            let stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            connections.push(sender);
        }
        Ok(Self { host: address.to_string(), connections })
    }

    /// Sends so many requests; microseconds from sending to the whole answer. An answer that is not
    /// 200 ends the run.
    pub(super) async fn call(
        &mut self,
        method: &'static str,
        count: usize,
    ) -> Fallible<Histogram<u64>> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for mut connection in self.connections.drain(..) {
            let (next, host) = (Arc::clone(&next), self.host.clone());
            tasks.push(tokio::spawn(async move {
                let mut latency_us = Histogram::<u64>::new(3)?;
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    one(&mut connection, &host, method, &mut latency_us).await?;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((latency_us, connection))
            }));
        }
        let mut all = Histogram::new(3)?;
        for task in tasks {
            let (latency_us, connection) = task.await??;
            all.add(&latency_us)?;
            self.connections.push(connection);
        }
        Ok(all)
    }
}

async fn one(
    connection: &mut SendRequest<Full<Bytes>>,
    host: &str,
    method: &'static str,
    latency_us: &mut Histogram<u64>,
) -> Fallible<()> {
    let body =
        if method == "POST" { Bytes::from_static(&[b'x'; BODY_BYTES]) } else { Bytes::new() };
    let request = Request::builder()
        .method(method)
        .uri("/office/files/a")
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/octet-stream")
        .body(Full::new(body))?;
    let started = Instant::now();
    connection.ready().await?;
    let (head, body) = connection.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    latency_us.record(u64::try_from(started.elapsed().as_micros())?)?;
    if head.status != StatusCode::OK || body.len() != BODY_BYTES {
        return Err(format!("{}: {}", head.status, String::from_utf8_lossy(&body)).into());
    }
    Ok(())
}
