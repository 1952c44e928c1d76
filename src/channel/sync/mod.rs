//! SyncChannel v10, the face that government systems speak: SOAP 1.1, one operation, signed Bodies.

pub mod wsdl;

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
