//! Signing an envelope: a new Security header comes in, every other byte stays.

use super::ids;
use super::key_info::{BASE64, X509V3};
use crate::sign::canonical::{self, Graft};
use crate::sign::key::{KeyError, Signer};
use crate::sign::signed_info;
use crate::sign::xmldsig::is_nc_name;
use qaqpa_kit::envelope::edits::{Edits, Held, Spliced};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::soap::{DS, Envelope, SoapError, WSSE, WSU};
use qaqpa_kit::xml::{Document, Element, Limits, Span, XmlError};

/// Why a document cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("not well-formed: {} at byte {}", .0.reason, .0.at)]
    Xml(XmlError),
    #[error("not a SOAP envelope that can be signed: {} at byte {}", .0.reason, .0.at)]
    Envelope(SoapError),
    /// Canonical XML §1.3 gives it no form, and verifiers refuse it.
    #[error("a relative namespace URI at byte {0} has no canonical form")]
    RelativeNamespace(usize),
    /// What was held apart would mean something else where it belongs.
    #[error("there is no place at byte {0} for what was held apart")]
    Displaced(usize),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SignError {
    /// Whose it is: `sender` is the code for what the document's sender wrote, all else is our bug.
    #[must_use]
    pub fn fault(self, sender: Code, phase: Phase) -> Fault {
        match self {
            Self::RelativeNamespace(_) => Fault::new(sender, phase, "relative_namespace"),
            _ => Fault::new(Code::GatewayBug, phase, "signing"),
        }
        .because(self)
    }
}

/// What was received within the configured limits may be signed, whatever those are.
const LIMITS: Limits = Limits {
    depth_max: 4096,
    attributes_max: 4096,
    namespaces_max: 4096,
    name_bytes_max: 65_536,
    value_bytes_max: usize::MAX,
    nodes_max: usize::MAX,
};

/// Signs the Body of an envelope and returns the document with its new Security header.
///
/// A Security header that is there goes out, a missing Header comes in; the Body keeps its `wsu:Id`
/// or gets one. Literal prefixes `wsse`, `ds`, `wsu`, certificate as KeyIdentifier: what the ШЭП's
/// participants look for (facts: gateway-protocols §0.6, §4.1).
///
/// # Errors
/// A document that is no envelope, or a key that fails.
pub fn sign(source: &[u8], signer: &Signer) -> Result<Vec<u8>, SignError> {
    sign_around(source, None, signer)
}

/// The same of a document whose largest part is held apart: that was scanned where it stands, and what
/// stands around it is scanned here.
///
/// # Errors
/// As [`sign`]; what is held has no place, or would mean something else there.
pub fn sign_spliced(spliced: &Spliced<'_>, signer: &Signer) -> Result<Vec<u8>, SignError> {
    sign_around(&spliced.text, spliced.held, signer)
}

fn sign_around(
    source: &[u8],
    held: Option<Held<'_>>,
    signer: &Signer,
) -> Result<Vec<u8>, SignError> {
    let document = Document::scan(source, &LIMITS).map_err(SignError::Xml)?;
    let envelope = Envelope::read(&document).map_err(SignError::Envelope)?;
    if let Some(id) = usable_id(envelope.body, held) {
        return seal(&envelope, &id, held, signer);
    }
    let (id, edits) = new_id(envelope.body);
    let held = held.map(|held| Held { at: edits.moved(held.at), ..held });
    let marked = edits.apply(source);
    let document = Document::scan(&marked, &LIMITS).map_err(SignError::Xml)?;
    let envelope = Envelope::read(&document).map_err(SignError::Envelope)?;
    seal(&envelope, &id, held, signer)
}

/// The Body's own `wsu:Id`, where a verifier will resolve it to the Body alone.
fn usable_id(body: Element<'_>, held: Option<Held<'_>>) -> Option<String> {
    let id = body.attribute(WSU, "Id")?.value();
    let is_sound = is_nc_name(&id)
        && ids::find(body.document(), &[&*id]).iter().all(|one| one.count == 1 && one.is_exact);
    // The attributes of the element itself stand here too, and were looked at.
    let is_free =
        |held: Held<'_>| ids::find_below(held.element, &[&*id]).iter().all(|one| one.count == 0);
    (is_sound && held.is_none_or(is_free)).then(|| id.into_owned())
}

/// The element whose content is held apart, if all that is bound around that means the same here.
fn graft<'d>(document: &'d Document<'d>, held: Held<'d>) -> Option<Graft<'d>> {
    let begun = document.nodes().partition_point(|node| node.span().start < held.at);
    let here = document.element_at(begun.checked_sub(1)?)?;
    let is_place =
        here.content() == Span { start: held.at, end: held.at } && !here.is_self_closing();
    let bound = here.namespaces_in_scope();
    let is_same = here.resolve("") == held.element.resolve("")
        && held.element.namespaces_in_scope().iter().all(|binding| bound.contains(binding));
    (is_place && is_same).then_some(Graft { at: here.id(), from: held.element })
}

/// What gives the Body of an envelope that is going to be signed its `wsu:Id`, where it has none: [`sign`]
/// then finds one, and need not read the document a second time.
#[must_use]
pub fn marked(envelope: Element<'_>) -> Edits<'static> {
    let body = envelope.child_of(envelope.namespace(), "Body");
    match body.filter(|body| body.attribute(WSU, "Id").is_none()) {
        Some(body) => new_id(body).1,
        None => Edits::default(),
    }
}

/// A fresh `wsu:Id` for the Body, in place of an unusable one.
fn new_id(body: Element<'_>) -> (String, Edits<'static>) {
    let id = format!("id-{}", uuid::Uuid::new_v4());
    let mut edits = Edits::default();
    if let Some(old) = body.attribute(WSU, "Id") {
        edits.replace(old.span, format!("{}:Id=\"{id}\"", old.prefix));
        return (id, edits);
    }
    // A prefix bound otherwise may be used below, even where no canonical form sees it.
    let mut prefix = String::from("wsu");
    while body.resolve(&prefix).is_some_and(|uri| uri != WSU) {
        prefix.push('1');
    }
    let declaration = match body.resolve(&prefix) {
        Some(_) => String::new(),
        None => format!(" xmlns:{prefix}=\"{WSU}\""),
    };
    let name_end = body.start_tag().start + 1 + body.name().len();
    edits.insert(name_end, format!("{declaration} {prefix}:Id=\"{id}\""));
    (id, edits)
}

fn seal<'d>(
    envelope: &Envelope<'d>,
    id: &str,
    held: Option<Held<'d>>,
    signer: &Signer,
) -> Result<Vec<u8>, SignError> {
    let place =
        |held: Held<'d>| graft(envelope.root.document(), held).ok_or(SignError::Displaced(held.at));
    let graft = held.map(place).transpose()?;
    let algorithm = signer.algorithm().digest();
    let digest = canonical::digest_with(envelope.body, graft, algorithm)
        .map_err(SignError::RelativeNamespace)?;
    let signed = signed_info::signed(id, digest.as_ref(), signer)?;
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\">{signed}\
         <ds:KeyInfo><wsse:SecurityTokenReference>\
         <wsse:KeyIdentifier EncodingType=\"{BASE64}\" ValueType=\"{X509V3}\">{}</wsse:KeyIdentifier>\
         </wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>",
        signer.certificate_base64(),
    );
    let mut edits = secured(envelope, &signature);
    if let Some(held) = held {
        edits.insert(held.at, held.element.content_str());
    }
    Ok(edits.apply(envelope.root.document().source()))
}

/// What puts the header block into its place.
fn secured<'t>(envelope: &Envelope<'_>, signature: &str) -> Edits<'t> {
    let namespace = envelope.version.namespace();
    let place = envelope.header.unwrap_or(envelope.root);
    let prefix = envelope.root.prefix();
    // An attribute takes no default namespace; and a Header may rebind the Envelope's prefix.
    let is_usable = !prefix.is_empty() && place.resolve(prefix) == Some(namespace);
    let (soap, declaration) = match is_usable {
        true => (prefix, String::new()),
        false => ("soap", format!(" xmlns:soap=\"{namespace}\"")),
    };
    let security = format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\"{declaration} {soap}:mustUnderstand=\"1\">\
         {signature}</wsse:Security>"
    );
    let mut edits = Edits::default();
    match (envelope.security, envelope.header) {
        (Some(old), _) => edits.replace(old.span(), security),
        (None, Some(header)) if header.is_self_closing() => {
            let end = header.span().end;
            let mark = Span { start: end.saturating_sub(2), end };
            edits.replace(mark, format!(">{security}</{}>", header.name()));
        }
        (None, Some(header)) => edits.insert(header.content().start, security),
        (None, None) => {
            let name = match prefix {
                "" => String::from("Header"),
                prefix => format!("{prefix}:Header"),
            };
            let start = envelope.root.content().start;
            edits.insert(start, format!("<{name}>{security}</{name}>"));
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::soap::SOAP11;

    fn id_after(head: &str, body: &str) -> Option<String> {
        let source = format!(
            "<s:Envelope xmlns:s=\"{SOAP11}\" {head}><s:Body {body}><a/></s:Body></s:Envelope>"
        );
        let document = Document::scan(source.as_bytes(), &LIMITS).unwrap();
        let marked = marked(document.root()).apply(source.as_bytes());
        let document = Document::scan(&marked, &LIMITS).unwrap();
        usable_id(Envelope::read(&document).unwrap().body, None)
    }

    #[test]
    fn what_was_marked_is_signed_as_it_stands() {
        let own = format!("xmlns:wsu=\"{WSU}\"");
        for (head, body) in [("", ""), (&*own, ""), ("", &*own), ("xmlns:wsu=\"urn:other\"", "")] {
            let id = id_after(head, body).unwrap();
            assert!(id.starts_with("id-"), "{head} {body}: {id}");
        }
        // Whoever has an id keeps it.
        assert_eq!(id_after(&own, "wsu:Id=\"B1\"").as_deref(), Some("B1"));
    }
}
