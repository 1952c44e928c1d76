//! A call's way through an adapter and its simulator, as the gateway would lead it; for tests.

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, EnvelopeAnswer, ErrorInfo, HttpAnswer, JsonCall, Outgoing, Reply,
    SimulatedAnswer, SimulatedRequest,
};
use qaqpa_kit::fault::{Fault, Outcome};
use qaqpa_kit::xml::{Document, Limits};

/// How the call ends.
pub(crate) fn outcome(adapter: &dyn Adapter, service: &str, data: &str) -> Outcome {
    reply(adapter, service, data).map_or_else(|fault| fault.outcome(), |reply| reply.outcome)
}

/// What the simulator says to the call as encoded.
pub(crate) fn ask(adapter: &dyn Adapter, service: &str, data: &str) -> SimulatedAnswer {
    let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
    let call = call(service, &document);
    simulate(adapter, &call, &adapter.encode(&call).expect("a call that can be sent"))
}

/// What the caller gets.
pub(crate) fn reply(adapter: &dyn Adapter, service: &str, data: &str) -> Result<Reply, Fault> {
    let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
    let call = call(service, &document);
    match simulate(adapter, &call, &adapter.encode(&call)?) {
        SimulatedAnswer::Envelope(answer) => {
            let data = format!("<data>{}</data>", answer.data_xml.unwrap_or_default());
            let data = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
            let answer = EnvelopeAnswer {
                status_code: &answer.status_code,
                status_message: &answer.status_message,
                data: Some(data.root()),
            };
            adapter.decode(&call, &Answer::Envelope(answer))
        }
        SimulatedAnswer::Fault { error_code, error_message } => {
            let info = ErrorInfo { error_code: &error_code, error_message: &error_message };
            adapter.decode(&call, &Answer::Fault(info))
        }
        SimulatedAnswer::Http { status, content_type, body } => {
            let answer = HttpAnswer { status, content_type: Some(content_type), body: &body };
            adapter.decode(&call, &Answer::Http(answer))
        }
    }
}

/// A call with that `data` document.
pub(crate) fn call<'a>(service: &'a str, data: &'a Document<'a>) -> Call<'a> {
    Call {
        service,
        message_id: "message-1",
        session_id: "{3f0c7d2a-9a7b-4f55-8a0e-1c2d3e4f5a6b}",
        received_at: "2025-03-11T10:15:30+05:00",
        data: Some(data.root()),
    }
}

/// A REST call with that body.
pub(crate) fn json_call<'a>(service: &'a str, body: &'a str) -> JsonCall<'a> {
    JsonCall {
        service,
        message_id: "message-1",
        received_at: "2025-03-11T10:15:30+05:00",
        body: body.as_bytes(),
    }
}

fn simulate(adapter: &dyn Adapter, call: &Call<'_>, outgoing: &Outgoing) -> SimulatedAnswer {
    let simulator = adapter.simulator().expect("a simulator");
    simulator.answer(&match outgoing {
        Outgoing::Envelope => SimulatedRequest::Envelope(*call),
        Outgoing::Http(http) => {
            SimulatedRequest::Http { method: http.method, path: &http.path, body: &http.body }
        }
    })
}
