//! A chain from a certificate to an anchor: webpki finds and verifies it, what it leaves out stands here.

use super::super::Reason;
use super::super::certificate::Certificate;
use super::anchors::Anchors;
use super::link::{Days, Link};
use super::signed::algorithms;
use rustls::pki_types::{SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

/// Purposes that say a key is for something else than messages (RFC 5280 §4.2.1.12).
const OTHER_PURPOSES: [&str; 4] =
    ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"];

/// A verified chain: the certificate first, the anchor last.
pub(super) type Path = Vec<Arc<Link>>;

/// Finds the chain of a certificate at that time, whose key must be fit for what it is asked for.
pub(super) fn find(
    anchors: &Anchors,
    certificate: &Certificate,
    at_unix_s: i64,
    allows_unverified: bool,
    is_fit: fn(&Certificate) -> bool,
) -> Result<Path, Reason> {
    let chosen = algorithms(allows_unverified);
    let der = certificate.der().into();
    let leaf = EndEntityCert::try_from(&der).map_err(|error| reason_of(&error))?;
    // Anchors' own days are ours to check: the library leaves them to whoever loads them.
    let of = |is_current: bool| -> Vec<TrustAnchor<'static>> {
        let all = anchors.anchors.iter();
        all.filter(|(_, link)| link.days.hold(at_unix_s) == is_current)
            .map(|(anchor, _)| anchor.clone())
            .collect()
    };
    let current = of(true);
    match verified(anchors, chosen, &leaf, &current, at_unix_s) {
        Ok(_) if !is_fit(certificate) => Err(Reason::CertUsage),
        Ok(path) => links(anchors, &path, certificate),
        Err(_) if verified(anchors, chosen, &leaf, &of(false), at_unix_s).is_ok() => {
            Err(Reason::CertExpired)
        }
        // A stranger's self-signed certificate is first of all a stranger's.
        Err(Error::CaUsedAsEndEntity) if certificate.is_self_issued() => Err(Reason::CertUnknown),
        Err(error) => Err(reason_of(&error)),
    }
}

/// The seconds in which every certificate of a chain holds.
pub(super) fn days(path: &Path) -> Option<Days> {
    path.iter().map(|link| link.days).reduce(|all, own| Days {
        from_unix_s: all.from_unix_s.max(own.from_unix_s),
        until_unix_s: all.until_unix_s.min(own.until_unix_s),
    })
}

fn verified<'p>(
    anchors: &'p Anchors,
    chosen: &[&dyn SignatureVerificationAlgorithm],
    leaf: &'p EndEntityCert<'p>,
    current: &'p [TrustAnchor<'_>],
    at_unix_s: i64,
) -> Result<VerifiedPath<'p>, Error> {
    let at = Duration::from_secs(u64::try_from(at_unix_s).unwrap_or(0));
    leaf.verify_for_usage(
        chosen,
        current,
        &anchors.between,
        UnixTime::since_unix_epoch(at),
        AnyPurpose,
        None,
        Some(&|path| check(anchors, path)),
    )
}

/// What webpki leaves out: the key usage of authorities (RFC 5280 §6.1.4 n), key ids as opaque bytes,
/// and how long a chain below an anchor may be that is no root.
fn check(anchors: &Anchors, path: &VerifiedPath<'_>) -> Result<(), Error> {
    let mut below = Link::read(&path.end_entity().der()).map_err(|_| Error::BadDer)?;
    let mut between = 0_usize;
    for der in path.intermediate_certificates().map(|one| one.der()) {
        let authority = anchors.of(&der).ok_or(Error::UnknownIssuer)?;
        if !authority.may_certify() {
            return Err(Error::IssuerNotCrlSigner);
        }
        if !below.is_named_below(&authority) {
            return Err(Error::UnknownIssuer);
        }
        between += 1;
        below = Link::read(&der).map_err(|_| Error::BadDer)?;
    }
    let anchor = anchor_of(anchors, path, &below).ok_or(Error::UnknownIssuer)?;
    if !anchor.may_certify() {
        return Err(Error::IssuerNotCrlSigner);
    }
    match anchor.path_len {
        Some(most) if between > usize::from(most) => Err(Error::PathLenConstraintViolated),
        _ => Ok(()),
    }
}

/// The anchor at the end of a chain whose last certificate is `below`.
fn anchor_of(anchors: &Anchors, path: &VerifiedPath<'_>, below: &Link) -> Option<Arc<Link>> {
    let end = path.anchor();
    let mut fitting = anchors.anchors.iter().filter(|(known, link)| {
        known.subject == end.subject
            && known.subject_public_key_info == end.subject_public_key_info
            && below.is_named_below(link)
    });
    fitting.next().map(|(_, link)| Arc::clone(link))
}

fn links(
    anchors: &Anchors,
    path: &VerifiedPath<'_>,
    certificate: &Certificate,
) -> Result<Path, Reason> {
    let mut links = vec![Arc::new(Link::read(certificate.der())?)];
    for der in path.intermediate_certificates().map(|one| one.der()) {
        links.push(anchors.of(&der).ok_or(Reason::CertPath)?);
    }
    let last = links.last().and_then(|below| anchor_of(anchors, path, below));
    links.push(last.ok_or(Reason::CertPath)?);
    Ok(links)
}

/// The НУЦ states roles in this extension; which role a service wants is not a question of trust.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Whether key usage and purposes, where the certificate names them, let it sign messages.
pub(super) fn is_for_messages(certificate: &Certificate) -> bool {
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
