//! A fault as problem details (RFC 9457): the same codes and texts as on SOAP.

use hyper::StatusCode;
use qaqpa_kit::fault::{Fault, Language};
use qaqpa_kit::refusal::Row;
use serde::Serialize;
use serde_json::{Value, json};

/// `Content-Type` of a fault.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The document; what RFC 9457 §3.1 does not name is an extension (§3.2).
#[derive(Serialize)]
struct Problem<'a> {
    /// A name, not an address: nothing is to be fetched.
    r#type: String,
    /// The text for people, in the caller's language.
    title: &'a str,
    status: u16,
    /// Code, reason and phase in one line, as `errorData` on SOAP.
    detail: String,
    /// The journal's entry.
    instance: String,
    code: &'a str,
    /// Whose failure it is, and so who acts.
    origin: &'a str,
    phase: &'a str,
    reason: &'a str,
    /// `never`, `later` or `ask_first`.
    resend: &'a str,
    /// Seconds after which sending again is sensible, as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u32>,
    /// The quota that refused the call, as the `RateLimit` headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Value>,
    /// When the call came and went, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<Value>,
    /// When the agency opens again.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<&'a str>,
}

/// The document that tells a caller about `fault`; `entry` is the journal's entry about the call.
#[must_use]
pub fn document(fault: &Fault, language: Language, entry: uuid::Uuid) -> Vec<u8> {
    let row = fault.code.row();
    let problem = Problem {
        r#type: format!("urn:qaqpa:fault:{}", row.word),
        title: fault.text(language),
        status: fault.http_status.unwrap_or(row.http_status),
        detail: fault.public_line(),
        instance: format!("urn:uuid:{entry}"),
        code: row.word,
        origin: row.origin.word(),
        phase: fault.phase.word(),
        reason: fault.reason,
        resend: fault.resend().word(),
        retry_after_s: fault.retry_after_s,
        quota: fault.budget.as_deref().map(|budget| {
            json!({
                "contract": budget.contract,
                "per_second": budget.per_second,
                "burst": budget.burst,
                "remaining": budget.remaining,
                "reset_s": budget.reset_s,
            })
        }),
        times: fault.times.as_deref().map(|times| times.each().collect()),
        opens_at: fault.opens_at.as_deref(),
    };
    // Strings and numbers only: it cannot fail.
    serde_json::to_vec(&problem).unwrap_or_default()
}

/// The document for a refusal of the payments desk. It names no entry, so that the same refusal has the
/// same bytes.
#[must_use]
pub fn of_refusal(row: &Row, field: Option<&str>, language: Language) -> Vec<u8> {
    let mut document = json!({
        "type": format!("urn:qaqpa:refusal:{}", row.word),
        "title": row.text(language),
        "status": row.http_status,
        "reason": row.word,
    });
    if let (Some(field), Some(members)) = (field, document.as_object_mut()) {
        members.insert("field".to_owned(), field.into());
    }
    document.to_string().into_bytes()
}

/// The document for a request that is no call: nothing but its status (RFC 9457 §4.2.1).
#[must_use]
pub fn of_status(status: StatusCode) -> Vec<u8> {
    let title = status.canonical_reason().unwrap_or_default();
    let document = json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
    document.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::fault::{Code, Phase};

    #[test]
    fn a_fault_is_told_with_its_code_its_owner_and_the_text_of_the_language() {
        let fault = Fault::new(Code::CallerTooFast, Phase::Admit, "quota").retry_after_s(3);
        let titles = [Language::Kk, Language::Ru, Language::En].map(|language| {
            let bytes = document(&fault, language, uuid::Uuid::nil());
            let problem: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(problem["type"], "urn:qaqpa:fault:caller.too_fast");
            assert_eq!(problem["status"], 429);
            assert_eq!(problem["resend"], "later");
            assert_eq!(problem["retry_after_s"], 3);
            assert_eq!(problem["instance"], "urn:uuid:00000000-0000-0000-0000-000000000000");
            problem["title"].as_str().expect("text").to_owned()
        });
        assert_eq!(titles[2], Code::CallerTooFast.row().en);
        assert!(titles[0] != titles[1] && titles[1] != titles[2]);
    }
}
