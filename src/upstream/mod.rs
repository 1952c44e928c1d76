//! The way to the agencies: endpoints with their connections, one breaker and one door out for each.
//!
//! What matters here is one question: did a byte of the request leave? Before, nothing happened and
//! the call is Refused; after, only a clear answer decides and everything else is Unknown.

mod balance;
mod body;
mod breaker;
mod chunks;
mod exchange;
mod flow;
mod link;
mod meter;
mod pool;
mod reading;
mod send;
mod writing;

pub use body::{Measure, Passage, Upload};
pub use breaker::{Breaker, Pass, Verdict};
pub use flow::{Flow, FlowBody, Pace};
pub use send::Upstream;

use crate::config::settings::{Agency, Settings};
use crate::ops::metrics::Metrics;
use crate::proxy::tls::TlsError;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All agencies of an installation.
pub struct Upstreams(HashMap<String, Arc<Upstream>>);

impl Upstreams {
    /// Makes the ways to all agencies; connects to none yet.
    ///
    /// # Errors
    /// The first agency whose endpoint or TLS files cannot be used.
    pub fn new(settings: &Settings, metrics: &Metrics) -> Result<Self, UpstreamError> {
        Self::renewed(settings, metrics, None)
    }

    /// The same after a change of the settings: what is known of an agency stays known.
    ///
    /// # Errors
    /// As [`Upstreams::new`].
    pub fn renewed(
        settings: &Settings,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Result<Self, UpstreamError> {
        let make = |agency: &Agency| {
            let figures = metrics.agency(&agency.id).ok_or(UpstreamProblem::NotCounted);
            let before = before.and_then(|before| before.0.get(&agency.id)).map(|before| &**before);
            figures
                .and_then(|figures| Upstream::new(agency, settings, figures, before).map(Arc::new))
                .map_err(|problem| UpstreamError { agency: agency.id.clone(), problem })
        };
        let away = settings.agencies.iter().filter(|(_, agency)| !agency.is_house());
        let made = away.map(|(id, agency)| Ok((id.clone(), make(agency)?)));
        made.collect::<Result<_, _>>().map(Self)
    }

    /// Asks one agency, once.
    ///
    /// # Errors
    /// As [`Upstream::send`].
    pub async fn send(
        &self,
        agency: &Agency,
        request: impl Into<Box<UpstreamRequest>>,
        deadline: Instant,
    ) -> Result<UpstreamAnswer, SendFault> {
        match self.0.get(&agency.id) {
            Some(upstream) => upstream.send(request.into(), deadline).await,
            None => Err(SendFault::no_upstream()),
        }
    }

    /// Begins to relay to one agency; see [`Upstream::flow`].
    ///
    /// # Errors
    /// As [`Upstream::flow`].
    pub async fn flow(
        &self,
        agency: &Agency,
        request: UpstreamRequest,
        upload: Upload,
        pace: Pace,
    ) -> Result<Flow, SendFault> {
        match self.0.get(&agency.id) {
            Some(upstream) => upstream.flow(request, upload, pace).await,
            None => Err(SendFault::no_upstream()),
        }
    }

    /// The way to one agency.
    #[must_use]
    pub fn agency(&self, id: &str) -> Option<&Arc<Upstream>> {
        self.0.get(id)
    }

    /// Closes connections that rested too long; to be called every second or so.
    pub fn sweep(&self) {
        let now = Instant::now();
        self.0.values().for_each(|upstream| upstream.sweep(now));
    }
}

/// An agency of the configuration that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("agency {agency}: {problem}")]
pub struct UpstreamError {
    agency: String,
    #[source]
    problem: UpstreamProblem,
}

/// What is wrong with an agency's settings.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamProblem {
    #[error("endpoint is not an http:// or https:// URL without query and credentials: {0}")]
    Endpoint(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the metrics do not know it")]
    NotCounted,
}

/// One HTTP request to an agency.
#[derive(Clone, Debug)]
pub struct UpstreamRequest {
    pub method: Method,
    /// Path and query, appended to the endpoint's path; begins with `/` or is empty.
    pub path: String,
    /// End-to-end headers; those of one hop are taken out, `Host` and the length are put in.
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Asking twice changes nothing: it may be repeated where the answer was lost.
    pub may_repeat: bool,
}

impl UpstreamRequest {
    /// A SOAP 1.1 envelope, with the empty `SOAPAction` that SyncChannel v10 declares.
    #[must_use]
    pub fn soap(envelope: Bytes) -> Self {
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(HeaderName::from_static("soapaction"), HeaderValue::from_static("\"\""));
        Self {
            method: Method::POST,
            path: String::new(),
            headers,
            body: envelope,
            may_repeat: false,
        }
    }

    /// What an adapter wrote.
    #[must_use]
    pub fn http(outgoing: HttpOutgoing) -> Self {
        let mut headers = HeaderMap::with_capacity(6);
        if let Some(content_type) = outgoing.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let method = if outgoing.method == "GET" { Method::GET } else { Method::POST };
        let body = Bytes::from(outgoing.body);
        Self { method, path: outgoing.path, headers, body, may_repeat: false }
    }
}

/// An agency's whole answer; whatever its status, it is the agency's word.
#[derive(Clone, Debug)]
pub struct UpstreamAnswer {
    pub status: u16,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
    /// End-to-end headers.
    pub headers: HeaderMap,
    pub body: Bytes,
    pub marks: Marks,
}

/// When what happened; absent where it did not.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    pub started: Instant,
    /// A connection was there, reused or new.
    pub connected: Option<Instant>,
    /// The last byte of the request left.
    pub sent: Option<Instant>,
    /// The head of the answer was there.
    pub first_byte: Option<Instant>,
    /// The last byte of the answer was there.
    pub done: Option<Instant>,
}

impl Marks {
    /// A request begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), connected: None, sent: None, first_byte: None, done: None }
    }
}

/// Why there is no answer; the code says whether a byte left.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct SendFault {
    pub fault: Fault,
    pub marks: Marks,
}

impl SendFault {
    fn no_upstream() -> Self {
        let fault = Fault::new(Code::GatewayBug, Phase::Encode, "agency_without_upstream");
        Self { fault, marks: Marks::start() }
    }
}

impl From<SendFault> for Fault {
    fn from(failed: SendFault) -> Self {
        failed.fault
    }
}

/// Whole seconds, rounded up and at least one, for `Retry-After`.
pub(crate) fn whole_seconds(wait: Duration) -> u32 {
    let up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(up).unwrap_or(u32::MAX).max(1)
}

/// Takes out what is meant for one hop only (RFC 9110 §7.6.1), named or implied.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    drop_headers(headers, |name| {
        matches!(
            name,
            "connection"
                | "expect"
                | "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
    });
}

/// Takes out headers by their names; a head mostly has none of them, so it is walked once.
pub(crate) fn drop_headers(headers: &mut HeaderMap, is_dropped: impl Fn(&str) -> bool) {
    let dropped: Vec<_> =
        headers.keys().filter(|name| is_dropped(name.as_str())).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_hop_are_not_passed_on_even_when_only_connection_names_them() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-type", "text/xml"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip_hop_by_hop(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["content-type"]);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
    }
}
