//! A request's head, judged line by line as the lines become whole.

use super::reason::{Offence, Reason};
use super::{Framing, VALUE_BYTES_MAX};
use memchr::{memchr, memchr2};
use std::ops::Range;

/// Digits of a Content-Length; nineteen fit into 64 bits.
const LENGTH_DIGITS_MAX: usize = 19;

/// What is known of a head whose lines up to `line_at` were judged.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the line begins that is not whole yet.
    line_at: usize,
    /// Bytes of that line in which no line end was found.
    searched_bytes: usize,
    has_empty_line: bool,
    headers: usize,
    request: Option<RequestLine>,
    has_host: bool,
    has_expect: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// What a request line decides.
#[derive(Debug)]
struct RequestLine {
    /// RFC 9110 §9.3: a body has no meaning there, or none that readers agree on.
    is_bodiless: bool,
    is_version_1_0: bool,
    /// Where the target's authority is, in absolute-form.
    authority: Option<Range<usize>>,
}

impl Head {
    /// Judges the lines that are whole; `bytes` begins with the head's first byte.
    ///
    /// Returns how the body is framed once the head is whole.
    pub(super) fn judge(
        &mut self,
        bytes: &[u8],
        bytes_max: usize,
        headers_max: usize,
    ) -> Result<Option<Framing>, Offence> {
        if let Some(&first) = bytes.first()
            && !is_token(&[first])
            && !matches!(first, b'\r' | b'\n')
        {
            return Err(Offence { reason: Reason::Method, at: 0 });
        }
        loop {
            let at = self.line_at;
            let Some(end) = self.line_end(bytes, bytes_max)? else {
                return Ok(None);
            };
            let line = bytes.get(at..end).unwrap_or_default();
            (self.line_at, self.searched_bytes) = (end + 2, 0);
            let judged = match &self.request {
                None if line.is_empty() => self.empty_line(),
                None => request_line(line, at).map(|request| self.request = Some(request)),
                Some(request) if line.is_empty() => {
                    let framing = self.framing(request).map(Some);
                    return framing.map_err(|reason| Offence { reason, at });
                }
                Some(_) if self.headers == headers_max => Err(Reason::Headers),
                Some(_) => self.header(line, bytes),
            };
            judged.map_err(|reason| Offence { reason, at })?;
        }
    }

    /// Bytes of the head, once it is whole.
    pub(super) fn bytes(&self) -> usize {
        self.line_at
    }

    /// Whether the connection ends with this request.
    pub(super) fn is_last(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.is_version_1_0)
    }

    /// Where the line that begins at `line_at` ends, if it is whole: a line ends with CRLF, and
    /// neither of the two stands alone.
    fn line_end(&mut self, bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, Offence> {
        let offence = |reason, at| Err(Offence { reason, at });
        let from = self.line_at + self.searched_bytes;
        let found = memchr2(b'\r', b'\n', bytes.get(from..).unwrap_or_default());
        let end = found.map_or(bytes.len(), |found| from + found);
        self.searched_bytes = end - self.line_at;
        let has_room = end.saturating_add(2) <= bytes_max;
        match (bytes.get(end), bytes.get(end + 1)) {
            (None, _) if end <= bytes_max => Ok(None),
            (None, _) => offence(Reason::HeadBytes, bytes_max),
            (Some(_), _) if !has_room => offence(Reason::HeadBytes, bytes_max),
            (Some(b'\n'), _) => offence(Reason::BareLf, end),
            (Some(_), None) => Ok(None),
            (Some(_), Some(b'\n')) => Ok(Some(end)),
            (Some(_), Some(_)) => offence(Reason::BareCr, end),
        }
    }

    /// One is allowed before a request (RFC 9112 §2.2): old clients send it after a body.
    fn empty_line(&mut self) -> Result<(), Reason> {
        if self.has_empty_line {
            return Err(Reason::EmptyLine);
        }
        self.has_empty_line = true;
        Ok(())
    }

    fn header(&mut self, line: &[u8], head: &[u8]) -> Result<(), Reason> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Reason::HeaderFold);
        }
        let colon = line.iter().position(|byte| !is_in(&TOKEN, *byte));
        let (name, rest) = line.split_at(colon.unwrap_or(line.len()));
        let (false, [b':', value @ ..]) = (name.is_empty(), rest) else {
            return Err(Reason::HeaderName);
        };
        // Every byte is looked at, so that many are looked at together.
        if !value
            .iter()
            .fold(true, |all, byte| all & (matches!(byte, b' '..=b'~') | (*byte == b'\t')))
        {
            return Err(Reason::HeaderValue);
        }
        let value = trimmed(value);
        self.headers += 1;
        if value.len() > VALUE_BYTES_MAX {
            return Err(Reason::HeaderValueBytes);
        }
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        match name.len() {
            4 if is("host") => self.host(value, head),
            6 if is("expect") => self.expect(value),
            7 if is("upgrade") => Err(Reason::Upgrade),
            14 if is("content-length") => self.content_length(value),
            17 if is("transfer-encoding") => self.transfer_encoding(value),
            // Some readers take `_` for `-`.
            14 if is("content_length") => Err(Reason::HeaderName),
            17 if is("transfer_encoding") => Err(Reason::HeaderName),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8], head: &[u8]) -> Result<(), Reason> {
        let authority = self.request.as_ref().and_then(|request| request.authority.clone());
        let is_other = authority
            .and_then(|at| head.get(at))
            .is_some_and(|authority| !authority.eq_ignore_ascii_case(value));
        if std::mem::replace(&mut self.has_host, true) || is_other || !is_authority(value) {
            return Err(Reason::Host);
        }
        Ok(())
    }

    fn expect(&mut self, value: &[u8]) -> Result<(), Reason> {
        let is_twice = std::mem::replace(&mut self.has_expect, true);
        if is_twice || !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Reason::Expect);
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Reason> {
        let is_plain = matches!(value, [b'0'] | [b'1'..=b'9', ..])
            && value.len() <= LENGTH_DIGITS_MAX
            && value.iter().all(u8::is_ascii_digit);
        if !is_plain || self.length.is_some() {
            return Err(Reason::ContentLength);
        }
        let add = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
        self.length = Some(value.iter().fold(0, add));
        if self.is_chunked { Err(Reason::TwoFramings) } else { Ok(()) }
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Reason> {
        let is_twice = std::mem::replace(&mut self.is_chunked, true);
        if is_twice || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Reason::TransferEncoding);
        }
        if self.length.is_some() { Err(Reason::TwoFramings) } else { Ok(()) }
    }

    /// How the body is framed, by all lines together.
    fn framing(&self, request: &RequestLine) -> Result<Framing, Reason> {
        if !self.has_host && !request.is_version_1_0 {
            return Err(Reason::Host);
        }
        if self.is_chunked && request.is_version_1_0 {
            return Err(Reason::TransferEncoding);
        }
        let has_body = self.is_chunked || self.length.is_some_and(|bytes| bytes > 0);
        if has_body && request.is_bodiless {
            return Err(Reason::BodyNotAllowed);
        }
        match self.length {
            _ if self.is_chunked => Ok(Framing::Chunked),
            None if request.is_version_1_0 && !request.is_bodiless => Err(Reason::LengthMissing),
            length => Ok(Framing::Counted(length.unwrap_or(0))),
        }
    }
}

/// Judges a request line that begins at byte `at` of the head: three parts, one space between each.
fn request_line(line: &[u8], at: usize) -> Result<RequestLine, Reason> {
    let space = memchr(b' ', line).ok_or(Reason::Target)?;
    let (method, rest) = line.split_at(space);
    if !is_token(method) || method == b"CONNECT" {
        return Err(Reason::Method);
    }
    let (target, version) = rest.split_last_chunk::<9>().ok_or(Reason::Version)?;
    let is_version_1_0 = match version {
        b" HTTP/1.1" => false,
        b" HTTP/1.0" => true,
        _ => return Err(Reason::Version),
    };
    let target = target.get(1..).ok_or(Reason::Target)?;
    if target.len() > VALUE_BYTES_MAX {
        return Err(Reason::TargetBytes);
    }
    let authority = match target {
        b"*" if method == b"OPTIONS" => None,
        [b'/', ..] => None,
        _ => {
            let start = target.iter().position(|byte| *byte == b':').ok_or(Reason::Target)? + 3;
            let (scheme, rest) = target.split_at_checked(start).ok_or(Reason::Target)?;
            if ![b"http://".as_slice(), b"https://"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
            {
                return Err(Reason::Target);
            }
            let bytes = memchr2(b'/', b'?', rest).unwrap_or(rest.len());
            if !is_authority(rest.get(..bytes).unwrap_or_default()) {
                return Err(Reason::Host);
            }
            let first = at + space + 1 + start;
            Some(first..first + bytes)
        }
    };
    if !target.iter().all(|byte| is_in(&TARGET, *byte)) {
        return Err(Reason::Target);
    }
    let is_bodiless = matches!(method, b"GET" | b"HEAD" | b"DELETE" | b"OPTIONS");
    Ok(RequestLine { is_bodiless, is_version_1_0, authority })
}

/// Without the optional whitespace around it (RFC 9110 §5.6.3), which is space and tab only.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let Some(first) = value.iter().position(is_text) else { return &[] };
    let last = value.iter().rposition(is_text).unwrap_or(first);
    value.get(first..=last).unwrap_or_default()
}

/// A name or address and perhaps a port, nothing else: no user, no list, no escape.
fn is_authority(text: &[u8]) -> bool {
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~');
    let (host, tail) = match text.strip_prefix(b"[") {
        Some(inner) => {
            let Some(end) = memchr(b']', inner) else { return false };
            let (address, tail) = inner.split_at(end);
            let is_plain =
                address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
            (if is_plain { address } else { b"" }, tail.get(1..).unwrap_or_default())
        }
        None => {
            let (name, tail) = text.split_at(memchr(b':', text).unwrap_or(text.len()));
            (if name.iter().all(is_name) { name } else { b"" }, tail)
        }
    };
    let is_port = match tail {
        [] => true,
        [b':', port @ ..] => {
            let digits = std::str::from_utf8(port).ok().filter(|text| !text.starts_with('+'));
            digits.is_some_and(|digits| digits.parse::<u16>().is_ok())
        }
        _ => false,
    };
    !host.is_empty() && is_port
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_in(&TOKEN, *byte))
}

fn is_in(set: &[bool; 256], byte: u8) -> bool {
    set.get(usize::from(byte)).copied().unwrap_or(false)
}

/// RFC 9110 §5.6.2.
static TOKEN: [bool; 256] = set_of(b"!#$%&'*+-.^_`|~");
/// RFC 3986 §2.2, §2.3, without the `#` of a fragment.
static TARGET: [bool; 256] = set_of(b"-._~!$&'()*+,;=:@/?%[]");

/// Letters, digits and the bytes named.
const fn set_of(named: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let letter = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            set[byte] = letter.is_ascii_alphanumeric();
        }
        byte += 1;
    }
    let mut index = 0;
    while index < named.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            set[named[index] as usize] = true;
        }
        index += 1;
    }
    set
}
