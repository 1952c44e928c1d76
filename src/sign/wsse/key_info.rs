//! From `ds:KeyInfo` to the signer's certificate: five forms, exactly one of them, nothing remote.

use crate::config::settings::BoundCertificate;
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::name::Name;
use crate::sign::trust::Link;
use crate::sign::xmldsig::{bytes_of, unexpected};
use crate::sign::{Reason, Refusal};
use qaqpa_kit::soap::{DS, WSSE};
use qaqpa_kit::xml::Element;
use std::sync::Arc;

/// `ValueType` of one X.509 certificate (X.509 Token Profile 1.1 §3.1.1).
pub(super) const X509V3: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
/// `ValueType` of a subject key identifier (X.509 Token Profile 1.1 §3.2.1).
const KEY_ID: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier";
/// `EncodingType` of base64, the only one.
pub(super) const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// Certificates that one `X509Data` may hold: the signer's and the authorities above it.
const CHAIN_MAX: usize = 8;
/// Namespace of XML Signature 1.1, home of `KeyInfoReference`.
const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

/// How KeyInfo names the certificate.
pub(in crate::sign) enum Hint<'d> {
    /// Base64 DER stands in this element (form A).
    Inside(Element<'d>),
    /// An `X509Data` with the certificate (form C), and whatever else it says of it.
    Data(Element<'d>),
    /// Issuer and serial number of a certificate known beforehand (form B).
    Issued(Element<'d>),
    /// The subject key identifier of a certificate known beforehand, in base64.
    KeyId(Element<'d>),
    /// A `BinarySecurityToken` with this id (form D); the offset is the reference's.
    Token(String, usize),
}

/// Reads which form stands in a KeyInfo.
///
/// # Errors
/// `keyinfo_ambiguous`, `key_type_forbidden`, `remote_reference_forbidden`, `wrong_namespace`.
pub(in crate::sign) fn read(key_info: Element<'_>) -> Result<Hint<'_>, Refusal> {
    let child = only(key_info)?;
    match (child.namespace(), child.local()) {
        (DS, "X509Data") => x509_data(child),
        (WSSE, "SecurityTokenReference") => token_reference(child),
        _ => Err(forbidden(child)),
    }
}

fn token_reference(reference: Element<'_>) -> Result<Hint<'_>, Refusal> {
    let child = only(reference)?;
    match (child.namespace(), child.local()) {
        (DS, "X509Data") => x509_data(child),
        (WSSE, "KeyIdentifier") => {
            let is_key_id =
                child.attribute("", "ValueType").is_some_and(|kind| kind.value() == KEY_ID);
            check_types(child, if is_key_id { KEY_ID } else { X509V3 }, true)?;
            Ok(if is_key_id { Hint::KeyId(child) } else { Hint::Inside(child) })
        }
        (WSSE, "Reference") => {
            check_types(child, X509V3, false)?;
            let uri = child.attribute("", "URI").map(|uri| uri.value());
            match uri.as_deref().and_then(|uri| uri.strip_prefix('#')) {
                Some(id) => Ok(Hint::Token(id.to_owned(), child.span().start)),
                None => Err(Reason::RemoteReferenceForbidden.at(child.span().start)),
            }
        }
        _ => Err(forbidden(child)),
    }
}

/// The certificate itself, or its issuer and serial number or its key id alone.
fn x509_data(data: Element<'_>) -> Result<Hint<'_>, Refusal> {
    if data.child_of(DS, "X509Certificate").is_some() {
        return Ok(Hint::Data(data));
    }
    let child = only(data)?;
    match (child.namespace(), child.local()) {
        (DS, "X509IssuerSerial") => Ok(Hint::Issued(child)),
        (DS, "X509SKI") => Ok(Hint::KeyId(child)),
        _ => Err(forbidden(child)),
    }
}

/// The signer's certificate in an `X509Data` (XMLDSig §4.5.4): the one, or the end of the one chain; and
/// whatever else stands there is true of it.
///
/// # Errors
/// `keyinfo_ambiguous` where another certificate could be meant, `key_type_forbidden` for a CRL and what
/// else we do not know, and what is against the certificate.
pub(in crate::sign) fn of_data(
    data: Element<'_>,
    cache: &CertificateCache,
) -> Result<Arc<Certificate>, Refusal> {
    let is_certificate = |child: &Element<'_>| child.is(DS, "X509Certificate");
    let written: Vec<_> = data.children().filter(is_certificate).collect();
    let certificate = match written[..] {
        [one] => inside(one, cache)?,
        _ => end_of_chain(&written, cache)?,
    };
    // xmlsec1 leaves elements of its template empty: they say nothing.
    let says_something =
        |child: &Element<'_>| child.children().next().is_some() || !child.text().trim().is_empty();
    let others = data.children().filter(|child| !is_certificate(child));
    for child in others.filter(says_something) {
        let at = child.span().start;
        let is_true = match (child.namespace(), child.local()) {
            (DS, "X509IssuerSerial") => {
                let (issuer, serial) = issuer_serial(child)?;
                certificate.is_issued_as(&issuer, &serial)
            }
            (DS, "X509SubjectName") => Name::parse(&text_of(child)?)
                .zip(Name::parse(certificate.subject()))
                .is_some_and(|(said, own)| said.matches(&own)),
            (DS, "X509SKI") => {
                let link = link(&certificate, at)?;
                link.key_id.is_some_and(|own| bytes_of(child).is_ok_and(|said| said == own))
            }
            _ => return Err(forbidden(child)),
        };
        if !is_true {
            return Err(Reason::KeyinfoAmbiguous.at(at));
        }
    }
    Ok(certificate)
}

/// Of several certificates the one that is no authority's, where the others are its chain.
fn end_of_chain(
    written: &[Element<'_>],
    cache: &CertificateCache,
) -> Result<Arc<Certificate>, Refusal> {
    let at = written.get(1).map_or(0, |second| second.span().start);
    let ambiguous = Reason::KeyinfoAmbiguous.at(at);
    if written.len() > CHAIN_MAX {
        return Err(ambiguous);
    }
    let mut end = None;
    let mut authorities = Vec::new();
    for element in written {
        let der = bytes_of(*element)?;
        let read = Link::read(&der).map_err(|_| Reason::CertMalformed.at(element.span().start))?;
        match read.is_ca {
            true => authorities.push(read),
            false if end.replace((*element, read)).is_some() => return Err(ambiguous),
            false => {}
        }
    }
    let (element, mut below) = end.ok_or(ambiguous)?;
    while !authorities.is_empty() {
        let above = authorities.iter().position(|authority| below.is_named_below(authority));
        below = authorities.swap_remove(above.ok_or(ambiguous)?);
    }
    inside(element, cache)
}

fn link(certificate: &Certificate, at: usize) -> Result<Link, Refusal> {
    Link::read(certificate.der()).map_err(|_| Reason::CertMalformed.at(at))
}

/// One way to the key: a second one could name another key to another reader.
fn only(parent: Element<'_>) -> Result<Element<'_>, Refusal> {
    let mut children = parent.children();
    match (children.next(), children.next()) {
        (Some(child), None) => Ok(child),
        (Some(_), Some(second)) => Err(Reason::KeyinfoAmbiguous.at(second.span().start)),
        (None, _) => Err(Reason::SignatureIncomplete.at(parent.span().start)),
    }
}

fn forbidden(element: Element<'_>) -> Refusal {
    let is_remote = matches!(
        (element.namespace(), element.local()),
        (DS, "RetrievalMethod") | (DSIG11, "KeyInfoReference")
    );
    let is_displaced = matches!(
        element.local(),
        "X509Data" | "SecurityTokenReference" | "KeyIdentifier" | "X509Certificate"
    ) && !matches!(element.namespace(), DS | WSSE);
    let reason = if is_remote {
        Reason::RemoteReferenceForbidden
    } else if is_displaced {
        Reason::WrongNamespace
    } else {
        Reason::KeyTypeForbidden
    };
    reason.at(element.span().start)
}

/// Refuses a token that is no single certificate in base64 (a PKIPath, a thumbprint …).
pub(super) fn check_types(
    token: Element<'_>,
    wanted: &str,
    needs_type: bool,
) -> Result<(), Refusal> {
    let refused = Reason::KeyTypeForbidden.at(token.span().start);
    match token.attribute("", "ValueType") {
        Some(kind) if kind.value() != wanted => return Err(refused),
        None if needs_type => return Err(refused),
        _ => {}
    }
    match token.attribute("", "EncodingType") {
        Some(encoding) if encoding.value() != BASE64 => Err(refused),
        _ => Ok(()),
    }
}

/// The certificate in an element's base64.
pub(super) fn inside(
    element: Element<'_>,
    cache: &CertificateCache,
) -> Result<Arc<Certificate>, Refusal> {
    cache.parse(&bytes_of(element)?).map_err(|reason| reason.at(element.span().start))
}

/// The one known certificate that an `X509IssuerSerial` names.
pub(super) fn issued(
    element: Element<'_>,
    known: &[BoundCertificate],
    cache: &CertificateCache,
) -> Result<Arc<Certificate>, Refusal> {
    let (issuer, serial) = issuer_serial(element)?;
    let is_it = |one: &Certificate| one.is_issued_as(&issuer, &serial);
    only_known(known, cache, is_it).map_err(|reason| reason.at(element.span().start))
}

/// The one known certificate that a subject key identifier names (RFC 5280 §4.2.1.2): its own extension,
/// byte for byte. НУЦ certificates have ids that are no digest, so none is computed.
pub(super) fn of_key_id(
    element: Element<'_>,
    known: &[BoundCertificate],
    cache: &CertificateCache,
) -> Result<Arc<Certificate>, Refusal> {
    let id = bytes_of(element)?;
    let is_it = |one: &Certificate| one.key_id() == Some(&id[..]);
    only_known(known, cache, is_it).map_err(|reason| reason.at(element.span().start))
}

fn only_known(
    known: &[BoundCertificate],
    cache: &CertificateCache,
    is_it: impl Fn(&Certificate) -> bool,
) -> Result<Arc<Certificate>, Reason> {
    let mut named: Vec<_> = known
        .iter()
        .filter_map(|bound| cache.parse(bound.der.as_deref()?).ok())
        .filter(|certificate| is_it(certificate))
        .collect();
    named.sort_by_key(|certificate| certificate.sha256());
    named.dedup_by_key(|certificate| certificate.sha256());
    match (named.pop(), named.pop()) {
        (Some(certificate), None) => Ok(certificate),
        (Some(_), Some(_)) => Err(Reason::KeyinfoAmbiguous),
        (None, _) => Err(Reason::CertUnknown),
    }
}

fn issuer_serial(element: Element<'_>) -> Result<(Name, String), Refusal> {
    let mut children = element.children();
    let (Some(issuer), Some(serial), None) = (children.next(), children.next(), children.next())
    else {
        return Err(Reason::KeyinfoAmbiguous.at(element.span().start));
    };
    for (part, local) in [(issuer, "X509IssuerName"), (serial, "X509SerialNumber")] {
        if !part.is(DS, local) {
            return Err(unexpected(part));
        }
    }
    let name = Name::parse(&text_of(issuer)?);
    Ok((name.ok_or(Reason::CertUnknown.at(issuer.span().start))?, text_of(serial)?))
}

fn text_of(element: Element<'_>) -> Result<String, Refusal> {
    match element.plain_text() {
        Ok(text) => Ok(text.into_owned()),
        Err(error) => Err(Reason::UnexpectedNodeInValue.at(error.at)),
    }
}
