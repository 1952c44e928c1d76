//! The door for operations, plain HTTP on a port of its own: /health, /ready, /metrics.

use super::metrics::Metrics;
use crate::config::settings::{Limits, Listener, Settings, TlsMode};
use crate::proxy::listener::{AnswerBody, BindError, Door, Handler, Received};
use bytes::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;

const CONNECTIONS_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 1024;
const IDLE_DEADLINE: Duration = Duration::from_secs(120);

/// Answers what operations ask.
pub struct Ops {
    metrics: Arc<Metrics>,
    /// Why the node is not ready, in snake_case words; empty: it is.
    unready: Box<dyn Fn() -> Vec<&'static str> + Send + Sync>,
}

impl Ops {
    /// `unready` is asked at each /ready and must not block.
    #[must_use]
    pub fn new(
        metrics: Arc<Metrics>,
        unready: impl Fn() -> Vec<&'static str> + Send + Sync + 'static,
    ) -> Self {
        Self { metrics, unready: Box::new(unready) }
    }

    /// Binds the port of the settings; serve it with [`Door::serve`].
    ///
    /// # Errors
    /// As [`Door::bind`].
    pub async fn bind(settings: &Settings, metrics: &Metrics) -> Result<Door, BindError> {
        let listener = Listener {
            address: settings.ops.address,
            tls: TlsMode::Off,
            certificate_file: None,
            key_file: None,
            public_url: None,
            http2: false,
            receipts: false,
            reuse_port: false,
        };
        let limits = Limits {
            connections_max: CONNECTIONS_MAX,
            body_bytes_max: BODY_BYTES_MAX,
            in_flight_max: CONNECTIONS_MAX,
            idle_deadline: IDLE_DEADLINE,
            drain_deadline: Duration::from_secs(1),
            ..settings.limits.clone()
        };
        Door::bind(&listener, &limits, None, metrics.ops.clone()).await
    }

    fn ready(&self) -> Response<AnswerBody> {
        let reasons = (self.unready)();
        let status =
            if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body = serde_json::json!({ "ready": reasons.is_empty(), "reasons": reasons });
        written(status, "application/json", body.to_string())
    }

    fn metrics(&self) -> Response<AnswerBody> {
        match self.metrics.text() {
            Ok(text) => written(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the metrics cannot be written; see the log\n",
                )
            }
        }
    }
}

impl Handler for Ops {
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        if received.method != Method::GET && received.method != Method::HEAD {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match received.uri.path() {
            "/health" => plain(StatusCode::OK, "alive\n"),
            "/ready" => self.ready(),
            "/metrics" => self.metrics(),
            _ => plain(StatusCode::NOT_FOUND, "here are /health, /ready and /metrics\n"),
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    written(status, "text/plain; charset=utf-8", text)
}

fn written(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(Into::<Bytes>::into(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
