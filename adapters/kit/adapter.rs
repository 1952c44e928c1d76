//! The contract between the gateway and an agency's adapter: two pure conversions.
//!
//! An adapter translates; the gateway acts. `encode` turns a call into what the agency understands,
//! `decode` turns the agency's answer into an outcome. Neither has state, clock or I/O. What an
//! adapter does not need is not in the trait: optional abilities are `Option<&dyn Ability>`.

use crate::bank::{Provider, Teller};
use crate::fault::{Fault, Outcome, Phase};
use crate::manifest::{Manifest, not_offered};
use crate::xml::{Element, Span};
use serde_json::Value;

/// One request on its way through, as an adapter sees it; every borrowed part is a verified node.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// `serviceId` as registered.
    pub service: &'a str,
    /// The caller's `messageId`.
    pub message_id: &'a str,
    /// The gateway's id of this call, in braces.
    pub session_id: &'a str,
    /// When the gateway received it, RFC 3339 with zone; adapters have no clock.
    pub received_at: &'a str,
    /// The `data` element, if the caller sent one. In `decode` only for an adapter that
    /// [compares](Adapter::compares): while the agency works, nothing of the message is held.
    pub data: Option<Element<'a>>,
}

/// What is sent to the agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// The caller's own SyncChannel envelope, spliced and signed anew by the gateway.
    Envelope,
    /// An HTTP request that the adapter wrote.
    Http(HttpOutgoing),
}

/// An HTTP request below the agency's endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOutgoing {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query, appended to the endpoint's path; begins with `/` or is empty.
    pub path: String,
    /// `Content-Type` of the body, if there is one.
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
}

/// What came back from the agency, already read and (for envelopes) verified by the gateway.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// A SyncChannel answer.
    Envelope(EnvelopeAnswer<'a>),
    /// The agency's own SOAP fault with its ErrorInfo.
    Fault(ErrorInfo<'a>),
    /// An HTTP answer of an agency that is not SOAP.
    Http(HttpAnswer<'a>),
}

/// `SendMessageResponse/response` of SyncChannel v10.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeAnswer<'a> {
    /// `responseInfo/status/code`, e.g. `SCSS001`.
    pub status_code: &'a str,
    /// `responseInfo/status/message`.
    pub status_message: &'a str,
    /// `responseData/data`, if present.
    pub data: Option<Element<'a>>,
}

/// The ErrorInfo that an agency put into its fault.
#[derive(Clone, Copy, Debug)]
pub struct ErrorInfo<'a> {
    pub error_code: &'a str,
    pub error_message: &'a str,
}

/// An HTTP answer.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswer<'a> {
    pub status: u16,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// What the caller gets, and what the journal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub outcome: Outcome,
    pub content: Content,
}

/// The business part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The agency's own envelope or fault goes back, spliced and signed by the gateway.
    AsReceived,
    /// The adapter wrote it; the gateway puts it into a SyncChannel answer.
    Written(WrittenAnswer),
}

/// Characters that SyncChannel allows in `status/message` (its XSD: `maxLength` 250).
pub const STATUS_MESSAGE_CHARS_MAX: usize = 250;

/// A SyncChannel answer written by an adapter or a simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenAnswer {
    /// `SCSS001`, `SCSE001` …
    pub status_code: String,
    /// At most [`STATUS_MESSAGE_CHARS_MAX`] characters, no control characters.
    pub status_message: String,
    /// The inside of `data`: well-formed XML content or escaped text, namespaces declared within.
    pub data_xml: Option<String>,
}

impl WrittenAnswer {
    /// An answer whose message is cut to what SyncChannel allows.
    #[must_use]
    pub fn new(status_code: &str, status_message: &str, data_xml: Option<String>) -> Self {
        let status_message = status_message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(STATUS_MESSAGE_CHARS_MAX)
            .collect();
        Self { status_code: status_code.to_owned(), status_message, data_xml }
    }

    /// An answer of success around that `data`, in the ШЭП's own words.
    #[must_use]
    pub fn processed(data_xml: String) -> Self {
        Self::new("SCSS001", "Message has been processed successfully", Some(data_xml))
    }
}

/// One agency's translation.
pub trait Adapter: Send + Sync {
    /// What is true of the agency everywhere (`adapter.toml`).
    fn manifest(&self) -> &Manifest;

    /// Turns the call into what is sent. A bank that offers no service of its own leaves it as it is.
    ///
    /// # Errors
    /// `caller.malformed` when the call lacks what the agency needs; `gateway.bug` when the service is
    /// not the agency's. Nothing was sent.
    fn encode(&self, _call: &Call<'_>) -> Result<Outgoing, Fault> {
        Err(not_offered(Phase::Encode))
    }

    /// Turns the agency's answer into an outcome and a reply. A bank that offers no service of its own
    /// leaves it as it is.
    ///
    /// # Errors
    /// `agency.broken_answer`, `agency.unlisted_code` or `gateway.bug`: the outcome is Unknown.
    fn decode(&self, _call: &Call<'_>, _answer: &Answer<'_>) -> Result<Reply, Fault> {
        Err(not_offered(Phase::Decode))
    }

    /// Whether `decode` holds the answer against the call's `data`, which is kept for it then.
    fn compares(&self) -> bool {
        false
    }

    /// The agency's stand-in for demos and tests, where it has one.
    fn simulator(&self) -> Option<&dyn Simulator> {
        None
    }

    /// The JSON form of its messages, where it has one.
    fn json(&self) -> Option<&dyn Json> {
        None
    }

    /// How it asks us, where it is a bank that does.
    fn provider(&self) -> Option<&dyn Provider> {
        None
    }

    /// How we ask it to pay, where it is a bank that takes orders.
    fn teller(&self) -> Option<&dyn Teller> {
        None
    }
}

/// The JSON form of what stands in `data`, for callers that speak REST. Pure.
///
/// Who calls it has held the body against the caller's limit already.
pub trait Json: Send + Sync {
    /// What stands in `data` for a caller's JSON body.
    ///
    /// # Errors
    /// Phase Receive: `caller.malformed` with a reason, `caller.too_large` when it crosses a cap; the
    /// cause names the place as a JSON pointer (RFC 6901), never a value. `gateway.bug` when the
    /// service is not the agency's.
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault>;

    /// JSON text for the `data` of an answer, whatever its outcome.
    ///
    /// # Errors
    /// `agency.broken_answer` (phase Decode) when it cannot be read; `gateway.bug` as above.
    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault>;

    /// What the JSON of a service looks like; `None` when the service is not the agency's.
    fn schema(&self, service: &str) -> Option<JsonSchema>;
}

/// A REST call, before it is put into XML.
#[derive(Clone, Copy, Debug)]
pub struct JsonCall<'a> {
    /// `serviceId` as registered.
    pub service: &'a str,
    /// The call's name: what its caller gave, else the gateway's own.
    pub message_id: &'a str,
    /// When the gateway received it, RFC 3339 with zone; adapters have no clock.
    pub received_at: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

/// A `data` element in parts, to be written into an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataXml {
    /// Attributes and declarations of `data` itself, each with a space before it; often empty.
    pub attributes: String,
    /// The inside: well-formed content or escaped text, namespaces declared within.
    pub inside: String,
}

impl DataXml {
    /// The parts of an element as written, its end tag spelled out.
    #[must_use]
    pub fn of(data: Element<'_>) -> Self {
        let tag = data.start_tag();
        let close = if data.is_self_closing() { "/>" } else { ">" };
        let start = tag.start + "<".len() + data.name().len();
        let attributes = data.document().slice(Span { start, end: tag.end - close.len() });
        Self { attributes: attributes.to_owned(), inside: data.content_str().to_owned() }
    }
}

/// JSON Schemas (2020-12, as OpenAPI 3.1 uses them; self-contained, without `$ref`) and an example of
/// each message.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSchema {
    pub request: Value,
    pub answer: Value,
    pub request_example: Value,
    pub answer_example: Value,
}

/// A pure stand-in for an agency: same request, same answer; invented people and companies only.
pub trait Simulator: Send + Sync {
    /// Answers one request.
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer;
}

/// What a simulator is asked.
#[derive(Clone, Copy, Debug)]
pub enum SimulatedRequest<'a> {
    /// A SyncChannel request.
    Envelope(Call<'a>),
    /// An HTTP request; `path` is what the adapter appended to the endpoint.
    Http { method: &'a str, path: &'a str, body: &'a [u8] },
}

/// What a simulator answers; the listener around it signs and sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimulatedAnswer {
    Envelope(WrittenAnswer),
    /// A SOAP fault with this ErrorInfo.
    Fault {
        error_code: String,
        error_message: String,
    },
    Http {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
}

impl SimulatedAnswer {
    /// A SOAP fault.
    #[must_use]
    pub fn fault(error_code: &str, error_message: &str) -> Self {
        let (error_code, error_message) = (error_code.to_owned(), error_message.to_owned());
        Self::Fault { error_code, error_message }
    }

    /// "No data found" as a status, without `data`.
    #[must_use]
    pub fn nothing_found() -> Self {
        let message = "Деректер табылмады / Данные не найдены";
        Self::Envelope(WrittenAnswer::new("SCSE001", message, None))
    }

    /// The fault of an agency that cannot read the request.
    #[must_use]
    pub fn unreadable() -> Self {
        Self::fault("SCE001", "Хабарлама пішімі дұрыс емес / Неверный формат сообщения")
    }
}
