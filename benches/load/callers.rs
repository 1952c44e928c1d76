//! The callers: signed requests made beforehand, sent over keep-alive mutual TLS in a closed loop.

use super::Fallible;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::command::now_unix_us;
use qaqpa::proxy::trace::Trace;
use qaqpa::sign::wsse;
use qaqpa_kit::envelope::write::{RequestHead, request};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CALLER: &str = "portal";
const SERVICE: &str = "GBDFL_UniversalServiceSync";
const DATA: &str = "<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>LOAD</senderCode><iin>850312300121</iin>";

/// Signs `count` calls of the portal (RSA-2048), no two the same.
pub(super) fn sign(scratch: &Scratch, count: usize) -> Fallible<Vec<Bytes>> {
    let member = scratch.member(CALLER)?;
    let signer = signer(&member.pair)?;
    let date = Trace::date(now_unix_us());
    let one = |_| {
        let message_id = uuid::Uuid::new_v4().to_string();
        let head = RequestHead {
            message_id: &message_id,
            correlation_id: "",
            service_id: SERVICE,
            message_date: &date,
            route_id: "",
            sender_id: member.sender_id,
            password: member.password,
            session_id: "",
        };
        Ok(wsse::sign(request(&head, DATA).as_bytes(), &signer)?.into())
    };
    (0..count).map(one).collect()
}

/// The callers' side of TLS.
pub(super) fn tls(scratch: &Scratch) -> Fallible<TlsConnector> {
    let pair = &scratch.member(CALLER)?.pair;
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

/// What a stage of callers saw.
pub(super) struct Seen {
    /// Microseconds from sending to the whole answer.
    pub(super) latency_us: Histogram<u64>,
    pub(super) answers: usize,
    /// Anything but a 200 without a fault of the gateway, by `Qaqpa-Fault` or status.
    pub(super) errors: BTreeMap<String, usize>,
}

impl Seen {
    fn new() -> Fallible<Self> {
        Ok(Self { latency_us: Histogram::new(3)?, answers: 0, errors: BTreeMap::new() })
    }
}

/// Connections that are open and wait for their next call.
pub(super) struct Callers {
    host: String,
    connections: Vec<SendRequest<Full<Bytes>>>,
}

impl Callers {
    /// Opens `count` connections, one after the other.
    pub(super) async fn connect(
        tls: &TlsConnector,
        address: SocketAddr,
        count: usize,
    ) -> Fallible<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            connections.push(sender);
        }
        Ok(Self { host: address.to_string(), connections })
    }

    /// Sends every request once: each connection takes the next one as soon as it has its answer.
    pub(super) async fn call(&mut self, requests: &[Bytes]) -> Fallible<Seen> {
        let next = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(requests.to_vec());
        let mut tasks = Vec::new();
        for connection in self.connections.drain(..) {
            let (requests, next, host) =
                (Arc::clone(&requests), Arc::clone(&next), self.host.clone());
            tasks.push(tokio::spawn(async move {
                one_after_another(connection, &host, &requests, &next)
                    .await
                    .map_err(|error| error.to_string())
            }));
        }
        let mut all = Seen::new()?;
        for task in tasks {
            let (seen, connection) = task.await??;
            all.latency_us.add(&seen.latency_us)?;
            all.answers += seen.answers;
            for (fault, count) in seen.errors {
                *all.errors.entry(fault).or_default() += count;
            }
            self.connections.push(connection);
        }
        Ok(all)
    }
}

async fn one_after_another(
    mut connection: SendRequest<Full<Bytes>>,
    host: &str,
    requests: &[Bytes],
    next: &AtomicUsize,
) -> Fallible<(Seen, SendRequest<Full<Bytes>>)> {
    let mut seen = Seen::new()?;
    while let Some(body) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request = Request::post("/bip-sync-wss-gost/")
            .header(HOST, host)
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", "\"\"")
            .body(Full::new(body.clone()))?;
        let started = Instant::now();
        connection.ready().await?;
        let (head, body) = connection.send_request(request).await?.into_parts();
        body.collect().await?;
        seen.latency_us.record(u64::try_from(started.elapsed().as_micros())?)?;
        seen.answers += 1;
        let fault = head.headers.get("qaqpa-fault").map(|fault| fault.to_str().unwrap_or("?"));
        if head.status != StatusCode::OK || fault.is_some() {
            let word = fault.unwrap_or(head.status.as_str()).to_owned();
            *seen.errors.entry(word).or_default() += 1;
        }
    }
    Ok((seen, connection))
}
