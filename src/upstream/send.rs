//! The door out: one request to one agency, and the truth about what became of it.

use super::breaker::{Breaker, Verdict};
use super::exchange::{Broken, exchange};
use super::pool::{Link, Origin, Pool, Unopened};
use super::{
    Marks, SendFault, UpstreamAnswer, UpstreamProblem, UpstreamRequest, strip_hop_by_hop,
    whole_seconds,
};
use crate::config::settings::{Agency, Settings};
use crate::ops::metrics::AgencyFigures;
use crate::proxy::tls::{ClientTls, TlsError};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout_at;

/// The way to one agency.
pub struct Upstream {
    pool: Pool,
    breaker: Breaker,
    connect_deadline: Duration,
    answer_bytes_max: usize,
    figures: Arc<AgencyFigures>,
}

/// A fault, and whether it speaks against the agency.
struct Failure {
    fault: Fault,
    verdict: Verdict,
}

impl Failure {
    /// Not a byte left.
    fn before(reason: &'static str, cause: impl Into<String>) -> Self {
        let fault = Fault::new(Code::AgencyUnreachable, Phase::Send, reason).because(cause.into());
        Self { fault, verdict: Verdict::Failed }
    }

    /// A byte may have left, and no clear answer came.
    fn after(code: Code, reason: &'static str, cause: impl Into<String>) -> Self {
        let fault = Fault::new(code, Phase::Send, reason).because(cause.into());
        Self { fault, verdict: Verdict::Failed }
    }

    /// The agency has no part in it.
    fn unasked(self) -> Self {
        Self { verdict: Verdict::Unasked, ..self }
    }
}

/// What one attempt led to.
enum Attempt {
    Answered(UpstreamAnswer),
    /// The connection was dead before a byte left.
    Stale(Broken),
    Failed(Failure),
}

impl Upstream {
    /// The way to an agency; connects only when there is something to send.
    ///
    /// # Errors
    /// An endpoint that is no URL, or TLS files that cannot be used.
    pub fn new(
        agency: &Agency,
        settings: &Settings,
        figures: Arc<AgencyFigures>,
    ) -> Result<Self, UpstreamProblem> {
        let wrong = || UpstreamProblem::Endpoint(agency.endpoint.clone());
        let origin = Origin::parse(&agency.endpoint).ok_or_else(wrong)?;
        let tls = if origin.is_tls {
            Some(ClientTls::load(agency, &settings.trust.files)?)
        } else {
            None
        };
        Ok(Self {
            pool: Pool::new(origin, tls, agency.connections_max).ok_or_else(wrong)?,
            breaker: Breaker::new(agency.breaker),
            connect_deadline: agency.connect_deadline,
            answer_bytes_max: settings.limits.body_bytes_max,
            figures,
        })
    }

    /// Asks the agency once; a connection that was dead before a byte left is replaced.
    ///
    /// Redirects are not followed, 1xx answers are skipped, any other status is an answer.
    ///
    /// # Errors
    /// Before a byte left (Refused): `agency.breaker_open`, `agency.unreachable`. After it (Unknown):
    /// `agency.timeout` at the deadline, `agency.broken_answer` where the answer is none.
    pub async fn send(
        &self,
        request: UpstreamRequest,
        deadline: Instant,
    ) -> Result<UpstreamAnswer, SendFault> {
        let mut marks = Marks::start();
        let pass = match self.breaker.pass(marks.started) {
            Ok(pass) => pass,
            Err(wait) => {
                self.figures.fault(Code::AgencyBreakerOpen);
                let fault = Fault::new(Code::AgencyBreakerOpen, Phase::Send, "breaker_open")
                    .retry_after_s(whole_seconds(wait));
                return Err(SendFault { fault, marks });
            }
        };
        let result = self.ask(&request, deadline, &mut marks).await;
        let now = Instant::now();
        let verdict = result.as_ref().map_or_else(|failure| failure.verdict, |_| Verdict::Answered);
        pass.settle(verdict, now);
        self.count(&result, now.duration_since(marks.started));
        result.map_err(|failure| SendFault { fault: failure.fault, marks })
    }

    /// Reads the TLS files again; connections that are open keep what they have.
    ///
    /// # Errors
    /// Files that cannot be used; those in use stay.
    pub fn reload(&self, agency: &Agency, settings: &Settings) -> Result<(), TlsError> {
        match self.pool.tls() {
            Some(tls) => tls.reload(agency, &settings.trust.files),
            None => Ok(()),
        }
    }

    /// The breaker of this agency.
    #[must_use]
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Closes connections that rested too long.
    pub fn sweep(&self, now: Instant) {
        self.pool.sweep(now);
    }

    fn count(&self, result: &Result<UpstreamAnswer, Failure>, took: Duration) {
        self.figures.seconds.observe(took.as_secs_f64());
        if let Err(failure) = result {
            self.figures.fault(failure.fault.code);
        }
        if result.is_err() || self.figures.breaker_open.get() != 0 {
            self.figures.breaker_open.set(self.breaker.is_open().into());
        }
    }

    async fn ask(
        &self,
        request: &UpstreamRequest,
        deadline: Instant,
        marks: &mut Marks,
    ) -> Result<UpstreamAnswer, Failure> {
        let (uri, headers) = self.head(request)?;
        let write = || {
            let mut http = Request::new(Full::new(request.body.clone()));
            *http.method_mut() = request.method.clone();
            *http.uri_mut() = uri.clone();
            *http.headers_mut() = headers.clone();
            http
        };
        let _permit = self.permit(deadline).await?;
        while let Some(link) = self.pool.take(Instant::now()) {
            marks.connected = Some(Instant::now());
            match self.attempt(link, write(), deadline, marks).await {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Stale(_) => {}
            }
        }
        let link = self.open(deadline).await?;
        marks.connected = Some(Instant::now());
        match self.attempt(link, write(), deadline, marks).await {
            Attempt::Answered(answer) => Ok(answer),
            Attempt::Failed(failure) => Err(failure),
            Attempt::Stale(broken) => Err(Failure::before("connection_closed", broken.cause)),
        }
    }

    /// The request line and headers as they go out.
    fn head(&self, request: &UpstreamRequest) -> Result<(Uri, HeaderMap), Failure> {
        let origin = self.pool.origin();
        let below = request.path.as_str();
        let is_below = (below.is_empty() || below.starts_with('/')) && !below.contains('#');
        let whole = match format!("{}{below}", origin.path) {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        let uri = whole.parse::<Uri>().ok().filter(|_| is_below).ok_or_else(|| Failure {
            // The adapter wrote it; the path may hold an IIN, so it is not told.
            fault: Fault::new(Code::GatewayBug, Phase::Encode, "upstream_path"),
            verdict: Verdict::Unasked,
        })?;
        let mut headers = request.headers.clone();
        strip_hop_by_hop(&mut headers);
        headers.insert(HOST, origin.authority.clone());
        if request.method == Method::GET && request.body.is_empty() {
            headers.remove(CONTENT_LENGTH);
        } else {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
        }
        Ok((uri, headers))
    }

    async fn permit(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        let late = || Failure::before("connections_busy", "no connection free").unasked();
        if Instant::now() >= deadline {
            return Err(Failure::before("deadline", "no time left to send").unasked());
        }
        let permit = timeout_at(deadline.into(), self.pool.permit()).await;
        permit.ok().flatten().ok_or_else(late)
    }

    async fn open(&self, deadline: Instant) -> Result<Link, Failure> {
        let until = deadline.min(Instant::now() + self.connect_deadline);
        match timeout_at(until.into(), self.pool.open()).await {
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
        mut link: Link,
        request: Request<Full<Bytes>>,
        deadline: Instant,
        marks: &mut Marks,
    ) -> Attempt {
        let before_bytes = link.meter.written_bytes();
        let work = exchange(&mut link, request, self.answer_bytes_max, marks);
        let ended = timeout_at(deadline.into(), work).await;
        let has_left = link.meter.written_bytes() > before_bytes;
        match ended {
            Ok(Ok((answer, is_reusable))) => {
                if is_reusable {
                    self.pool.keep(link, Instant::now());
                }
                Attempt::Answered(answer)
            }
            Ok(Err(broken)) if broken.is_unsent || !has_left => Attempt::Stale(broken),
            Ok(Err(broken)) if broken.is_certificate_refused && !link.is_proved => {
                Attempt::Failed(Failure::before("tls_client_certificate", broken.cause))
            }
            Ok(Err(broken)) => Attempt::Failed(Failure::after(
                Code::AgencyBrokenAnswer,
                broken.reason,
                broken.cause,
            )),
            Err(_elapsed) if has_left => {
                marks.sent = Some(link.meter.last_write_at());
                let fault = Failure::after(Code::AgencyTimeout, "deadline", "no answer in time");
                Attempt::Failed(fault)
            }
            Err(_elapsed) => {
                Attempt::Failed(Failure::before("deadline", "nothing could be written"))
            }
        }
    }
}
