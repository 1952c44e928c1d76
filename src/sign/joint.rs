//! Joint signatures: several parties sign one element of a document, each by a signature of its own beside it.
//!
//! `<Root><What Id="…">…</What><ds:Signature/>…</Root>`. A signature has one Reference, to that element by
//! its id, so the signatures do not cover each other: they may come in any order, and one that is taken
//! away leaves the others valid. The same strict profile as on the wire (W3C XML Signature 1.1, exclusive
//! canonicalization, certificate in `X509Data`); what a reader takes from the document must be the element
//! that [`subject`] returns.

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::canonical::{self, Options};
use super::certificate::{Certificate, CertificateCache};
use super::key::{KeyError, Signer};
use super::reason::{Reason, Refusal};
use super::signed_info;
use super::wsse::ids;
use super::wsse::key_info::{self, Hint};
use super::xmldsig::{Profile, Signature, is_nc_name};
use qaqpa_kit::envelope::edits::Edits;
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Document, Element, Limits};
use std::sync::Arc;

/// Signatures that one document may carry.
pub const SIGNATURES_MAX: usize = 8;

/// A signature that holds: who signed, and by which algorithm.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Whether it is believed is [`super::Trust::judge`]'s question.
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
}

/// Why a document cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum JointError {
    #[error("not well-formed: {reason} at byte {at}")]
    Xml { reason: &'static str, at: usize },
    #[error("no document that parties can sign together: {0}")]
    Shape(Refusal),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The one element that is signed, and its id.
///
/// # Errors
/// The root holds anything but one element with an `Id` and signatures after it, or another element
/// carries the same id.
pub fn subject<'d>(document: &'d Document<'_>) -> Result<(Element<'d>, String), Refusal> {
    let root = document.root();
    let mut children = root.children();
    let first = children.next().ok_or(Reason::BodyNotSigned.at(root.span().start))?;
    if let Some(other) = children.find(|child| !child.is(DS, "Signature")) {
        return Err(Reason::UnexpectedObject.at(other.span().start));
    }
    let id = first.attribute("", "Id").map(|id| id.value().into_owned());
    let id = id.filter(|id| is_nc_name(id)).ok_or(Reason::RefUnresolved.at(first.span().start))?;
    if ids::find_below(root, &[&id]).iter().any(|found| found.count > 1) {
        return Err(Reason::DuplicateId.at(first.span().start));
    }
    Ok((first, id))
}

/// SHA-256 of the canonical form of what is signed: the name by which others know it.
///
/// # Errors
/// As [`subject`]; and where it has no canonical form.
pub fn digest(document: &Document<'_>) -> Result<[u8; 32], Refusal> {
    let (subject, _) = subject(document)?;
    let found = canonical::digest(subject, &Options::default(), DigestAlgorithm::Sha256)
        .map_err(|at| Reason::C14nError.at(at))?;
    let mut digest = [0; 32];
    digest.copy_from_slice(found.as_ref());
    Ok(digest)
}

/// Verifies all signatures of a document; there may be none.
///
/// # Errors
/// The first reason against one of them.
pub fn verify(
    document: &Document<'_>,
    certificates: &CertificateCache,
) -> Result<Vec<Signed>, Refusal> {
    let (subject, id) = subject(document)?;
    let signatures = document.root().children().filter(|child| child.is(DS, "Signature"));
    let mut all = Vec::new();
    for element in signatures {
        if all.len() == SIGNATURES_MAX {
            return Err(Reason::SignatureCount.at(element.span().start));
        }
        let signature = Signature::read(element, Profile::Transport)?;
        let [reference] = signature.references.as_slice() else {
            return Err(Reason::ReferenceLimit.at(element.span().start));
        };
        if reference.id != id {
            return Err(Reason::RefUnresolved.at(reference.at));
        }
        let certificate = match key_info::read(signature.key_info)? {
            Hint::Data(data) => key_info::of_data(data, certificates)?,
            _ => return Err(Reason::KeyTypeForbidden.at(signature.key_info.span().start)),
        };
        reference.check(subject)?;
        signature.check_value(&certificate)?;
        all.push(Signed { certificate, algorithm: signature.algorithm });
    }
    Ok(all)
}

/// Adds a signature after those that are there; every other byte stays.
///
/// # Errors
/// A document of another shape, or a key that fails.
pub fn sign(source: &[u8], signer: &Signer) -> Result<Vec<u8>, JointError> {
    let document = Document::scan(source, &Limits::default())
        .map_err(|error| JointError::Xml { reason: error.reason, at: error.at })?;
    let (subject, id) = subject(&document).map_err(JointError::Shape)?;
    let digest = canonical::digest(subject, &Options::default(), signer.algorithm().digest())
        .map_err(|at| JointError::Shape(Reason::C14nError.at(at)))?;
    let signed = signed_info::signed(&id, digest.as_ref(), signer)?;
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\">{signed}\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo></ds:Signature>\n",
        signer.certificate_base64(),
    );
    let mut edits = Edits::default();
    edits.insert(document.root().content().end, signature);
    Ok(edits.apply(document.source()))
}
