//! Why a signature is refused, for the sender who made it: what was covered, and what usually went wrong.
//!
//! The verifier stops at the first broken rule. Here the same document is tried again under the mistakes
//! that senders make: where one of them makes digest or value come out right, that is the explanation.
//! Nothing of it ever counts as verified.

mod digest;
pub mod hint;
mod value;

use super::business::enveloped::One;
use super::business::root::Root;
use super::certificate::{Certificate, CertificateCache};
use super::reason::{Reason, Refusal};
use super::wsse;
use super::xmldsig::{Profile, Reference, Signature};
use crate::config::settings::BoundCertificate;
use hint::Hint;
use qaqpa_kit::soap::{DS, Envelope};
use qaqpa_kit::xml::{Element, NodeId};
use std::sync::Arc;

/// What is known of one signature, valid or not.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// `transport` or `business`.
    pub part: &'static str,
    /// The first broken rule; `None` for a good signature.
    pub refused: Option<Refusal>,
    /// What each reference covers.
    pub covered: Vec<Covered>,
    /// The certificate that KeyInfo brings, where it can be read.
    pub certificate: Option<Arc<Certificate>>,
    /// What the sender probably did, most certain first.
    pub hints: Vec<Hint>,
}

/// One reference: what it names, its canonical form, and its digest.
#[derive(Clone, Debug)]
pub struct Covered {
    /// As the reference writes it.
    pub uri: String,
    /// The qualified name of the element that it covers; empty where it names none.
    pub element: String,
    /// Byte offset of that element.
    pub at: usize,
    pub canonical: Vec<u8>,
    pub is_digest_right: bool,
}

/// Explains the transport signature of an envelope.
#[must_use]
pub fn transport(
    envelope: &Envelope<'_>,
    known: &[BoundCertificate],
    now_unix_s: i64,
) -> Explanation {
    let cache = CertificateCache::default();
    let verified = wsse::verify(envelope, known, &cache, now_unix_s);
    let mut told = Explanation {
        part: "transport",
        refused: verified.as_ref().err().copied(),
        covered: Vec::new(),
        certificate: verified.ok().map(|signed| signed.certificate),
        hints: Vec::new(),
    };
    let element = envelope.security.and_then(|security| security.child_of(DS, "Signature"));
    let Some(element) = element else {
        return told.finish();
    };
    // Its own profile, and where that refuses it, the wider one: to see further.
    let signature = Signature::read(element, Profile::Transport)
        .or_else(|_| Signature::read(element, Profile::Business));
    if told.certificate.is_none() {
        told.certificate = certificate_near(element, &cache);
    }
    if let Ok(signature) = &signature {
        for reference in &signature.references {
            let named = named(envelope.root, &reference.id);
            let seen = digest::Seen::of_element(reference, named, envelope.root, &[]);
            told.covered.push(covered(reference, &seen));
            if told.is_refused_for(Reason::DigestMismatch) && !seen.is_right {
                told.hints.extend(seen.hints());
            }
        }
        told.of_value(signature, None);
    }
    told.finish()
}

/// Explains the signatures of a signed document, the last one first refused.
#[must_use]
pub fn business(root: &Root<'_>, signature: Element<'_>, later: &[NodeId]) -> Explanation {
    let cache = CertificateCache::default();
    let mut told = Explanation {
        part: "business",
        refused: None,
        covered: Vec::new(),
        certificate: certificate_near(signature, &cache),
        hints: Vec::new(),
    };
    match One::read(root, signature, later) {
        Err(refusal) => told.refused = Some(refusal),
        Ok(one) => {
            let found =
                one.certificate(&cache).map(|certificate| told.certificate = Some(certificate));
            told.refused = found.err();
            let seen_in = one.digest_seen_in();
            if told.refused.is_none() {
                told.refused = seen_in.err();
            }
            let above = &root.surroundings;
            let above = seen_in.ok().and_then(|at| above.get(at)).or(above.first());
            let above = above.map(Vec::as_slice).unwrap_or_default();
            if let Ok(reference) = one.reference() {
                let mut canonical = Vec::new();
                one.write(reference, above, &mut |bytes| canonical.extend_from_slice(bytes));
                let mut seen =
                    digest::Seen::of_element(reference, Some(one.target), root.element, later);
                seen.is_right = seen_in.is_ok();
                seen.canonical = canonical;
                told.covered.push(covered(reference, &seen));
                if !seen.is_right {
                    told.hints.extend(seen.hints());
                }
            }
            if told.refused.is_none() {
                let value = one.check_value(told.certificate.as_deref(), above);
                told.refused = value.err();
                told.of_value(&one.signature, one.detached(above));
            }
        }
    }
    told.finish()
}

impl Explanation {
    fn is_refused_for(&self, reason: Reason) -> bool {
        self.refused.is_some_and(|refusal| refusal.reason == reason)
    }

    fn of_value(
        &mut self,
        signature: &Signature<'_>,
        detached: Option<super::canonical::Detached<'_>>,
    ) {
        if let Some(certificate) = &self.certificate
            && self.is_refused_for(Reason::BadSignature)
        {
            self.hints.extend(value::hints(signature, certificate, detached));
        }
    }

    /// The general advice for the broken rule comes after what was found out.
    fn finish(mut self) -> Self {
        if let Some(general) = self.refused.map(|refusal| hint::of_reason(refusal.reason))
            && !self.hints.contains(&general)
            && (self.hints.is_empty() || !matches!(general, Hint::Changed | Hint::WrongKey))
        {
            self.hints.push(general);
        }
        self
    }
}

fn covered(reference: &Reference<'_>, seen: &digest::Seen<'_>) -> Covered {
    Covered {
        uri: if reference.id.is_empty() { String::new() } else { format!("#{}", reference.id) },
        element: seen.target.map(|target| target.name().to_owned()).unwrap_or_default(),
        at: seen.target.map_or(0, |target| target.span().start),
        canonical: seen.canonical.clone(),
        is_digest_right: seen.is_right,
    }
}

/// The first element that bears an id, by any attribute that somebody might take for one.
fn named<'d>(top: Element<'d>, id: &str) -> Option<Element<'d>> {
    wsse::ids::find_below(top, &[id]).pop().and_then(|found| found.element)
}

/// The certificate in a KeyInfo, wherever it stands in there.
fn certificate_near(signature: Element<'_>, cache: &CertificateCache) -> Option<Arc<Certificate>> {
    let holds = |element: &Element<'_>| {
        matches!(element.local(), "X509Certificate" | "KeyIdentifier" | "BinarySecurityToken")
    };
    let outer = signature.parent().unwrap_or(signature);
    let mut found = outer.descendants().filter(holds);
    found.find_map(|element| {
        let bytes = super::xmldsig::bytes_of(element).ok()?;
        cache.parse(&bytes).ok()
    })
}
