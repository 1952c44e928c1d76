//! CMS SignedData (RFC 5652) as CAdES-BES and -T (RFC 5126): who signed these bytes, and when at the latest.
//!
//! Every signature must bear signed attributes that name its content, its digest and the signer's
//! certificate (`signingCertificateV2`, RFC 5035), so that no other certificate can be put beside it; of
//! signatures by the country's keys the last is not demanded, because the НУЦ's own library leaves it out.

mod attributes;
pub mod ber;
mod seal;
pub mod stamp;

pub use seal::{SignCmsError, sign, values, with_stamp};
pub use stamp::Stamp;

use super::algorithm::{DigestAlgorithm, Family, SignatureAlgorithm};
use super::certificate::{Certificate, CertificateCache};
use super::{Reason, ecdsa};
use attributes::Attributes;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _, Tagged as _};
use std::sync::Arc;

/// Longest CMS that is read, content included.
pub const CMS_BYTES_MAX: usize = 16 << 20;
/// Signatures and certificates that one CMS may hold.
pub const SIGNERS_MAX: usize = 8;
pub const CERTIFICATES_MAX: usize = 16;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-signedData.
const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
/// id-data.
const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");

/// One valid signature of a CMS.
#[derive(Clone, Debug)]
pub struct CmsSignature {
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
    /// What the signer says of the time; proves nothing.
    pub claimed_at_unix_s: Option<i64>,
    /// A timestamp over the signature (CAdES-T), verified but for the trust in its authority.
    pub stamp: Option<Stamp>,
}

/// What a CMS says.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The content, where the CMS holds it.
    pub content: Option<Vec<u8>>,
    /// At least one.
    pub signatures: Vec<CmsSignature>,
}

/// Verifies a CMS over its own content, or over `detached`. `known` are certificates that it may name
/// without bringing them.
///
/// # Errors
/// `cms_malformed`; `content_missing` or `content_ambiguous` where there is none or two; and the first
/// reason against a signature: one that is wrong spoils all.
pub fn verify(
    source: &[u8],
    detached: Option<&[u8]>,
    known: &[Arc<Certificate>],
    certificates: &CertificateCache,
) -> Result<Verified, Reason> {
    let mut read = Read::parse(source, DATA)?;
    read.certificates.extend(known.iter().map(|certificate| certificate.der().to_vec()));
    let content = match (&read.content, detached) {
        (Some(_), Some(_)) => return Err(Reason::ContentAmbiguous),
        (None, None) => return Err(Reason::ContentMissing),
        (Some(own), None) => own,
        (None, Some(detached)) => detached,
    };
    let signatures = read.signatures(content, certificates)?;
    Ok(Verified { content: read.content, signatures })
}

/// A parsed SignedData and the bytes that it came as.
struct Read<'s> {
    source: &'s [u8],
    content_type: ObjectIdentifier,
    content: Option<Vec<u8>>,
    certificates: Vec<Vec<u8>>,
    signers: Vec<SignerInfo>,
}

impl<'s> Read<'s> {
    fn parse(source: &'s [u8], content_type: ObjectIdentifier) -> Result<Self, Reason> {
        if source.len() > CMS_BYTES_MAX {
            return Err(Reason::CmsMalformed);
        }
        let malformed = |_| Reason::CmsMalformed;
        let definite = ber::definite(source)?;
        let info = ContentInfo::from_der(&definite).map_err(malformed)?;
        if info.content_type != SIGNED_DATA {
            return Err(Reason::CmsMalformed);
        }
        let data: SignedData = info.content.decode_as().map_err(malformed)?;
        let inside = data.encap_content_info;
        let content = match inside.econtent {
            Some(any) if any.tag() == der::Tag::OctetString => Some(any.value().to_vec()),
            Some(_) => return Err(Reason::CmsMalformed),
            None => None,
        };
        let mut certificates = Vec::new();
        for choice in data.certificates.into_iter().flat_map(|set| set.0.into_vec()) {
            let CertificateChoices::Certificate(certificate) = choice else {
                return Err(Reason::CmsMalformed);
            };
            certificates.push(certificate.to_der().map_err(malformed)?);
        }
        let signers = data.signer_infos.0.into_vec();
        let is_counted = (1..=SIGNERS_MAX).contains(&signers.len());
        if inside.econtent_type != content_type
            || !is_counted
            || certificates.len() > CERTIFICATES_MAX
        {
            return Err(Reason::CmsMalformed);
        }
        Ok(Self { source, content_type, content, certificates, signers })
    }

    fn signatures(
        &self,
        content: &[u8],
        certificates: &CertificateCache,
    ) -> Result<Vec<CmsSignature>, Reason> {
        self.signers.iter().map(|signer| self.signature(signer, content, certificates)).collect()
    }

    fn signature(
        &self,
        signer: &SignerInfo,
        content: &[u8],
        certificates: &CertificateCache,
    ) -> Result<CmsSignature, Reason> {
        let digest = DigestAlgorithm::from_oid(signer.digest_alg.oid);
        let digest = digest.ok_or(Reason::AlgForbidden)?;
        let algorithm = SignatureAlgorithm::from_oid(signer.signature_algorithm.oid, digest)
            .ok_or(Reason::AlgForbidden)?;
        let attributes = signer.signed_attrs.as_ref().ok_or(Reason::SignedAttributeMissing)?;
        let message = attributes.to_der().map_err(|_| Reason::CmsMalformed)?;
        // RFC 5652 §5.4: signed as a SET, sent as [0]; in DER both ways, or two readers differ.
        let sent: Vec<u8> = std::iter::once(0xa0).chain(message.iter().skip(1).copied()).collect();
        if memchr::memmem::find(self.source, &sent).is_none() {
            return Err(Reason::AttributesNotDer);
        }
        let attributes = Attributes::read(attributes)?;
        let certificate = self.certificate(&signer.sid, certificates)?;
        attributes.check(self.content_type, &certificate)?;
        if certificate.family() != algorithm.family() {
            return Err(Reason::AlgKeyMismatch);
        }
        if digest.digest(content).as_ref() != attributes.message_digest {
            return Err(Reason::DigestMismatch);
        }
        let value = signer.signature.as_bytes();
        let key = certificate.key();
        match algorithm.family() {
            Family::Ecdsa => {
                key.verify(algorithm, &message, &ecdsa::fixed(key.algorithm(), value)?)?;
            }
            _ => key.verify(algorithm, &message, value)?,
        }
        let stamp = match &signer.unsigned_attrs {
            Some(unsigned) => stamp::find(unsigned, value, certificates)?,
            None => None,
        };
        let claimed_at_unix_s = attributes.signing_time_unix_s;
        Ok(CmsSignature { certificate, algorithm, claimed_at_unix_s, stamp })
    }

    /// The one certificate that a SignerIdentifier names.
    fn certificate(
        &self,
        sid: &SignerIdentifier,
        cache: &CertificateCache,
    ) -> Result<Arc<Certificate>, Reason> {
        let mut named = Vec::new();
        for der in &self.certificates {
            let parsed = x509_cert::Certificate::from_der(der)?;
            let body = &parsed.tbs_certificate;
            let is_it = match sid {
                SignerIdentifier::IssuerAndSerialNumber(name) => {
                    body.issuer == name.issuer && body.serial_number == name.serial_number
                }
                SignerIdentifier::SubjectKeyIdentifier(id) => {
                    let own = body.get::<x509_cert::ext::pkix::SubjectKeyIdentifier>()?;
                    own.is_some_and(|(_, own)| own.0 == id.0)
                }
            };
            if is_it && !named.contains(&der) {
                named.push(der);
            }
        }
        match named[..] {
            [der] => cache.parse(der),
            [] => Err(Reason::SignerCertificateMissing),
            _ => Err(Reason::KeyinfoAmbiguous),
        }
    }
}
