//! Whom we believe: pinned certificates, and chains to the roots that the operator loaded.
//!
//! No trust anchor is built in. Revocation will be one more step of [`Trust::judge`], whose
//! [`Judged`] says on what a certificate is believed and until when.

use super::algorithm::Family;
use super::certificate::{Certificate, CertificateCache};
use super::{Reason, gost, pem};
use arc_swap::ArcSwap;
use der::Decode as _;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};
use x509_cert::ext::pkix::BasicConstraints;

/// Judgements that are remembered; beyond it the memory starts anew.
const JUDGED_MAX: usize = 4096;

type Algorithms = LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>>;

/// What may sign the certificates of a chain: what the library has, and the country's own.
static ALGORITHMS: Algorithms =
    LazyLock::new(|| [webpki::ALL_VERIFICATION_ALGS, &gost::CHAIN_ALGORITHMS].concat());
/// The same with the 256 bits of 2015.
static WITH_UNVERIFIED: Algorithms =
    LazyLock::new(|| [&ALGORITHMS[..], &gost::UNVERIFIED_ALGORITHMS].concat());

/// Purposes that say a key is for something else than messages (RFC 5280 §4.2.1.12).
const OTHER_PURPOSES: [&str; 4] =
    ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"];

/// On what a certificate is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// This very certificate stands in the trust files.
    Pinned,
    /// A chain leads to a root in the trust files.
    Chain,
}

/// A favourable judgement and the seconds for which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    pub basis: Basis,
    /// The latest beginning in the chain.
    pub from_unix_s: i64,
    /// The earliest end in the chain, inclusive.
    pub until_unix_s: i64,
}

impl Judged {
    const fn holds_at(&self, at_unix_s: i64) -> bool {
        self.from_unix_s <= at_unix_s && at_unix_s <= self.until_unix_s
    }

    fn narrowed(self, days: Days) -> Self {
        Self {
            from_unix_s: self.from_unix_s.max(days.from_unix_s),
            until_unix_s: self.until_unix_s.min(days.until_unix_s),
            ..self
        }
    }
}

/// Why a trust file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{file}: {cause}")]
    Pem { file: String, cause: String },
    #[error("{file}: no CERTIFICATE block in it")]
    Empty { file: String },
    #[error("{file}: certificate {number} cannot be read")]
    Malformed { file: String, number: usize },
}

#[derive(Clone, Copy, Debug)]
struct Days {
    from_unix_s: i64,
    until_unix_s: i64,
}

/// A certificate of a trust file, as far as chains need it.
struct Authority {
    der: CertificateDer<'static>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    is_ca: bool,
    days: Days,
}

/// The certificates that the operator loaded, and what was judged by them.
pub struct Trust {
    pins: HashSet<[u8; 32]>,
    signers: Vec<Arc<Certificate>>,
    anchors: Vec<(TrustAnchor<'static>, Days)>,
    intermediates: Vec<CertificateDer<'static>>,
    certificates: CertificateCache,
    judged: ArcSwap<HashMap<[u8; 32], Judged>>,
    allows_unverified: bool,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trust({} pins, {} anchors)", self.pins.len(), self.anchors.len())
    }
}

impl Trust {
    /// Takes PEM files (name for errors, content): roots, intermediates, signers' own certificates.
    ///
    /// Self-issued authorities, and authorities whose issuer is not among the files, are anchors;
    /// other authorities are intermediates. Every certificate is also a pin for itself.
    ///
    /// # Errors
    /// The file that holds no certificate or a broken one.
    pub fn load<N: Display, P: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (N, P)>,
    ) -> Result<Self, TrustError> {
        let mut authorities = Vec::new();
        for (name, pem) in files {
            authorities.extend(read(&name.to_string(), pem.as_ref())?);
        }
        let certificates = CertificateCache::default();
        let pins = authorities.iter().map(|one| super::certificate::sha256(&one.der)).collect();
        let signers = authorities.iter().filter_map(|one| Certificate::parse(&one.der).ok());
        let signers: Vec<_> = signers.map(Arc::new).collect();
        signers.iter().for_each(|signer| certificates.keep(signer));
        let subjects: HashSet<_> =
            authorities.iter().filter(|one| one.is_ca).map(|one| one.subject.clone()).collect();
        let (mut anchors, mut intermediates) = (Vec::new(), Vec::new());
        for one in authorities.into_iter().filter(|one| one.is_ca) {
            let is_anchor = one.subject == one.issuer || !subjects.contains(&one.issuer);
            match webpki::anchor_from_trusted_cert(&one.der) {
                Ok(anchor) if is_anchor => anchors.push((anchor.to_owned(), one.days)),
                _ => intermediates.push(one.der),
            }
        }
        let judged = ArcSwap::default();
        let allows_unverified = false;
        Ok(Self { pins, signers, anchors, intermediates, certificates, judged, allows_unverified })
    }

    /// Whether keys of ГОСТ Р 34.10-2015 with 256 bits are believed, whose layout in certificates of the
    /// НУЦ nobody could measure; off unless the operator says so.
    #[must_use]
    pub fn with_unverified(self, allows_unverified: bool) -> Self {
        Self { allows_unverified, ..self }
    }

    /// The certificates parsed so far; what is judged well is kept there.
    #[must_use]
    pub const fn certificates(&self) -> &CertificateCache {
        &self.certificates
    }

    /// Every certificate of the trust files whose key can verify messages.
    #[must_use]
    pub fn signers(&self) -> &[Arc<Certificate>] {
        &self.signers
    }

    /// Whether this certificate is believed at that time.
    ///
    /// # Errors
    /// `cert_expired`, `cert_not_yet_valid`, `cert_unknown`, `cert_path`, `cert_usage`; `key_type_forbidden`
    /// for what [`Trust::with_unverified`] has not let in.
    pub fn judge(&self, certificate: &Arc<Certificate>, at_unix_s: i64) -> Result<Judged, Reason> {
        if certificate.family() == Family::Gost2015x256 && !self.allows_unverified {
            return Err(Reason::KeyTypeForbidden);
        }
        let identity = certificate.sha256();
        if let Some(judged) = self.judged.load().get(&identity)
            && judged.holds_at(at_unix_s)
        {
            return Ok(*judged);
        }
        certificate.check_days(at_unix_s)?;
        let own = Judged {
            basis: Basis::Pinned,
            from_unix_s: certificate.not_before_unix_s(),
            until_unix_s: certificate.not_after_unix_s(),
        };
        let judged = if self.pins.contains(&identity) {
            own
        } else {
            self.chain(certificate, own, at_unix_s)?
        };
        self.remember(identity, judged);
        self.certificates.keep(certificate);
        Ok(judged)
    }

    fn chain(
        &self,
        certificate: &Certificate,
        own: Judged,
        at_unix_s: i64,
    ) -> Result<Judged, Reason> {
        let der = CertificateDer::from(certificate.der());
        let leaf = EndEntityCert::try_from(&der).map_err(|error| reason_of(&error))?;
        // Anchors' own days are ours to check: the library leaves them to whoever loads them.
        let (current, past): (Vec<_>, Vec<_>) = self
            .anchors
            .iter()
            .partition(|(_, days)| (days.from_unix_s..=days.until_unix_s).contains(&at_unix_s));
        let anchors = |of: &[&(TrustAnchor<'static>, Days)]| -> Vec<TrustAnchor<'static>> {
            of.iter().map(|(anchor, _)| anchor.clone()).collect()
        };
        let anchors_now = anchors(&current);
        match self.path(&leaf, &anchors_now, at_unix_s) {
            Ok(_) if !is_for_messages(certificate) => Err(Reason::CertUsage),
            Ok(path) => {
                let chain = Judged { basis: Basis::Chain, ..own };
                Ok(self.days_of(&path).fold(chain, Judged::narrowed))
            }
            Err(_) if self.path(&leaf, &anchors(&past), at_unix_s).is_ok() => {
                Err(Reason::CertExpired)
            }
            // A stranger's self-signed certificate is first of all a stranger's.
            Err(Error::CaUsedAsEndEntity) if certificate.is_self_issued() => {
                Err(Reason::CertUnknown)
            }
            Err(error) => Err(reason_of(&error)),
        }
    }

    fn path<'p>(
        &'p self,
        leaf: &'p EndEntityCert<'p>,
        anchors: &'p [TrustAnchor<'_>],
        at_unix_s: i64,
    ) -> Result<VerifiedPath<'p>, Error> {
        let at = Duration::from_secs(u64::try_from(at_unix_s).unwrap_or(0));
        leaf.verify_for_usage(
            if self.allows_unverified { &WITH_UNVERIFIED } else { &ALGORITHMS },
            anchors,
            &self.intermediates,
            UnixTime::since_unix_epoch(at),
            AnyPurpose,
            None,
            None,
        )
    }

    /// The days of everything above the leaf.
    fn days_of(&self, path: &VerifiedPath<'_>) -> impl Iterator<Item = Days> {
        let anchor = path.anchor();
        let above = self.anchors.iter().filter(|(known, _)| {
            known.subject == anchor.subject
                && known.subject_public_key_info == anchor.subject_public_key_info
        });
        let between = path.intermediate_certificates().filter_map(|one| days(&one.der()).ok());
        let between: Vec<_> = between.collect();
        above.map(|(_, days)| *days).chain(between)
    }

    fn remember(&self, identity: [u8; 32], judged: Judged) {
        self.judged.rcu(|known| {
            let mut known =
                if known.len() < JUDGED_MAX { HashMap::clone(known) } else { HashMap::new() };
            known.insert(identity, judged);
            known
        });
    }
}

/// The НУЦ states roles in this extension; which role a service wants is not a question of trust.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Whether key usage and purposes, where the certificate names them, let it sign messages.
fn is_for_messages(certificate: &Certificate) -> bool {
    let is_for_other = |purpose: &String| OTHER_PURPOSES.contains(&purpose.as_str());
    let purposes = certificate.purposes();
    certificate.may_sign() && (purposes.is_empty() || !purposes.iter().all(is_for_other))
}

fn reason_of(error: &Error) -> Reason {
    match error {
        Error::CertExpired { .. } => Reason::CertExpired,
        Error::CertNotValidYet { .. } => Reason::CertNotYetValid,
        Error::UnknownIssuer => Reason::CertUnknown,
        Error::CaUsedAsEndEntity => Reason::CertUsage,
        _ => Reason::CertPath,
    }
}

fn read(file: &str, pem: &[u8]) -> Result<Vec<Authority>, TrustError> {
    let blocks =
        pem::blocks(pem).map_err(|cause| TrustError::Pem { file: file.to_owned(), cause })?;
    let mut authorities = Vec::new();
    for block in blocks.iter().filter(|block| block.label == "CERTIFICATE") {
        let number = authorities.len() + 1;
        let authority = authority(&block.der);
        authorities
            .push(authority.map_err(|_| TrustError::Malformed { file: file.to_owned(), number })?);
    }
    if authorities.is_empty() {
        return Err(TrustError::Empty { file: file.to_owned() });
    }
    Ok(authorities)
}

/// Reads what chains need, also of a certificate whose key we cannot verify with (a GOST root).
fn authority(der: &[u8]) -> Result<Authority, der::Error> {
    use der::Encode as _;
    let certificate = x509_cert::Certificate::from_der(der)?;
    let body = &certificate.tbs_certificate;
    let constraints = body.get::<BasicConstraints>()?;
    Ok(Authority {
        der: CertificateDer::from(der.to_vec()),
        subject: body.subject.to_der()?,
        issuer: body.issuer.to_der()?,
        is_ca: constraints.is_some_and(|(_, constraints)| constraints.ca),
        days: days(der)?,
    })
}

fn days(der: &[u8]) -> Result<Days, der::Error> {
    let validity = x509_cert::Certificate::from_der(der)?.tbs_certificate.validity;
    Ok(Days {
        from_unix_s: super::certificate::unix_s(validity.not_before),
        until_unix_s: super::certificate::unix_s(validity.not_after),
    })
}
