//! Agencies that this very process answers for: a request goes to its desk in place of a connection.

use super::Gateway;
use super::trace::Trace;
use crate::config::settings::Service;
use crate::payments::desk::{Asker, Told};
use crate::payments::receipt;
use crate::sign::document;
use crate::trial;
use crate::upstream::{Marks, UpstreamAnswer};
use bytes::Bytes;
use hyper::HeaderMap;
use qaqpa_kit::adapter::HttpOutgoing;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::hex;

/// The one request whose answer the desk cannot write alone: it has no keys.
const RECEIPT_PATH: &str = "/PAY_Receipt";

/// The desk's answer, as an upstream's.
///
/// # Errors
/// As [`crate::payments::desk::Desk::answer`]; `gateway.bug` where this node has no desk.
pub async fn answer(
    gate: &Gateway,
    service: &Service,
    (outgoing, original_digest): (&HttpOutgoing, [u8; 32]),
    trace: &Trace,
) -> Result<UpstreamAnswer, Fault> {
    let missing = || Fault::new(Code::GatewayBug, Phase::Encode, "no_desk");
    let desk = gate.desk.as_ref().ok_or_else(missing)?;
    let session_id = trace.session_id();
    let (message_id, _) = trace.names();
    let original_digest = hex::lower(&original_digest);
    let asker = Asker {
        participant: &trace.participant,
        // A call without a name bears the gateway's own.
        key: Some(message_id).filter(|key| *key != session_id),
        at_us: trace.now_us(),
        check_digits: service.manifest.check_digits,
        original_digest: &original_digest,
    };
    let marks = Marks::start();
    trial::point("desk.asked");
    let Told { status, body } = match &*outgoing.path {
        RECEIPT_PATH => desk.receipt(&asker, outgoing, &|json| sign(gate, json)).await?,
        _ => desk.answer(&asker, outgoing).await?,
    };
    trial::point("desk.answered");
    Ok(UpstreamAnswer {
        status,
        content_type: Some("application/json".to_owned()),
        headers: HeaderMap::new(),
        body: Bytes::from(body),
        marks,
    })
}

/// A receipt as a JWS.
fn sign(gate: &Gateway, json: &[u8]) -> Result<String, Fault> {
    document::sign(receipt::KIND, json, gate.signers.document()).map_err(|error| {
        Fault::new(Code::GatewayBug, Phase::Encode, "receipt_unsigned").because(error)
    })
}
