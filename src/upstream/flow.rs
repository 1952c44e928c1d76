//! An exchange whose bodies stream: the answer begins while the request may still be on its way.

use super::balance::Using;
use super::body::{Outgoing, Passage, Upload};
use super::breaker::Verdict;
use super::link::Link;
use super::meter::Meter;
use super::reading::Head;
use super::send::{Failure, Unanswered, Upstream, head as head_of, unanswered};
use super::{Marks, SendFault, UpstreamRequest, strip_hop_by_hop};
use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep_until, timeout_at};

/// How long a streamed exchange may take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest time in which the agency neither takes nor gives a byte.
    pub pause_max: Duration,
    /// The end of the whole exchange.
    pub deadline: Instant,
}

impl Pace {
    /// Since when an agency is waited for that gave nothing from `since` to `until`; `None` where that
    /// was too long. It is not waited for while it takes bytes, or while the caller has none to give.
    fn waiting_since(
        self,
        (since, until): (Instant, Instant),
        meter: &Meter,
        passage: &Passage,
    ) -> Option<Instant> {
        let progress = if is_callers_turn(meter, passage) { until } else { meter.last_write_at() };
        (progress > since && until < self.deadline).then_some(progress)
    }

    /// When it was waited for too long.
    fn due(self, since: Instant) -> Instant {
        (since + self.pause_max).min(self.deadline)
    }
}

/// The agency took all that there was of the request, and the caller has not given the rest.
fn is_callers_turn(meter: &Meter, passage: &Passage) -> bool {
    !passage.is_whole() && !meter.is_blocked()
}

/// The caller's failure, where it is the caller's that time ran out or that the request broke off.
fn of_caller(is_late: bool, meter: &Meter, passage: &Passage) -> Option<Fault> {
    let is_callers = is_late && is_callers_turn(meter, passage);
    let late = || Fault::new(Code::CallerMalformed, Phase::Receive, "body_deadline");
    passage.broken().or_else(|| is_callers.then(late))
}

/// The same after bytes have left: waiting makes it no safer to send again.
fn begun(fault: Fault) -> Fault {
    Fault { phase: Phase::Send, retry_after_s: None, ..fault }
}

/// An answer that has begun.
pub struct Flow {
    pub status: StatusCode,
    /// End-to-end headers.
    pub headers: HeaderMap,
    pub marks: Marks,
    pub body: FlowBody,
}

/// The body of an answer. It drives the connection itself, the rest of the request included; dropped
/// before its end, it closes the connection.
pub struct FlowBody {
    upstream: Arc<Upstream>,
    /// How far the request came: the rest of it may still be on its way.
    passage: Passage,
    /// The connection and the right to it, until the body ends.
    held: Option<Held>,
    /// The request had left whole when the answer began.
    is_reusable: bool,
    pace: Pace,
    /// Rings when the agency has been silent for too long; made at the first wait.
    timer: Option<Pin<Box<Sleep>>>,
    waiting_since: Option<Instant>,
}

/// A connection, where it leads and the right to it.
struct Held {
    link: Box<Link>,
    place: Using,
    _permit: OwnedSemaphorePermit,
}

impl Upstream {
    /// Begins an exchange; an endpoint that cannot be reached is replaced. A connection that turns out to be dead is
    /// not: the request has been given away by then.
    ///
    /// Neither side is waited for longer than `pace` says; time in which only the caller is waited for
    /// does not count against the agency. An answer that begins before the request has left whole
    /// costs the connection.
    ///
    /// # Errors
    /// As [`Upstream::send`]; also the fault with which the request's own source broke off, of the
    /// phase receive where nothing left, else of the phase send.
    pub async fn flow(
        self: &Arc<Self>,
        mut request: UpstreamRequest,
        upload: Upload,
        pace: Pace,
    ) -> Result<Flow, SendFault> {
        let mut marks = Marks::start();
        strip_hop_by_hop(&mut request.headers);
        let pass = self.pass(marks.started).map_err(|fault| SendFault { fault, marks })?;
        let result = self.begin(request, upload, pace, &mut marks).await;
        self.settle(pass, &result, marks);
        result.map_err(|failure| SendFault { fault: failure.fault, marks })
    }

    async fn begin(
        self: &Arc<Self>,
        request: UpstreamRequest,
        upload: Upload,
        pace: Pace,
        marks: &mut Marks,
    ) -> Result<Flow, Failure> {
        let body_bytes = upload.bytes();
        let Upload { body, passage } = upload;
        let permit = self.permit(pace.deadline).await?;
        let mut tried = Vec::new();
        loop {
            let now = Instant::now();
            let place = self.places.choose(now, &tried).or_else(|| self.places.choose(now, &[]));
            let place =
                place.ok_or_else(|| Failure::before("no_endpoint", "none is configured"))?;
            let head = head_of(&place, &request, body_bytes)?;
            let opened = match place.pool.take().await {
                Some(link) => Ok(link),
                None => self.open(&place, pace.deadline).await,
            };
            let mut link = match opened {
                Ok(link) => link,
                Err(failure) => {
                    place.failed(Instant::now());
                    tried.push(place);
                    if self.places.has_other(&tried) {
                        continue;
                    }
                    return Err(failure);
                }
            };
            marks.connected = Some(Instant::now());
            return match attempt(&mut link, (&request.method, head, body), &passage, pace, marks)
                .await
            {
                Ok(head) => {
                    place.answered();
                    let held = Held { link, place, _permit: permit };
                    Ok(self.answered(head, passage, held, (pace, *marks)))
                }
                Err(Unanswered::Stale(broken)) => {
                    Err(Failure::before("connection_closed", broken.cause))
                }
                Err(Unanswered::Failed(failure)) => {
                    if failure.verdict == Verdict::Failed {
                        place.failed(Instant::now());
                    }
                    Err(failure)
                }
            };
        }
    }

    fn answered(
        self: &Arc<Self>,
        mut head: Head,
        passage: Passage,
        held: Held,
        (pace, marks): (Pace, Marks),
    ) -> Flow {
        strip_hop_by_hop(&mut head.headers);
        let mut body = FlowBody {
            upstream: Arc::clone(self),
            is_reusable: held.link.has_left_whole(),
            passage,
            held: Some(held),
            pace,
            timer: None,
            waiting_since: None,
        };
        if body.is_end() {
            body.finish();
        }
        Flow { status: head.status, headers: head.headers, marks, body }
    }
}

async fn attempt(
    link: &mut Link,
    (method, head, body): (&Method, Bytes, Outgoing),
    passage: &Passage,
    pace: Pace,
    marks: &mut Marks,
) -> Result<Head, Unanswered> {
    let meter = Arc::clone(&link.meter);
    let before_bytes = meter.written_bytes();
    let ended = paced(link.ask(method, head, body), &meter, passage, pace).await;
    if let Some(Ok(head)) = ended {
        marks.first_byte = Some(Instant::now());
        marks.sent = Some(meter.last_write_at());
        return Ok(head);
    }
    if let Some(mut fault) = of_caller(ended.is_none(), &meter, passage) {
        if meter.written_bytes() > before_bytes {
            fault = begun(fault);
        }
        let failure = Failure::before("", "").unasked();
        return Err(Failure { fault, ..failure }.into());
    }
    Err(unanswered(ended.and_then(Result::err), link, before_bytes, marks))
}

/// What work yields; `None` when the agency took and gave nothing for too long.
async fn paced<F: Future>(
    work: F,
    meter: &Meter,
    passage: &Passage,
    pace: Pace,
) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut since = Instant::now();
    loop {
        let until = pace.due(since);
        if let Ok(done) = timeout_at(until.into(), work.as_mut()).await {
            return Some(done);
        }
        since = pace.waiting_since((since, until), meter, passage)?;
    }
}

impl FlowBody {
    /// The next bytes of the answer; trailers are dropped.
    ///
    /// # Errors
    /// `agency.broken_answer` (`half_answer`), `agency.timeout`; of the caller: the fault with which the
    /// request's own source broke off, `body_deadline`, or `answer_deadline` where the answer was not
    /// taken before the exchange's end. After any there is nothing more.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        if self.is_left_lying() {
            let fault = Fault::new(Code::CallerMalformed, Phase::Send, "answer_deadline");
            self.held = None;
            return Poll::Ready(Some(Err(fault)));
        }
        let Some(Held { link, .. }) = &mut self.held else { return Poll::Ready(None) };
        match link.poll_data(cx) {
            Poll::Ready(Some(Ok(data))) => {
                self.waiting_since = None;
                if link.is_end() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(data)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(broken))) => {
                let code = Code::AgencyBrokenAnswer;
                Poll::Ready(Some(Err(self.fail(code, broken.reason, broken.cause))))
            }
            Poll::Pending => self.poll_late(cx).map(|()| {
                let cause = "the answer stopped".to_owned();
                Some(Err(self.fail(Code::AgencyTimeout, "deadline", cause)))
            }),
        }
    }

    /// All of it was given.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.held.as_ref().is_none_or(|held| held.link.is_end())
    }

    /// Bytes still to come, where the agency said how many.
    #[must_use]
    pub fn bytes_left(&self) -> Option<u64> {
        self.held.as_ref().map_or(Some(0), |held| held.link.bytes_left())
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(Held { link, .. }) = &self.held else { return Poll::Ready(()) };
        loop {
            let since = *self.waiting_since.get_or_insert_with(Instant::now);
            let due = self.pace.due(since);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due.into())));
            if timer.deadline() != due.into() {
                timer.as_mut().reset(due.into());
            }
            ready!(timer.as_mut().poll(cx));
            self.waiting_since = self.pace.waiting_since((since, due), &link.meter, &self.passage);
            if self.waiting_since.is_none() {
                return Poll::Ready(());
            }
        }
    }

    /// The end of the exchange passed while nobody took what there was of the answer.
    fn is_left_lying(&self) -> bool {
        self.held.is_some() && self.waiting_since.is_none() && Instant::now() >= self.pace.deadline
    }

    fn fail(&mut self, code: Code, reason: &'static str, cause: String) -> Fault {
        let is_late = code == Code::AgencyTimeout;
        let held = self.held.take();
        let fault = held.and_then(|held| of_caller(is_late, &held.link.meter, &self.passage));
        if let Some(fault) = fault {
            return begun(fault);
        }
        self.upstream.breaker.fail(Instant::now());
        self.upstream.show_breaker();
        self.upstream.figures.fault(code);
        Fault::new(code, Phase::Send, reason).because(cause)
    }

    /// Both messages ended cleanly: the connection may serve another call.
    fn finish(&mut self) {
        let Some(Held { link, place, _permit }) = self.held.take() else { return };
        if self.is_reusable && link.is_reusable() {
            place.pool.keep(link, Instant::now());
        }
    }
}
