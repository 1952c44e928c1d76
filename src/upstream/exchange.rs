//! One request and its answer on one connection, and why there was no answer.

use super::body::Outgoing;
use super::pool::Link;
use super::{Marks, UpstreamAnswer, strip_hop_by_hop};
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode};
use rustls::AlertDescription;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

/// Why an exchange ended without an answer.
#[derive(Debug)]
pub(super) struct Broken {
    /// Public reason, a snake_case word.
    pub(super) reason: &'static str,
    /// For the log.
    pub(super) cause: String,
    /// hyper gave the request back: not a byte of it was written.
    pub(super) is_unsent: bool,
    /// The agency's TLS refused our certificate, and so never read the request.
    pub(super) is_certificate_refused: bool,
}

impl Broken {
    pub(super) fn because(reason: &'static str, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self { reason, cause, is_unsent: false, is_certificate_refused: false }
    }

    fn head(error: &hyper::Error) -> Self {
        let reason = if error.is_parse_too_large() {
            "answer_head_too_large"
        } else if error.is_parse() {
            "not_http"
        } else if error.is_incomplete_message() {
            "closed_without_answer"
        } else {
            "connection_failed"
        };
        Self {
            is_certificate_refused: is_certificate_alert(error),
            ..Self::because(reason, told(error))
        }
    }

    pub(super) fn body(error: &hyper::Error) -> Self {
        Self::because("half_answer", told(error))
    }
}

/// An error with all its sources, in one line.
fn told(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}

/// Whether the peer's TLS said that it does not accept our certificate.
///
/// With TLS 1.3 it can say so only after our side has finished the handshake and sent the request;
/// but it must not hand application data on before the handshake is complete (RFC 8446 §4.4.2.4), so
/// the request was not read.
fn is_certificate_alert(error: &(dyn Error + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) =
            inner.and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return matches!(
                alert,
                AlertDescription::BadCertificate
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::UnknownCA
                    | AlertDescription::AccessDenied
                    | AlertDescription::CertificateRequired
            );
        }
        source = error.source();
    }
    false
}

/// Sends `request` and reads the whole answer, at most `answer_bytes_max` of it.
///
/// The second value says whether the connection may be used again.
pub(super) async fn exchange(
    link: &mut Link,
    request: Request<Outgoing>,
    answer_bytes_max: usize,
    marks: &mut Marks,
) -> Result<(UpstreamAnswer, bool), Broken> {
    let answer = head(link, request).await.map_err(|(broken, _)| broken)?;
    marks.first_byte = Some(Instant::now());
    marks.sent = Some(link.meter.last_write_at());
    // An answer to a request that is still on its way out: who reads the rest as what?
    let is_early = link.meter.is_blocked();

    let (mut parts, body) = answer.into_parts();
    if let Some(encoding) = parts.headers.get(CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Broken::because("content_encoding", format!("{encoding:?} was not asked for")));
    }
    let body = read(link, body, answer_bytes_max).await?;
    marks.done = Some(Instant::now());
    let is_reusable = !is_early && poll_fn(|cx| Poll::Ready(settle(link, cx))).await;

    strip_hop_by_hop(&mut parts.headers);
    let answer = UpstreamAnswer {
        status: parts.status.as_u16(),
        content_type: content_type(&parts.headers),
        headers: parts.headers,
        body,
        marks: *marks,
    };
    Ok((answer, is_reusable))
}

pub(super) async fn head(
    link: &mut Link,
    request: Request<Outgoing>,
) -> Result<Response<Incoming>, (Broken, Option<Request<Outgoing>>)> {
    let mut answer = pin!(link.sender.try_send_request(request));
    let answer = poll_fn(|cx| {
        link.drive(cx);
        match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_err(|mut error| {
                let unsent = error.take_message();
                let is_unsent = unsent.is_some();
                (Broken { is_unsent, ..Broken::head(&error.into_error()) }, unsent)
            })),
            Poll::Pending if link.is_closed() => {
                let broken = Broken::because("connection_failed", "closed without a word");
                Poll::Ready(Err((broken, None)))
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let broken = Broken::because("switching_protocols", "HTTP 101 was not asked for");
        return Err((broken, None));
    }
    Ok(answer)
}

async fn read(link: &mut Link, mut body: Incoming, bytes_max: usize) -> Result<Bytes, Broken> {
    let too_large = || Broken::because("answer_too_large", format!("more than {bytes_max} bytes"));
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| frame(link, &mut body, cx)).await {
        // Trailers carry nothing that anybody here reads.
        let Ok(data) = frame.map_err(|error| Broken::body(&error))?.into_data() else { continue };
        if whole.len() + joined.len() + data.len() > bytes_max {
            return Err(too_large());
        }
        if whole.is_empty() && joined.is_empty() {
            // Most answers are one piece: no copy.
            whole = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

pub(super) fn frame(
    link: &mut Link,
    body: &mut Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    link.drive(cx);
    if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
        return Poll::Ready(frame);
    }
    // Asking made room for the next frame: drive once more before going to sleep.
    link.drive(cx);
    Pin::new(body).poll_frame(cx)
}

/// Lets hyper come to rest; whether the connection is ready for another request.
pub(super) fn settle(link: &mut Link, cx: &mut Context<'_>) -> bool {
    link.drive(cx);
    !link.is_closed() && link.sender.is_ready()
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?;
    Some(media_type.trim().to_ascii_lowercase())
}
