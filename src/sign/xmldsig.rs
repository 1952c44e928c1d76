//! Reading a `ds:Signature` by the strict profile, and checking its digests and its value.
//!
//! Source: W3C XML Signature 1.1. The content model is closed: an element, algorithm or transform
//! that is not named here is refused, so nothing of a signature is ever skipped over.

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::canonical::{self, Detached, EXCLUSIVE, Method, Options};
use super::certificate::Certificate;
use super::reason::{Reason, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Attribute, Element, NodeId};
use std::borrow::Cow;

/// References that one signature may have: Body, Timestamp, token.
pub const REFERENCES_MAX: usize = 3;
/// Prefixes that one PrefixList may name; a document has no more in scope.
const PREFIXES_MAX: usize = 64;
/// Longest digest, signature or token value, as written.
const VALUE_BYTES_MAX: usize = 32 * 1024;

/// `Type` of a Reference to a Manifest.
const MANIFEST_TYPE: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";
/// The transform that leaves the signature itself out of what it signs (XMLDSig §6.6.4).
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Which references, transforms and canonicalizations a signature may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// WS-Security over parts of an envelope: by id, exclusive without comments.
    Transport,
    /// Over a document: by `URI=""` or by id, enveloped or beside it, any canonicalization 1.0.
    Business,
}

/// A canonicalization that a signature names.
#[derive(Debug)]
pub struct Canonicalization<'d> {
    pub method: Method,
    pub with_comments: bool,
    prefixes: Cow<'d, str>,
}

impl<'d> Canonicalization<'d> {
    /// What is meant where none is named (XMLDSig §4.4.3.2).
    const DEFAULT: Canonicalization<'static> = Canonicalization {
        method: Method::Inclusive,
        with_comments: false,
        prefixes: Cow::Borrowed(""),
    };

    fn read(element: Element<'d>, profile: Profile, forbidden: Reason) -> Result<Self, Refusal> {
        let refused = forbidden.at(element.span().start);
        let named = uri_of(element).and_then(|uri| Method::from_uri(&uri)).ok_or(refused)?;
        let (method, with_comments) = named;
        if profile == Profile::Transport && named != (Method::Exclusive, false) {
            return Err(refused);
        }
        let mut children = element.children();
        let list = match (children.next(), children.next()) {
            (None, _) => return Ok(Self { method, with_comments, prefixes: Cow::Borrowed("") }),
            (Some(only), None)
                if method == Method::Exclusive && only.is(EXCLUSIVE, "InclusiveNamespaces") =>
            {
                only
            }
            _ => return Err(refused),
        };
        Ok(Self { method, with_comments, prefixes: prefix_list(list)? })
    }

    /// Runs `write` with the options that this canonicalization means.
    pub fn with_options<T>(
        &self,
        excluded: &[NodeId],
        detached: Option<Detached<'_>>,
        write: impl FnOnce(&Options<'_>) -> T,
    ) -> T {
        let prefixes = listed(&self.prefixes);
        write(&Options {
            method: self.method,
            with_comments: self.with_comments,
            inclusive_prefixes: &prefixes,
            excluded,
            detached,
        })
    }
}

/// A signature whose structure and algorithms keep to the profile; nothing is verified yet.
#[derive(Debug)]
pub struct Signature<'d> {
    pub element: Element<'d>,
    pub algorithm: SignatureAlgorithm,
    pub references: Vec<Reference<'d>>,
    pub key_info: Element<'d>,
    pub signed_info: Element<'d>,
    pub form: Canonicalization<'d>,
    value: Vec<u8>,
    value_at: usize,
}

/// One `ds:Reference` to the same document.
#[derive(Debug)]
pub struct Reference<'d> {
    /// The id without its `#`; empty for the whole document (`URI=""`).
    pub id: String,
    /// Byte offset of the Reference.
    pub at: usize,
    /// The signature itself is left out.
    pub is_enveloped: bool,
    pub form: Canonicalization<'d>,
    pub algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

impl<'d> Signature<'d> {
    /// Reads the structure: `SignedInfo`, `SignatureValue`, `KeyInfo`, each once, in this order.
    ///
    /// # Errors
    /// The first broken rule; no byte has been hashed by then.
    pub fn read(element: Element<'d>, profile: Profile) -> Result<Self, Refusal> {
        let [signed_info, value, key_info] =
            exactly(element, ["SignedInfo", "SignatureValue", "KeyInfo"])?;
        if let Some(reference) = references(signed_info).nth(REFERENCES_MAX) {
            return Err(Reason::ReferenceLimit.at(reference.span().start));
        }
        let mut parts = signed_info.children();
        let method = |part: Option<Element<'d>>, local| match part {
            Some(part) if part.is(DS, local) => Ok(part),
            Some(part) => Err(unexpected(part)),
            None => Err(Reason::SignatureIncomplete.at(signed_info.span().start)),
        };
        let canonicalization = method(parts.next(), "CanonicalizationMethod")?;
        let form = Canonicalization::read(canonicalization, profile, Reason::C14nForbidden)?;
        let algorithm = signature_algorithm(method(parts.next(), "SignatureMethod")?)?;
        let references = parts
            .map(|part| match part.is(DS, "Reference") {
                true => Reference::read(part, profile),
                false => Err(unexpected(part)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (value, value_at) = (bytes_of(value)?, value.span().start);
        Ok(Self { element, algorithm, references, key_info, signed_info, form, value, value_at })
    }

    /// The canonical SignedInfo: the bytes that are signed.
    ///
    /// # Errors
    /// `c14n_error`.
    pub fn message(&self, detached: Option<Detached<'_>>) -> Result<Vec<u8>, Refusal> {
        let mut message = Vec::with_capacity(1024);
        let report = self.form.with_options(&[], detached, |options| {
            canonical::element(self.signed_info, options, &mut |bytes| {
                message.extend_from_slice(bytes);
            })
        });
        match report.formless_at {
            Some(at) => Err(Reason::C14nError.at(at)),
            None => Ok(message),
        }
    }

    /// Verifies the value over the canonical SignedInfo. Check the digests first: they are cheaper.
    ///
    /// # Errors
    /// `c14n_error`, `alg_key_mismatch`, `bad_signature`.
    pub fn check_value(&self, certificate: &Certificate) -> Result<(), Refusal> {
        self.check_message(certificate, &self.message(None)?)
    }

    /// The signature value as it was sent.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Verifies the value over these bytes.
    ///
    /// # Errors
    /// `alg_key_mismatch`, `bad_signature`.
    pub fn check_message(&self, certificate: &Certificate, message: &[u8]) -> Result<(), Refusal> {
        certificate
            .key()
            .verify(self.algorithm, message, &self.value)
            .map_err(|reason| reason.at(self.value_at))
    }
}

impl<'d> Reference<'d> {
    fn read(element: Element<'d>, profile: Profile) -> Result<Self, Refusal> {
        let at = element.span().start;
        if element.attribute("", "Type").is_some_and(|kind| kind.value() == MANIFEST_TYPE) {
            return Err(Reason::ManifestForbidden.at(at));
        }
        let uri = element.attribute("", "URI").ok_or(Reason::RefUnresolved.at(at))?.value();
        let id = match uri.strip_prefix('#') {
            Some(id) if is_nc_name(id) => id.to_owned(),
            Some(_) => return Err(Reason::RefUnresolved.at(at)),
            None if uri.is_empty() && profile == Profile::Business => String::new(),
            None if uri.is_empty() => return Err(Reason::RefTargetNotBody.at(at)),
            None => return Err(Reason::RemoteReferenceForbidden.at(at)),
        };
        let ((is_enveloped, form), method, value) = match element.child_of(DS, "Transforms") {
            Some(_) => {
                let [transforms, method, value] =
                    exactly(element, ["Transforms", "DigestMethod", "DigestValue"])?;
                (chain(transforms, profile)?, method, value)
            }
            None if profile == Profile::Business && !id.is_empty() => {
                let [method, value] = exactly(element, ["DigestMethod", "DigestValue"])?;
                ((false, Canonicalization::DEFAULT), method, value)
            }
            None => return Err(Reason::TransformForbidden.at(at)),
        };
        let algorithm = uri_of(method)
            .and_then(|uri| DigestAlgorithm::from_uri(&uri))
            .filter(|_| method.children().next().is_none())
            .ok_or(Reason::AlgForbidden.at(method.span().start))?;
        Ok(Self { id, at, is_enveloped, form, algorithm, digest: bytes_of(value)? })
    }

    /// The digest as it was sent.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Hashes the canonical form of `target` and compares.
    ///
    /// # Errors
    /// `c14n_error`, `digest_mismatch`, `digest_of_nothing`.
    pub fn check(&self, target: Element<'_>) -> Result<(), Refusal> {
        let digest = self
            .form
            .with_options(&[], None, |options| canonical::digest(target, options, self.algorithm));
        self.compare(digest.map_err(|at| Reason::C14nError.at(at))?.as_ref())
    }

    /// Compares with the digest of what was found.
    ///
    /// # Errors
    /// `digest_mismatch`, `digest_of_nothing`.
    pub fn compare(&self, found: &[u8]) -> Result<(), Refusal> {
        // Where nothing was hashed, equality proves nothing.
        let is_of_nothing = || self.algorithm.start().finish().as_ref() == self.digest;
        if found == self.digest && !is_of_nothing() {
            return Ok(());
        }
        let reason = if is_of_nothing() { Reason::DigestOfNothing } else { Reason::DigestMismatch };
        Err(reason.at(self.at))
    }
}

/// The transforms: one canonicalization; over a document, the enveloped signature left out before.
fn chain(
    transforms: Element<'_>,
    profile: Profile,
) -> Result<(bool, Canonicalization<'_>), Refusal> {
    let refused = Reason::TransformForbidden.at(transforms.span().start);
    let mut parts = transforms.children();
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    let first = first.filter(|part| part.is(DS, "Transform")).ok_or(refused)?;
    if third.is_some() || second.is_some_and(|part| !part.is(DS, "Transform")) {
        return Err(refused);
    }
    let read = |part| Canonicalization::read(part, profile, Reason::TransformForbidden);
    let is_enveloped = uri_of(first).is_some_and(|uri| uri == ENVELOPED);
    match (is_enveloped && profile == Profile::Business, second) {
        (false, None) => Ok((false, read(first)?)),
        (true, _) if first.children().next().is_some() => Err(refused),
        (true, None) => Ok((true, Canonicalization::DEFAULT)),
        (true, Some(form)) => Ok((true, read(form)?)),
        (false, Some(_)) => Err(refused),
    }
}

/// The children of `parent`: exactly these `ds:` elements in this order.
fn exactly<'d, const N: usize>(
    parent: Element<'d>,
    locals: [&str; N],
) -> Result<[Element<'d>; N], Refusal> {
    let mut children = parent.children();
    let mut found = [parent; N];
    for (slot, local) in found.iter_mut().zip(locals) {
        match children.next() {
            Some(child) if child.is(DS, local) => *slot = child,
            Some(child)
                if local == "SignedInfo" && !matches!(child.local(), "Object" | "SignedInfo") =>
            {
                return Err(Reason::SignedinfoCount.at(child.span().start));
            }
            Some(child) => return Err(unexpected(child)),
            None => return Err(Reason::SignatureIncomplete.at(parent.span().start)),
        }
    }
    children.next().map_or(Ok(found), |child| Err(unexpected(child)))
}

/// Names what an element is that has no place here.
pub(super) fn unexpected(element: Element<'_>) -> Refusal {
    let is_ds = element.namespace() == DS;
    let is_manifest = || element.is(DS, "Manifest") || element.child_of(DS, "Manifest").is_some();
    let reason = match element.local() {
        "SignedInfo" if is_ds => Reason::SignedinfoCount,
        "Object" | "Manifest" if is_manifest() => Reason::ManifestForbidden,
        "Signature"
        | "SignedInfo"
        | "SignatureValue"
        | "KeyInfo"
        | "Reference"
        | "Timestamp"
        | "BinarySecurityToken"
            if !is_ds =>
        {
            Reason::WrongNamespace
        }
        _ => Reason::UnexpectedObject,
    };
    reason.at(element.span().start)
}

fn references<'d>(signed_info: Element<'d>) -> impl Iterator<Item = Element<'d>> {
    signed_info.children().filter(|child| child.is(DS, "Reference"))
}

fn uri_of<'d>(method: Element<'d>) -> Option<Cow<'d, str>> {
    method.attribute("", "Algorithm").map(|attribute: Attribute<'d>| attribute.value())
}

fn signature_algorithm(method: Element<'_>) -> Result<SignatureAlgorithm, Refusal> {
    uri_of(method)
        .and_then(|uri| SignatureAlgorithm::from_uri(&uri))
        // A child would be HMACOutputLength or parameters of an algorithm we do not know.
        .filter(|_| method.children().next().is_none())
        .ok_or(Reason::AlgForbidden.at(method.span().start))
}

/// The text of a PrefixList whose names are names.
fn prefix_list(list: Element<'_>) -> Result<Cow<'_, str>, Refusal> {
    let prefixes = list.attribute("", "PrefixList").map_or(Cow::Borrowed(""), |one| one.value());
    let mut tokens = prefixes.split_ascii_whitespace();
    let is_sound = list.children().next().is_none()
        && tokens.clone().count() <= PREFIXES_MAX
        && tokens.all(|token| token == "#default" || is_nc_name(token));
    if is_sound { Ok(prefixes) } else { Err(Reason::C14nForbidden.at(list.span().start)) }
}

/// The tokens of a PrefixList; `#default` is the empty prefix.
fn listed(prefixes: &str) -> Vec<&str> {
    let token = |token| if token == "#default" { "" } else { token };
    prefixes.split_ascii_whitespace().map(token).collect()
}

/// The bytes of a base64 value; white space of any kind (`&#13;` too) does not count.
///
/// # Errors
/// `unexpected_node_in_value`, `value_not_base64`.
pub(super) fn bytes_of(element: Element<'_>) -> Result<Vec<u8>, Refusal> {
    let text = element.plain_text().map_err(|error| Reason::UnexpectedNodeInValue.at(error.at))?;
    let refused = Reason::ValueNotBase64.at(element.span().start);
    if text.len() > VALUE_BYTES_MAX {
        return Err(refused);
    }
    let is_tight = !text.bytes().any(|byte| byte.is_ascii_whitespace());
    let bytes = if is_tight {
        STANDARD.decode(text.as_bytes())
    } else {
        STANDARD.decode(text.split_ascii_whitespace().collect::<String>())
    };
    bytes.ok().filter(|bytes| !bytes.is_empty()).ok_or(refused)
}

/// A name without a colon (Namespaces in XML §3), as far as ids and prefixes need it.
pub(super) fn is_nc_name(text: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let is_inner = |c: char| is_start(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    text.chars().next().is_some_and(is_start) && text.chars().all(is_inner)
}
