//! Writing SyncChannel messages: requests, answers and faults, unsigned.

use super::ns;
use crate::adapter::{DataXml, WrittenAnswer};
use crate::xml::writer::{push_element, push_text};

/// The head of a request to be written; empty optional fields are left out.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    pub message_id: &'a str,
    pub correlation_id: &'a str,
    pub service_id: &'a str,
    pub message_date: &'a str,
    pub route_id: &'a str,
    pub sender_id: &'a str,
    pub password: &'a str,
    pub session_id: &'a str,
}

/// The head of an answer to be written.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    pub message_id: &'a str,
    pub correlation_id: &'a str,
    pub response_date: &'a str,
    pub session_id: &'a str,
}

/// The ErrorInfo of a fault to be written.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo<'a> {
    pub error_code: &'a str,
    pub error_message: &'a str,
    pub error_data: &'a str,
    pub error_date: &'a str,
    pub session_id: &'a str,
    /// `soap:Client` or `soap:Server` (SOAP 1.1 §4.4.1).
    pub is_callers: bool,
}

/// Everything after `data` in a request.
pub const REQUEST_CLOSE: &str =
    "</requestData></request></ns2:SendMessage></soap:Body></soap:Envelope>";

fn push_present(out: &mut String, name: &str, text: &str) {
    if !text.is_empty() {
        push_element(out, name, text);
    }
}

fn push_envelope_open(out: &mut String) {
    out.push_str("<soap:Envelope xmlns:soap=\"");
    out.push_str(ns::SOAP);
    out.push_str("\"><soap:Body>");
}

/// Everything before `data` in a request.
#[must_use]
pub fn request_open(head: &RequestHead<'_>, properties: &[(String, String)]) -> String {
    let mut out = String::with_capacity(1024);
    push_envelope_open(&mut out);
    out.push_str("<ns2:SendMessage xmlns:ns2=\"");
    out.push_str(ns::TYPES);
    out.push_str("\"><request>");
    push_request_info(&mut out, head, properties);
    out.push_str("<requestData>");
    out
}

fn push_request_info(out: &mut String, head: &RequestHead<'_>, properties: &[(String, String)]) {
    out.push_str("<requestInfo>");
    push_element(out, "messageId", head.message_id);
    push_present(out, "correlationId", head.correlation_id);
    push_element(out, "serviceId", head.service_id);
    push_element(out, "messageDate", head.message_date);
    push_present(out, "routeId", head.route_id);
    out.push_str("<sender>");
    push_present(out, "senderId", head.sender_id);
    push_present(out, "password", head.password);
    out.push_str("</sender>");
    for (key, value) in properties {
        out.push_str("<properties>");
        push_element(out, "key", key);
        push_element(out, "value", value);
        out.push_str("</properties>");
    }
    push_present(out, "sessionId", head.session_id);
    out.push_str("</requestInfo>");
}

/// A whole request without an envelope, as `syncSendMessageRequest`.
#[must_use]
pub fn bare_request(
    head: &RequestHead<'_>,
    properties: &[(String, String)],
    data: Option<&DataXml>,
) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str("<r:syncSendMessageRequest xmlns:r=\"");
    out.push_str(ns::REQUEST);
    out.push_str("\">");
    push_request_info(&mut out, head, properties);
    out.push_str("<requestData>");
    if let Some(DataXml { attributes, inside }) = data {
        for part in ["<data", attributes, ">", inside, "</data>"] {
            out.push_str(part);
        }
    }
    out.push_str("</requestData></r:syncSendMessageRequest>");
    out
}

/// A whole request; `data_xml` is the inside of `data`.
#[must_use]
pub fn request(head: &RequestHead<'_>, data_xml: &str) -> String {
    let mut out = request_open(head, &[]);
    out.push_str("<data>");
    out.push_str(data_xml);
    out.push_str("</data>");
    out.push_str(REQUEST_CLOSE);
    out
}

/// A whole answer.
#[must_use]
pub fn answer(head: &AnswerHead<'_>, written: &WrittenAnswer) -> String {
    let mut out = String::with_capacity(1024);
    push_envelope_open(&mut out);
    out.push_str("<ns2:SendMessageResponse xmlns:ns2=\"");
    out.push_str(ns::TYPES);
    out.push_str("\"><response><responseInfo>");
    push_element(&mut out, "messageId", head.message_id);
    push_present(&mut out, "correlationId", head.correlation_id);
    push_element(&mut out, "responseDate", head.response_date);
    out.push_str("<status>");
    push_element(&mut out, "code", &written.status_code);
    push_element(&mut out, "message", &written.status_message);
    out.push_str("</status>");
    push_present(&mut out, "sessionId", head.session_id);
    out.push_str("</responseInfo><responseData>");
    if let Some(data_xml) = &written.data_xml {
        out.push_str("<data>");
        out.push_str(data_xml);
        out.push_str("</data>");
    }
    out.push_str(
        "</responseData></response></ns2:SendMessageResponse></soap:Body></soap:Envelope>",
    );
    out
}

/// A whole SOAP fault with its ErrorInfo.
#[must_use]
pub fn fault(info: &FaultInfo<'_>) -> String {
    let mut out = String::with_capacity(1024);
    push_envelope_open(&mut out);
    out.push_str("<soap:Fault><faultcode>");
    out.push_str(if info.is_callers { "soap:Client" } else { "soap:Server" });
    out.push_str("</faultcode><faultstring>");
    push_text(&mut out, info.error_message);
    out.push_str("</faultstring><detail><ns2:SendMessageFault1_SendMessageFault xmlns:ns2=\"");
    out.push_str(ns::TYPES);
    out.push_str("\">");
    push_element(&mut out, "errorCode", info.error_code);
    push_element(&mut out, "errorMessage", info.error_message);
    push_present(&mut out, "errorData", info.error_data);
    push_element(&mut out, "errorDate", info.error_date);
    push_present(&mut out, "sessionId", info.session_id);
    out.push_str(
        "</ns2:SendMessageFault1_SendMessageFault></detail></soap:Fault></soap:Body></soap:Envelope>",
    );
    out
}
