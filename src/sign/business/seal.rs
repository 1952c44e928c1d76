//! Signing a document with an enveloped XMLDSig: one element comes in, every other byte stays.

use crate::sign::canonical::{self, Method, Options};
use crate::sign::key::{KeyError, Signer};
use crate::sign::xmldsig::{ENVELOPED, Profile, Signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::envelope::edits::Edits;
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Document, Limits, Span, XmlError};

/// Why a document cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("not well-formed: {} at byte {}", .0.reason, .0.at)]
    Xml(XmlError),
    /// Canonical XML §1.3 gives it no form, and verifiers refuse it.
    #[error("a relative namespace URI at byte {0} has no canonical form")]
    RelativeNamespace(usize),
    #[error("the signature that was written cannot be read back: {0}")]
    Unreadable(crate::sign::Refusal),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Which canonicalizations a signature names.
#[derive(Clone, Copy, Debug)]
pub struct Forms {
    /// Of the document, after the signature is left out.
    pub document: (Method, bool),
    /// Of SignedInfo.
    pub signed_info: (Method, bool),
}

impl Forms {
    /// What the country's signers write: inclusive with comments, SignedInfo inclusive without.
    pub const USUAL: Self =
        Self { document: (Method::Inclusive, true), signed_info: (Method::Inclusive, false) };
}

const fn uri(form: (Method, bool)) -> &'static str {
    match form {
        (Method::Exclusive, false) => canonical::EXCLUSIVE,
        (Method::Exclusive, true) => canonical::EXCLUSIVE_WITH_COMMENTS,
        (Method::Inclusive, false) => canonical::INCLUSIVE,
        (Method::Inclusive, true) => canonical::INCLUSIVE_WITH_COMMENTS,
        (Method::Inclusive11, false) => canonical::INCLUSIVE_11,
        (Method::Inclusive11, true) => canonical::INCLUSIVE_11_WITH_COMMENTS,
    }
}

/// Signs a document: `ds:Signature` becomes the last child of its root, after signatures already there.
///
/// # Errors
/// A document that is none, or a key that fails.
pub fn sign(source: &[u8], signer: &Signer, forms: Forms) -> Result<Vec<u8>, SealError> {
    let limits = Limits::default();
    let document = Document::scan(source, &limits).map_err(SealError::Xml)?;
    let algorithm = signer.algorithm().digest();
    let mut context = algorithm.start();
    let options = Options { method: forms.document.0, ..Options::default() };
    let report = canonical::document(&document, &options, &mut |bytes| context.update(bytes));
    if let Some(at) = report.formless_at {
        return Err(SealError::RelativeNamespace(at));
    }
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{}\"/><ds:SignatureMethod Algorithm=\"{}\"/>\
         <ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
         <ds:Transform Algorithm=\"{}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{}\"/>\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue>AA==</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
         <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        uri(forms.signed_info),
        signer.algorithm().uri(),
        uri(forms.document),
        algorithm.uri(),
        STANDARD.encode(context.finish().as_ref()),
        signer.certificate_base64(),
    );
    let root = document.root();
    let mut edits = Edits::default();
    if root.is_self_closing() {
        let end = root.span().end;
        let mark = Span { start: end.saturating_sub(2), end };
        edits.replace(mark, format!(">{signature}</{}>", root.name()));
    } else {
        edits.insert(root.content().end, signature);
    }
    fill(&edits.apply(source), signer)
}

/// Puts the value of the last signature in: its SignedInfo is canonicalized where it stands.
fn fill(marked: &[u8], signer: &Signer) -> Result<Vec<u8>, SealError> {
    let document = Document::scan(marked, &Limits::default()).map_err(SealError::Xml)?;
    let children = document.root().children();
    let Some(element) = children.filter(|child| child.is(DS, "Signature")).last() else {
        return Err(SealError::Key(KeyError::Signing));
    };
    let read = Signature::read(element, Profile::Business).map_err(SealError::Unreadable)?;
    let message = read.message(None).map_err(SealError::Unreadable)?;
    let value = STANDARD.encode(signer.sign(&message)?);
    let Some(place) = element.child_of(DS, "SignatureValue") else {
        return Err(SealError::Key(KeyError::Signing));
    };
    let mut edits = Edits::default();
    edits.replace(place.content(), value);
    Ok(edits.apply(marked))
}
