//! The door out: one request to one agency, and the truth about what became of it.

use super::balance::{Place, Places, Retries};
use super::breaker::{Breaker, Pass, Verdict};
use super::exchange::{Asking, Broken, exchange};
use super::link::Link;
use super::pool::{Origin, Pool, Unopened};
use super::{
    Marks, SendFault, UpstreamAnswer, UpstreamProblem, UpstreamRequest, strip_hop_by_hop,
    whole_seconds, writing,
};
use crate::config::settings::{self, Agency, Settings};
use crate::ops::metrics::AgencyFigures;
use crate::proxy::tls::ClientTls;
use bytes::Bytes;
use hyper::http::uri::PathAndQuery;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

/// Connections to a server of lists or to a responder.
const PLAIN_CONNECTIONS_MAX: usize = 16;
const PLAIN_CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// A responder that is down is asked again soon: calls wait for it, or are refused.
const PLAIN_BREAKER: settings::Breaker = settings::Breaker {
    failures: 5,
    open_for: Duration::from_secs(2),
    failure_percent: 100,
    sample_min: 20,
    window: Duration::from_secs(10),
    probes: 1,
};

/// The way to one agency.
pub struct Upstream {
    pub(super) places: Places,
    retries: Retries,
    pub(super) breaker: Breaker,
    connect_deadline: Duration,
    answer_bytes_max: usize,
    pub(super) figures: Arc<AgencyFigures>,
}

/// A fault, and whether it speaks against the agency.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) verdict: Verdict,
}

impl Failure {
    /// Not a byte left.
    pub(super) fn before(reason: &'static str, cause: impl Into<String>) -> Self {
        let fault = Fault::new(Code::AgencyUnreachable, Phase::Send, reason).because(cause.into());
        Self { fault, verdict: Verdict::Failed }
    }

    /// A byte may have left, and no clear answer came.
    pub(super) fn after(code: Code, reason: &'static str, cause: impl Into<String>) -> Self {
        let fault = Fault::new(code, Phase::Send, reason).because(cause.into());
        Self { fault, verdict: Verdict::Failed }
    }

    /// The agency has no part in it.
    pub(super) fn unasked(self) -> Self {
        Self { verdict: Verdict::Unasked, ..self }
    }
}

/// Why one attempt led to no answer.
pub(super) enum Unanswered {
    /// The connection was dead before a byte left.
    Stale(Broken),
    Failed(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Upstream {
    /// The way to an agency; connects only when there is something to send. What the way `before`
    /// a change knows of the agency stays known, and its connections stay open where they fit.
    ///
    /// # Errors
    /// An endpoint that is no URL, or TLS files that cannot be used.
    pub fn new(
        agency: &Agency,
        settings: &Settings,
        figures: Arc<AgencyFigures>,
        before: Option<&Self>,
    ) -> Result<Self, UpstreamProblem> {
        let pool = |endpoint: &String| {
            let wrong = || UpstreamProblem::Endpoint(endpoint.clone());
            let origin = Origin::parse(endpoint).ok_or_else(wrong)?;
            let tls = match origin.is_tls {
                true => Some(ClientTls::load(agency, &settings.trust.files)?),
                false => None,
            };
            Pool::new(origin, tls).ok_or_else(wrong)
        };
        let endpoints = [&agency.endpoint].into_iter().chain(&agency.more_endpoints);
        let pools = endpoints.map(pool).collect::<Result<Vec<_>, UpstreamProblem>>()?;
        let known = before.map(|before| &before.places);
        let renewed = |before: &Self| before.breaker.renewed(agency.breaker);
        Ok(Self {
            places: Places::renewed(pools, agency.connections_max, known),
            retries: Retries::new(agency.retry_percent),
            breaker: before.map_or_else(|| Breaker::new(agency.breaker), renewed),
            connect_deadline: agency.connect_deadline,
            answer_bytes_max: settings.limits.body_bytes_max,
            figures,
        })
    }

    /// The way to a server whose answers are signed themselves, so that plain HTTP is enough.
    ///
    /// # Errors
    /// What is no http URL.
    pub fn plain(
        url: &str,
        answer_bytes_max: usize,
        figures: Arc<AgencyFigures>,
    ) -> Result<Self, UpstreamProblem> {
        let wrong = || UpstreamProblem::Endpoint(url.to_owned());
        let origin = Origin::parse(url).filter(|origin| !origin.is_tls).ok_or_else(wrong)?;
        let pool = Pool::new(origin, None).ok_or_else(wrong)?;
        Ok(Self {
            places: Places::renewed(vec![pool], PLAIN_CONNECTIONS_MAX, None),
            retries: Retries::new(0),
            breaker: Breaker::new(PLAIN_BREAKER),
            connect_deadline: PLAIN_CONNECT_DEADLINE,
            answer_bytes_max,
            figures,
        })
    }

    /// Asks the agency; a connection that was dead before a byte left is replaced, and so is an endpoint
    /// that cannot be reached. Once a byte left it is asked once, unless the request may be repeated and
    /// the budget of repetitions allows it: then twice.
    ///
    /// Redirects are not followed, 1xx answers are skipped, any other status is an answer.
    ///
    /// # Errors
    /// Before a byte left (Refused): `agency.breaker_open`, `agency.unreachable`. After it (Unknown):
    /// `agency.timeout` at the deadline, `agency.broken_answer` where the answer is none.
    pub async fn send(
        &self,
        mut request: Box<UpstreamRequest>,
        deadline: Instant,
    ) -> Result<UpstreamAnswer, SendFault> {
        let mut marks = Marks::start();
        strip_hop_by_hop(&mut request.headers);
        let pass = self.pass(marks.started).map_err(|fault| SendFault { fault, marks })?;
        let result = self.ask(&request, deadline, &mut marks).await;
        self.settle(pass, &result, marks);
        result.map_err(|failure| SendFault { fault: failure.fault, marks })
    }

    /// The breaker's leave to ask.
    pub(super) fn pass(&self, now: Instant) -> Result<Pass<'_>, Fault> {
        self.breaker.pass(now).map_err(|wait| {
            self.figures.fault(Code::AgencyBreakerOpen);
            Fault::new(Code::AgencyBreakerOpen, Phase::Send, "breaker_open")
                .retry_after_s(whole_seconds(wait))
        })
    }

    /// Tells breaker and metrics how asking ended.
    pub(super) fn settle<T>(&self, pass: Pass<'_>, result: &Result<T, Failure>, marks: Marks) {
        let now = Instant::now();
        let verdict = result.as_ref().map_or_else(|failure| failure.verdict, |_| Verdict::Answered);
        pass.settle(verdict, now);
        self.figures.seconds.observe(now.duration_since(marks.started).as_secs_f64());
        if let Err(failure) = result {
            self.figures.fault(failure.fault.code);
        }
        if result.is_err() || self.figures.breaker_open.get() != 0 {
            self.show_breaker();
        }
    }

    pub(super) fn show_breaker(&self) {
        self.figures.breaker_open.set(self.breaker.is_open().into());
    }

    /// The breaker of this agency.
    #[must_use]
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Closes connections that rested too long.
    pub fn sweep(&self, now: Instant) {
        self.places.sweep(now);
    }

    async fn ask(
        &self,
        request: &UpstreamRequest,
        deadline: Instant,
        marks: &mut Marks,
    ) -> Result<UpstreamAnswer, Failure> {
        let _permit = self.permit(deadline).await?;
        self.retries.pay();
        let mut tried = Vec::new();
        // What became of the first request, once it is repeated.
        let mut lost: Option<Failure> = None;
        loop {
            let now = Instant::now();
            // The only endpoint may be asked again where the same request may.
            let place = self.places.choose(now, &tried).or_else(|| self.places.choose(now, &[]));
            let place =
                place.ok_or_else(|| Failure::before("no_endpoint", "none is configured"))?;
            let failure = match self.ask_at(&place, request, deadline, marks).await {
                Ok(answer) => {
                    place.answered();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if failure.verdict != Verdict::Failed {
                return Err(of_both(lost, failure));
            }
            place.failed(Instant::now());
            tried.push(place);
            let is_unsent = failure.fault.code == Code::AgencyUnreachable;
            let may_go_on = if is_unsent {
                self.places.has_other(&tried)
            } else {
                let may = request.may_repeat && lost.is_none() && is_lost(&failure.fault);
                may && self.retries.take()
            };
            if !may_go_on || Instant::now() >= deadline {
                return Err(of_both(lost, failure));
            }
            if !is_unsent {
                lost = Some(failure);
            }
        }
    }

    async fn ask_at(
        &self,
        place: &Place,
        request: &UpstreamRequest,
        deadline: Instant,
        marks: &mut Marks,
    ) -> Result<UpstreamAnswer, Failure> {
        let head = head(place, request, Some(request.body.len() as u64))?;
        let asking = Asking { method: &request.method, head, body: &request.body };
        while let Some(link) = place.pool.take().await {
            marks.connected = Some(Instant::now());
            match self.attempt((place, link), &asking, deadline, marks).await {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Failed(failure)) => return Err(failure),
                Err(Unanswered::Stale(_)) => {}
            }
        }
        // Boxed: a call that waits for its answer holds no room for a handshake.
        let link = Box::pin(self.open(place, deadline)).await?;
        marks.connected = Some(Instant::now());
        match self.attempt((place, link), &asking, deadline, marks).await {
            Ok(answer) => Ok(answer),
            Err(Unanswered::Failed(failure)) => Err(failure),
            Err(Unanswered::Stale(broken)) => {
                Err(Failure::before("connection_closed", broken.cause))
            }
        }
    }

    pub(super) async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        let late = || Failure::before("connections_busy", "no connection free").unasked();
        if Instant::now() >= deadline {
            return Err(Failure::before("deadline", "no time left to send").unasked());
        }
        let permit = timeout_at(deadline.into(), self.places.permit()).await;
        permit.ok().flatten().ok_or_else(late)
    }

    pub(super) async fn open(
        &self,
        place: &Place,
        deadline: Instant,
    ) -> Result<Box<Link>, Failure> {
        let until = deadline.min(Instant::now() + self.connect_deadline);
        match timeout_at(until.into(), place.pool.open()).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(Unopened::Socket(error))) => {
                let reason = match error.kind() {
                    io::ErrorKind::ConnectionRefused => "connection_refused",
                    _ => "connect_failed",
                };
                Err(Failure::before(reason, error.to_string()))
            }
            Ok(Err(Unopened::Tls(error))) => {
                Err(Failure::before("tls_handshake", error.to_string()))
            }
            Err(_elapsed) => Err(Failure::before("connect_deadline", "no connection in time")),
        }
    }

    async fn attempt(
        &self,
        (place, mut link): (&Place, Box<Link>),
        asking: &Asking<'_>,
        deadline: Instant,
        marks: &mut Marks,
    ) -> Result<UpstreamAnswer, Unanswered> {
        let before_bytes = link.meter.written_bytes();
        let work = exchange(&mut link, asking, self.answer_bytes_max, marks);
        match timeout_at(deadline.into(), work).await {
            Ok(Ok((answer, is_reusable))) => {
                if is_reusable {
                    place.pool.keep(link, Instant::now());
                }
                Ok(answer)
            }
            Ok(Err(broken)) => Err(unanswered(Some(broken), &link, before_bytes, marks)),
            Err(_elapsed) => Err(unanswered(None, &link, before_bytes, marks)),
        }
    }
}

/// What it means that an exchange broke, or (`None`) did not end in time.
pub(super) fn unanswered(
    broken: Option<Broken>,
    link: &Link,
    before_bytes: u64,
    marks: &mut Marks,
) -> Unanswered {
    let has_left = link.meter.written_bytes() > before_bytes;
    let failure = match broken {
        Some(broken) if !has_left => return Unanswered::Stale(broken),
        Some(broken) if broken.is_certificate_refused && !link.is_proved => {
            Failure::before("tls_client_certificate", broken.cause)
        }
        Some(broken) => Failure::after(Code::AgencyBrokenAnswer, broken.reason, broken.cause),
        None if has_left => {
            marks.sent = Some(link.meter.last_write_at());
            Failure::after(Code::AgencyTimeout, "deadline", "no answer in time")
        }
        None => Failure::before("deadline", "nothing could be written"),
    };
    Unanswered::Failed(failure)
}

/// How a request and its repetition ended together: the first may have been done, though not a byte of the
/// second left.
fn of_both(lost: Option<Failure>, last: Failure) -> Failure {
    match lost {
        Some(lost) if last.fault.outcome() == Outcome::Refused => lost,
        _ => last,
    }
}

/// The answer was lost on a connection that broke; how the agency meant it, nobody knows.
fn is_lost(fault: &Fault) -> bool {
    let lost = ["closed_without_answer", "connection_failed", "half_answer"];
    fault.code == Code::AgencyBrokenAnswer && lost.contains(&fault.reason)
}

/// The head as it goes out to a place, where the request's path is one.
pub(super) fn head(
    place: &Place,
    request: &UpstreamRequest,
    body_bytes: Option<u64>,
) -> Result<Bytes, Failure> {
    let origin = place.pool.origin();
    let below = request.path.as_str();
    if below.is_empty() {
        let target = if origin.path.is_empty() { "/" } else { &origin.path };
        return Ok(writing::head(request, target, &origin.authority, body_bytes));
    }
    let is_below = below.starts_with('/') && !below.contains('#');
    let whole = Bytes::from([&*origin.path, below].concat());
    let target = PathAndQuery::from_maybe_shared(whole).ok().filter(|_| is_below);
    let target = target.ok_or_else(|| Failure {
        // The adapter wrote it; the path may hold an IIN, so it is not told.
        fault: Fault::new(Code::GatewayBug, Phase::Encode, "upstream_path"),
        verdict: Verdict::Unasked,
    })?;
    Ok(writing::head(request, target.as_str(), &origin.authority, body_bytes))
}
