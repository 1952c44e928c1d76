//! The requests of one connection: each is received, handed over in a task of its own, and answered.

use super::answer::AnswerBody;
use super::arriving::{Arriving, BodyError, Bounds, RequestBody};
use super::clock::Clock;
use super::crowd::{Seat, neighbourhood};
use super::cut::Cut;
use super::request::{self, Peer};
use super::session::Session;
use super::{Handler, Intake, Shared};
use crate::sign::Reason;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a certificate that was trusted is believed without asking again.
const TRUST_LASTS: Duration = Duration::from_secs(1);

/// Bytes of one HTTP/2 frame of an answer: what a caller takes so is seen to be taken.
const HTTP2_FRAME_BYTES: usize = 16 * 1024;

/// Up to so many bytes of a body share their buffer with the head.
const SHARED_BYTES_MAX: usize = 4096;

/// The caller went away in the middle of its request.
#[derive(Debug, thiserror::Error)]
#[error("the caller went away")]
pub(super) struct Gone;

/// A call under way. Boxed where it is made: it is tens of kilobytes, and each of the hands through which it
/// goes would copy them.
type Call = Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>;

/// What each request of one connection needs to know.
pub(super) struct Guest<H> {
    pub(super) shared: Arc<Shared<H>>,
    pub(super) peer: Option<Arc<Peer>>,
    pub(super) address: SocketAddr,
    pub(super) begun: Instant,
    /// When the certificate was last asked for, milliseconds since `begun`.
    pub(super) trusted_at_ms: AtomicU64,
    /// The place among its participant's connections; an error where there was none.
    pub(super) seat: Result<Option<Seat<Arc<str>>>, Fault>,
    /// Of an HTTP/2 connection.
    pub(super) session: Option<Arc<Session>>,
}

impl<H: Handler> Guest<H> {
    /// One request, one answer; `clock` is told how far it is.
    pub(super) async fn reply(
        self: Arc<Self>,
        request: Request<Incoming>,
        clock: Arc<Clock>,
    ) -> Result<Response<AnswerBody>, Gone> {
        clock.call();
        let (mut head, body) = request.into_parts();
        let answered = match self.check(&head) {
            Err(fault) => Ok(self.refuse(&head, &fault, &clock)),
            Ok(()) => match self.shared.handler.intake(&head) {
                Intake::Whole => self.answer(&mut head, body, &clock).await,
                Intake::Stream => self.relay(&head, body, &clock).await,
            },
        };
        // Whatever the caller asked for: two readers may disagree about an older connection's end.
        let is_last = head.version == Version::HTTP_10;
        let mut answered = answered.map(|a| if is_last { self.last(a, &clock) } else { a });
        if answered.as_ref().is_ok_and(is_of_the_caller) && !self.hold().await {
            self.session.iter().for_each(|session| session.leave());
            answered = answered.map(|answer| self.last(answer, &clock));
        }
        let frame_bytes_max = self.session.as_ref().map(|_| HTTP2_FRAME_BYTES);
        let spool = &self.shared.spool;
        answered
            .map(|answer| answer.map(|body| spool.counted(body).watched(clock, frame_bytes_max)))
    }

    /// Holds the answer to a refused request back for as long as its address asks in vain too often;
    /// `false` where that is no use any more. Who asks well is answered at once, also beside it.
    async fn hold(&self) -> bool {
        let (shared, now) = (&self.shared, Instant::now());
        let turn = shared.refusals.wait(neighbourhood(self.address.ip()), now);
        if turn.is_none() {
            shared.cut(Cut::Refusals, self.address);
        }
        let wait = turn.unwrap_or(shared.limits.linger_deadline);
        if !wait.is_zero() {
            shared.figures.held.inc();
            sleep(wait).await;
        }
        turn.is_some()
    }

    fn check(&self, head: &Parts) -> Result<(), Fault> {
        if let Err(fault) = &self.seat {
            return Err(fault.clone());
        }
        if self.shared.spool.is_held_up() {
            let fault = Fault::new(Code::GatewayOverloaded, Phase::Receive, "unsent_bytes");
            return Err(fault.retry_after_s(1));
        }
        self.check_trust()?;
        request::check(head, self.shared.limits.headers_max)
    }

    /// Asks for trust again where that was long ago: a certificate may end or be revoked while its
    /// connection lives.
    fn check_trust(&self) -> Result<(), Fault> {
        let (Some(peer), Some(tls)) = (&self.peer, &self.shared.tls) else { return Ok(()) };
        let now = self.begun.elapsed();
        let last = Duration::from_millis(self.trusted_at_ms.load(Ordering::Relaxed));
        if now < last + TRUST_LASTS {
            return Ok(());
        }
        tls.trusts(&peer.certificate, &peer.chain).map_err(|word| {
            self.shared.figures.cut(Cut::Untrusted);
            let is_revoked = word == Reason::CertRevoked.word();
            let code = if is_revoked { Code::PkiRevoked } else { Code::CallerForbidden };
            Fault::new(code, Phase::Receive, word)
        })?;
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.trusted_at_ms.store(now_ms, Ordering::Relaxed);
        Ok(())
    }

    /// Receives the whole request first.
    async fn answer(
        &self,
        head: &mut Parts,
        body: Incoming,
        clock: &Clock,
    ) -> Result<Response<AnswerBody>, Gone> {
        let shared = &self.shared;
        let mut arriving = self.arriving(head, body, Bounds::whole(&shared.limits));
        let received = shared.spool.receive(&mut arriving.body, || self.holder()).await;
        let (body, room) = match received {
            Ok(received) => received,
            Err(error) => {
                shared.figures.refuse_body(error);
                let is_gone = error == BodyError::Gone;
                return if is_gone {
                    Err(Gone)
                } else {
                    Ok(self.refuse(head, &error.fault(), clock))
                };
            }
        };
        if body.len() > SHARED_BYTES_MAX {
            *head = apart(head);
        }
        let received = arriving.received(body);
        let handler = Arc::clone(&shared.handler);
        let call = Box::pin(async move {
            let _held = room;
            handler.answer(received).await
        });
        self.hand_over(head, call).await
    }

    /// Hands the request over while its body arrives.
    async fn relay(
        &self,
        head: &Parts,
        body: Incoming,
        clock: &Clock,
    ) -> Result<Response<AnswerBody>, Gone> {
        let mut arriving = self.arriving(head, body, Bounds::stream(&self.shared.limits));
        let is_whole = arriving.body.stream(self.shared.spool.room(), &self.shared.figures);
        let handler = Arc::clone(&self.shared.handler);
        let call = Box::pin(async move { handler.relay(*arriving).await });
        let answered = self.hand_over(head, call).await;
        if is_whole.load(Ordering::Acquire) {
            return answered;
        }
        // It was answered before its end: what still comes belongs to nobody.
        answered.map(|answer| self.last(answer, clock))
    }

    /// Whose bodies these are: the participant's that the connection proves, else the address's.
    fn holder(&self) -> Arc<str> {
        match &self.seat {
            Ok(Some(seat)) => Arc::clone(seat.key()),
            _ => neighbourhood(self.address.ip()).to_string().into(),
        }
    }

    /// Boxed: handed over it leaves no room behind in the connection.
    fn arriving(&self, head: &Parts, body: Incoming, bounds: Bounds) -> Box<Arriving> {
        let is_http2 = head.version == Version::HTTP_2;
        Box::new(Arriving {
            method: head.method.clone(),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            peer: self.peer.clone(),
            peer_address: self.address,
            tls: self.shared.mode,
            received_at: Instant::now(),
            received_at_us: request::now_us(),
            body: RequestBody::new(body, is_http2, bounds),
        })
    }

    fn refuse(&self, head: &Parts, fault: &Fault, clock: &Clock) -> Response<AnswerBody> {
        if self.seat.is_err() || fault.code == Code::CallerForbidden {
            // Not this request alone is refused, but whoever sends on this connection.
            self.session.iter().for_each(|session| session.leave());
        }
        self.last(self.shared.handler.refuse(head, fault), clock)
    }

    /// The answer after which nothing more of this request is read. HTTP/1.1 ends the connection with
    /// it; HTTP/2 resets the stream with `NO_ERROR` (RFC 9113 §8.1), which h2 does by itself.
    fn last(&self, mut answer: Response<AnswerBody>, clock: &Clock) -> Response<AnswerBody> {
        if self.session.is_none() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            clock.leave_body();
        }
        answer
    }

    /// Gives the call a task of its own: a caller that hangs up does not undo it, a panic stays in it.
    async fn hand_over(&self, head: &Parts, call: Call) -> Result<Response<AnswerBody>, Gone> {
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

/// A head in memory of its own, for as long as its call takes: what hyper read is slices that keep the whole
/// buffer, and behind a body that filled it the connection has another one by now. What cannot be copied
/// stays as it came.
fn apart(head: &Parts) -> Parts {
    let (mut own, ()) = Request::new(()).into_parts();
    own.method = head.method.clone();
    own.uri = head.uri.to_string().parse().unwrap_or_else(|_| head.uri.clone());
    own.version = head.version;
    own.headers.reserve(head.headers.len());
    for (name, value) in &head.headers {
        let copied = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        own.headers.append(name.clone(), copied);
    }
    own
}

/// Whether it refuses a request for a fault of its caller.
fn is_of_the_caller(answer: &Response<AnswerBody>) -> bool {
    let fault = answer.headers().get("qaqpa-fault");
    fault.is_some_and(|code| code.as_bytes().starts_with(b"caller."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_in_memory_of_its_own_says_what_came() {
        let request = Request::post("https://gateway:8443/a%20b?c=d")
            .version(Version::HTTP_2)
            .header("accept-language", "kk")
            .header("x-own", "1")
            .header("x-own", "2");
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let own = apart(&head);
        assert_eq!((&own.method, &own.uri, own.version), (&head.method, &head.uri, head.version));
        assert_eq!(own.headers, head.headers);
        let is_one = |(ours, theirs): (&HeaderValue, &HeaderValue)| {
            std::ptr::eq(ours.as_bytes(), theirs.as_bytes())
        };
        let shares = |own: &Parts| own.headers.values().zip(head.headers.values()).any(is_one);
        assert!(shares(&head.clone()) && !shares(&own));
    }
}
