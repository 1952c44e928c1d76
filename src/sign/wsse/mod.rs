//! WS-Security: verifying that a certificate signed exactly this Body, and signing one.
//!
//! Source: OASIS SOAP Message Security 1.1 and X.509 Token Profile, narrowed to what the ШЭП's
//! participants use (facts: gateway-protocols §4.1). A reference counts only when the node that its
//! id names is the very node that the structure puts there.

pub(super) mod ids;
pub(super) mod key_info;
mod seal;
mod timestamp;

pub use seal::{SignError, marked, sign, sign_spliced};

use super::algorithm::{Family, SignatureAlgorithm};
use super::certificate::{Certificate, CertificateCache};
use super::reason::{Reason, Refusal};
use super::xmldsig::{Profile, Reference, Signature, unexpected};
use crate::config::settings::BoundCertificate;
use key_info::Hint;
use qaqpa_kit::soap::{DS, Envelope, WSSE, WSU};
use qaqpa_kit::xml::Element;
use std::sync::Arc;

/// A verified signature: who signed, and that the Body (and what else) is what was signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The signer's certificate; whether it is believed is [`super::Trust::judge`]'s question.
    pub certificate: Arc<Certificate>,
    pub family: Family,
    pub algorithm: SignatureAlgorithm,
    /// The signature covers a `wsu:Timestamp` that is fresh.
    pub covers_timestamp: bool,
    /// The signature covers its own `wsse:BinarySecurityToken`.
    pub covers_token: bool,
}

/// Verifies the signature of an envelope over its Body.
///
/// `known` are certificates that a KeyInfo may name by issuer and serial number alone. Trust in the
/// certificate and its binding to the sender are not judged here.
///
/// # Errors
/// The first reason against it, with the byte offset; in the order structure, key, digests, value,
/// freshness, so that a flood of forgeries costs no public-key operation.
pub fn verify(
    envelope: &Envelope<'_>,
    known: &[BoundCertificate],
    certificates: &CertificateCache,
    now_unix_s: i64,
) -> Result<Signed, Refusal> {
    let security =
        envelope.security.ok_or_else(|| Reason::SignatureMissing.at(envelope.root.span().start))?;
    let header = Header::read(security)?;
    let signature = Signature::read(header.signature, Profile::Transport)?;
    let hint = key_info::read(signature.key_info)?;
    let targets = Targets::resolve(envelope, &header, &signature.references, &hint)?;
    let certificate = match &hint {
        Hint::Inside(element) => key_info::inside(*element, certificates)?,
        Hint::Data(data) => key_info::of_data(*data, certificates)?,
        Hint::Issued(element) => key_info::issued(*element, known, certificates)?,
        Hint::KeyId(element) => key_info::of_key_id(*element, known, certificates)?,
        Hint::Token(_, at) => {
            let token = header.token.ok_or(Reason::RefUnresolved.at(*at))?;
            key_info::check_types(token, key_info::X509V3, true)?;
            key_info::inside(token, certificates)?
        }
    };
    if certificate.family() != signature.algorithm.family() {
        return Err(Reason::AlgKeyMismatch.at(signature.element.span().start));
    }
    for (reference, target) in signature.references.iter().zip(&targets.elements) {
        reference.check(*target)?;
    }
    signature.check_value(&certificate)?;
    if let Some(timestamp) = header.timestamp {
        timestamp::check(timestamp, now_unix_s)?;
    }
    Ok(Signed {
        family: certificate.family(),
        algorithm: signature.algorithm,
        covers_timestamp: targets.covers(header.timestamp),
        covers_token: targets.covers(header.token),
        certificate,
    })
}

/// The children of `wsse:Security`: one Signature, at most one Timestamp and one token.
struct Header<'d> {
    signature: Element<'d>,
    timestamp: Option<Element<'d>>,
    token: Option<Element<'d>>,
}

impl<'d> Header<'d> {
    fn read(security: Element<'d>) -> Result<Self, Refusal> {
        let (mut signature, mut timestamp, mut token) = (None, None, None);
        let is_signature = |child: &Element<'d>| child.is(DS, "Signature");
        if !security.children().any(|child| is_signature(&child)) {
            return Err(Reason::SignatureMissing.at(security.span().start));
        }
        for child in security.children() {
            let (slot, twice) = match (child.namespace(), child.local()) {
                (DS, "Signature") => (&mut signature, Reason::SignatureCount),
                (WSU, "Timestamp") => (&mut timestamp, Reason::DuplicateTimestamp),
                (WSSE, "BinarySecurityToken") => (&mut token, Reason::KeyinfoAmbiguous),
                _ => return Err(unexpected(child)),
            };
            if slot.replace(child).is_some() {
                return Err(twice.at(child.span().start));
            }
        }
        let signature = signature.ok_or(Reason::SignatureMissing.at(security.span().start))?;
        Ok(Self { signature, timestamp, token })
    }
}

/// What the references name, in their order.
struct Targets<'d> {
    elements: Vec<Element<'d>>,
}

impl<'d> Targets<'d> {
    fn resolve(
        envelope: &Envelope<'d>,
        header: &Header<'d>,
        references: &[Reference<'_>],
        hint: &Hint<'_>,
    ) -> Result<Self, Refusal> {
        let mut wanted: Vec<(&str, usize)> =
            references.iter().map(|reference| (&*reference.id, reference.at)).collect();
        if let Hint::Token(id, at) = hint {
            wanted.push((id, *at));
        }
        let names: Vec<&str> = wanted.iter().map(|(id, _)| *id).collect();
        let found = ids::find(envelope.root.document(), &names);
        let mut elements = Vec::with_capacity(wanted.len());
        for (found, (_, at)) in found.iter().zip(&wanted) {
            let element = match found.element {
                Some(_) if found.count > 1 => return Err(Reason::DuplicateId.at(*at)),
                Some(element) if found.is_exact => element,
                _ => return Err(Reason::RefUnresolved.at(*at)),
            };
            check_place(element, envelope.body, header).map_err(|reason| reason.at(*at))?;
            if !found.is_known_attribute {
                return Err(Reason::WrongNamespace.at(*at));
            }
            elements.push(element);
        }
        // The last one is where KeyInfo points; it signs nothing.
        let pointed = elements.split_off(references.len()).pop();
        let targets = Self { elements };
        targets.check_cover(envelope.body, header)?;
        let is_token_used = header.token.is_none() || pointed == header.token;
        if pointed.is_some() && pointed != header.token || !is_token_used {
            return Err(Reason::KeyinfoAmbiguous.at(header.signature.span().start));
        }
        Ok(targets)
    }

    /// Body signed, no element twice, no Timestamp unsigned.
    fn check_cover(&self, body: Element<'d>, header: &Header<'d>) -> Result<(), Refusal> {
        let at = header.signature.span().start;
        let is_twice = |(index, element): (usize, &Element<'d>)| {
            self.elements.get(..index).is_some_and(|before| before.contains(element))
        };
        if self.elements.iter().enumerate().any(is_twice) {
            return Err(Reason::DuplicateReference.at(at));
        }
        if !self.elements.contains(&body) {
            return Err(Reason::BodyNotSigned.at(at));
        }
        match header.timestamp {
            Some(timestamp) if !self.covers(Some(timestamp)) => {
                Err(Reason::TimestampNotSigned.at(timestamp.span().start))
            }
            _ => Ok(()),
        }
    }

    fn covers(&self, element: Option<Element<'_>>) -> bool {
        element.is_some_and(|element| self.elements.iter().any(|one| one.id() == element.id()))
    }
}

/// The element that an id names must be one of the three, in its place.
fn check_place(element: Element<'_>, body: Element<'_>, header: &Header<'_>) -> Result<(), Reason> {
    let places = [Some(body), header.timestamp, header.token];
    if places.into_iter().flatten().any(|place| place == element) {
        return Ok(());
    }
    if element.is(WSU, "Timestamp") && header.timestamp.is_some() {
        return Err(Reason::TimestampNotSigned);
    }
    Err(Reason::RefTargetNotBody)
}
