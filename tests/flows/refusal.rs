//! What must be true of every fault, whatever its cause: one check for all flows.

use crate::caller::{in_element, text};
use crate::support::Installation;
use qaqpa::command::client::Posted;
use qaqpa_kit::envelope::ns::TYPES;

/// The ErrorInfo of a SOAP fault.
#[derive(Debug)]
pub struct Told {
    pub fault_code: String,
    pub code: String,
    pub message: String,
    pub data: String,
    pub date: String,
    pub session: String,
}

/// Reads a SOAP 1.1 fault by its whole structure, not by what stands somewhere in it.
pub fn told(posted: &Posted) -> Told {
    let answer = text(posted);
    let read = |fault: qaqpa_kit::xml::Element<'_>| {
        let body = fault.parent().unwrap();
        assert!(body.is("http://schemas.xmlsoap.org/soap/envelope/", "Body"), "{answer}");
        let info = fault
            .child("detail")
            .and_then(|detail| detail.child_of(TYPES, "SendMessageFault1_SendMessageFault"))
            .expect("ErrorInfo");
        let field = |name| info.child(name).map_or("", |field| field.content_str()).to_owned();
        let told = Told {
            fault_code: fault.child("faultcode").unwrap().text().into_owned(),
            code: field("errorCode"),
            message: field("errorMessage"),
            data: field("errorData"),
            date: field("errorDate"),
            session: field("sessionId"),
        };
        assert_eq!(fault.child("faultstring").unwrap().text(), told.message, "one text");
        told
    };
    in_element(&answer, "Fault", read).unwrap_or_else(|| panic!("no SOAP fault: {answer}"))
}

/// `errorCode` of a fault: the ШЭП's own where one is known (gateway-protocols §3), else ours.
fn error_code(code: &str) -> &str {
    match code {
        "caller.malformed" | "caller.too_large" => "SCE001",
        "caller.unknown_service" => "SCE004",
        "caller.stale" => "SCE005",
        "caller.bad_signature" => "SCE006",
        "caller.unsigned" => "SCE007",
        "gateway.bug" => "SCE909",
        other => other,
    }
}

/// Asserts a fault such as `Refused caller.unsigned verify` in the answer, its headers and the
/// journal; returns the ErrorInfo.
pub async fn assert_fault(
    installation: &Installation,
    name: &str,
    posted: &Posted,
    line: &str,
) -> Told {
    let code = line.split(' ').nth(1).expect("outcome, code, phase");
    assert_eq!(posted.fault.as_deref(), Some(code), "{name}: {}", text(posted));
    assert_eq!(posted.http_status, 500, "{name}: SOAP 1.1 §6.2");
    let entry = installation.entry(posted).await;
    assert_eq!(entry.line(), line, "{name}: {}", text(posted));

    let told = told(posted);
    let side = if code.starts_with("caller.") { "soap:Client" } else { "soap:Server" };
    assert_eq!(told.fault_code, side, "{name}");
    assert_eq!(told.code, error_code(code), "{name}");
    assert!(told.data.starts_with(&format!("{code}: ")), "{name}: {told:?}");
    let phase = line.split(' ').nth(2).unwrap();
    assert!(told.data.contains(&format!("(phase {phase}")), "{name}: {told:?}");
    assert_eq!(told.session, format!("{{{}}}", entry.record.entry), "{name}");
    assert!(told.date.parse::<jiff::Timestamp>().is_ok(), "{name}: {told:?}");
    assert!(told.date.ends_with("+05:00") && told.date.contains('.'), "{name}: {told:?}");
    assert!(told.message.chars().count() > 20, "{name}: {told:?}");
    told
}
