//! Reading a REST call: its address, its headers, and its JSON put into the SyncChannel form.

use super::{
    CORRELATION_ID, IDEMPOTENCY_KEY, JOSE, JSON, PAYMENT_RECEIPT, RECEIPT_PROPERTY, ROUTE_ID,
    SERVICES_PREFIX,
};
use crate::config::settings::Service;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderValue};
use qaqpa_kit::adapter::{Json, JsonCall};
use qaqpa_kit::envelope::write::{RequestHead, bare_request};
use qaqpa_kit::fault::{Code, Fault, Language, Phase};

/// Bytes of a header that becomes a field of the head; the head takes no longer ones.
const NAME_BYTES_MAX: usize = 255;

fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

/// Whether a body is a compact JWS by its media type.
#[must_use]
pub fn is_jose(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JOSE)
}

/// The service that a path calls; `None` for other paths.
#[must_use]
pub fn service_in(path: &str) -> Option<&str> {
    path.strip_prefix(SERVICES_PREFIX).filter(|id| !id.is_empty() && !id.contains('/'))
}

/// What path and headers say of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'r> {
    pub service_id: &'r str,
    /// Empty where none is named.
    pub route_id: &'r str,
    /// Empty where none is named.
    pub correlation_id: &'r str,
    /// `Idempotency-Key`.
    pub key: Option<&'r str>,
    /// `Payment-Receipt`.
    pub receipt: Option<&'r str>,
}

/// What the gateway itself adds to a call's head.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The call's `sessionId`: its name, where the caller gave none.
    pub session_id: &'a str,
    /// When it was received, RFC 3339.
    pub received_at: &'a str,
}

impl<'r> Call<'r> {
    /// Reads path and headers.
    ///
    /// # Errors
    /// `caller.malformed`: no JSON, a service's name that is none, a header twice or with other bytes
    /// than visible ASCII.
    pub fn read(path: &'r str, headers: &'r HeaderMap) -> Result<Self, Fault> {
        let service_id = service_in(path).ok_or_else(|| malformed("path"))?;
        if !service_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            return Err(malformed("service_id"));
        }
        Self::of(service_id, headers, true)
    }

    /// A call of that service, from its headers.
    ///
    /// # Errors
    /// As [`Call::read`].
    pub fn of(service_id: &'r str, headers: &'r HeaderMap, has_body: bool) -> Result<Self, Fault> {
        if has_body {
            check_content_type(headers)?;
        }
        Ok(Self {
            service_id,
            route_id: name(headers, ROUTE_ID, "route_id")?.unwrap_or_default(),
            correlation_id: name(headers, CORRELATION_ID, "correlation_id")?.unwrap_or_default(),
            key: name(headers, IDEMPOTENCY_KEY, "idempotency_key")?,
            receipt: name(headers, PAYMENT_RECEIPT, "payment_receipt")?,
        })
    }

    /// The call as a SyncChannel request without an envelope. It names no sender: the certificate does.
    /// Without a JSON form there is no `data`.
    ///
    /// # Errors
    /// `caller.malformed`: a body that is not the service's JSON.
    pub fn form(
        &self,
        json: Option<&dyn Json>,
        body: &[u8],
        stamp: &Stamp<'_>,
    ) -> Result<String, Fault> {
        // A call without a name is a call of its own.
        let message_id = self.key.unwrap_or(stamp.session_id);
        let Stamp { received_at, .. } = *stamp;
        let call = JsonCall { service: self.service_id, message_id, received_at, body };
        let data = json.map(|json| json.request(&call)).transpose()?;
        let head = RequestHead {
            message_id,
            correlation_id: self.correlation_id,
            service_id: self.service_id,
            message_date: received_at,
            route_id: self.route_id,
            sender_id: "",
            password: "",
            session_id: "",
        };
        let receipt = self.receipt.map(|number| (RECEIPT_PROPERTY.to_owned(), number.to_owned()));
        Ok(bare_request(&head, receipt.as_slice(), data.as_ref()))
    }
}

/// Whether this service can be called so.
///
/// # Errors
/// `caller.unknown_service` where it has no JSON form; `caller.malformed` where it must not be carried
/// out twice and the call bears no `Idempotency-Key`: its caller could never ask again.
pub fn check(service: &Service, headers: &HeaderMap) -> Result<(), Fault> {
    if service.agency.adapter.json().is_none() {
        return Err(Fault::new(Code::CallerUnknownService, Phase::Route, "no_rest_form"));
    }
    // A payment is bound to the call's key.
    let demands_key = service.manifest.demands_key() || service.paid.is_some();
    if demands_key && !headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(Fault::new(Code::CallerMalformed, Phase::Route, "idempotency_key_missing"));
    }
    Ok(())
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let value = only(headers, CONTENT_TYPE.as_str(), "content_type")?;
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    // A JWS holds the JSON; whether the service takes one is looked at where it is opened.
    let is_json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(JSON) || kind.eq_ignore_ascii_case(JOSE));
    // RFC 8259 §8.1: UTF-8, whatever a parameter says; one that says otherwise is a mistake.
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((key, value)) if key.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if is_json && is_utf8 { Ok(()) } else { Err(malformed("content_type")) }
}

/// The one value of a header, or none.
fn only<'h>(
    headers: &'h HeaderMap,
    header: &str,
    reason: &'static str,
) -> Result<Option<&'h HeaderValue>, Fault> {
    let mut values = headers.get_all(header).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed(reason));
    }
    Ok(first)
}

/// A header that names something: visible ASCII, bare or as a quoted string (RFC 9651 §3.3.3).
fn name<'h>(
    headers: &'h HeaderMap,
    header: &str,
    reason: &'static str,
) -> Result<Option<&'h str>, Fault> {
    let Some(value) = only(headers, header, reason)? else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed(reason))?.trim_ascii();
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_name = (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if is_name { Ok(Some(text)) } else { Err(malformed(reason)) }
}

/// The language that `Accept-Language` prefers among ours (RFC 9110 §12.5.4), else `otherwise`.
#[must_use]
pub fn language(headers: &HeaderMap, otherwise: Language) -> Language {
    let mut best = (0, otherwise);
    let values = headers.get_all(ACCEPT_LANGUAGE).iter();
    for range in values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, weight);
        let primary = tag.split('-').next().unwrap_or_default();
        let known = [("kk", Language::Kk), ("ru", Language::Ru), ("en", Language::En)];
        let found = known.iter().find(|(word, _)| primary.eq_ignore_ascii_case(word));
        if let Some((_, language)) = found
            && weight > best.0
        {
            best = (weight, *language);
        }
    }
    best.1
}

/// A weight of 0 … 1 in thousandths; what is none weighs nothing.
fn weight(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = format!("{fraction:0<3}");
    match (whole, fraction.len(), thousandths.parse()) {
        ("1", ..) => 1000,
        ("0", 0..=3, Ok(thousandths)) => thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_language_that_weighs_most_among_ours_is_taken() {
        for (accepted, expected) in [
            ("kk", Language::Kk),
            ("kk-KZ, ru;q=0.9", Language::Kk),
            ("de, en;q=0.3, ru;q=0.7", Language::Ru),
            ("en;q=0, kk;q=0.001", Language::Kk),
            ("EN-gb", Language::En),
            ("*", Language::Ru),
            ("", Language::Ru),
            ("kk;q=2", Language::Ru),
        ] {
            let headers = headers(&[("accept-language", accepted)]);
            assert_eq!(language(&headers, Language::Ru), expected, "{accepted}");
        }
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for (kind, is_read) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"; x=1", true),
            ("application/json; charset=windows-1251", false),
            ("text/xml", false),
            ("application/jsonp", false),
        ] {
            let checked = check_content_type(&headers(&[("content-type", kind)]));
            assert_eq!(checked.is_ok(), is_read, "{kind}");
        }
        assert!(check_content_type(&headers(&[])).is_err());
        let two = [("content-type", "application/json"), ("content-type", "text/xml")];
        assert!(check_content_type(&headers(&two)).is_err());
    }

    #[test]
    fn a_key_is_one_visible_name_quoted_or_not() {
        for (value, expected) in [
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            ("", None),
            ("\"\"", None),
            ("a b", None),
            ("a\"b", None),
        ] {
            let headers = headers(&[("idempotency-key", value)]);
            let read = name(&headers, IDEMPOTENCY_KEY, "x").ok().flatten();
            assert_eq!(read, expected, "{value}");
        }
        let twice = headers(&[("idempotency-key", "a"), ("idempotency-key", "a")]);
        assert!(name(&twice, IDEMPOTENCY_KEY, "x").is_err());
    }

    #[test]
    fn a_service_is_one_segment_of_the_path() {
        assert_eq!(service_in("/api/v1/services/A_b"), Some("A_b"));
        for path in ["/api/v1/services/", "/api/v1/services/a/b", "/api/v1/x", "/"] {
            assert_eq!(service_in(path), None, "{path}");
        }
    }
}
