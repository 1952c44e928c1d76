//! Writing the answer to a REST call: outcome, the agency's own status, and `data` as JSON.

use qaqpa_kit::adapter::Json;
use qaqpa_kit::envelope::{Answer, AnswerBody};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use serde::Serialize;
use serde_json::value::RawValue;

/// The body of an answer.
#[derive(Serialize)]
struct Body<'a> {
    /// Done or Refused: an agency's refusal is an answer, not a fault.
    outcome: &'a str,
    status: Status<'a>,
    /// The journal's entry.
    entry: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// What the agency said of the call.
#[derive(Serialize)]
struct Status<'a> {
    code: &'a str,
    message: &'a str,
}

/// What an answer is made of besides its document.
pub struct Part<'a> {
    pub json: &'a dyn Json,
    pub service: &'a str,
    pub outcome: Outcome,
    pub entry: uuid::Uuid,
}

fn broken(reason: &'static str) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Reply, reason)
}

/// The bare JSON of an answer's `data`; empty where there is none.
///
/// # Errors
/// As [`body`].
pub fn data(document: &[u8], limits: &Limits, part: &Part<'_>) -> Result<Vec<u8>, Fault> {
    let document = Document::scan(document, limits).map_err(|error| broken(error.reason))?;
    let envelope = Envelope::read(&document).map_err(|error| broken(error.reason))?;
    let answer = Answer::read(envelope.payload).map_err(|fault| broken(fault.reason))?;
    match answer.body {
        AnswerBody::Response { data: Some(data), .. } => part.json.answer(part.service, data),
        AnswerBody::Response { .. } | AnswerBody::Fault { .. } => Ok(Vec::new()),
    }
}

/// The JSON twin of a SyncChannel answer.
///
/// # Errors
/// `agency.broken_answer` when `data` does not have the service's shape.
pub fn body(document: &[u8], limits: &Limits, part: &Part<'_>) -> Result<Vec<u8>, Fault> {
    let document = Document::scan(document, limits).map_err(|error| broken(error.reason))?;
    let envelope = Envelope::read(&document).map_err(|error| broken(error.reason))?;
    let answer = Answer::read(envelope.payload).map_err(|fault| broken(fault.reason))?;
    let (code, message, data) = match &answer.body {
        AnswerBody::Response { status_code, status_message, data } => {
            (status_code, status_message, *data)
        }
        AnswerBody::Fault { error_code, error_message } => (error_code, error_message, None),
    };
    let data = match data {
        Some(data) => Some(part.json.answer(part.service, data)?),
        None => None,
    };
    let data = match &data {
        Some(bytes) => Some(serde_json::from_slice(bytes).map_err(|_| broken("data_not_json"))?),
        None => None,
    };
    let body = Body {
        outcome: part.outcome.word(),
        status: Status { code, message },
        entry: part.entry.to_string(),
        data,
    };
    serde_json::to_vec(&body).map_err(|_| broken("data_not_json"))
}
