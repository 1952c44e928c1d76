//! The caller's transport signature: over exactly this Body, by a certificate that is trusted and bound.

use super::Gateway;
use super::identify::{Caller, is_bound};
use crate::channel::sync::Message;
use crate::sign::Reason;
use crate::sign::wsse::{self, Signed};
use qaqpa_kit::fault::{Code, Fault, Phase};

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
