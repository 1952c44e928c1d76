//! The business signatures of a message: what its service demands is there, or nothing is delivered.

use super::Gateway;
use super::listener::Received;
use crate::channel::Face;
use crate::channel::rest::IDEMPOTENCY_KEY;
use crate::config::settings::{Service, TlsMode};
use crate::sign::business::collect::Desk;
use crate::sign::business::{Signed, demand};
use crate::sign::rest::Parts;
use crate::sign::rest::replay::Turn;
use crate::sign::trust::Judged;
use crate::sign::{Reason, Refusal};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{SignatureDemand, SignedMessage};
use qaqpa_kit::xml::Element;

/// Whose business signature it is, for the fault of one that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signatory {
    Caller,
    Agency,
}

impl Signatory {
    fn fault(self, refusal: Refusal) -> Fault {
        match self {
            Self::Caller => refusal.of_caller(),
            Self::Agency => refusal.of_agency(),
        }
        .of_business()
    }

    const fn message(self) -> SignedMessage {
        match self {
            Self::Caller => SignedMessage::Request,
            Self::Agency => SignedMessage::Answer,
        }
    }
}

/// Verifies the business signatures that a service demands of a call, and says whose they are; nothing
/// where it demands none. Whether the signers, and the authorities of their time stamps, were revoked is to
/// be asked afterwards.
///
/// # Errors
/// `caller.unsigned`, `caller.bad_signature` or `caller.stale` about the business signature: the call is
/// not delivered.
pub fn of_call(
    gate: &Gateway,
    service: &Service,
    data: Option<Element<'_>>,
    (face, received): (Face, &Received),
) -> Result<Vec<Judged>, Fault> {
    let demands = demands(service, Signatory::Caller);
    if demands.is_empty() {
        return Ok(Vec::new());
    }
    let now_unix_s = received.received_at_us / 1_000_000;
    let desk = desk(gate, &demands, now_unix_s);
    let refused = |refusal: Refusal| Signatory::Caller.fault(refusal);
    let mut signed = data.map_or(Ok(Vec::new()), |data| desk.in_data(data)).map_err(refused)?;
    let mut made_of = None;
    if matches!(face, Face::Rest(_) | Face::Resource(..))
        && let Some(call) = desk.of_call(&parts(received)).map_err(refused)?
    {
        made_of = Some(call.digest);
        signed.push(call.signed);
    }
    let judged = judge(gate, &desk, Signatory::Caller, &signed, data)?;
    // Last: a stranger's signature shall take no place in the memory.
    made_of.map_or(Ok(()), |digest| check_replay(gate, received, digest))?;
    Ok(judged)
}

/// Verifies the business signatures that an agency's answer must bear.
///
/// # Errors
/// `agency.bad_signature`: the answer is not delivered, and what happened at the agency is Unknown.
pub fn of_answer(
    gate: &Gateway,
    service: &Service,
    data: Option<Element<'_>>,
    now_unix_s: i64,
) -> Result<(), Fault> {
    let demands = demands(service, Signatory::Agency);
    if demands.is_empty() {
        return Ok(());
    }
    let desk = desk(gate, &demands, now_unix_s);
    let signed = data.map_or(Ok(Vec::new()), |data| desk.in_data(data));
    let signed = signed.map_err(|refusal| Signatory::Agency.fault(refusal))?;
    for judged in judge(gate, &desk, Signatory::Agency, &signed, data)? {
        if gate.revocation.is_known_revoked(&judged, now_unix_s) {
            return Err(Reason::CertRevoked.of_agency().of_business());
        }
    }
    Ok(())
}

fn demands(service: &Service, signatory: Signatory) -> Vec<&SignatureDemand> {
    let is_of = |demand: &&SignatureDemand| demand.of == signatory.message();
    service.manifest.signatures.iter().filter(is_of).collect()
}

fn desk<'a>(gate: &'a Gateway, demands: &'a [&SignatureDemand], now_unix_s: i64) -> Desk<'a> {
    let (certificates, limits) = (gate.trust.certificates(), &gate.settings.limits.xml);
    Desk { demands, certificates, limits, now_unix_s }
}

fn parts(received: &Received) -> Parts<'_> {
    Parts {
        method: received.method.as_str(),
        scheme: if received.tls == TlsMode::Off { "http" } else { "https" },
        authority: received.uri.authority().map(|authority| authority.as_str()),
        target: received.uri.path_and_query().map_or("/", |target| target.as_str()),
        headers: &received.headers,
        body: &received.body,
    }
}

/// A call with a key of its own is the same call when it comes again, and gets the stored answer; one
/// without is let in once.
fn check_replay(gate: &Gateway, received: &Received, digest: [u8; 32]) -> Result<(), Fault> {
    if received.headers.contains_key(IDEMPOTENCY_KEY) {
        return Ok(());
    }
    match gate.replays.turn(digest, received.received_at) {
        Turn::First => Ok(()),
        Turn::Again => Err(Signatory::Caller.fault(Reason::Replayed.at(0))),
        Turn::Full => Err(Fault::new(Code::GatewayOverloaded, Phase::Verify, "replays")),
    }
}

/// Trust in every signer and in whoever stamped a signature, then the demands.
fn judge(
    gate: &Gateway,
    desk: &Desk<'_>,
    signatory: Signatory,
    signed: &[Signed],
    data: Option<Element<'_>>,
) -> Result<Vec<Judged>, Fault> {
    let at = data.map_or(0, |data| data.span().start);
    let mut judged = Vec::with_capacity(signed.len());
    for one in signed {
        let refused = |reason: Reason| signatory.fault(reason.at(one.at));
        let mut signed_at_unix_s = desk.now_unix_s;
        if let Some(stamp) = &one.stamp {
            judged.push(stamp.judge(&gate.trust).map_err(refused)?);
            signed_at_unix_s = stamp.at_unix_s;
        }
        judged.push(gate.trust.judge(&one.certificate, signed_at_unix_s).map_err(refused)?);
    }
    demand::check(desk.demands, signed).map_err(|reason| signatory.fault(reason.at(at)))?;
    Ok(judged)
}
