//! The caller's transport signature: over exactly this Body, by a certificate that is trusted and bound.

use super::identify::{Caller, is_bound};
use super::listener::Received;
use super::trace::Trace;
use super::{Gateway, business};
use crate::channel::sync::Message;
use crate::config::settings::Service;
use crate::sign::wsse::{self, Signed};
use crate::sign::{Certificate, Reason};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::xml::Element;
use std::sync::Arc;
use std::time::Instant;

/// Verifies the signature of a message; `None` where the participant may send unsigned over mutual TLS.
///
/// # Errors
/// `caller.unsigned`, `caller.bad_signature`, `caller.stale`; `caller.forbidden` for a good signature of
/// somebody else.
pub fn transport(
    gate: &Gateway,
    message: &Message<'_>,
    caller: &Caller,
    now_unix_s: i64,
) -> Result<Option<Signed>, Fault> {
    let may_be_unsigned = caller.is_proved() && caller.participant.accept_unsigned;
    let Some(envelope) = &message.envelope else {
        // `identify` let the bare form pass only for a participant configured so.
        return Ok(None);
    };
    if envelope.security.is_none() && may_be_unsigned {
        return Ok(None);
    }
    let known = &caller.participant.certificates;
    let certificates = gate.trust.certificates();
    let signed = wsse::verify(envelope, known, certificates, now_unix_s)
        .map_err(|refusal| refusal.of_caller())?;
    if !is_bound(&caller.participant, &signed.certificate, now_unix_s) {
        return Err(Fault::new(Code::CallerForbidden, Phase::Verify, "cert_not_bound_to_sender"));
    }
    gate.trust.judge(&signed.certificate, now_unix_s).map_err(Reason::of_caller)?;
    Ok(Some(signed))
}

/// Whether the certificates that prove a call were revoked: the signer's, and the connection's where it
/// is another one. What was found goes into the entry.
///
/// # Errors
/// `pki.revoked`, and as the service wants it `pki.unavailable` and `pki.unknown_status`.
pub async fn revocation(
    gate: &Gateway,
    (caller, signed): (&Caller, Option<&Signed>),
    service: &Service,
    ends: Instant,
    trace: &mut Trace,
) -> Result<(), Fault> {
    let now_unix_s = trace.received_at_us / 1_000_000;
    let signer = signed.map(|signed| &signed.certificate);
    let is_other = |tls: &&Arc<Certificate>| signer.is_none_or(|own| own.sha256() != tls.sha256());
    let connection = caller.tls_certificate.as_ref().filter(is_other);
    for certificate in signer.into_iter().chain(connection) {
        let judged = gate.trust.judge(certificate, now_unix_s).map_err(Reason::of_caller)?;
        let policy = service.revocation;
        trace.mark_revocation(gate.revocation.check(&judged, policy, now_unix_s, ends).await?);
    }
    Ok(())
}

/// Verifies the business signatures that a service demands, and asks whether their signers were revoked.
///
/// # Errors
/// As [`business::of_call`], and as [`revocation`] about the business signature.
pub async fn business(
    gate: &Gateway,
    service: &Service,
    (data, received): (Option<Element<'_>>, &Received),
    ends: Instant,
    trace: &mut Trace,
) -> Result<(), Fault> {
    let now_unix_s = trace.received_at_us / 1_000_000;
    for judged in business::of_call(gate, service, data, (trace.face, received))? {
        let checked = gate.revocation.check(&judged, service.revocation, now_unix_s, ends).await;
        trace.mark_revocation(checked.map_err(Fault::of_business)?);
    }
    Ok(())
}
