//! The door in: accepts callers, bounds everything they can do, and hands whole requests to a handler.
//!
//! Bounded: connections, handshakes under way and their time, head, body and the bytes of all bodies
//! together, idle time, time to take an answer. A call once handed over is finished even when its
//! caller hangs up, because its journal entry must be closed; a panic in it costs this one call.

mod answer;
mod arrivals;
mod arriving;
mod budget;
mod calls;
mod clock;
mod connection;
mod crowd;
mod cut;
mod frames;
mod guest;
mod preface;
mod request;
mod session;
mod socket;
mod spool;
mod streams;
mod turn;

pub use answer::{AnswerBody, StreamError};
pub use arriving::{Arriving, BodyError, FRAME_BYTES_MAX, RequestBody};
pub use cut::Cut;
pub use request::{Peer, Received};

use crate::config::settings::{Limits, Listener, TlsMode};
use crate::ops::metrics::DoorFigures;
use crate::proxy::tls::ServerTls;
pub(super) use arrivals::Arrivals;
use calls::Calls;
use connection::Visit;
use crowd::{Crowd, neighbourhood};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::{Response, StatusCode};
use prometheus::IntGauge;
use qaqpa_kit::fault::{Code, Fault, Phase};
use socket::bound;
use spool::Spool;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout, timeout_at};

/// Headers that hyper reads without being told a number, which costs it an allocation.
const HYPER_HEADERS_MAX: usize = 100;

/// How long an idle connection is kept when draining: a request may already be on its way.
const DRAIN_GRACE: Duration = Duration::from_millis(250);

/// Connections accepted before others have their turn: in a wave of thousands calls go on.
const ACCEPTED_AT_ONCE: usize = 8;

/// Pause after an accept that failed, as when descriptors ran out, and while the node is too late.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How the body of a request shall come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// In one piece, to [`Handler::answer`].
    Whole,
    /// As it arrives, to [`Handler::relay`].
    Stream,
}

/// What stands behind a door.
pub trait Handler: Send + Sync + 'static {
    /// Says, by its head alone, how the body of a request shall come.
    fn intake(&self, head: &Parts) -> Intake {
        let _ = head;
        Intake::Whole
    }

    /// Answers one request, which is boxed: hands through which it goes would hold it twice while they wait.
    fn answer(&self, received: Box<Received>) -> impl Future<Output = Response<AnswerBody>> + Send;

    /// Answers a request whose body still arrives.
    ///
    /// It runs to its end also when the caller hangs up: then the body ends with
    /// [`BodyError::Gone`], and the answer is dropped. An answer given before the body's end closes
    /// an HTTP/1.1 connection after it.
    fn relay(&self, arriving: Arriving) -> impl Future<Output = Response<AnswerBody>> + Send {
        let _ = arriving;
        let fault = Fault::new(Code::GatewayBug, Phase::Receive, "no_relay");
        std::future::ready(plain_refusal(&fault))
    }

    /// To whom the certificate of a new connection belongs: its connections are counted together.
    fn owner(&self, peer: &Peer, now_unix_s: i64) -> Option<Arc<str>> {
        let _ = (peer, now_unix_s);
        None
    }

    /// Whether nobody would be let in now: new callers are left in the kernel's queue then.
    fn is_swamped(&self) -> bool {
        false
    }

    /// Answers a request that could not be received whole, or that panicked: `head` is all there is.
    fn refuse(&self, head: &Parts, fault: &Fault) -> Response<AnswerBody> {
        let _ = head;
        plain_refusal(fault)
    }
}

/// A fault as plain text, for doors that speak no other language.
#[must_use]
pub fn plain_refusal(fault: &Fault) -> Response<AnswerBody> {
    let row = fault.code.row();
    let text = format!("{}\n{}\n", fault.public_line(), row.en);
    let mut response = Response::new(AnswerBody::from(text));
    *response.status_mut() = StatusCode::from_u16(fault.http_status.unwrap_or(row.http_status))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(HeaderName::from_static("qaqpa-fault"), HeaderValue::from_static(row.word));
    if let Some(seconds) = fault.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Why a door cannot be opened, with the cure.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "{address} is in use by another process: stop it (`ss -ltnp` shows it) or set another address"
    )]
    InUse { address: SocketAddr },
    #[error("{address}: ports below 1024 need CAP_NET_BIND_SERVICE: grant it or set a higher port")]
    NotAllowed { address: SocketAddr },
    #[error("{address} cannot be bound: {cause}; set an address of this machine")]
    Other { address: SocketAddr, cause: io::Error },
    #[error("{address}: no file can be made for large bodies: {cause}; set limits.spool_folder")]
    Spool { address: SocketAddr, cause: io::Error },
}

/// How draining ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Calls that were not finished at the drain deadline.
    pub calls_cut: usize,
    /// Connections that were still open then.
    pub connections_cut: usize,
}

/// A bound socket that accepts nobody yet.
pub struct Door {
    socket: TcpListener,
    address: SocketAddr,
    mode: TlsMode,
    is_http2: bool,
    limits: Arc<Limits>,
    spool: Spool,
    tls: Option<Arc<ServerTls>>,
    figures: Arc<DoorFigures>,
}

/// What all connections of one door share.
struct Shared<H> {
    handler: Arc<H>,
    mode: TlsMode,
    limits: Arc<Limits>,
    tls: Option<Arc<ServerTls>>,
    figures: Arc<DoorFigures>,
    is_http2: bool,
    http1: http1::Builder,
    handshakes: Semaphore,
    /// For the computing of a handshake.
    turns: Semaphore,
    addresses: Arc<Crowd<IpAddr>>,
    arrivals: Arrivals,
    refusals: Arrivals,
    participants: Arc<Crowd<Arc<str>>>,
    spool: Spool,
    calls: Arc<Calls>,
}

impl Door {
    /// Binds the socket of a listener.
    ///
    /// # Errors
    /// The address is in use, not allowed, or not of this machine.
    pub async fn bind(
        listener: &Listener,
        limits: &Limits,
        tls: Option<Arc<ServerTls>>,
        figures: DoorFigures,
    ) -> Result<Self, BindError> {
        let address = listener.address;
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            io::ErrorKind::PermissionDenied => BindError::NotAllowed { address },
            _ => BindError::Other { address, cause },
        };
        let socket =
            bound(address, listener.reuse_port, limits.unsent_bytes_max).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let spool = Spool::new(limits, &figures);
        spool.try_out().map_err(|cause| BindError::Spool { address, cause })?;
        Ok(Self {
            socket,
            address,
            mode: listener.tls,
            is_http2: listener.http2,
            limits: Arc::new(limits.clone()),
            spool,
            tls,
            figures: Arc::new(figures),
        })
    }

    /// Where it listens; the port is known also where port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves callers until `drain` turns true, then finishes what is in flight and returns.
    ///
    /// Draining accepts what already waits at the socket, closes idle connections after a short
    /// grace, and ends at `limits.drain_deadline`.
    pub async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        mut drain: watch::Receiver<bool>,
    ) -> Drained {
        let (socket, shared) = self.shared(handler);
        let limits = &shared.limits;
        let places = Arc::new(Semaphore::new(limits.connections_max.max(1)));
        let mut tasks = JoinSet::new();
        for accepted in 1_usize.. {
            tokio::select! {
                biased;
                () = told(&mut drain) => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                (socket, place) = accept(&socket, &places, &*shared.handler) => {
                    tasks.spawn(visit(Arc::clone(&shared), socket, place, drain.clone()));
                }
            }
            if accepted.is_multiple_of(ACCEPTED_AT_ONCE) {
                yield_now().await;
            }
        }
        for (socket, place) in waiting(socket, &places) {
            tasks.spawn(visit(Arc::clone(&shared), socket, place, drain.clone()));
        }

        let deadline = Instant::now() + limits.drain_deadline;
        let finish = async {
            while tasks.join_next().await.is_some() {}
            shared.calls.all_done().await;
        };
        let is_cut = timeout_at(deadline.into(), finish).await.is_err();
        let drained = Drained { calls_cut: shared.calls.now(), connections_cut: tasks.len() };
        if is_cut {
            tracing::warn!(?drained, "the drain deadline passed");
        }
        tasks.abort_all();
        drained
    }

    fn shared<H>(self, handler: Arc<H>) -> (TcpListener, Arc<Shared<H>>) {
        let limits = self.limits;
        let mut http1 = http1::Builder::new();
        http1
            .half_close(true)
            .header_read_timeout(None)
            .max_header_size(limits.head_bytes_max)
            .max_buf_size(limits.head_bytes_max.max(8192));
        if limits.headers_max >= HYPER_HEADERS_MAX {
            http1.max_headers(limits.headers_max + 1);
        }
        let shared = Shared {
            handler,
            mode: self.mode,
            tls: self.tls,
            figures: self.figures,
            is_http2: self.is_http2,
            http1,
            handshakes: Semaphore::new(limits.handshakes_max),
            turns: Semaphore::new(Handle::current().metrics().num_workers()),
            addresses: Arc::default(),
            arrivals: Arrivals::new(
                limits.connections_per_address_per_second,
                limits.connections_per_address_burst,
                limits.handshake_deadline,
            ),
            refusals: Arrivals::new(
                limits.refusals_per_address_per_second,
                limits.refusals_per_address_burst,
                limits.linger_deadline,
            ),
            participants: Arc::default(),
            spool: self.spool,
            calls: Arc::default(),
            limits,
        };
        (self.socket, Arc::new(shared))
    }
}

/// Resolves once `drain` is true, or nobody can turn it true any more.
async fn told(drain: &mut watch::Receiver<bool>) {
    drop(drain.wait_for(|is_draining| *is_draining).await);
}

type Accepted = (TcpStream, OwnedSemaphorePermit);

/// Waits for a free place first, so that callers beyond the cap wait in the kernel's queue.
async fn accept(socket: &TcpListener, places: &Arc<Semaphore>, handler: &impl Handler) -> Accepted {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            // Never closed; wait rather than spin if that changes.
            std::future::pending::<()>().await;
            continue;
        };
        while handler.is_swamped() {
            sleep(ACCEPT_PAUSE).await;
        }
        match socket.accept().await {
            Ok((socket, _)) => return (socket, place),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Connections that the kernel made and nobody accepted: their callers may have sent a request. The kernel is
/// asked itself, since the runtime may not have heard of the last of them.
fn waiting(socket: TcpListener, places: &Arc<Semaphore>) -> Vec<Accepted> {
    let mut all = Vec::new();
    let Ok(socket) = socket.into_std() else { return all };
    while let Ok(place) = Arc::clone(places).try_acquire_owned() {
        let Ok((caller, _)) = socket.accept() else { break };
        let caller = caller.set_nonblocking(true).and_then(|()| TcpStream::from_std(caller));
        all.extend(caller.map(|caller| (caller, place)));
    }
    all
}

async fn visit<H: Handler>(
    shared: Arc<Shared<H>>,
    socket: TcpStream,
    place: OwnedSemaphorePermit,
    mut drain: watch::Receiver<bool>,
) {
    shared.figures.connections.inc();
    let gauge = shared.figures.connections.clone();
    let _leave = Leave(gauge, place);
    let Ok(address) = socket.peer_addr() else { return };
    let (home, count_max) =
        (neighbourhood(address.ip()), shared.limits.connections_per_address_max);
    let Some(_seat) = shared.addresses.enter(home, count_max) else {
        shared.figures.cut(Cut::Address);
        return;
    };
    let Some(wait) = shared.arrivals.wait(home, Instant::now()) else {
        shared.figures.cut(Cut::Arrivals);
        return;
    };
    if !wait.is_zero() {
        shared.figures.delayed.inc();
        // A drain waits for nobody's turn.
        drop(timeout(wait, told(&mut drain)).await);
    }
    // Boxed: what a handshake needs is given back when it ends.
    let welcomed = Box::pin(Visit::welcome(shared, socket, address)).await;
    let Some(visit) = welcomed else { return };
    visit.serve(drain).await;
}

/// Gives the place and the count back, also when the task is aborted.
struct Leave(IntGauge, #[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.dec();
    }
}
