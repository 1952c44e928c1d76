//! One caller's connection from handshake to close.

use super::answer::AnswerBody;
use super::arriving::{Arriving, BodyError, Bounds, RequestBody};
use super::clock::{Clock, Clocked, Doing, Pace, Step};
use super::request::{self, Peer, Received};
use super::{Handler, Intake, Shared};
use crate::proxy::tls::stream::Stream;
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
use std::sync::atomic::Ordering;
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
        let io = TokioIo::new(Clocked::new(self.stream, Arc::clone(clock)));
        // Boxed, because only an `Unpin` future lets the socket be taken back for `linger`.
        let service = service_fn(|request| Box::pin(Arc::clone(guest).reply(request)));
        let mut connection = guest.shared.http.serve_connection(io, service);

        let mut pace = Pace::new(limits, drain);
        let end = poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = connection.poll_without_shutdown(cx) {
                    let is_left = clock.is_body_left() || end.is_err_and(|error| error.is_parse());
                    return Poll::Ready(End::Finished(is_left));
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
            let stream = connection.into_parts().io.into_inner().into_inner();
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
    ) -> Result<Response<AnswerBody>, Gone> {
        self.clock.call();
        let (head, body) = request.into_parts();
        let answered = match request::check(&head, self.shared.limits.headers_max) {
            Err(fault) => Ok(self.refuse(&head, &fault)),
            Ok(()) => match self.shared.handler.intake(&head) {
                Intake::Whole => self.answer(&head, body).await,
                Intake::Stream => self.relay(&head, body).await,
            },
        };
        answered.map(|answer| answer.map(|body| body.watched(Arc::clone(&self.clock), None)))
    }

    /// Receives the whole request first.
    async fn answer(&self, head: &Parts, body: Incoming) -> Result<Response<AnswerBody>, Gone> {
        let shared = &self.shared;
        let arriving = self.arriving(head, body, Bounds::whole(&shared.limits));
        let mut room = shared.budget.room();
        let body = match request::read(arriving.body, &mut room).await {
            Ok(body) => body,
            Err(BodyError::Gone) => return Err(Gone),
            Err(error) => return Ok(self.refuse(head, &error.fault())),
        };
        let received = Received {
            method: arriving.method,
            uri: arriving.uri,
            headers: arriving.headers,
            body,
            peer: arriving.peer,
            peer_address: arriving.peer_address,
            tls: arriving.tls,
            received_at: arriving.received_at,
            received_at_us: arriving.received_at_us,
        };
        let handler = Arc::clone(&shared.handler);
        let call = async move {
            let _held = room;
            handler.answer(received).await
        };
        self.hand_over(head, call).await
    }

    /// Hands the request over while its body arrives.
    async fn relay(&self, head: &Parts, body: Incoming) -> Result<Response<AnswerBody>, Gone> {
        let arriving = self.arriving(head, body, Bounds::stream(&self.shared.limits));
        let is_whole = arriving.body.whole();
        let handler = Arc::clone(&self.shared.handler);
        let answered = self.hand_over(head, async move { handler.relay(arriving).await }).await;
        if is_whole.load(Ordering::Acquire) {
            return answered;
        }
        // It was answered before its end: what still comes belongs to nobody.
        answered.map(|answer| self.last(answer))
    }

    fn arriving(&self, head: &Parts, body: Incoming, bounds: Bounds) -> Arriving {
        let is_http2 = head.version == Version::HTTP_2;
        Arriving {
            method: head.method.clone(),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            peer: self.peer.clone(),
            peer_address: self.address,
            tls: self.shared.mode,
            received_at: Instant::now(),
            received_at_us: request::now_us(),
            body: RequestBody::new(body, is_http2, bounds, self.shared.budget.room()),
        }
    }

    fn refuse(&self, head: &Parts, fault: &Fault) -> Response<AnswerBody> {
        self.last(self.shared.handler.refuse(head, fault))
    }

    /// The answer after which nothing more is read from this connection.
    fn last(&self, mut answer: Response<AnswerBody>) -> Response<AnswerBody> {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        self.clock.leave_body();
        answer
    }

    /// Gives the call a task of its own: a caller that hangs up does not undo it, a panic stays in it.
    async fn hand_over(
        &self,
        head: &Parts,
        call: impl Future<Output = Response<AnswerBody>> + Send + 'static,
    ) -> Result<Response<AnswerBody>, Gone> {
        let place = self.shared.calls.enter(&self.shared.figures.in_flight);
        let task = tokio::spawn(async move {
            let _held = place;
            call.await
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
