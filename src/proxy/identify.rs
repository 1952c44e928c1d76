//! Who calls: certificate and `senderId` to one registered participant, and that the two belong together.

use super::listener::Received;
use crate::config::settings::{BoundCertificate, Participant, Settings};
use crate::sign::certificate::{Certificate, CertificateCache};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use qaqpa_kit::envelope::{Request, Wrapper};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::sync::Arc;

/// The registered callers.
pub struct Callers {
    settings: Arc<Settings>,
}

/// A participant that calls, and how far it is proved.
#[derive(Clone)]
pub struct Caller {
    pub participant: Arc<Participant>,
    /// Its TLS certificate, where the connection proved one.
    pub tls_certificate: Option<Arc<Certificate>>,
}

impl Caller {
    /// Whether mutual TLS proves the caller, so that no signature is needed to charge its quota.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.tls_certificate.is_some()
    }

    /// Names the sender in a request that named none, as the bare form does: from here on it is this
    /// participant's, at the agency and in the key of the same call.
    pub fn name_sender(&self, request: &mut Request<'_>) {
        if request.sender_id.is_empty() {
            request.sender_id = self.participant.sender_id.clone().into();
        }
    }
}

fn refused(code: Code, reason: &'static str) -> Fault {
    Fault::new(code, Phase::Identify, reason)
}

impl Callers {
    /// Callers of this installation.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    /// Finds the participant of a request and checks its password and TLS certificate.
    ///
    /// # Errors
    /// `caller.unknown` for an unregistered sender or a wrong password; `caller.forbidden` for a
    /// certificate of somebody else or a bare form that is not allowed.
    pub fn identify(
        &self,
        received: &Received,
        certificates: &CertificateCache,
        request: &Request<'_>,
    ) -> Result<Caller, Fault> {
        let now_unix_s = received.received_at_us / 1_000_000;
        let tls_certificate = match &received.peer {
            Some(peer) => Some(
                certificates
                    .parse(&peer.certificate)
                    .map_err(|reason| refused(Code::CallerForbidden, reason.word()))?,
            ),
            None => None,
        };
        let participant = match (&*request.sender_id, &tls_certificate) {
            ("", Some(certificate)) => self.bearer(certificate, now_unix_s),
            (sender_id, _) => self.settings.participants.get(sender_id).cloned(),
        }
        .ok_or_else(|| refused(Code::CallerUnknown, "sender_id"))?;
        // A form that names no sender has no place for a password: the certificate alone proves it.
        if !request.sender_id.is_empty() {
            check_password(&participant, &request.password)?;
        }
        if let Some(certificate) = &tls_certificate
            && !is_bound(&participant, certificate, now_unix_s)
        {
            return Err(refused(Code::CallerForbidden, "tls_certificate_not_bound_to_sender"));
        }
        if request.wrapper == Wrapper::Bare
            && !(participant.accept_bare && tls_certificate.is_some())
        {
            return Err(refused(Code::CallerForbidden, "bare_form_not_allowed"));
        }
        Ok(Caller { participant, tls_certificate })
    }

    /// The one participant that this certificate belongs to, for forms that name no sender.
    fn bearer(&self, certificate: &Certificate, now_unix_s: i64) -> Option<Arc<Participant>> {
        let mut bearers = self
            .settings
            .participants
            .values()
            .filter(|participant| is_bound(participant, certificate, now_unix_s));
        let bearer = bearers.next()?;
        bearers.next().is_none().then(|| Arc::clone(bearer))
    }
}

fn check_password(participant: &Participant, sent: &str) -> Result<(), Fault> {
    match &participant.password {
        Some(password)
            if verify_slices_are_equal(password.as_bytes(), sent.as_bytes()).is_err() =>
        {
            Err(refused(Code::CallerUnknown, "password"))
        }
        _ => Ok(()),
    }
}

/// Whether a certificate belongs to a participant: pinned for these days, or naming its BIN.
#[must_use]
pub fn is_bound(participant: &Participant, certificate: &Certificate, now_unix_s: i64) -> bool {
    let by_bin = match (&participant.bin, certificate.bin()) {
        (Some(registered), Some(shown)) => registered.as_str() == shown,
        _ => false,
    };
    by_bin || is_pinned(&participant.certificates, certificate, now_unix_s)
}

/// Whether a certificate's key is pinned for this time.
#[must_use]
pub fn is_pinned(pins: &[BoundCertificate], certificate: &Certificate, now_unix_s: i64) -> bool {
    pins.iter().any(|pin| {
        pin.spki_sha256 == certificate.spki_sha256()
            && (pin.from_unix_s..pin.until_unix_s).contains(&now_unix_s)
    })
}
