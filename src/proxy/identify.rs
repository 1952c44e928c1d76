//! Who calls: certificate and `senderId` to one registered participant, and that the two belong together.

use super::Gateway;
use super::listener::{Peer, Received};
use crate::channel::Face;
use crate::config::settings::{BoundCertificate, Participant, Settings};
use crate::sign::Reason;
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::trust::Trust;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use qaqpa_kit::envelope::{Request, Wrapper};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::collections::HashMap;
use std::sync::Arc;

/// The registered callers.
pub struct Callers {
    settings: Arc<Settings>,
    /// By the key of a certificate pinned for them.
    by_key: HashMap<[u8; 32], Vec<Arc<Participant>>>,
    by_bin: HashMap<String, Vec<Arc<Participant>>>,
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

    /// Whether the certificate that proves the caller is trusted now, and not only when its
    /// connection began.
    ///
    /// # Errors
    /// As the caller's signature with that certificate would be refused.
    pub fn judge(&self, trust: &Trust, now_unix_s: i64) -> Result<(), Fault> {
        match &self.tls_certificate {
            Some(certificate) => {
                trust.judge(certificate, now_unix_s).map(drop).map_err(Reason::of_caller)
            }
            None => Ok(()),
        }
    }

    /// Names the sender in a request that named none, as the bare form does: from here on it is this
    /// participant's, at the agency and in the key of the same call.
    pub fn name_sender(&self, request: &mut Request<'_>) {
        if request.sender_id.is_empty() {
            request.sender_id = self.participant.sender_id.clone().into();
        }
    }
}

/// One reason for both, so that nobody can try out which senders exist; the log knows which it was.
fn stranger(cause: &str) -> Fault {
    refused(Code::CallerUnknown, "sender_id_or_password").because(cause)
}

fn refused(code: Code, reason: &'static str) -> Fault {
    Fault::new(code, Phase::Identify, reason)
}

impl Callers {
    /// Callers of this installation.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        let (mut by_key, mut by_bin) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for participant in settings.participants.values() {
            for pin in &participant.certificates {
                by_key.entry(pin.spki_sha256).or_default().push(Arc::clone(participant));
            }
            if let Some(bin) = &participant.bin {
                by_bin.entry(bin.as_str().to_owned()).or_default().push(Arc::clone(participant));
            }
        }
        Self { settings, by_key, by_bin }
    }

    /// Finds the participant of a request and checks its password and TLS certificate. A REST call
    /// names no sender and brings no password: its certificate is all there is.
    ///
    /// # Errors
    /// `caller.unknown` for an unregistered sender or a wrong password; `caller.forbidden` for a
    /// certificate of somebody else or a bare form that is not allowed.
    pub fn identify(
        &self,
        gate: &Gateway,
        received: &Received,
        face: Face,
        request: &Request<'_>,
    ) -> Result<Caller, Fault> {
        let now_unix_s = received.received_at_us / 1_000_000;
        let (peer, certificates) = (received.peer.as_deref(), gate.trust.certificates());
        let caller = if request.sender_id.is_empty() {
            // A form that names no sender has no place for a password.
            self.identify_by_certificate(peer, certificates, now_unix_s)?
        } else {
            self.identify_by_name(shown(peer, certificates)?, request, now_unix_s)?
        };
        if face == Face::Sync
            && request.wrapper == Wrapper::Bare
            && !(caller.participant.accept_bare && caller.is_proved())
        {
            return Err(refused(Code::CallerForbidden, "bare_form_not_allowed"));
        }
        Ok(caller)
    }

    /// Finds the participant that a message names, with its password and, where one was shown, its
    /// TLS certificate.
    fn identify_by_name(
        &self,
        tls_certificate: Option<Arc<Certificate>>,
        request: &Request<'_>,
        now_unix_s: i64,
    ) -> Result<Caller, Fault> {
        let known = self.settings.participants.get(&*request.sender_id);
        let participant = Arc::clone(known.ok_or_else(|| stranger("no such senderId"))?);
        check_password(&participant, &request.password)?;
        if let Some(certificate) = &tls_certificate
            && !is_bound(&participant, certificate, now_unix_s)
        {
            return Err(refused(Code::CallerForbidden, "tls_certificate_not_bound_to_sender"));
        }
        Ok(Caller { participant, tls_certificate })
    }

    /// Finds the participant that the connection alone proves, for forms without a `senderId`.
    ///
    /// # Errors
    /// `caller.unknown` without a certificate, or with one that is nobody's or of two participants.
    pub fn identify_by_certificate(
        &self,
        peer: Option<&Peer>,
        certificates: &CertificateCache,
        now_unix_s: i64,
    ) -> Result<Caller, Fault> {
        let certificate = shown(peer, certificates)?
            .ok_or_else(|| refused(Code::CallerUnknown, "certificate_missing"))?;
        let participant = self
            .bearer(&certificate, now_unix_s)
            .ok_or_else(|| refused(Code::CallerUnknown, "certificate_of_no_participant"))?;
        Ok(Caller { participant, tls_certificate: Some(certificate) })
    }

    /// The one participant that this certificate belongs to, for forms that name no sender.
    pub fn bearer(&self, certificate: &Certificate, now_unix_s: i64) -> Option<Arc<Participant>> {
        let by_key = self.by_key.get(&certificate.spki_sha256());
        let by_bin = certificate.bin().and_then(|bin| self.by_bin.get(bin));
        let mut bearers = by_key
            .into_iter()
            .chain(by_bin)
            .flatten()
            .filter(|participant| is_bound(participant, certificate, now_unix_s));
        let bearer = bearers.next()?;
        // Who is known by key and by BIN, or by two pins of one key, is one participant still.
        bearers.all(|other| Arc::ptr_eq(other, bearer)).then(|| Arc::clone(bearer))
    }
}

/// The certificate that a connection proved, read.
fn shown(
    peer: Option<&Peer>,
    certificates: &CertificateCache,
) -> Result<Option<Arc<Certificate>>, Fault> {
    peer.map(|peer| peer.read(certificates))
        .transpose()
        .map_err(|reason| refused(Code::CallerForbidden, reason.word()))
}

fn check_password(participant: &Participant, sent: &str) -> Result<(), Fault> {
    match &participant.password {
        Some(password)
            if verify_slices_are_equal(password.as_bytes(), sent.as_bytes()).is_err() =>
        {
            Err(stranger("wrong password"))
        }
        _ => Ok(()),
    }
}

/// Whether a certificate belongs to a participant: pinned for these days, or naming its BIN and no
/// person. An employee's own certificate names the employer's BIN beside the IIN: it speaks for the
/// organisation's system only where it is pinned.
#[must_use]
pub fn is_bound(participant: &Participant, certificate: &Certificate, now_unix_s: i64) -> bool {
    let by_bin = match (&participant.bin, certificate.bin()) {
        (Some(registered), Some(shown)) => {
            registered.as_str() == shown && !certificate.is_personal()
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Class;
    use crate::config::settings::Quota;
    use rcgen::{CertificateParams, DnType, KeyPair};
    use std::collections::HashMap;

    const BIN: &str = "190540007715";
    /// 2026-11-22T05:00:00Z.
    const NOW_UNIX_S: i64 = 1_795_323_600;

    fn certificate(iin: Option<&str>) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{BIN}"));
        if let Some(iin) = iin {
            let serial_number = DnType::CustomDnType(vec![2, 5, 4, 5]);
            params.distinguished_name.push(serial_number, format!("IIN{iin}"));
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Certificate::parse(certificate.der()).expect("readable")
    }

    fn participant(pins: Vec<BoundCertificate>) -> Participant {
        Participant {
            class: Class::default(),
            id: "bank".to_owned(),
            name: qaqpa_kit::manifest::Name {
                kk: String::new(),
                ru: String::new(),
                en: String::new(),
            },
            sender_id: "bank".to_owned(),
            password: None,
            bin: Some(BIN.to_owned()),
            certificates: pins,
            accept_unsigned: false,
            accept_bare: false,
            services: Vec::new(),
            quota: Quota { per_second: 1, burst: 1, in_flight_max: 1 },
            service_quotas: HashMap::new(),
        }
    }

    #[test]
    fn an_employees_own_certificate_speaks_for_the_organisation_only_where_it_is_pinned() {
        let employee = certificate(Some("850312300121"));
        let pin = BoundCertificate {
            spki_sha256: employee.spki_sha256(),
            der: None,
            from_unix_s: NOW_UNIX_S,
            until_unix_s: NOW_UNIX_S + 1,
        };
        assert!(is_bound(&participant(Vec::new()), &certificate(None), NOW_UNIX_S));
        assert!(!is_bound(&participant(Vec::new()), &employee, NOW_UNIX_S));
        assert!(is_bound(&participant(vec![pin]), &employee, NOW_UNIX_S));
    }
}
