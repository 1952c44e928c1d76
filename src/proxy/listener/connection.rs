//! One caller's connection from handshake to close.

mod refusal;

use super::clock::{Clock, Clocked, Doing, Pace, Step};
use super::crowd::{Seat, neighbourhood};
use super::cut::Cut;
use super::guest::Guest;
use super::preface::Ahead;
use super::request::{self, Peer};
use super::session::{self, Framed, Session};
use super::streams::{self, Streams};
use super::turn::in_turn;
use super::{Handler, Shared};
use crate::config::settings::{Http2, Limits};
use crate::proxy::guard::{Guarded, Offence, Reason};
use crate::proxy::tls::ServerTls;
use crate::proxy::tls::stream::Stream;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsStream};

/// How often the certificate of an open connection is asked for; with the second in which a changed list
/// is read, a revoked caller is cut off within five.
const DISTRUST_WITHIN: Duration = Duration::from_secs(3);

type Caller = Ahead<Stream<TcpStream>>;

/// A connection that is let in.
pub(super) struct Visit<H> {
    /// Boxed, because hands through which it goes hold it once more.
    guest: Box<Guest<H>>,
    stream: Caller,
    /// Where TLS negotiated it, or nothing but HTTP/1.1 is offered; else the first bytes tell.
    is_http2: Option<bool>,
}

/// What a handshake showed.
struct Shaken {
    stream: Stream<TcpStream>,
    peer: Option<Arc<Peer>>,
    is_http2: bool,
}

/// How serving ended.
enum End {
    /// HTTP came to its end; `true` where the peer may still be sending.
    Finished(bool),
    /// A cap or a deadline was crossed.
    Cut(Cut),
}

impl<H: Handler> Visit<H> {
    /// Performs the TLS handshake where there is one; `None` where it fails.
    pub(super) async fn welcome(
        shared: Arc<Shared<H>>,
        socket: TcpStream,
        address: SocketAddr,
    ) -> Option<Self> {
        socket.set_nodelay(true).ok()?;
        let shaken = match shared.tls {
            None => Ok(Shaken { stream: Stream::Plain(socket), peer: None, is_http2: false }),
            Some(_) => shake(&shared, socket).await,
        };
        let Shaken { stream, peer, is_http2 } = shaken
            .inspect_err(|cause| tracing::info!(peer = %address, cause, "TLS handshake failed"))
            .ok()?;
        let is_http2 = (shared.tls.is_some() || !shared.is_http2).then_some(is_http2);
        let seat = shared.seat(peer.as_deref());
        let guest = Box::new(Guest {
            shared,
            peer,
            address,
            begun: Instant::now(),
            trusted_at_ms: AtomicU64::new(0),
            seat,
            session: None,
        });
        Some(Self { guest, stream: Ahead::new(stream), is_http2 })
    }

    /// Serves requests until the peer closes, a deadline passes or the door is drained.
    pub(super) async fn serve(mut self, drain: watch::Receiver<bool>) {
        let clock = Arc::new(Clock::new());
        let (shared, address) = (Arc::clone(&self.guest.shared), self.guest.address);
        let mut pace = Pace::new(&shared.limits, drain.clone());
        let is_http2 = match self.is_http2 {
            Some(is_http2) => Ok(is_http2),
            None => self.tell_apart(&clock, &mut pace).await,
        };
        let peer = self.guest.peer.clone();
        let served = async {
            match is_http2 {
                Err(cut) => (cut.map_or(End::Finished(false), End::Cut), Some(self.stream)),
                // Boxed: a connection of the one shall not hold room for the other.
                Ok(true) => Box::pin(serve_http2(self.guest, self.stream, drain)).await,
                Ok(false) => {
                    let guest = Arc::from(self.guest);
                    Box::pin(serve_http1(guest, self.stream, clock, pace)).await
                }
            }
        };
        let (end, stream) = match peer {
            None => served.await,
            // Who is not believed any more is cut off, also in the middle of what streams.
            Some(peer) => tokio::select! {
                ended = served => ended,
                () = distrusted(&shared, &peer) => (End::Cut(Cut::Untrusted), None),
            },
        };
        if let End::Cut(cut) = end {
            shared.cut(cut, address);
        }
        let Some(stream) = stream.map(Ahead::into_inner) else { return };
        let limits = &shared.limits;
        match end {
            // Who does not write or read is told nothing.
            End::Cut(Cut::Head | Cut::Write) => {}
            End::Cut(Cut::Idle) => {
                // Boxed, here and below: a connection that serves holds no room for its farewell.
                drop(timeout(limits.linger_deadline, Box::pin(part(stream, false, 0))).await);
            }
            End::Cut(_) => keep_waiting(stream, limits.linger_deadline).await,
            End::Finished(is_left) => {
                let parted = Box::pin(part(stream, is_left, limits.linger_bytes_max));
                drop(timeout(limits.linger_deadline, parted).await);
            }
        }
    }

    /// Whether the caller begins as HTTP/2 does; an error where the connection ends before.
    async fn tell_apart(&mut self, clock: &Clock, pace: &mut Pace) -> Result<bool, Option<Cut>> {
        let limits = &self.guest.shared.limits;
        poll_fn(|cx| {
            if let Poll::Ready(told) = self.stream.poll_is_http2(cx) {
                return Poll::Ready(told.map_err(|_gone| None));
            }
            if self.stream.is_begun() && clock.doing() == Doing::Fresh {
                clock.begin(Doing::Head);
            }
            match ready!(pace.poll(clock, limits, cx)) {
                Step::Last => Poll::Ready(Err(None)),
                Step::Late => Poll::Ready(Err(Some(Cut::Head))),
            }
        })
        .await
    }
}

async fn serve_http1<H: Handler>(
    guest: Arc<Guest<H>>,
    stream: Caller,
    clock: Arc<Clock>,
    mut pace: Pace,
) -> (End, Option<Caller>) {
    let (shared, limits) = (&guest.shared, &guest.shared.limits);
    let clocked = Clocked::new(stream, Arc::clone(&clock));
    let guarded = Guarded::new(clocked, limits.head_bytes_max, limits.headers_max);
    // hyper keeps buffers for a connection: it gets one only when a request is there.
    let io = match begin(guarded, &clock, &mut pace, limits).await {
        Ok(guarded) => TokioIo::new(guarded),
        Err((end, stream)) => return (end, Some(stream)),
    };
    // Boxed, because only an `Unpin` future lets the socket be taken back for `part`.
    let service =
        service_fn(|request| Box::pin(Arc::clone(&guest).reply(request, Arc::clone(&clock))));
    let mut connection = shared.http1.serve_connection(io, service);
    let mut unread = None;
    let end = poll_fn(|cx| {
        loop {
            if let Poll::Ready(end) = connection.poll_without_shutdown(cx) {
                // hyper wrote an answer of its own: the guard let pass what hyper cannot read.
                let is_unread = end.is_err_and(|error| error.is_parse());
                unread = is_unread.then_some(Offence { reason: Reason::Library, at: 0 });
                return Poll::Ready(End::Finished(clock.is_body_left() || is_unread));
            }
            match ready!(pace.poll(&clock, limits, cx)) {
                Step::Last => Pin::new(&mut connection).graceful_shutdown(),
                Step::Late => {
                    return Poll::Ready(End::Cut(match clock.doing() {
                        // Nobody waits for anything: closed in good order.
                        Doing::Idle => Cut::Idle,
                        Doing::Writing => Cut::Write,
                        _ => Cut::Head,
                    }));
                }
            }
        }
    })
    .await;
    let guarded = connection.into_parts().io.into_inner();
    let address = guarded.address();
    let (clocked, offence) = guarded.into_parts();
    let mut stream = clocked.into_inner();
    if let (End::Finished(_), Some(offence)) = (&end, offence) {
        // Boxed: few are refused so.
        Box::pin(guest.refuse_framing(offence, address, &mut stream)).await;
        return (End::Finished(true), Some(stream));
    }
    if let Some(offence) = unread {
        drop(guest.record(offence, address));
    }
    (end, Some(stream))
}

/// Returns once the certificate of a connection is not believed any more.
async fn distrusted<H>(shared: &Shared<H>, peer: &Peer) {
    let Some(tls) = &shared.tls else { return std::future::pending().await };
    loop {
        sleep(DISTRUST_WITHIN).await;
        if tls.trusts(&peer.certificate, &peer.chain).is_err() {
            return;
        }
    }
}

/// Waits for the head of the first request, or for its refusal; an end where neither comes.
async fn begin(
    mut guarded: Guarded<Clocked<Caller>>,
    clock: &Clock,
    pace: &mut Pace,
    limits: &Limits,
) -> Result<Guarded<Clocked<Caller>>, (End, Caller)> {
    let end = poll_fn(|cx| {
        if let Poll::Ready(begun) = guarded.poll_begun(cx) {
            let is_begun = begun.unwrap_or_default();
            return Poll::Ready((!is_begun).then_some(End::Finished(false)));
        }
        Poll::Ready(Some(match ready!(pace.poll(clock, limits, cx)) {
            Step::Last => End::Finished(false),
            Step::Late => End::Cut(Cut::Head),
        }))
    });
    match end.await {
        None => Ok(guarded),
        Some(end) => Err((end, guarded.into_parts().0.into_inner())),
    }
}

async fn serve_http2<H: Handler>(
    mut guest: Box<Guest<H>>,
    stream: Caller,
    drain: watch::Receiver<bool>,
) -> (End, Option<Caller>) {
    let session = Arc::new(Session::new());
    guest.session = Some(Arc::clone(&session));
    let (shared, guest) = (Arc::clone(&guest.shared), Arc::<Guest<H>>::from(guest));
    let limits = &shared.limits;
    let (framed, left) = Framed::new(stream, Arc::clone(&session), &limits.http2);
    let streams = Streams {
        session: Arc::clone(&session),
        limits: Arc::clone(limits),
        figures: Arc::clone(&shared.figures),
    };
    let end = {
        let service = service_fn(|request| {
            let guest = Arc::clone(&guest);
            async move { guest.reply(request, streams::clock()).await }
        });
        let builder = http2_builder(streams, &limits.http2);
        let mut connection = builder.serve_connection(TokioIo::new(framed), service);
        let mut watch = session::Watch::new(limits, drain);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = Pin::new(&mut connection).poll(cx) {
                    return Poll::Ready(match (session.end(), end) {
                        (Some(cut), _) => End::Cut(cut),
                        (None, Err(error)) if !is_of_the_wire(&error) => End::Cut(Cut::Http2),
                        (None, _) => End::Finished(false),
                    });
                }
                match ready!(watch.poll(&session, limits, cx)) {
                    session::Step::Last => Pin::new(&mut connection).graceful_shutdown(),
                    session::Step::Over(cut) => return Poll::Ready(End::Cut(cut)),
                }
            }
        })
        .await
    };
    (end, left.lock().unwrap_or_else(PoisonError::into_inner).take())
}

/// Every cap that h2 keeps, said explicitly.
fn http2_builder(streams: Streams, limits: &Http2) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.header_list_bytes_max)
        .max_frame_size(limits.frame_bytes_max)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_send_buf_size(limits.send_buffer_bytes_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .max_local_error_reset_streams(limits.local_resets_max)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_deadline);
    builder
}

/// The caller went away, as callers do; anything else is a mistake in what it said.
fn is_of_the_wire(error: &hyper::Error) -> bool {
    error.source().is_some_and(|cause| cause.is::<io::Error>()) || error.is_timeout()
}

/// Closes a connection whose peer was told why, and reads nothing more of it: whoever only floods is
/// held at a full socket, which costs nothing here, and does not come back at once.
async fn keep_waiting(mut stream: Stream<TcpStream>, span: Duration) {
    let closed = async {
        drop(stream.shutdown().await);
        std::future::pending::<()>().await;
    };
    drop(timeout(span, closed).await);
}

/// Closes a connection. Where the peer is still sending, what comes is read and thrown away for a
/// moment: closing at once would answer it with a reset, which can destroy the answer on its way.
async fn part(mut stream: Stream<TcpStream>, is_left: bool, bytes_max: u64) {
    if stream.shutdown().await.is_err() || !is_left {
        return;
    }
    let mut buffer = [0; 4096];
    let mut left_bytes = bytes_max;
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        match left_bytes.checked_sub(bytes as u64) {
            Some(left) => left_bytes = left,
            None => return,
        }
    }
}

/// The handshake within its deadline, and the certificate that it proved.
async fn shake<H>(shared: &Shared<H>, socket: TcpStream) -> Result<Shaken, String> {
    let shaken = timeout(shared.limits.handshake_deadline, prove(shared, socket)).await;
    let result = shaken.unwrap_or_else(|_elapsed| {
        shared.figures.cut(Cut::Handshake);
        Err("deadline".to_owned())
    });
    match &result {
        Ok(_) => shared.figures.handshakes_done.inc(),
        Err(_) => shared.figures.handshakes_failed.inc(),
    }
    result
}

async fn prove<H>(shared: &Shared<H>, socket: TcpStream) -> Result<Shaken, String> {
    let tls = shared.tls.as_ref().ok_or("no TLS here")?;
    let _slot = shared.handshakes.acquire().await.map_err(|error| error.to_string())?;
    let accepted = TlsAcceptor::from(tls.current()).accept(socket);
    let stream = in_turn(&shared.turns, accepted).await.map_err(|error| error.to_string())?;
    let (_, session) = stream.get_ref();
    tls.recheck(session)?;
    let peer = match session.peer_certificates() {
        Some([certificate, chain @ ..]) => {
            Some(Arc::new(Peer::new(certificate.clone(), chain.to_vec())))
        }
        _ => None,
    };
    let is_http2 = ServerTls::is_http2(session);
    Ok(Shaken { stream: Stream::Tls(Box::new(TlsStream::from(stream))), peer, is_http2 })
}

impl<H: Handler> Shared<H> {
    /// Counts a connection that is cut, and charges its address where it flooded.
    pub(super) fn cut(&self, cut: Cut, address: SocketAddr) {
        self.figures.cut(cut);
        if cut.is_flood() {
            let home = neighbourhood(address.ip());
            self.arrivals.charge(home, self.limits.flood_price_connections, Instant::now());
        }
    }

    /// The connection's place among those of its participant; a fault where it has enough of them.
    fn seat(&self, peer: Option<&Peer>) -> Result<Option<Seat<Arc<str>>>, Fault> {
        let now_unix_s = request::now_us() / 1_000_000;
        let owner = peer.and_then(|peer| self.handler.owner(peer, now_unix_s));
        let Some(owner) = owner else { return Ok(None) };
        let seat = self.participants.enter(owner, self.limits.connections_per_participant_max);
        seat.map(Some).ok_or_else(|| {
            self.figures.cut(Cut::Participant);
            let reason = "connections_per_participant";
            Fault::new(Code::GatewayOverloaded, Phase::Receive, reason).retry_after_s(1)
        })
    }
}
