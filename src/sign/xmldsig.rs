//! Reading a `ds:Signature` by the strict profile, and checking its digests and its value.
//!
//! Source: W3C XML Signature 1.1. The content model is closed: an element, algorithm or transform
//! that is not named here is refused, so nothing of a signature is ever skipped over.

use super::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use super::canonical::{self, EXCLUSIVE, Options};
use super::certificate::Certificate;
use super::reason::{Reason, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::soap::DS;
use qaqpa_kit::xml::{Attribute, Element};
use std::borrow::Cow;

/// References that one signature may have: Body, Timestamp, token.
pub const REFERENCES_MAX: usize = 3;
/// Prefixes that one PrefixList may name; a document has no more in scope.
const PREFIXES_MAX: usize = 64;
/// Longest digest, signature or token value, as written.
const VALUE_BYTES_MAX: usize = 32 * 1024;

/// `Type` of a Reference to a Manifest.
const MANIFEST_TYPE: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";

/// A signature whose structure and algorithms keep to the profile; nothing is verified yet.
#[derive(Debug)]
pub struct Signature<'d> {
    pub element: Element<'d>,
    pub algorithm: SignatureAlgorithm,
    pub references: Vec<Reference<'d>>,
    pub key_info: Element<'d>,
    signed_info: Element<'d>,
    prefixes: Cow<'d, str>,
    value: Vec<u8>,
    value_at: usize,
}

/// One `ds:Reference` to an element of the same document.
#[derive(Debug)]
pub struct Reference<'d> {
    /// The id without its `#`.
    pub id: String,
    /// Byte offset of the Reference.
    pub at: usize,
    prefixes: Cow<'d, str>,
    algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

impl<'d> Signature<'d> {
    /// Reads the structure: `SignedInfo`, `SignatureValue`, `KeyInfo`, each once, in this order.
    ///
    /// # Errors
    /// The first broken rule; no byte has been hashed by then.
    pub fn read(element: Element<'d>) -> Result<Self, Refusal> {
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
        let prefixes = exclusive(canonicalization, Reason::C14nForbidden)?;
        let algorithm = signature_algorithm(method(parts.next(), "SignatureMethod")?)?;
        let references = parts
            .map(|part| match part.is(DS, "Reference") {
                true => Reference::read(part),
                false => Err(unexpected(part)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (value, value_at) = (bytes_of(value)?, value.span().start);
        Ok(Self {
            element,
            algorithm,
            references,
            key_info,
            signed_info,
            prefixes,
            value,
            value_at,
        })
    }

    /// Verifies the value over the canonical SignedInfo. Check the digests first: they are cheaper.
    ///
    /// # Errors
    /// `c14n_error`, `alg_key_mismatch`, `bad_signature`.
    pub fn check_value(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let mut message = Vec::with_capacity(1024);
        let prefixes = listed(&self.prefixes);
        let options = Options { inclusive_prefixes: &prefixes, ..Options::default() };
        let report = canonical::element(self.signed_info, &options, &mut |bytes| {
            message.extend_from_slice(bytes);
        });
        if let Some(at) = report.relative_namespace_at {
            return Err(Reason::C14nError.at(at));
        }
        certificate
            .key()
            .verify(self.algorithm, &message, &self.value)
            .map_err(|reason| reason.at(self.value_at))
    }
}

impl<'d> Reference<'d> {
    fn read(element: Element<'d>) -> Result<Self, Refusal> {
        let at = element.span().start;
        if element.attribute("", "Type").is_some_and(|kind| kind.value() == MANIFEST_TYPE) {
            return Err(Reason::ManifestForbidden.at(at));
        }
        let uri = element.attribute("", "URI").ok_or(Reason::RefUnresolved.at(at))?.value();
        let id = match uri.strip_prefix('#') {
            Some(id) if is_nc_name(id) => id.to_owned(),
            Some(_) => return Err(Reason::RefUnresolved.at(at)),
            None if uri.is_empty() => return Err(Reason::RefTargetNotBody.at(at)),
            None => return Err(Reason::RemoteReferenceForbidden.at(at)),
        };
        if element.child_of(DS, "Transforms").is_none() {
            // Without transforms the default would be inclusive canonicalization.
            return Err(Reason::TransformForbidden.at(at));
        }
        let [transforms, method, value] =
            exactly(element, ["Transforms", "DigestMethod", "DigestValue"])?;
        let mut chain = transforms.children();
        let transform = match (chain.next(), chain.next()) {
            (Some(only), None) if only.is(DS, "Transform") => only,
            _ => return Err(Reason::TransformForbidden.at(transforms.span().start)),
        };
        let prefixes = exclusive(transform, Reason::TransformForbidden)?;
        let algorithm = uri_of(method)
            .and_then(|uri| DigestAlgorithm::from_uri(&uri))
            .filter(|_| method.children().next().is_none())
            .ok_or(Reason::AlgForbidden.at(method.span().start))?;
        Ok(Self { id, at, prefixes, algorithm, digest: bytes_of(value)? })
    }

    /// Hashes the canonical form of `target` and compares.
    ///
    /// # Errors
    /// `c14n_error`, `digest_mismatch`, `digest_of_nothing`.
    pub fn check(&self, target: Element<'_>) -> Result<(), Refusal> {
        let mut context = self.algorithm.start();
        let prefixes = listed(&self.prefixes);
        let options = Options { inclusive_prefixes: &prefixes, ..Options::default() };
        let report = canonical::element(target, &options, &mut |bytes| context.update(bytes));
        if let Some(at) = report.relative_namespace_at {
            return Err(Reason::C14nError.at(at));
        }
        if context.finish().as_ref() == self.digest {
            return Ok(());
        }
        let is_of_nothing = self.algorithm.start().finish().as_ref() == self.digest;
        let reason = if is_of_nothing { Reason::DigestOfNothing } else { Reason::DigestMismatch };
        Err(reason.at(self.at))
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

/// The PrefixList of a method or transform that must be exclusive canonicalization without comments.
fn exclusive(method: Element<'_>, forbidden: Reason) -> Result<Cow<'_, str>, Refusal> {
    let refused = forbidden.at(method.span().start);
    if uri_of(method).is_none_or(|uri| uri != EXCLUSIVE) {
        return Err(refused);
    }
    let mut children = method.children();
    let list = match (children.next(), children.next()) {
        (None, _) => return Ok(Cow::Borrowed("")),
        (Some(only), None) if only.is(EXCLUSIVE, "InclusiveNamespaces") => only,
        _ => return Err(refused),
    };
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
