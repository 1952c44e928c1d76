//! Heads on their way through: what is refused, what is dropped, and what the gateway itself says.

use super::account::Account;
use crate::proxy::listener::Arriving;
use crate::upstream::strip_hop_by_hop;
use bytes::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, VIA,
};
use hyper::{HeaderMap, Method};
use qaqpa_kit::fault::{Code, Fault, Phase};

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

/// A header's name as those read it that know no difference between `-` and `_` (RFC 3875 §4.1.18).
fn folded(name: &HeaderName) -> String {
    name.as_str().replace('_', "-")
}

/// What a caller may say of itself, but not to an agency under our name.
fn is_ours(name: &str) -> bool {
    name.starts_with("qaqpa-")
        || name.starts_with("x-forwarded-")
        || ["forwarded", "x-real-ip"].contains(&name)
}

/// Refuses a head that asks for something else than its request line.
///
/// # Errors
/// `caller.malformed` (`override_header`).
pub(super) fn check(arriving: &Arriving) -> Result<(), Fault> {
    if arriving.headers.keys().any(|name| OVERRIDES.contains(&folded(name).as_str())) {
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
    drop_ours(&mut headers);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
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
/// HEAD, where none follows, it is the agency's own.
pub(super) fn incoming(headers: &mut HeaderMap, account: &Account, method: &Method) {
    drop_ours(headers);
    if *method != Method::HEAD {
        headers.remove(CONTENT_LENGTH);
    }
    via(headers, &account.gate().settings.node.id);
    if let Ok(entry) = HeaderValue::from_str(&account.entry().to_string()) {
        headers.insert(ENTRY, entry);
    }
}

fn drop_ours(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    let ours: Vec<_> = headers.keys().filter(|name| is_ours(&folded(name))).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
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
            "x-real-ip",
            "authorization",
            "cookie",
            "x-qaqpa",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        drop_ours(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "cookie", "x-qaqpa"]);
    }
}
