//! SyncChannel v10, the face that government systems speak: SOAP 1.1, one operation, signed Bodies.

pub mod wsdl;

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use qaqpa_kit::envelope::write::{FaultInfo, fault};
use qaqpa_kit::envelope::{Request, ns};
use qaqpa_kit::fault::{Code, Fault, Language, Origin, Phase};
use qaqpa_kit::soap::{Envelope, Version};
use qaqpa_kit::xml::{Document, Limits, XmlError};

/// A request as received: the one document, its envelope, and the head read from its nodes.
#[derive(Debug)]
pub struct Message<'d> {
    /// Absent in the bare form.
    pub envelope: Option<Envelope<'d>>,
    pub request: Request<'d>,
}

/// Scans the body once; every later step reads the nodes found here.
///
/// # Errors
/// `caller.malformed` or `caller.too_large` with the offset of the offence.
pub fn scan<'s>(body: &'s [u8], limits: &Limits) -> Result<Document<'s>, Fault> {
    Document::scan(body, limits).map_err(|XmlError { reason, at, is_limit }| {
        let code = if is_limit { Code::CallerTooLarge } else { Code::CallerMalformed };
        Fault::new(code, Phase::Receive, reason).at(at)
    })
}

/// Refuses a body that its Content-Type puts into another encoding than UTF-8 (RFC 7303 §3.2: that word comes
/// before the document's own): whoever believed it would read another document than the one that is signed.
///
/// # Errors
/// `caller.malformed` with the reason `encoding`.
pub fn check_charset(headers: &HeaderMap) -> Result<(), Fault> {
    let values = headers.get_all(CONTENT_TYPE).iter();
    let mut parameters = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let is_other = |parameter: &[u8]| {
        let text = String::from_utf8_lossy(parameter);
        text.split_once('=').is_some_and(|(key, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            let is_utf8 =
                ["utf-8", "utf8", "us-ascii"].iter().any(|one| value.eq_ignore_ascii_case(one));
            key.trim().eq_ignore_ascii_case("charset") && !is_utf8
        })
    };
    match parameters.any(is_other) {
        true => Err(Fault::new(Code::CallerMalformed, Phase::Receive, "encoding")),
        false => Ok(()),
    }
}

impl<'d> Message<'d> {
    /// Reads envelope and head.
    ///
    /// # Errors
    /// `caller.malformed`: the structure is not SOAP 1.1 or not SyncChannel v10;
    /// `caller.bad_signature`: a part of a signature stands where none may.
    pub fn read(document: &'d Document<'d>) -> Result<Self, Fault> {
        let root = document.root();
        if root.is(ns::REQUEST, "syncSendMessageRequest") {
            return Ok(Self { envelope: None, request: Request::read(root)? });
        }
        let envelope = Envelope::read(document).map_err(|error| error.fault())?;
        if envelope.version != Version::Soap11 {
            let at = envelope.root.span().start;
            return Err(Fault::new(Code::CallerMalformed, Phase::Receive, "soap_version").at(at));
        }
        let request = Request::read(envelope.payload)?;
        Ok(Self { envelope: Some(envelope), request })
    }
}

/// The SOAP fault that tells a caller about `failure`; texts in `language`, `errorData` ours.
#[must_use]
pub fn fault_document(failure: &Fault, language: Language, date: &str, session_id: &str) -> String {
    let row = failure.code.row();
    let mut error_data = failure.public_line();
    for (key, moment) in failure.times.iter().flat_map(|times| times.each()) {
        error_data.push_str(&format!("; {key} {moment}"));
    }
    fault(&FaultInfo {
        error_code: failure.error_code(),
        error_message: failure.text(language),
        error_data: &error_data,
        error_date: date,
        session_id,
        is_callers: row.origin == Origin::Caller,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn a_content_type_may_name_utf_8_or_nothing_and_no_other_encoding() {
        let checked = |kinds: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for kind in kinds {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            check_charset(&headers).is_ok()
        };
        for kinds in [
            &[][..],
            &["text/xml"],
            &["text/plain; charset=utf-8"],
            &["Text/XML;Charset=\"UTF-8\"; action=\"urn:x\""],
            &["application/soap+xml; charset=utf8;action=urn:charset"],
        ] {
            assert!(checked(kinds), "{kinds:?}");
        }
        for kinds in [
            &["text/xml; charset=windows-1251"][..],
            &["text/xml;charset = \"UTF-16\""],
            &["text/xml; charset="],
            &["text/xml; charset=utf-8; charset=iso-8859-1"],
            &["text/xml; charset=utf-8", "text/xml; charset=utf-7"],
        ] {
            assert!(!checked(kinds), "{kinds:?}");
        }
    }
}
