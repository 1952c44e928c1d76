//! The callers: calls made beforehand, sent in a closed loop, at given moments, or each on a connection of its own.

use super::Fallible;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use qaqpa::command::demo::scratch::Scratch;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Who calls: a participant of the demo's installation.
pub(crate) const CALLER: &str = "portal";

/// One request, ready to be sent.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// The callers' side of TLS. No session is resumed: a new connection is a whole handshake.
pub(crate) fn tls(scratch: &Scratch) -> Fallible<TlsConnector> {
    tls_of(scratch, CALLER)
}

/// The same of another participant.
pub(crate) fn tls_of(scratch: &Scratch, participant: &str) -> Fallible<TlsConnector> {
    let pair = &scratch.member(participant)?.pair;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&scratch.trust_pem)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&pair.cert_pem)?],
            PrivateKeyDer::from_pem_file(&pair.key_pem)?,
        )?;
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a stage of callers saw.
pub(crate) struct Seen {
    /// Microseconds from the moment a call was due to the whole answer; in a closed loop it is due
    /// when its connection is free, and where a timer waits for the moment, when that rings.
    pub(crate) latency_us: Histogram<u64>,
    /// Of them, those of good answers, and those of the others.
    pub(crate) good_us: Histogram<u64>,
    pub(crate) bad_us: Histogram<u64>,
    pub(crate) answers: usize,
    /// Anything but a 200 without a fault of the gateway, by `Qaqpa-Fault` or status.
    pub(crate) errors: BTreeMap<String, usize>,
    pub(crate) took: Duration,
}

impl Seen {
    fn new() -> Fallible<Self> {
        Ok(Self {
            latency_us: Histogram::new(3)?,
            good_us: Histogram::new(3)?,
            bad_us: Histogram::new(3)?,
            answers: 0,
            errors: BTreeMap::new(),
            took: Duration::ZERO,
        })
    }

    fn note(&mut self, due: Instant, answered: &Answered) -> Fallible<()> {
        let us = u64::try_from(due.elapsed().as_micros())?;
        self.latency_us.record(us)?;
        if answered.is_ok() { &mut self.good_us } else { &mut self.bad_us }.record(us)?;
        self.answers += 1;
        if let Err(word) = answered {
            *self.errors.entry(word.clone()).or_default() += 1;
        }
        Ok(())
    }

    fn add(&mut self, other: Self) -> Fallible<()> {
        self.latency_us.add(&other.latency_us)?;
        self.good_us.add(&other.good_us)?;
        self.bad_us.add(&other.bad_us)?;
        self.answers += other.answers;
        for (fault, count) in other.errors {
            *self.errors.entry(fault).or_default() += count;
        }
        Ok(())
    }

    /// How many answers were not good.
    pub(crate) fn errors(&self) -> usize {
        self.errors.values().sum()
    }
}

/// A good answer, or the word of what it was instead.
type Answered = Result<(), String>;

/// Where calls go, and how.
#[derive(Clone)]
pub(crate) struct Target {
    /// Without it plain HTTP is spoken.
    pub(crate) tls: Option<TlsConnector>,
    pub(crate) address: SocketAddr,
}

impl Target {
    async fn connect(&self) -> Fallible<Connection> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let sender = match &self.tls {
            Some(tls) => {
                let stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
                let (sender, connection) = handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
            None => {
                let (sender, connection) = handshake(TokioIo::new(socket)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        Ok(Connection { host: HeaderValue::try_from(self.address.to_string())?, sender })
    }
}

struct Connection {
    host: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    async fn send(&mut self, call: &Call) -> Fallible<Answered> {
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.path.parse()?;
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().extend(call.headers.iter().cloned());
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        body.collect().await?;
        let fault = head.headers.get("qaqpa-fault").map(|fault| fault.to_str().unwrap_or("?"));
        if head.status == StatusCode::OK && fault.is_none() {
            return Ok(Ok(()));
        }
        Ok(Err(fault.unwrap_or(head.status.as_str()).to_owned()))
    }
}

/// Connections that are open and wait for their next call.
pub(crate) struct Callers {
    connections: Vec<Connection>,
}

impl Callers {
    /// Opens `count` connections, one after the other.
    pub(crate) async fn connect(target: &Target, count: usize) -> Fallible<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(target.connect().await?);
        }
        Ok(Self { connections })
    }

    /// Closed loop: each connection takes the next call as soon as it has its answer.
    pub(crate) async fn call(&mut self, calls: &[Call]) -> Fallible<Seen> {
        self.share(calls, |_, _| None).await
    }

    /// Open loop: call `n` is due `n / per_second` after the beginning, whether or not a connection is
    /// free for it, and what it waits counts.
    pub(crate) async fn arrive(&mut self, calls: &[Call], per_second: f64) -> Fallible<Seen> {
        let gap = Duration::from_secs_f64(1.0 / per_second);
        self.share(calls, move |started, number| {
            Some(started + gap.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX)))
        })
        .await
    }

    async fn share(
        &mut self,
        calls: &[Call],
        due: impl Fn(Instant, usize) -> Option<Instant> + Copy + Send + 'static,
    ) -> Fallible<Seen> {
        let (next, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(calls.to_vec()));
        let (started, mut tasks) = (Instant::now(), Vec::new());
        for mut connection in self.connections.drain(..) {
            let (next, calls) = (Arc::clone(&next), Arc::clone(&calls));
            tasks.push(tokio::spawn(async move {
                let mut seen = Seen::new()?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(call) = calls.get(number) else { break };
                    let due = match due(started, number) {
                        // It waited for its connection: that counts.
                        Some(due) if due <= Instant::now() => due,
                        // That a timer rings a millisecond late is the caller's own affair.
                        Some(due) => {
                            tokio::time::sleep_until(due.into()).await;
                            Instant::now()
                        }
                        None => Instant::now(),
                    };
                    let answered = connection.send(call).await?;
                    seen.note(due, &answered)?;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((seen, connection))
            }));
        }
        let mut all = Seen::new()?;
        for task in tasks {
            let (seen, connection) = task.await??;
            all.add(seen)?;
            self.connections.push(connection);
        }
        all.took = started.elapsed();
        Ok(all)
    }
}

/// Sends each call on a connection of its own, `at_once` of them at the same time.
pub(crate) async fn call_anew(target: &Target, at_once: usize, calls: &[Call]) -> Fallible<Seen> {
    let (next, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(calls.to_vec()));
    let (started, mut tasks) = (Instant::now(), Vec::new());
    for _ in 0..at_once {
        let (next, calls, target) = (Arc::clone(&next), Arc::clone(&calls), target.clone());
        tasks.push(tokio::spawn(async move {
            let mut seen = Seen::new()?;
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let due = Instant::now();
                let answered = target.connect().await?.send(call).await?;
                seen.note(due, &answered)?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(seen)
        }));
    }
    let mut all = Seen::new()?;
    for task in tasks {
        all.add(task.await??)?;
    }
    all.took = started.elapsed();
    Ok(all)
}
