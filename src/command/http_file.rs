//! A request to HTTP/1.1 in a file, as it would stand on the wire: for signing, verifying and explaining it.

use super::Failure;
use crate::sign::rest::Parts;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// A request read from a file.
pub(super) struct HttpFile {
    method: String,
    target: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl HttpFile {
    /// Reads request line, headers and body; lines may end with CR LF or LF.
    ///
    /// # Errors
    /// What is no such request.
    pub(super) fn read(source: &[u8]) -> Result<Self, Failure> {
        let refused =
            || Failure::work("no HTTP/1.1 request: request line, headers, empty line, body");
        let (head, body) = halves(source).ok_or_else(refused)?;
        let head = std::str::from_utf8(head).map_err(|_| refused())?;
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(refused());
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(refused)?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
            let value = HeaderValue::from_str(value.trim()).map_err(|_| refused())?;
            headers.append(name, value);
        }
        let (method, target) = (method.to_owned(), target.to_owned());
        Ok(Self { method, target, headers, body: body.to_vec() })
    }

    /// What a signature can cover; a request in a file is one over TLS.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            method: &self.method,
            scheme: "https",
            authority: None,
            target: &self.target,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// Head and body, the empty line between them left out.
pub(super) fn halves(source: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    let found = ends.iter().filter_map(|end| {
        let at = memchr::memmem::find(source, end)?;
        Some((at, end.len()))
    });
    let (at, length) = found.min()?;
    Some((source.get(..at)?, source.get(at + length..)?))
}
