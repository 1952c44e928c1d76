//! Signatures over a call to REST: JWS over its body, and HTTP message signatures over its parts.
//!
//! Both name method and target, so that a signature is good for one service only, and a time, so that
//! it is good for minutes only.

pub mod fields;
pub mod http;
pub mod jws;
pub mod replay;

use hyper::HeaderMap;

/// How far clocks may differ.
pub const SKEW_S: i64 = 60;
/// How long a signature counts after it was made.
pub const LIFETIME_S: i64 = 300;

/// The parts of a request that a signature can cover.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'r> {
    pub method: &'r str,
    /// `https`, or `http` where the listener has no TLS.
    pub scheme: &'r str,
    /// What HTTP/2 says in place of Host; `None` where only Host speaks.
    pub authority: Option<&'r str>,
    /// Path and query as they came.
    pub target: &'r str,
    pub headers: &'r HeaderMap,
    pub body: &'r [u8],
}

impl<'r> Parts<'r> {
    /// The path alone.
    #[must_use]
    pub fn path(&self) -> &'r str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// The query with its `?`; `?` alone where there is none (RFC 9421 §2.2.7).
    #[must_use]
    pub fn query(&self) -> &'r str {
        let at = self.target.find('?');
        at.and_then(|at| self.target.get(at..)).unwrap_or("?")
    }

    /// The authority in lower case, the scheme's own port left out (§2.2.3); empty without a Host.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.headers.get(hyper::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or(self.authority).unwrap_or_default().to_ascii_lowercase();
        let port = if self.scheme == "https" { ":443" } else { ":80" };
        host.strip_suffix(port).map(str::to_owned).unwrap_or(host)
    }
}

/// Whether a signature made then counts now.
///
/// # Errors
/// `message_from_future`, `message_expired`.
pub(super) const fn check_time(
    created_unix_s: i64,
    expires_unix_s: Option<i64>,
    now_unix_s: i64,
) -> Result<(), super::Reason> {
    if created_unix_s > now_unix_s.saturating_add(SKEW_S) {
        return Err(super::Reason::MessageFromFuture);
    }
    let mut end = created_unix_s.saturating_add(LIFETIME_S);
    if let Some(expires) = expires_unix_s {
        if expires < created_unix_s {
            return Err(super::Reason::TimestampMalformed);
        }
        if expires < end {
            end = expires;
        }
    }
    if now_unix_s > end.saturating_add(SKEW_S) {
        return Err(super::Reason::MessageExpired);
    }
    Ok(())
}
