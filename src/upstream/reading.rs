//! An agency's answer (RFC 9112), read from the bytes as they come: its head, then its body as it is framed.
//!
//! Pure: it is fed a buffer and takes off it what it understood. Lines are the library's to parse
//! (`httparse`, strict); where the answer ends is ours to know, because the next answer begins there.

use super::chunks::{Chunks, Piece, take};
use bytes::{Bytes, BytesMut};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{Method, StatusCode};
use memchr::memchr_iter;

/// Head of an answer.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 100;
/// What every head begins with.
const BEGINNING: &[u8] = b"HTTP/1.";
/// Digits of a Content-Length; nineteen fit into 64 bits.
const LENGTH_DIGITS_MAX: usize = 19;

/// The head of an answer that is not interim.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Why what came is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoAnswer {
    /// Public reason, a snake_case word.
    pub(super) reason: &'static str,
    pub(super) cause: &'static str,
}

const fn not_http(cause: &'static str) -> NoAnswer {
    NoAnswer { reason: "not_http", cause }
}

/// How the rest of an answer ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Counted(u64),
    Chunked(Chunks),
    /// With the connection.
    Close,
    Ended,
}

/// How far the reading of one answer came.
#[derive(Debug)]
pub(super) struct Reading {
    /// The request was HEAD: whatever the head says, no body follows.
    is_head_only: bool,
    /// Bytes in which no end of the head was found.
    searched_bytes: usize,
    framing: Option<Framing>,
    /// Another answer may follow on this connection.
    is_kept: bool,
}

impl Reading {
    /// Of the answer to such a request.
    pub(super) fn to(method: &Method) -> Self {
        let is_head_only = *method == Method::HEAD;
        Self { is_head_only, searched_bytes: 0, framing: None, is_kept: false }
    }

    /// Takes the head off the bytes, interim ones before it; `None` where it is not whole yet.
    ///
    /// # Errors
    /// What is no HTTP, is too large or changes the protocol.
    pub(super) fn head(&mut self, bytes: &mut BytesMut) -> Result<Option<Head>, NoAnswer> {
        loop {
            let begins = bytes.len().min(BEGINNING.len());
            if bytes.get(..begins) != BEGINNING.get(..begins) {
                return Err(not_http("it does not begin with HTTP/1."));
            }
            let end = head_end(bytes, self.searched_bytes);
            if end.unwrap_or(bytes.len()) > HEAD_BYTES_MAX {
                let reason = "answer_head_too_large";
                return Err(NoAnswer { reason, cause: "more than 32 KiB" });
            }
            let Some(end) = end else {
                self.searched_bytes = bytes.len();
                return Ok(None);
            };
            self.searched_bytes = 0;
            let (head, is_old) = parse(&bytes.split_to(end).freeze())?;
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                let (reason, cause) = ("switching_protocols", "HTTP 101 was not asked for");
                return Err(NoAnswer { reason, cause });
            }
            if head.status.is_informational() {
                continue;
            }
            self.frame(&head, is_old)?;
            return Ok(Some(head));
        }
    }

    /// What an end of the connection means, with such bytes before it.
    pub(super) fn ended(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        let (reason, cause) = match self.framing {
            Some(Framing::Close) => {
                self.framing = Some(Framing::Ended);
                return Ok(());
            }
            Some(Framing::Ended) => return Ok(()),
            Some(_) => ("half_answer", "the connection ended before the answer"),
            None if bytes.is_empty() => ("closed_without_answer", "the connection ended"),
            None => ("closed_without_answer", "the connection ended before the answer's head"),
        };
        Err(NoAnswer { reason, cause })
    }

    /// Takes the next piece of the body off the bytes.
    ///
    /// # Errors
    /// A body whose framing is none.
    pub(super) fn data(&mut self, bytes: &mut BytesMut) -> Result<Piece, NoAnswer> {
        let piece = match &mut self.framing {
            Some(Framing::Counted(left_bytes)) => {
                take(bytes, *left_bytes).map_or(Piece::More, |(data, left)| {
                    *left_bytes = left;
                    Piece::Data(data)
                })
            }
            Some(Framing::Chunked(chunks)) => {
                chunks.next(bytes).map_err(|cause| NoAnswer { reason: "half_answer", cause })?
            }
            Some(Framing::Close) => {
                take(bytes, u64::MAX).map_or(Piece::More, |(data, _)| Piece::Data(data))
            }
            Some(Framing::Ended) => Piece::End,
            None => Piece::More,
        };
        if piece == Piece::End || self.framing == Some(Framing::Counted(0)) {
            self.framing = Some(Framing::Ended);
        }
        Ok(piece)
    }

    /// All of the answer was given.
    pub(super) fn is_end(&self) -> bool {
        self.framing == Some(Framing::Ended)
    }

    /// Bytes of the body still to come, where that is known.
    pub(super) fn bytes_left(&self) -> Option<u64> {
        match self.framing {
            Some(Framing::Counted(left_bytes)) => Some(left_bytes),
            Some(Framing::Ended) => Some(0),
            _ => None,
        }
    }

    /// Another request may follow.
    pub(super) fn is_reusable(&self) -> bool {
        self.is_end() && self.is_kept
    }

    /// Reads off the head how the body is framed and whether the connection stays.
    fn frame(&mut self, head: &Head, is_old: bool) -> Result<(), NoAnswer> {
        let says = |word: &str| names(&head.headers, word);
        self.is_kept = !says("close") && (!is_old || says("keep-alive"));
        let length = length(&head.headers)?;
        let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
        let coding = codings.next();
        // Who gives it a body nevertheless (RFC 9110 §15.3.5) sends what nobody asked for.
        let has_body = coding.is_some() || length.is_some_and(|bytes| bytes > 0);
        self.is_kept &= head.status != StatusCode::NO_CONTENT || !has_body;
        let framing = match (coding, length) {
            _ if self.is_head_only
                || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) =>
            {
                Framing::Ended
            }
            (Some(_), _) if is_old => return Err(not_http("HTTP/1.0 knows no Transfer-Encoding")),
            (Some(coding), length) => {
                if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
                    return Err(not_http("Transfer-Encoding is more than chunked"));
                }
                // Who counts by the length reads another answer (RFC 9112 §6.3): nothing may follow it.
                self.is_kept &= length.is_none();
                Framing::Chunked(Chunks::Size)
            }
            (None, Some(0)) => Framing::Ended,
            (None, Some(bytes)) => Framing::Counted(bytes),
            (None, None) => {
                self.is_kept = false;
                Framing::Close
            }
        };
        self.framing = Some(framing);
        Ok(())
    }
}

/// Where the head ends, behind its blank line; the first bytes were searched before.
fn head_end(bytes: &[u8], searched_bytes: usize) -> Option<usize> {
    // A line end that was seen before may be the first of the two.
    let from = searched_bytes.saturating_sub(2);
    let rest = bytes.get(from..)?;
    memchr_iter(b'\n', rest).find_map(|at| match rest.get(at + 1..)? {
        [b'\r', b'\n', ..] => Some(from + at + 3),
        [b'\n', ..] => Some(from + at + 2),
        _ => None,
    })
}

/// The head, and whether it is HTTP/1.0; its values lie in the bytes as they came.
fn parse(bytes: &Bytes) -> Result<(Head, bool), NoAnswer> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut lines);
    match answer.parse(bytes) {
        Ok(httparse::Status::Complete(parsed)) if parsed == bytes.len() => {}
        Ok(_) => return Err(not_http("its head has no end")),
        Err(httparse::Error::TooManyHeaders) => {
            let reason = "answer_head_too_large";
            return Err(NoAnswer { reason, cause: "more than 100 headers" });
        }
        Err(_) => return Err(not_http("its head is none of HTTP/1")),
    }
    let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(not_http("it has no status"))?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for line in answer.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(not_http("a header is none"));
        };
        headers.append(name, value);
    }
    Ok((Head { status, headers }, answer.version == Some(0)))
}

/// Whether `Connection` names this option.
fn names(headers: &HeaderMap, option: &str) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|word| word.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
}

/// The one length that is told, however often (RFC 9110 §8.6).
fn length(headers: &HeaderMap) -> Result<Option<u64>, NoAnswer> {
    let mut length = None;
    let values = headers.get_all(CONTENT_LENGTH).iter();
    for text in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
        let told = number(text.trim_ascii()).ok_or(not_http("Content-Length is no number"))?;
        if length.is_some_and(|length| length != told) {
            return Err(not_http("it has two lengths"));
        }
        length = Some(told);
    }
    Ok(length)
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number =
        (1..=LENGTH_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    if is_number { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
