//! One request and its answer on one connection, and why there was no answer.

use super::body::whole;
use super::link::Link;
use super::reading::NoAnswer;
use super::{Marks, UpstreamAnswer, strip_hop_by_hop};
use bytes::{Bytes, BytesMut};
use hyper::Method;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use rustls::AlertDescription;
use std::future::poll_fn;
use std::io;
use std::time::Instant;

/// Why an exchange ended without an answer.
#[derive(Debug)]
pub(super) struct Broken {
    /// Public reason, a snake_case word.
    pub(super) reason: &'static str,
    /// For the log.
    pub(super) cause: String,
    /// The agency's TLS refused our certificate, and so never read the request.
    pub(super) is_certificate_refused: bool,
}

impl Broken {
    pub(super) fn because(reason: &'static str, cause: impl Into<String>) -> Self {
        Self { reason, cause: cause.into(), is_certificate_refused: false }
    }

    /// The connection failed.
    pub(super) fn failed(reason: &'static str, error: &io::Error) -> Self {
        let is_certificate_refused = is_certificate_alert(error);
        Self { is_certificate_refused, ..Self::because(reason, error.to_string()) }
    }
}

impl From<NoAnswer> for Broken {
    fn from(none: NoAnswer) -> Self {
        Self::because(none.reason, none.cause)
    }
}

/// Whether the peer's TLS said that it does not accept our certificate.
///
/// With TLS 1.3 it can say so only after our side has finished the handshake and sent the request;
/// but it must not hand application data on before the handshake is complete (RFC 8446 §4.4.2.4), so
/// the request was not read.
fn is_certificate_alert(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::AlertReceived(alert)) = inner else { return false };
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

/// A whole request for one endpoint: it may be sent again where not a byte of it left.
pub(super) struct Asking<'a> {
    pub(super) method: &'a Method,
    pub(super) head: Bytes,
    pub(super) body: &'a Bytes,
}

/// Sends a request and reads the whole answer, at most `answer_bytes_max` of it.
///
/// The second value says whether the connection may be used again.
pub(super) async fn exchange(
    link: &mut Link,
    asking: &Asking<'_>,
    answer_bytes_max: usize,
    marks: &mut Marks,
) -> Result<(UpstreamAnswer, bool), Broken> {
    let (head, body) = (asking.head.clone(), whole(asking.body.clone()));
    let mut head = link.ask(asking.method, head, body).await?;
    marks.first_byte = Some(Instant::now());
    marks.sent = Some(link.meter.last_write_at());
    // An answer to a request that is still on its way out: who reads the rest as what?
    let is_early = !link.has_left_whole();

    if let Some(encoding) = head.headers.get(CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Broken::because("content_encoding", format!("{encoding:?} was not asked for")));
    }
    let body = read(link, answer_bytes_max).await?;
    marks.done = Some(Instant::now());

    strip_hop_by_hop(&mut head.headers);
    let answer = UpstreamAnswer {
        status: head.status.as_u16(),
        content_type: content_type(&head.headers),
        headers: head.headers,
        body,
        marks: *marks,
    };
    Ok((answer, !is_early && link.is_reusable()))
}

async fn read(link: &mut Link, bytes_max: usize) -> Result<Bytes, Broken> {
    let too_large = || Broken::because("answer_too_large", format!("more than {bytes_max} bytes"));
    if link.bytes_left().is_some_and(|bytes| bytes > bytes_max as u64) {
        return Err(too_large());
    }
    poll_fn(|cx| link.poll_whole(cx)).await?;
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(data) = poll_fn(|cx| link.poll_data(cx)).await.transpose()? {
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

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?;
    Some(media_type.trim().to_ascii_lowercase())
}
