//! Heads on their way through: what is refused, what is dropped, and what the gateway itself says.

use super::account::Account;
use crate::proxy::listener::Arriving;
use crate::upstream::{drop_headers, strip_hop_by_hop};
use bytes::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, COOKIE, Entry, HOST, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, SET_COOKIE, VIA,
};
use hyper::{HeaderMap, Method};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::borrow::Cow;

/// The entry that tells about a call; ours alone, both ways.
const ENTRY: HeaderName = HeaderName::from_static("qaqpa-entry");
/// Who calls, as the gateway proved it.
const PARTICIPANT: HeaderName = HeaderName::from_static("qaqpa-participant");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Headers with which some frameworks let a caller name another method or path than those of the
/// request line, which are what access is granted by.
const OVERRIDES: [&str; 6] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// What an agency may not say of the gateway's origin, which it shares with the others: where else it is
/// served, that it is TLS alone, what its clients must forget or report.
const OF_THE_ORIGIN: [&str; 7] = [
    "alt-svc",
    "clear-site-data",
    "nel",
    "public-key-pins",
    "report-to",
    "reporting-endpoints",
    "strict-transport-security",
];

/// A header's name as those read it that know no difference between `-` and `_` (RFC 3875 §4.1.18).
fn folded(name: &str) -> Cow<'_, str> {
    if name.contains('_') { name.replace('_', "-").into() } else { name.into() }
}

/// What a caller may say of itself, but not to an agency under our name: who calls and from where, and
/// with which certificate, which agencies believe of whoever ends TLS before them (RFC 9440 §2.4).
fn is_ours(name: &str) -> bool {
    let name = &*folded(name);
    name.starts_with("qaqpa-")
        || name.starts_with("x-forwarded-")
        || ["client-cert", "client-cert-chain", "forwarded", "x-forwarded", "x-real-ip"]
            .contains(&name)
}

/// Refuses a head that asks for something else than its request line.
///
/// # Errors
/// `caller.malformed` (`override_header`).
pub(super) fn check(arriving: &Arriving) -> Result<(), Fault> {
    if arriving.headers.keys().any(|name| OVERRIDES.contains(&&*folded(name.as_str()))) {
        return Err(Fault::new(Code::CallerMalformed, Phase::Receive, "override_header"));
    }
    Ok(())
}

/// The head as the journal keeps it: request line and headers as they came, one a line, without
/// credentials.
pub(super) fn written(arriving: &Arriving) -> Bytes {
    const SECRET: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
    let mut text = Vec::with_capacity(1024);
    let target = arriving.uri.path_and_query().map_or("/", |target| target.as_str());
    let line = [arriving.method.as_str(), " ", target, "\n"];
    text.extend(line.iter().flat_map(|part| part.bytes()));
    for (name, value) in &arriving.headers {
        if !SECRET.contains(name) {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
    }
    text.into()
}

/// The headers for the agency: those of one hop and those that only we may say go, ours come.
/// Cookies and `Authorization` pass from end to end.
pub(super) fn outgoing(mut headers: HeaderMap, account: &Account) -> HeaderMap {
    strip_hop_by_hop(&mut headers);
    drop_headers(&mut headers, |name| is_ours(name) || name == HOST || name == CONTENT_LENGTH);
    let node = &account.gate().settings.node.id;
    let participant = &account.trace.participant;
    via(&mut headers, node);
    // Names instead of addresses (RFC 7239 §6.3): who calls is proved, where from is our matter.
    let forwarded = format!("for=_{participant};by=_{node};proto=https");
    for (name, text) in [
        (FORWARDED, forwarded.as_str()),
        (PARTICIPANT, participant.as_str()),
        (ENTRY, &account.entry().to_string()),
    ] {
        // Ids of the configuration are plain.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The agency's headers for the caller. The length is that of the body which follows; only after
/// HEAD, where none follows, it is the agency's own. Its cookies stay its own.
pub(super) fn incoming(headers: &mut HeaderMap, account: &Account, method: &Method) {
    let is_empty = *method == Method::HEAD;
    drop_headers(headers, |name| {
        is_ours(name) || OF_THE_ORIGIN.contains(&name) || name == CONTENT_LENGTH && !is_empty
    });
    confine_cookies(headers, &account.trace.agency);
    via(headers, &account.gate().settings.node.id);
    if let Ok(entry) = HeaderValue::from_str(&account.entry().to_string()) {
        headers.insert(ENTRY, entry);
    }
}

/// Gives each cookie the path below which only its agency is, and the gateway's host alone: elsewhere
/// a caller would send it to other agencies (RFC 6265 §5.4).
fn confine_cookies(headers: &mut HeaderMap, agency: &str) {
    let Entry::Occupied(cookies) = headers.entry(SET_COOKIE) else { return };
    let confined: Vec<_> = cookies.iter().filter_map(|cookie| confined(cookie, agency)).collect();
    cookies.remove();
    for cookie in confined {
        headers.append(SET_COOKIE, cookie);
    }
}

fn confined(cookie: &HeaderValue, agency: &str) -> Option<HeaderValue> {
    let is_scope = |attribute: &&[u8]| {
        let name = attribute.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"path") || name.eq_ignore_ascii_case(b"domain")
    };
    let mut parts = cookie.as_bytes().split(|byte| *byte == b';');
    let mut written = parts.next()?.to_vec();
    for attribute in parts.filter(|attribute| !is_scope(attribute)) {
        written.push(b';');
        written.extend_from_slice(attribute);
    }
    written.extend_from_slice(format!("; Path=/{agency}/").as_bytes());
    HeaderValue::from_bytes(&written).ok()
}

/// RFC 9110 §7.6.3, with a pseudonym for the host.
fn via(headers: &mut HeaderMap, node: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("1.1 {node}")) {
        headers.append(VIA, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_speaks_under_our_name_however_it_is_spelled() {
        let mut headers = HeaderMap::new();
        for name in [
            "qaqpa-entry",
            "qaqpa-participant",
            "qaqpa_participant",
            "x_forwarded_for",
            "x-forwarded-host",
            "forwarded",
            "x-forwarded",
            "x-real-ip",
            "client-cert",
            "client_cert_chain",
            "authorization",
            "cookie",
            "x-qaqpa",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        drop_headers(&mut headers, is_ours);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "cookie", "x-qaqpa"]);
    }

    #[test]
    fn a_cookie_of_an_agency_goes_back_to_it_alone() {
        let mut headers = HeaderMap::new();
        for cookie in
            ["a=1", "b=2; Path=/; Secure; DOMAIN = example.kz ;HttpOnly", "c=path=/;path = /x"]
        {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        confine_cookies(&mut headers, "fines");
        let left: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(
            left,
            ["a=1; Path=/fines/", "b=2; Secure;HttpOnly; Path=/fines/", "c=path=/; Path=/fines/"]
        );
    }
}
