//! One request, received whole: strict about its framing, bounded in bytes and time.

use crate::config::settings::TlsMode;
use crate::sign::Reason;
use crate::sign::certificate::{Certificate, CertificateCache};
use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri, Version};
use qaqpa_kit::fault::{Code, Fault, Phase};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A whole request and where it came from.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The certificate that the connection proved.
    pub peer: Option<Arc<Peer>>,
    pub peer_address: SocketAddr,
    pub tls: TlsMode,
    /// When the head was there.
    pub received_at: Instant,
    /// The same moment, Unix microseconds.
    pub received_at_us: i64,
}

/// A caller's TLS certificate, proved by the handshake and trusted then.
#[derive(Debug)]
pub struct Peer {
    pub certificate: CertificateDer<'static>,
    /// What the caller sent with it, in its order.
    pub chain: Vec<CertificateDer<'static>>,
    /// The certificate read, once a request needed it.
    read: OnceLock<Arc<Certificate>>,
}

impl Peer {
    /// A certificate and what came with it, not read yet.
    #[must_use]
    pub fn new(certificate: CertificateDer<'static>, chain: Vec<CertificateDer<'static>>) -> Self {
        Self { certificate, chain, read: OnceLock::new() }
    }

    /// The certificate, read once a connection.
    ///
    /// # Errors
    /// As [`CertificateCache::parse`].
    pub fn read(&self, certificates: &CertificateCache) -> Result<Arc<Certificate>, Reason> {
        if let Some(read) = self.read.get() {
            return Ok(Arc::clone(read));
        }
        let read = certificates.parse(&self.certificate)?;
        Ok(Arc::clone(self.read.get_or_init(|| read)))
    }
}

/// Names that some servers read as those of framing.
const LOOKALIKES: [&str; 2] = ["content_length", "transfer_encoding"];

/// It has an HTTP status of its own, because no channel was reached.
fn refused(code: Code, reason: &'static str) -> Fault {
    let http_status = if code == Code::CallerTooLarge { 431 } else { 400 };
    Fault::new(code, Phase::Receive, reason).http_status(http_status)
}

/// Refuses framing that two readers could understand differently (RFC 9112 §3.2, §6.3).
pub(super) fn check(head: &Parts, headers_max: usize) -> Result<(), Fault> {
    let headers = &head.headers;
    let malformed = |reason| Err(refused(Code::CallerMalformed, reason));
    if headers.len() > headers_max {
        return Err(refused(Code::CallerTooLarge, "headers"));
    }
    if head.method == Method::CONNECT {
        return malformed("method");
    }
    if head.uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return malformed("scheme");
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() || (host.is_none() && is_nameless(head)) {
        return malformed("host");
    }
    if let (Some(authority), Some(host)) = (head.uri.authority(), host)
        && !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return malformed("host");
    }
    if head.uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return malformed("host");
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !is_chunked || codings.next().is_some() || headers.contains_key(CONTENT_LENGTH) {
            return malformed("transfer_encoding");
        }
    }
    if headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return malformed("content_length");
    }
    // An agency that takes `_` for `-` would read another body. In HTTP/1 the guard has looked for them.
    if head.version == Version::HTTP_2 && LOOKALIKES.iter().any(|name| headers.contains_key(*name))
    {
        return malformed("header_name");
    }
    match headers.get(EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            malformed("expect")
        }
        _ => Ok(()),
    }
}

/// HTTP/1.1 demands Host; HTTP/2 may say `:authority` instead (RFC 9113 §8.3.1).
fn is_nameless(head: &Parts) -> bool {
    match head.version {
        Version::HTTP_11 => true,
        Version::HTTP_2 => head.uri.authority().is_none(),
        _ => false,
    }
}

/// Unix microseconds.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    const HEADERS_MAX: usize = 64;

    fn check_of(
        build: impl FnOnce(hyper::http::request::Builder) -> hyper::http::request::Builder,
    ) -> Result<(), &'static str> {
        let (head, ()) =
            build(Request::builder().uri("/")).body(()).expect("a request").into_parts();
        check(&head, HEADERS_MAX).map_err(|fault| fault.reason)
    }

    #[test]
    fn an_ordinary_head_passes() {
        assert_eq!(check_of(|b| b.header("host", "a").header("content-length", "3")), Ok(()));
        assert_eq!(
            check_of(|b| b.header("host", "a").header("transfer-encoding", "Chunked")),
            Ok(())
        );
        assert_eq!(check_of(|b| b.header("host", "a").uri("http://a/x")), Ok(()));
        assert_eq!(check_of(|b| b.version(Version::HTTP_10)), Ok(()));
    }

    #[test]
    fn a_head_that_two_readers_could_read_differently_is_refused() {
        let two = |name: &'static str| {
            move |b: hyper::http::request::Builder| {
                b.header("host", "a").header(name, "3").header(name, "3")
            }
        };
        assert_eq!(check_of(|b| b), Err("host"));
        assert_eq!(check_of(two("host")), Err("host"));
        assert_eq!(check_of(|b| b.header("host", "a").uri("http://b/x")), Err("host"));
        assert_eq!(check_of(two("content-length")), Err("content_length"));
        for coding in ["identity, chunked", "chunked, chunked", "gzip"] {
            let checked = check_of(|b| b.header("host", "a").header("transfer-encoding", coding));
            assert_eq!(checked, Err("transfer_encoding"), "{coding}");
        }
        assert_eq!(
            check_of(|b| b.header("host", "a").header("expect", "y 100-continue")),
            Err("expect")
        );
        for name in LOOKALIKES {
            let checked =
                check_of(|b| b.version(Version::HTTP_2).header("host", "a").header(name, "3"));
            assert_eq!(checked, Err("header_name"), "{name}");
        }
        assert_eq!(check_of(|b| b.header("host", "a").method("CONNECT")), Err("method"));
        assert_eq!(check_of(|b| b.header("host", "a").uri("ftp://a/x")), Err("scheme"));
    }

    #[test]
    fn more_headers_than_allowed_are_too_large() {
        let many = |b: hyper::http::request::Builder| {
            (0..HEADERS_MAX).fold(b.header("host", "a"), |b, i| b.header(format!("x-{i}"), "1"))
        };
        assert_eq!(check_of(many), Err("headers"));
    }
}
