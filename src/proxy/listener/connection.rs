//! One caller's connection from handshake to close.

mod refusal;

use super::clock::{Clock, Clocked, Doing, Pace, Step};
use super::request::{self, Peer, Received, Unreceived};
use super::{Handler, Shared};
use crate::proxy::guard::{Guarded, Offence, Reason};
use crate::proxy::tls::stream::Stream;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

/// How long a refused request may go on arriving before its connection is cut.
const LINGER_DEADLINE: Duration = Duration::from_secs(5);

/// The caller went away in the middle of its request.
#[derive(Debug, thiserror::Error)]
#[error("the caller went away")]
struct Gone;

/// A connection that is let in.
pub(super) struct Visit<H> {
    guest: Arc<Guest<H>>,
    stream: Stream<TcpStream>,
}

/// What each request of one connection needs to know.
struct Guest<H> {
    shared: Arc<Shared<H>>,
    clock: Arc<Clock>,
    peer: Option<Arc<Peer>>,
    address: SocketAddr,
}

/// How serving ended.
enum End {
    /// HTTP came to its end; `true` where the peer may still be sending.
    Finished(bool),
    /// A deadline passed.
    Late,
}

impl<H: Handler> Visit<H> {
    /// Performs the TLS handshake where there is one; `None` where it fails.
    pub(super) async fn welcome(shared: Arc<Shared<H>>, socket: TcpStream) -> Option<Self> {
        let address = socket.peer_addr().ok()?;
        socket.set_nodelay(true).ok()?;
        let (stream, peer) = match &shared.tls {
            None => (Stream::Plain(socket), None),
            Some(_) => {
                let shaken =
                    timeout(shared.limits.handshake_deadline, shake(&shared, socket)).await;
                match shaken.unwrap_or_else(|_elapsed| Err("deadline".to_owned())) {
                    Ok(done) => {
                        shared.figures.handshakes_done.inc();
                        done
                    }
                    Err(cause) => {
                        shared.figures.handshakes_failed.inc();
                        tracing::info!(peer = %address, cause, "TLS handshake failed");
                        return None;
                    }
                }
            }
        };
        let guest = Guest { shared, clock: Arc::new(Clock::new()), peer, address };
        Some(Self { guest: Arc::new(guest), stream })
    }

    /// Serves requests until the peer closes, a deadline passes or the door is drained.
    pub(super) async fn serve(self, drain: watch::Receiver<bool>) {
        let guest = &self.guest;
        let (clock, limits) = (&guest.clock, &guest.shared.limits);
        let clocked = Clocked::new(self.stream, Arc::clone(clock));
        let io = TokioIo::new(Guarded::new(clocked, limits.head_bytes_max));
        // Boxed, because only an `Unpin` future lets the socket be taken back for `linger`.
        let service = service_fn(|request| Box::pin(Arc::clone(guest).reply(request)));
        let mut connection = guest.shared.http.serve_connection(io, service);

        let mut unread = None;
        let mut pace = Pace::new(limits, drain);
        let end = poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = connection.poll_without_shutdown(cx) {
                    // hyper wrote an answer of its own: the guard let pass what hyper cannot read.
                    let is_unread = end.is_err_and(|error| error.is_parse());
                    unread = is_unread.then_some(Offence { reason: Reason::Library, at: 0 });
                    return Poll::Ready(End::Finished(clock.is_body_left() || is_unread));
                }
                match ready!(pace.poll(clock, limits, cx)) {
                    Step::Last => Pin::new(&mut connection).graceful_shutdown(),
                    // Nobody waits for anything: closed in good order.
                    Step::Late if clock.doing() == Doing::Idle => {
                        return Poll::Ready(End::Finished(false));
                    }
                    Step::Late => return Poll::Ready(End::Late),
                }
            }
        })
        .await;
        if let End::Finished(is_left) = end {
            let (clocked, offence) = connection.into_parts().io.into_inner().into_parts();
            let stream = clocked.into_inner();
            if let Some(offence) = offence {
                return guest.refuse(offence, stream).await;
            }
            if let Some(offence) = unread {
                drop(guest.count(offence));
            }
            let bytes_max = limits.body_bytes_max.saturating_mul(4);
            if timeout(LINGER_DEADLINE, part(stream, is_left, bytes_max)).await.is_err() {
                tracing::debug!(peer = %guest.address, "cut while it was still sending");
            }
        }
    }
}

/// Closes a connection. Where the peer is still sending, what comes is read and thrown away for a
/// moment: closing at once would answer it with a reset, which can destroy the answer on its way.
async fn part(mut stream: Stream<TcpStream>, is_left: bool, bytes_max: usize) {
    if stream.shutdown().await.is_err() || !is_left {
        return;
    }
    let mut buffer = [0; 4096];
    let mut left_bytes = bytes_max;
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        match left_bytes.checked_sub(bytes) {
            Some(left) => left_bytes = left,
            None => return,
        }
    }
}

/// The handshake, and the certificate that it proved.
async fn shake<H>(
    shared: &Shared<H>,
    socket: TcpStream,
) -> Result<(Stream<TcpStream>, Option<Arc<Peer>>), String> {
    let tls = shared.tls.as_ref().ok_or("no TLS here")?;
    let _slot = shared.handshakes.acquire().await.map_err(|error| error.to_string())?;
    let stream =
        TlsAcceptor::from(tls.current()).accept(socket).await.map_err(|error| error.to_string())?;
    let (_, session) = stream.get_ref();
    tls.recheck(session)?;
    let peer = match session.peer_certificates() {
        Some([certificate, chain @ ..]) => {
            Some(Arc::new(Peer { certificate: certificate.clone(), chain: chain.to_vec() }))
        }
        _ => None,
    };
    Ok((Stream::Tls(Box::new(TlsStream::from(stream))), peer))
}

impl<H: Handler> Guest<H> {
    /// One request, one answer.
    async fn reply(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Gone> {
        self.clock.begin(Doing::Call);
        let (head, body) = request.into_parts();
        let is_last = head.version == Version::HTTP_10;
        let mut answered = match self.receive(&head, body).await {
            Ok((received, room)) => self.hand_over(&head, received, room).await,
            Err(Unreceived::Refused(fault)) => {
                let mut answer = self.shared.handler.refuse(&head, &fault);
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                self.clock.leave_body();
                Ok(answer)
            }
            Err(Unreceived::Gone) => Err(Gone),
        };
        if let Ok(answer) = &mut answered
            && is_last
        {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.clock.begin(Doing::Writing);
        answered
    }

    async fn receive(
        &self,
        head: &Parts,
        body: Incoming,
    ) -> Result<(Received, request::Room), Unreceived> {
        let (received_at, received_at_us) = (Instant::now(), request::now_us());
        request::check(head)?;
        let mut room = self.shared.budget.room();
        let body = request::read(body, &self.shared.limits, &mut room).await?;
        let received = Received {
            method: head.method.clone(),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            body,
            peer: self.peer.clone(),
            peer_address: self.address,
            tls: self.shared.mode,
            received_at,
            received_at_us,
        };
        Ok((received, room))
    }

    /// Gives the call a task of its own: a caller that hangs up does not undo it, a panic stays in it.
    async fn hand_over(
        &self,
        head: &Parts,
        received: Received,
        room: request::Room,
    ) -> Result<Response<Full<Bytes>>, Gone> {
        let handler = Arc::clone(&self.shared.handler);
        let call = self.shared.calls.enter(&self.shared.figures.in_flight);
        let task = tokio::spawn(async move {
            let _held = (call, room);
            handler.answer(received).await
        });
        match task.await {
            Ok(answer) => Ok(answer),
            Err(error) if error.is_panic() => {
                self.shared.figures.panics.inc();
                let fault = Fault::new(Code::GatewayBug, Phase::Reply, "panic");
                Ok(self.shared.handler.refuse(head, &fault))
            }
            // The runtime is going down.
            Err(_) => Err(Gone),
        }
    }
}
