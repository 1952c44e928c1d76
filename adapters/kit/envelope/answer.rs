//! Reading `SendMessageResponse` and SOAP faults: what an agency said, and where `sessionId` goes.

use super::{field, malformed, ns, only};
use crate::fault::Fault;
use crate::xml::Element;
use std::borrow::Cow;

/// An agency's SyncChannel answer.
#[derive(Clone, Debug)]
pub struct Answer<'d> {
    /// The element that holds `sessionId`: `responseInfo`, or the ErrorInfo of a fault; a fault
    /// without ErrorInfo has none.
    pub session_holder: Option<Element<'d>>,
    pub session_element: Option<Element<'d>>,
    pub body: AnswerBody<'d>,
}

/// What the agency said.
#[derive(Clone, Debug)]
pub enum AnswerBody<'d> {
    Response { status_code: Cow<'d, str>, status_message: Cow<'d, str>, data: Option<Element<'d>> },
    Fault { error_code: Cow<'d, str>, error_message: Cow<'d, str> },
}

impl<'d> Answer<'d> {
    /// Reads the payload of a SOAP Body; answers are matched by local name, as peers do.
    ///
    /// # Errors
    /// A fault whose reason says what is missing; the caller of this function turns it into
    /// `agency.broken_answer`.
    pub fn read(payload: Element<'d>) -> Result<Self, Fault> {
        if payload.is(ns::SOAP, "Fault") {
            return Self::read_fault(payload);
        }
        let at = payload.span().start;
        if !payload.local().eq_ignore_ascii_case("SendMessageResponse") {
            return Err(malformed("unknown_wrapper", at));
        }
        let response = only(payload, "response")?.unwrap_or(payload);
        let info = only(response, "responseInfo")?
            .ok_or_else(|| malformed("response_info_missing", at))?;
        let status = only(info, "status")?.ok_or_else(|| malformed("status_missing", at))?;
        let data = match only(response, "responseData")? {
            Some(response_data) => only(response_data, "data")?,
            None => None,
        };
        Ok(Self {
            session_holder: Some(info),
            session_element: only(info, "sessionId")?,
            body: AnswerBody::Response {
                status_code: field(status, "code")?,
                status_message: field(status, "message")?,
                data,
            },
        })
    }

    fn read_fault(fault: Element<'d>) -> Result<Self, Fault> {
        let info = match only(fault, "detail")? {
            Some(detail) => detail.children().find(|child| child.child("errorCode").is_some()),
            None => None,
        };
        let (error_code, error_message) = match info {
            Some(info) => (field(info, "errorCode")?, field(info, "errorMessage")?),
            None => (field(fault, "faultcode")?, field(fault, "faultstring")?),
        };
        let session_element = match info {
            Some(info) => only(info, "sessionId")?,
            None => None,
        };
        Ok(Self {
            session_holder: info,
            session_element,
            body: AnswerBody::Fault { error_code, error_message },
        })
    }
}
