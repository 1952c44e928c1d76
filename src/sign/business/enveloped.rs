//! Enveloped XMLDSig, and XMLDSig beside the one element that it signs; several are read last first.
//!
//! Source: W3C XML Signature 1.1 §4.4.3, §6.6.4. Each signature was made over the document with the
//! earlier ones in it, so the last one is verified, taken away, and so on (facts: gateway-protocols
//! §4.2). References to the same document carry no comments, whatever the transform says (§4.4.3.3).

use super::root::{Root, has_text};
use crate::sign::algorithm::SignatureAlgorithm;
use crate::sign::canonical::{self, Detached, Options, Report};
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::wsse::ids;
use crate::sign::wsse::key_info::{self, Hint};
use crate::sign::xmldsig::{Profile, Reference, Signature};
use crate::sign::{Reason, Refusal};
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Binding, Element, Kind, NodeId};
use std::sync::Arc;

/// Signatures that one document may bear.
pub const SIGNATURES_MAX: usize = 8;

/// One valid signature of a document.
#[derive(Clone, Debug)]
pub struct Enveloped<'d> {
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
    /// The element that it covers, its later signatures left out.
    pub covered: Element<'d>,
    /// Byte offset of the signature.
    pub at: usize,
}

/// The signatures of a document, in its order, at least one.
///
/// # Errors
/// `signature_missing`, `signature_count` beyond [`SIGNATURES_MAX`]; `unexpected_object` where the document
/// stands inside of its signature (enveloping), which nobody here could process.
pub fn signatures<'d>(root: &Root<'d>) -> Result<Vec<Element<'d>>, Refusal> {
    let at = root.element.span().start;
    if root.element.is(DS, "Signature") {
        return Err(Reason::UnexpectedObject.at(at));
    }
    let found: Vec<_> = root.element.children().filter(|child| child.is(DS, "Signature")).collect();
    match found.len() {
        0 => Err(Reason::SignatureMissing.at(at)),
        1..=SIGNATURES_MAX => Ok(found),
        _ => Err(Reason::SignatureCount.at(at)),
    }
}

/// Verifies every signature of a document, the last one first; one that is wrong spoils all.
///
/// # Errors
/// The first reason against one of them: structure, key, digest, value, in this order.
pub fn verify<'d>(
    root: &Root<'d>,
    certificates: &CertificateCache,
) -> Result<Vec<Enveloped<'d>>, Refusal> {
    let signatures = signatures(root)?;
    let ids: Vec<NodeId> = signatures.iter().map(Element::id).collect();
    let mut verified = Vec::with_capacity(signatures.len());
    for (index, signature) in signatures.iter().enumerate().rev() {
        let later = ids.get(index..).unwrap_or_default();
        verified.push(One::read(root, *signature, later)?.verify(certificates)?);
    }
    verified.reverse();
    Ok(verified)
}

/// One signature that keeps to the profile, and what it says it covers.
#[derive(Debug)]
pub struct One<'d, 'r> {
    root: &'r Root<'d>,
    pub signature: Signature<'d>,
    pub target: Element<'d>,
    /// This signature and the later ones.
    left_out: &'r [NodeId],
}

impl<'d, 'r> One<'d, 'r> {
    /// Reads a signature whose later ones are `left_out` with it.
    ///
    /// # Errors
    /// What the profile has against its structure, or `ref_target_not_root`, `content_not_signed`,
    /// `duplicate_id`, `ref_unresolved`.
    pub fn read(
        root: &'r Root<'d>,
        element: Element<'d>,
        left_out: &'r [NodeId],
    ) -> Result<Self, Refusal> {
        let signature = Signature::read(element, Profile::Business)?;
        let target = target(root, &signature, left_out)?;
        Ok(Self { root, signature, target, left_out })
    }

    /// Its one reference.
    ///
    /// # Errors
    /// Never after [`One::read`].
    pub fn reference(&self) -> Result<&Reference<'d>, Refusal> {
        let at = self.signature.element.span().start;
        self.signature.references.first().ok_or(Reason::ContentNotSigned.at(at))
    }

    /// Writes what the reference covers, as seen in these surroundings.
    pub fn write(
        &self,
        reference: &Reference<'_>,
        above: &[Binding<'_>],
        sink: &mut impl FnMut(&[u8]),
    ) -> Report {
        let left_out = if reference.is_enveloped { self.left_out } else { &[] };
        let detached = self.detached(above);
        reference.form.with_options(left_out, detached, |options| {
            // XMLDSig §4.4.3.3: these references select no comments.
            let options = Options { with_comments: false, ..*options };
            match self.root.is_document && reference.id.is_empty() {
                true => canonical::document(self.target.document(), &options, sink),
                false => canonical::element(self.target, &options, sink),
            }
        })
    }

    /// How it is read as a document of its own, in these surroundings.
    #[must_use]
    pub fn detached<'o>(&self, above: &'o [Binding<'o>]) -> Option<Detached<'o>> {
        (!self.root.is_document).then_some(Detached { top: self.root.element.id(), above })
    }

    /// Its signer's certificate, as KeyInfo brings it.
    ///
    /// # Errors
    /// `key_type_forbidden` for every form but one certificate in `X509Data`, or what is against that.
    pub fn certificate(
        &self,
        certificates: &CertificateCache,
    ) -> Result<Arc<Certificate>, Refusal> {
        let key_info = self.signature.key_info;
        match key_info::read(key_info)? {
            Hint::Data(data) => key_info::of_data(data, certificates),
            _ => Err(Reason::KeyTypeForbidden.at(key_info.span().start)),
        }
    }

    /// Whether the value is the certificate's over SignedInfo, in these surroundings.
    ///
    /// # Errors
    /// `c14n_error`, `alg_key_mismatch`, `bad_signature`; `key_type_forbidden` without a certificate.
    pub fn check_value(
        &self,
        certificate: Option<&Certificate>,
        above: &[Binding<'_>],
    ) -> Result<(), Refusal> {
        let at = self.signature.element.span().start;
        let certificate = certificate.ok_or(Reason::KeyTypeForbidden.at(at))?;
        let message = self.signature.message(self.detached(above))?;
        self.signature.check_message(certificate, &message)
    }

    fn verify(&self, certificates: &CertificateCache) -> Result<Enveloped<'d>, Refusal> {
        let (signature, at) = (&self.signature, self.signature.element.span().start);
        let certificate = self.certificate(certificates)?;
        if certificate.family() != signature.algorithm.family() {
            return Err(Reason::AlgKeyMismatch.at(at));
        }
        let seen = self.digest_seen_in()?;
        // SignedInfo was signed in the same surroundings, or in the other reading of them.
        let others = self.root.surroundings.iter().enumerate().filter(|(index, _)| *index != seen);
        let readings = self.root.surroundings.get(seen).into_iter().chain(others.map(|(_, o)| o));
        let mut tried: Vec<Vec<u8>> = Vec::new();
        let mut refused = Reason::BadSignature.at(at);
        for above in readings {
            let message = signature.message(self.detached(above))?;
            if tried.contains(&message) {
                continue;
            }
            match signature.check_message(&certificate, &message) {
                Ok(()) => {
                    let algorithm = signature.algorithm;
                    return Ok(Enveloped { certificate, algorithm, covered: self.target, at });
                }
                Err(refusal) => refused = refusal,
            }
            tried.push(message);
        }
        Err(refused)
    }

    /// In which surroundings the digest is what was signed.
    ///
    /// # Errors
    /// `c14n_error`, `digest_mismatch`, `digest_of_nothing`.
    pub fn digest_seen_in(&self) -> Result<usize, Refusal> {
        let reference = self.reference()?;
        let mut refused = Reason::DigestMismatch.at(reference.at);
        for (index, above) in self.root.surroundings.iter().enumerate() {
            let mut context = reference.algorithm.start();
            let report = self.write(reference, above, &mut |bytes| context.update(bytes));
            if let Some(at) = report.formless_at {
                return Err(Reason::C14nError.at(at));
            }
            match reference.compare(context.finish().as_ref()) {
                Ok(()) => return Ok(index),
                Err(refusal) => refused = refusal,
            }
        }
        Err(refused)
    }
}

/// What a signature's one reference names: the root itself, or the one element beside the signatures.
fn target<'d>(
    root: &Root<'d>,
    signature: &Signature<'d>,
    left_out: &[NodeId],
) -> Result<Element<'d>, Refusal> {
    let at = signature.element.span().start;
    let [reference] = &signature.references[..] else {
        let reason = match signature.references.is_empty() {
            true => Reason::ContentNotSigned,
            false => Reason::ReferenceLimit,
        };
        return Err(reason.at(at));
    };
    let at = reference.at;
    if reference.id.is_empty() {
        return match reference.is_enveloped {
            true => Ok(root.element),
            // The signature would have to contain its own digest.
            false => Err(Reason::TransformForbidden.at(at)),
        };
    }
    let found = ids::find_below(root.element, &[&reference.id]).pop();
    let element = match found.and_then(|found| Some((found, found.element?))) {
        Some((found, _)) if found.count > 1 => return Err(Reason::DuplicateId.at(at)),
        Some((found, element)) if found.is_exact => match found.is_known_attribute {
            true => element,
            false => return Err(Reason::WrongNamespace.at(at)),
        },
        _ => return Err(Reason::RefUnresolved.at(at)),
    };
    if element == root.element && reference.is_enveloped {
        return Ok(element);
    }
    if element == root.element || element.parent() != Some(root.element) || reference.is_enveloped {
        return Err(Reason::RefTargetNotRoot.at(at));
    }
    check_beside(root, element, left_out).map_err(|reason| reason.at(at))?;
    Ok(element)
}

/// Nothing of the root's content stands beside what is signed: one element, signatures, white space.
fn check_beside(root: &Root<'_>, signed: Element<'_>, left_out: &[NodeId]) -> Result<(), Reason> {
    let holder = root.element;
    let is_signature = |child: &Element<'_>| child.is(DS, "Signature");
    if left_out.contains(&signed.id()) || is_signature(&signed) {
        return Err(Reason::RefTargetNotRoot);
    }
    let has_other = holder.children().any(|child| child != signed && !is_signature(&child));
    let has_attributes = !root.is_data && holder.attributes().next().is_some();
    let document = holder.document();
    let has_instruction = document.nodes().iter().enumerate().any(|(index, node)| {
        let is_inside = |element: Element<'_>| {
            let end = document.node(element.id()).map_or(0, |node| node.subtree_end as usize);
            (element.id().index()..end).contains(&index)
        };
        node.kind == Kind::Instruction && is_inside(holder) && !is_inside(signed)
    });
    if has_other || has_attributes || has_instruction || has_text(holder) {
        return Err(Reason::ContentNotSigned);
    }
    Ok(())
}
